"""The study runner: rows, resumption, cuts, what is written and what is refused."""

import json
import multiprocessing
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from restock.errors import ConfigurationError, InputError
from restock.evaluation import (
    RowProgress,
    commit_of,
    find_study,
    machine_facts,
    markdown_table,
    run_study,
)

TOML = """
question = "Does the square grow?"
protocol = "Every number once, squared."
seeds = 2

[parameters]
numbers = [1, 2, 3]
offset = 10
tuning = {steps = 5, rate = 0.1}

[quick]
seeds = 1
parameters.numbers = [1]
parameters.tuning.steps = 1
"""

# a row leaves a trace when it is run, and number 2 fails while a file named "trap" is there
CODE = """
from pathlib import Path

HERE = Path(__file__).parent


def keys(settings):
    return [
        {"number": number, "seed": seed}
        for number in settings.parameters["numbers"]
        for seed in range(settings.seeds)
    ]


def run_row(key, settings):
    if key["number"] == 2 and (HERE / "trap").exists():
        raise KeyboardInterrupt
    with (HERE / "ran.txt").open("a") as file:
        file.write(f"{key['number']}.{key['seed']} ")
    square = settings.parameters["offset"] + key["number"] ** 2 + key["seed"] / 4
    return {"square": square, "steps": settings.parameters["tuning"]["steps"]}


def summarise(rows, settings):
    return {"rows": len(rows), "largest_square": max(row["square"] for row in rows)}
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "studies" / "squares"
    folder.mkdir(parents=True)
    (folder / "study.toml").write_text(TOML)
    (folder / "study.py").write_text(CODE)
    return folder


def _ran(folder: Path) -> list[str]:
    """Return and forget which rows were run."""
    trace = folder / "ran.txt"
    rows = trace.read_text().split() if trace.exists() else []
    trace.unlink(missing_ok=True)
    return rows


def _read(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results.json").read_text())


def _edit(folder: Path, old: str, new: str, name: str = "study.toml") -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


def test_a_full_run_writes_every_row_and_the_summary(study: Path) -> None:
    result = run_study(study)
    assert result.folder == study
    written = _read(study)
    assert list(written) == [
        "question",
        "protocol",
        "command",
        "commit",
        "machine",
        "seconds",
        "rows",
        "summary",
    ]
    # 10 + 3² + 1/4
    assert written["rows"][-1] == {"number": 3, "seed": 1, "square": 19.25, "steps": 5}
    assert written["summary"] == {"rows": 6, "largest_square": 19.25}
    assert written["command"] == "restock study squares"
    assert written == result.as_dict()
    page = (study / "results.md").read_text()
    assert page.startswith("# Does the square grow?\n")
    assert "| largest_square | 19.25 |" in page
    assert "| 3 | 1 | 19.25 | 5 |" in page


def test_an_interrupted_run_goes_on_where_it_stopped_and_ends_the_same(study: Path) -> None:
    whole = run_study(study).rows
    _ran(study)
    (study / "results.json").unlink()
    (study / "trap").touch()
    with pytest.raises(KeyboardInterrupt):
        run_study(study)
    assert _ran(study) == ["1.0", "1.1"]
    assert not (study / "results.json").exists()
    (study / "trap").unlink()
    heard: list[RowProgress] = []
    assert run_study(study, on_row=heard.append).rows == whole
    assert _ran(study) == ["2.0", "2.1", "3.0", "3.1"]
    assert [(row.done, row.resumed) for row in heard] == [
        (1, True),
        (2, True),
        (3, False),
        (4, False),
        (5, False),
        (6, False),
    ]
    assert {row.total for row in heard} == {6}
    assert not (study / "partial").exists()


def test_a_finished_study_is_run_afresh(study: Path) -> None:
    run_study(study)
    _ran(study)
    run_study(study)
    assert len(_ran(study)) == 6


def _interrupt(study: Path) -> Path:
    (study / "trap").touch()
    with pytest.raises(KeyboardInterrupt):
        run_study(study)
    (study / "trap").unlink()
    _ran(study)
    (rows,) = (study / "partial").iterdir()
    return rows


def test_rows_of_other_settings_or_other_code_are_not_used(study: Path) -> None:
    kept = _interrupt(study)
    _edit(study, "offset = 10", "offset = 20")
    assert run_study(study).rows[0]["square"] == 21
    assert len(_ran(study)) == 6
    assert kept.exists()  # nor are they lost: with the old settings they are taken up again
    _edit(study, "offset = 20", "offset = 10")
    (study / "neighbour.py").write_text("RATE = 2\n")
    run_study(study)
    assert len(_ran(study)) == 6
    (study / "neighbour.py").unlink()
    run_study(study)
    assert len(_ran(study)) == 4


def test_a_line_torn_by_a_kill_is_run_again(study: Path) -> None:
    rows = _interrupt(study)
    whole = rows.read_text()
    rows.write_text(whole[:-7])
    assert run_study(study).summary["rows"] == 6
    assert _ran(study)[0] == "1.1"


def test_a_spoilt_line_in_the_middle_is_refused_by_its_number(study: Path) -> None:
    rows = _interrupt(study)
    rows.write_text("spoilt\n" + rows.read_text())
    with pytest.raises(InputError, match=r"line 1 of .* is not a finished row"):
        run_study(study)


def test_quick_takes_its_overrides_and_leaves_full_results_alone(study: Path) -> None:
    run_study(study)
    full = (study / "results.json").read_text()
    quick = run_study(study, quick=True)
    assert quick.folder == study / "quick"
    # [quick] has one seed, one number and one step; rate and offset stay as they were
    assert _read(study / "quick")["rows"] == [{"number": 1, "seed": 0, "square": 11, "steps": 1}]
    assert quick.command == "restock study squares --quick"
    assert (study / "results.json").read_text() == full


@pytest.mark.parametrize(
    ("cut", "rows"),
    [
        ({"only": {"number": "3"}}, ["3.0", "3.1"]),
        ({"only": {"number": "3", "seed": "1"}}, ["3.1"]),
        ({"seeds": 1}, ["1.0", "2.0", "3.0"]),
    ],
)
def test_a_cut_never_replaces_full_results(
    study: Path, cut: dict[str, Any], rows: list[str]
) -> None:
    result = run_study(study, **cut)
    assert _ran(study) == rows
    assert result.folder == study / "quick"
    assert not (study / "results.json").exists()


def test_more_seeds_than_asked_for_are_full_results(study: Path) -> None:
    result = run_study(study, seeds=3)
    assert result.folder == study
    assert result.summary["rows"] == 9
    assert result.command == "restock study squares --seeds 3"


def test_the_command_says_what_was_selected(study: Path) -> None:
    assert run_study(study, only={"number": "3"}).command == "restock study squares --only number=3"


def test_the_study_writes_its_own_tables_and_may_use_neighbour_files(study: Path) -> None:
    (study / "wording.py").write_text("HEADER = 'squares by number'\n")
    code = "from .wording import HEADER\n" + CODE
    code += "\n\ndef tables(rows, summary, settings):\n"
    code += "    return f'{HEADER}: {summary[\"rows\"]} of {settings.name}'\n"
    (study / "study.py").write_text(code)
    run_study(study)
    assert (study / "results.md").read_text().endswith("squares by number: 6 of squares\n")


def test_not_a_number_becomes_null_and_numpy_becomes_plain(study: Path) -> None:
    _edit(
        study,
        'return {"square": square,',
        'import numpy as np\n    return {"gap": float("nan"), "levels": np.arange(2),'
        ' "mean": np.float32(0.5), "square": square,',
        "study.py",
    )
    row = run_study(study, only={"number": "1"}).rows[0]
    assert (row["gap"], row["levels"], row["mean"]) == (None, [0, 1], 0.5)
    assert _read(study / "quick")["rows"][0] == row


def test_a_row_that_fails_says_which_row_it_was(study: Path) -> None:
    _edit(study, 'settings.parameters["offset"] +', 'settings.parameters["ofset"] +', "study.py")
    with pytest.raises(
        ConfigurationError, match=r"no parameter 'ofset'.*Did you mean 'offset'"
    ) as e:
        run_study(study)
    assert e.value.__notes__ == ['in row {"number": 1, "seed": 0} of study \'squares\'']


def test_an_error_after_the_rows_leaves_nothing_half_written_and_loses_no_row(study: Path) -> None:
    _edit(study, '"rows": len(rows)', '"rows": object()', "study.py")
    with pytest.raises(InputError, match=r"`summary\.rows` is of type object"):
        run_study(study)
    assert not (study / "results.json").exists()
    assert len(_ran(study)) == 6
    with pytest.raises(InputError):
        run_study(study)
    assert _ran(study) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("question =", "qestion =", "unknown key 'qestion' in study.toml .* Did you mean 'quest"),
        ("[quick]\nseeds", "[quick]\nseed", r"unknown key 'seed' in \[quick\].* Did you mean 'se"),
        ("parameters.numbers", "parameters.numbrs", "unknown key 'numbrs'.* Did you mean 'numb"),
        ("tuning.steps = 1", "tuning.step = 1", r"'step' in \[quick.parameters.tuning\]"),
        ("seeds = 2", "seeds = 0", "`seeds` in .* must be an integer ≥ 1; got 0"),
        ("seeds = 2", "seeds = true", "`seeds` in .* must be an integer ≥ 1; got True"),
        ('question = "Does the square grow?"', "", "`question` in .* must be a text; got None"),
        ("[parameters]", "parameters = 3\n[other]", "unknown key 'other'"),
    ],
)
def test_a_wrong_setting_is_refused_before_any_row(
    study: Path, old: str, new: str, message: str
) -> None:
    _edit(study, old, new)
    with pytest.raises(ConfigurationError, match=message):
        run_study(study)
    assert _ran(study) == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "study.toml").unlink(), "study.toml and study.py"),
        (lambda folder: (folder / "study.toml").write_text("a = = 1"), "is not TOML: .*line 1"),
        (lambda folder: (folder / "study.py").unlink(), "has no study.py"),
        (lambda folder: _edit(folder, "run_row", "run", "study.py"), "does not define `run_row`"),
        (lambda folder: _edit(folder, ', "seed": seed', "", "study.py"), "more than once"),
        (lambda folder: _edit(folder, "[1, 2, 3]", "[]"), "lists no rows"),
        (lambda folder: _edit(folder, '"square":', '"seed":', "study.py"), "another 'seed'"),
    ],
)
def test_a_study_that_cannot_be_used_says_why(
    study: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(study)
    with pytest.raises(InputError, match=message):
        run_study(study)
    assert not (study / "results.json").exists()


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ({"nmber": "1"}, "no row has a key 'nmber' to select by. Did you mean 'number'"),
        ({"number": "4"}, "no row has number=4. Known: 1, 2, 3"),
    ],
)
def test_a_selection_that_names_no_row_is_refused(
    study: Path, only: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        run_study(study, only=only)


def test_no_seeds_at_all_are_refused(study: Path) -> None:
    with pytest.raises(ConfigurationError, match="`--seeds` must be ≥ 1; got 0"):
        run_study(study, seeds=0)


# a row says in which process it ran, and on how many torch threads
PARALLEL = """
import os
import signal
import time
from pathlib import Path

import torch

HERE = Path(__file__).parent


class Odd(Exception):
    def __init__(self, number, why):
        super().__init__(f"{number} is odd: {why}")


def keys(settings):
    return [{"number": number} for number in (3, 1, 4, 5)]


def run_row(key, settings):
    number = key["number"]
    if number == 5 and (HERE / "dies").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 5 and (HERE / "odd").exists():
        raise Odd(5, "so it is")
    time.sleep(0.3 if number == 3 else 0.0)
    return {"square": number**2, "process": os.getpid(), "threads": torch.get_num_threads()}


def summarise(rows, settings):
    return {"processes": len({row["process"] for row in rows})}
"""


@pytest.fixture
def parallel(study: Path) -> Path:
    (study / "study.py").write_text(PARALLEL)
    return study


def test_two_jobs_are_two_processes_of_one_thread_and_rows_stay_in_the_order_of_their_keys(
    parallel: Path,
) -> None:
    heard: list[RowProgress] = []
    result = run_study(parallel, jobs=2, on_row=heard.append)
    # the first row sleeps, so that another is finished before it
    assert [row["square"] for row in result.rows] == [9, 1, 16, 25]
    assert [row.done for row in heard] == [1, 2, 3, 4]
    assert result.summary == {"processes": 2}
    assert os.getpid() not in {row["process"] for row in result.rows}
    assert {row["threads"] for row in result.rows} == {1}
    assert result.command == "restock study squares --jobs 2"
    assert _read(parallel)["rows"] == result.rows


def test_rows_of_one_number_of_jobs_are_taken_up_by_another(parallel: Path) -> None:
    def interrupt(progress: RowProgress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(parallel, jobs=2, on_row=interrupt)
    (kept,) = (parallel / "partial").iterdir()
    done = [json.loads(line)["row"] for line in kept.read_text().splitlines()]
    assert len(done) == 2
    assert not multiprocessing.active_children()
    heard: list[RowProgress] = []
    rows = run_study(parallel, on_row=heard.append).rows
    assert [row.resumed for row in heard] == [True, True, False, False]
    assert all(row in rows for row in done)
    assert not (parallel / "partial").exists()


def test_a_process_that_dies_is_told_with_its_row_and_no_other_row_is_lost(parallel: Path) -> None:
    (parallel / "dies").touch()
    with pytest.raises(ConfigurationError, match=r'row \{"number": 5\} ended with exit code -9'):
        run_study(parallel, jobs=2)
    assert not multiprocessing.active_children()
    (parallel / "dies").unlink()
    heard: list[RowProgress] = []
    run_study(parallel, jobs=2, on_row=heard.append)
    assert sum(row.resumed for row in heard) >= 2


def test_an_error_in_another_process_says_its_row_even_if_its_class_cannot_be_copied(
    parallel: Path,
) -> None:
    (parallel / "odd").touch()
    with pytest.raises(RuntimeError, match="Odd: 5 is odd: so it is") as e:
        run_study(parallel, jobs=2)
    row, trace = e.value.__notes__
    assert row == "in row {\"number\": 5} of study 'squares'"
    assert 'raise Odd(5, "so it is")' in trace


def test_an_error_of_restock_comes_back_as_it_is(study: Path) -> None:
    _edit(study, 'settings.parameters["offset"] +', 'settings.parameters["ofset"] +', "study.py")
    with pytest.raises(ConfigurationError, match="no parameter 'ofset'") as e:
        run_study(study, only={"number": "1"}, jobs=2)
    assert len(e.value.__notes__) == 1


@pytest.mark.parametrize("jobs", [0, -1])
def test_a_number_of_jobs_that_is_no_number_of_processes_is_refused(study: Path, jobs: int) -> None:
    with pytest.raises(ConfigurationError, match=f"`--jobs` must be an integer ≥ 1; got {jobs}"):
        run_study(study, jobs=jobs)


def test_a_study_is_found_by_name_and_a_misspelt_one_gets_a_suggestion(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study.parent.parent)
    assert find_study("squares") == study
    with pytest.raises(InputError, match=r"no study 'sqares' .* Did you mean 'squares'"):
        find_study("sqares")
    with pytest.raises(InputError, match="there are no studies in"):
        find_study("squares", study)
    with pytest.raises(InputError, match=r"no study '\.\./studies/squares'"):
        find_study("../studies/squares")


def _git(folder: Path, *arguments: str) -> None:
    who = {"NAME": "Tester", "EMAIL": "tester@example.org"}
    names = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()}
    subprocess.run(
        ["git", *arguments],  # noqa: S607 - the developer's own git
        cwd=folder,
        check=True,
        capture_output=True,
        env={**os.environ, **names},
    )


def test_the_commit_is_dirty_for_changed_code_and_clean_for_new_results(study: Path) -> None:
    top = study.parent.parent
    assert commit_of(study) == "unknown"
    _git(top, "init")
    assert commit_of(study) == "unknown"  # nothing is committed yet
    _git(top, "add", ".")
    _git(top, "commit", "-m", "studies", "--no-gpg-sign")
    assert commit_of(study) != "unknown"
    run_study(study, quick=True)
    (study / "results.json").write_text("{}")
    (study / "ran.txt").unlink()
    assert not commit_of(study).endswith("-dirty")
    (top / "code.py").touch()
    assert commit_of(study).endswith("-dirty")


def test_the_machine_is_described_without_names_or_paths() -> None:
    facts = machine_facts()
    assert facts["cores"] >= 1
    assert facts["memory_gib"] is None or facts["memory_gib"] > 0.1
    assert facts["python"].startswith("3.")
    text = json.dumps(facts)
    assert os.uname().nodename not in facts.values()
    assert "/" not in text.replace(facts["processor"], "")


def test_a_table_has_a_column_for_every_name_and_escapes_bars() -> None:
    table = markdown_table([{"rule": "a|b", "gap": 0.1234567}, {"rule": "c", "extra": [1]}])
    assert table.splitlines() == [
        "| rule | gap | extra |",
        "| :-- | --: | :-- |",
        "| a\\|b | 0.123457 |  |",
        "| c |  | [1] |",
    ]
    assert markdown_table([]) == ""
