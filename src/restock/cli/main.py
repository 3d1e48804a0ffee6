"""The command ``restock``: its subcommands, its version and its help."""

from typing import Annotated

import typer

from restock import __version__
from restock.cli.backtest import backtest
from restock.cli.check import check
from restock.cli.demo import demo
from restock.cli.door import Door
from restock.cli.explain import explain
from restock.cli.forecast import forecast
from restock.cli.init import init
from restock.cli.propose import propose
from restock.cli.study import study
from restock.cli.train import train

__all__ = ["app", "main"]

app = typer.Typer(
    name="restock",
    cls=Door,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> bool:  # noqa: FBT001 - typer calls it
    if asked:
        typer.echo(f"restock {__version__}")
        raise typer.Exit
    return asked


@app.callback()
def main(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and leave."
        ),
    ] = False,
) -> None:
    """Decide what to reorder today, with policies that are learned and checked.

    A project is a folder: restock.toml (settings), data/ (the company's tables), runs/
    (everything made). Start with `restock demo`, or `restock init my-shop`.

    Exit codes: 0 done, 1 rows to quarantine (check --strict), 2 input or settings cannot be used,
    130 interrupted.
    """


for command in (demo, init, check, forecast, train, backtest, propose, explain, study):
    app.command()(command)

if __name__ == "__main__":
    app(prog_name="restock")
