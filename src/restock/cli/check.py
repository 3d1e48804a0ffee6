"""``restock check``: what became of every row of the input, and why."""

from pathlib import Path
from typing import Annotated

import typer

from restock.cli.options import DataOption, JsonOption, PresetOption, ProjectArgument

__all__ = ["check"]


def check(
    project: ProjectArgument = Path(),
    data: DataOption = None,
    preset: PresetOption = "",
    *,
    strict: Annotated[
        bool, typer.Option("--strict", help="Leave with exit code 1 if a row is quarantined.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read the tables, set bad rows aside and report what was found.

    Writes quality.json, quality.txt and quarantine.csv (row number, value, rule, remedy) into the
    project's runs/check; with --data into runs/check of the current folder.

    For example:

    - restock check my-shop
    - restock check --data online_retail.csv --preset online-retail --strict
    """
    import json

    from restock.cli.places import check_writable
    from restock.cli.progress import show_progress
    from restock.cli.screen import print_json, print_text
    from restock.planning import Project, demo_settings, read_records
    from restock.reporting import write_together

    if data is not None or preset:
        source, base, runs = demo_settings(data, preset).data, Path(), Path("runs")
    else:
        opened = Project(project)
        source, base, runs = opened.settings.data, opened.folder, opened.runs
    folder = runs / "check"
    check_writable(folder)
    with show_progress() as tell:
        tell("check", "reading the records", 0.0)
        records = read_records(source, base)
        tell("check", "check", 1.0)
    report = records.quality
    tree = {**report.to_dict(), "rows_quarantined": report.rows_quarantined}
    files = {
        folder / "quality.json": f"{json.dumps(tree, indent=2, ensure_ascii=False)}\n",
        folder / "quality.txt": f"{report}\n",
        folder / "quarantine.csv": records.quarantine.write_csv(),
    }
    write_together(files)
    if as_json:
        print_json(tree)
    else:
        print_text(str(report))
        print_text(f"\nWritten: {', '.join(str(file) for file in files)}")
    if strict and report.rows_quarantined:
        raise typer.Exit(1)
