"""``restock study``: is it good? A question, a protocol, and results written by the run."""

from typing import TYPE_CHECKING, Annotated

import typer

from restock.cli.options import JsonOption

if TYPE_CHECKING:
    from restock.evaluation import RowProgress, StudyResult

__all__ = ["study"]


def study(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="The study; none: list them.", show_default=False),
    ] = "",
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="A cut that ends within a minute, written elsewhere.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="KEY=VALUE", help="Only rows with this key; may be repeated."
        ),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", metavar="N", help="Another number of seeds.")
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", metavar="N", help="Rows at a time, each in its own process.")
    ] = 1,
    as_json: JsonOption = False,
) -> None:
    """Run a study of the folder studies/ and write its results.json and results.md.

    Cuts (--quick, --only, fewer seeds) go to the study's quick/ and never replace full results.
    Interrupted, the next run goes on from the last finished row.

    For example:

    - restock study
    - restock study lost-sales --quick
    - restock study lost-sales --only lead_time=4 --seeds 1 --json
    - restock study lost-sales --jobs 2
    """
    from restock.cli.progress import show_progress
    from restock.cli.screen import print_json
    from restock.cli.threads import use_one_torch_thread
    from restock.evaluation import find_study, run_study

    if not name:
        _list(as_json=as_json)
        return
    chosen = _pairs(only or [])
    folder = find_study(name)
    use_one_torch_thread()
    with show_progress() as tell:
        tell("study", f"starting {name}", 0.0)

        def on_row(progress: "RowProgress") -> None:
            words = " ".join(f"{key}={value}" for key, value in progress.key.items())
            tell("study", f"{progress.done} of {progress.total}: {words}", _share(progress))

        result = run_study(folder, quick=quick, only=chosen, seeds=seeds, jobs=jobs, on_row=on_row)
    if as_json:
        print_json(result.as_dict())
    else:
        _print(result)


def _share(progress: "RowProgress") -> float:
    return progress.done / progress.total


def _pairs(given: list[str]) -> dict[str, str]:
    from restock.errors import ConfigurationError, require

    for pair in given:
        require(
            "=" in pair and not pair.startswith("="),
            ConfigurationError,
            f"`--only` must be KEY=VALUE; got '{pair}'. For example --only lead_time=4.",
        )
    return {key: value for key, _, value in (pair.partition("=") for pair in given)}


def _list(*, as_json: bool) -> None:
    from pathlib import Path

    from restock.cli.screen import print_json, print_table, print_text
    from restock.evaluation import StudySettings

    files = sorted((Path.cwd() / "studies").glob("*/study.toml"))
    known = {file.parent.name: StudySettings.read(file).question for file in files}
    if as_json:
        print_json(known)
    elif known:
        print_table(("study", "question"), list(known.items()), texts=2)
        print_text("`restock study NAME` runs one, `--quick` a cut of it.")
    else:
        print_text("There are no studies here. Run the command where studies/ is.")


def _print(result: "StudyResult") -> None:
    from restock.cli.screen import print_table, print_text

    print_table(
        ("figure", "value"),
        [
            (key, f"{value:.4g}" if isinstance(value, float) else str(value))
            for key, value in result.summary.items()
        ],
    )
    print_text(f"{len(result.rows)} rows in {result.seconds:.0f} s.")
    print_text(f"Written: {result.folder / 'results.json'}, {result.folder / 'results.md'}")
