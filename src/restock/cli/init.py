"""``restock init``: a project folder to begin with."""

from pathlib import Path
from typing import Annotated

import typer

from restock.cli.options import JsonOption

__all__ = ["init"]


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make.", show_default=False)],
    *,
    demo: Annotated[
        bool, typer.Option("--demo", help="Fill it with the tables of a generated company.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a project: restock.toml with every setting explained, and data/ for the tables.

    Templates of all tables lie in data/templates. A folder that holds anything is left alone.

    For example:

    - restock init my-shop
    - restock init demo-shop --demo
    """
    from restock.cli.screen import print_json, print_text
    from restock.planning import ProjectSettings, create_project, demo_company_config

    company = demo_company_config() if demo else None
    files = create_project(folder, ProjectSettings(name=folder.absolute().name), company)
    if as_json:
        print_json({"folder": folder, "files": files})
        return
    print_text(f"Made {folder} with {len(files)} files; its settings are in restock.toml.")
    if demo:
        print_text(f"Next: `restock train {folder}`, then `restock propose {folder}`.")
        return
    print_text(f"Next: put at least sales.csv or orders.csv into {folder / 'data'} (the columns")
    print_text(f"      are in data/templates and docs/tables.md), then `restock check {folder}`.")
