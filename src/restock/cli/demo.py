"""``restock demo``: the whole job on one example, from records to today's orders."""

from pathlib import Path
from typing import Annotated

import typer

from restock.cli.options import DataOption, JsonOption, PresetOption

__all__ = ["demo"]


def demo(
    data: DataOption = None,
    preset: PresetOption = "",
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Where the results go.")
    ] = Path("runs/demo"),
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer products, a simpler forecast, less training.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the whole job on a generated company, or on real data.

    Check, forecast, train, backtest and propose; then write report.html, summary.json and
    proposals.csv. Interrupted, the next run goes on from the last checkpoint.

    For example:

    - restock demo
    - restock demo --quick --out /tmp/demo
    - restock demo --data online_retail.parquet --preset online-retail
    """
    import shutil
    import time

    from restock.cli.places import check_writable
    from restock.cli.progress import show_progress
    from restock.cli.screen import print_json, print_text
    from restock.cli.threads import use_one_torch_thread
    from restock.planning import Planner, demo_records, demo_settings
    from restock.reporting import deliver, standing, summary

    check_writable(out)
    use_one_torch_thread()
    settings = demo_settings(data, preset, quick=quick)
    work = out / "work"
    with show_progress() as tell:
        started = time.perf_counter()
        tell("check", "making a company" if data is None else f"reading {data}", 0.0)
        records = demo_records(settings, quick=quick)
        seconds = time.perf_counter() - started
        tell("check", "check", 1.0)
        planner = Planner(settings, records, work, tell)
        planner.seconds["check"] = seconds
        plan = planner.run()
        tell("report", "writing the report", 0.0)
        delivery = deliver(plan, out)
        tell("report", "report", 1.0)
    shutil.rmtree(work, ignore_errors=True)
    if as_json:
        files = {"report": delivery.report, "proposals": delivery.proposals}
        print_json({**summary(plan), "files": files})
        return
    proposals = plan.proposals
    print_text(standing(plan.comparison).sentence)
    if quick:
        print_text(
            "This was the quick demo, with too little training to judge by; leave --quick out."
        )
    print_text(
        f"Today: {proposals.lines} of {proposals.table.height} products to order, for"
        f" {proposals.total_cost:,.2f}."
    )
    print_text(f"\n  {delivery.report}  the report, open it in a browser")
    print_text(f"  {delivery.proposals}  today's orders, each with its reason")
    print_text(f"  {delivery.summary}  all figures, for programs")
    print_text("\nNext: `restock init my-shop` makes a project for your own tables;")
    print_text("      `restock init my-shop --demo` one that holds the demo company.")
