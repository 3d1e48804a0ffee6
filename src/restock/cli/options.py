"""Arguments and options that commands share, with their help."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

__all__ = ["DataOption", "JsonOption", "PresetOption", "ProjectArgument"]

ProjectArgument: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="PROJECT",
        help="The project's folder, the one with restock.toml.",
        show_default="the current folder",
    ),
]

DataOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FILE",
        help="A file in the form --preset, or without preset a folder of tables.",
        show_default=False,
    ),
]

PresetOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--preset",
        metavar="NAME",
        help="The form that --data is in, such as online-retail.",
        show_default=False,
    ),
]

JsonOption: TypeAlias = Annotated[
    bool,
    typer.Option("--json", help="Print JSON on stdout; progress and messages stay on stderr."),
]
