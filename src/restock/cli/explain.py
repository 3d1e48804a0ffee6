"""``restock explain``: why one product is ordered, or not."""

from pathlib import Path
from typing import Annotated

import typer

from restock.cli.options import JsonOption, ProjectArgument

__all__ = ["explain"]

_STEPS = (
    ("expected_demand", "expected demand until the next order can arrive"),
    ("safety", "+ safety"),
    ("target", "= target"),
    ("on_hand", "− on hand"),
    ("on_order", "− on order"),
    ("backlog", "+ backlog"),
    ("need", "= need, never below 0"),
    ("rounding", "+ rounding to cases, minimum and capacity"),
    ("quantity", "= quantity"),
)


def explain(
    product: Annotated[str, typer.Argument(help="The product's id.", show_default=False)],
    project: ProjectArgument = Path(),
    *,
    as_json: JsonOption = False,
) -> None:
    """Show the waterfall of one product's order, exact to the unit, and its sentence.

    For example:

    - restock explain D001 my-shop
    - restock explain D001 --json
    """
    from restock.cli.screen import print_json, print_table, print_text
    from restock.cli.todays import todays_proposals
    from restock.planning import Project, only_product

    line = only_product(todays_proposals(Project(project)), product)
    if as_json:
        print_json(line)
        return
    name = f" {line['name']}" if line["name"] else ""
    print_text(f"{product}{name}, from {line['supplier']}")
    print_table(("step", "units"), [(words, f"{line[step]:,}") for step, words in _STEPS])
    print_text(str(line["reason"]))
