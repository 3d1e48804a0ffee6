"""``restock propose``: today's purchase orders."""

from pathlib import Path

from restock.cli.options import JsonOption, ProjectArgument

__all__ = ["propose"]

_SHOWN = 15


def propose(project: ProjectArgument = Path(), *, as_json: JsonOption = False) -> None:
    """Propose today's orders, each with its exact waterfall and its reason.

    Writes proposals.csv into runs/propose. The rule is `rule` of restock.toml; the learned one
    is the policy that `restock train` wrote, and is refused when the products, lead times or
    settings that it was trained for have changed.

    For example:

    - restock propose my-shop
    - restock propose my-shop --json
    """
    from restock.cli.places import check_writable
    from restock.cli.screen import print_json, print_table, print_text
    from restock.cli.todays import todays_proposals
    from restock.planning import Project
    from restock.reporting import proposals_csv, proposals_report, write_together

    opened = Project(project)
    file = opened.runs / "propose" / "proposals.csv"
    check_writable(file.parent)
    proposals = todays_proposals(opened)
    write_together({file: proposals_csv(proposals)})
    report = proposals_report(proposals)
    if as_json:
        print_json({**report, "file": file, "proposals": proposals.table.to_dicts()})
        return
    top = proposals.table.head(min(_SHOWN, proposals.lines))
    if proposals.lines:
        print_table(
            ("product", "name", "supplier", "expected", "quantity", "cases", "cost", "cover days"),
            [
                (
                    row["product"],
                    row["name"],
                    row["supplier"],
                    str(row["expected_receipt"]),
                    f"{row['quantity']:,}",
                    f"{row['cases']:,}",
                    f"{row['cost']:,.2f}",
                    f"{row['cover_days']:.0f}",
                )
                for row in top.iter_rows(named=True)
            ],
            texts=4,
        )
    more = f" The {top.height} dearest are shown." if proposals.lines > top.height else ""
    print_text(
        f"{proposals.lines} of {proposals.table.height} products to order by rule"
        f" '{proposals.rule}', {report['units']:,} units for {proposals.total_cost:,.2f}.{more}"
    )
    if proposals.stock_is_assumed:
        print_text("Stock is assumed, as table stock is missing: see opening_cover_days.")
    print_text(f"Written: {file}")
    print_text("`restock explain PRODUCT` shows why.")
