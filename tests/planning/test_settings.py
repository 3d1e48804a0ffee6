"""``restock.toml``: what is written reads back; a fault is one message with value and remedy."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from restock.errors import ConfigurationError
from restock.planning import Project, ProjectSettings

SECTIONS = ("data", "assumptions", "forecast", "training", "backtest")
shares = st.floats(0, 1)
amounts = st.floats(0, 1e9)
counts = st.integers(1, 10**6)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)

trees = st.fixed_dictionaries(
    {
        "name": words,
        "seed": st.integers(0, 2**62),
        "rule": words,
        "data": st.fixed_dictionaries(
            {"folder": words, "preset": words, "file": words, "products": counts}
        ),
        "assumptions": st.fixed_dictionaries(
            {
                "unit_cost_share": shares,
                "lead_time_days": st.lists(st.integers(0, 400), min_size=1, max_size=5),
                "holding_rate_per_year": amounts,
                "holding_margin_share_per_week": amounts,
                "shortage_margin_share": amounts,
                "lost_share": shares,
                "opening_cover_days": amounts,
                "end_write_down_share": shares,
            }
        ),
        "forecast": st.fixed_dictionaries({"model": words, "refit_days": counts}),
        "training": st.fixed_dictionaries({"seeds": counts, "updates": counts}),
        "backtest": st.fixed_dictionaries(
            {"windows": counts, "weeks": counts, "tuning_weeks": counts}
        ),
    }
)


def keys_of(model: type[BaseModel], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= keys_of(inner, f"{prefix}{name}.")
        else:
            found.add(prefix + name)
    return found


def keys_in(tree: dict[str, Any], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in tree.items():
        if isinstance(value, dict):
            found |= keys_in(value, f"{prefix}{name}.")
        else:
            found.add(prefix + name)
    return found


def message_of(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        ProjectSettings.parse(tomllib.loads(text), "restock.toml")
    message = str(caught.value)
    assert message.startswith("restock.toml: ")
    assert "\n" not in message
    return message


@given(trees)
def test_every_key_reads_back_as_it_was_written(tree: dict[str, Any]) -> None:
    settings = ProjectSettings.parse(tree, "test")
    written = tomllib.loads(settings.to_toml())
    assert ProjectSettings.parse(written, "test") == settings
    assert written == tree


def test_a_new_file_names_every_key_with_its_default_and_its_meaning() -> None:
    text = ProjectSettings().to_toml()
    written = tomllib.loads(text)
    assert keys_in(written) == keys_of(ProjectSettings)
    assert ProjectSettings.parse(written, "test") == ProjectSettings()
    lines = [line for line in text.splitlines() if " = " in line]
    assert len(lines) == len(keys_of(ProjectSettings))
    assert all(len(line.split("  # ", 1)[1]) > 5 for line in lines)


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    (tmp_path / "restock.toml").write_text("")
    assert Project(tmp_path).settings == ProjectSettings()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("sed = 1", ["unknown key `sed`", "Did you mean 'seed'?"]),
        ("[data]\nproduct = 3", ["`data.product`", "Did you mean 'products'?"]),
        ("[assumption]\nlost_share = 1", ["`assumption`", "Did you mean 'assumptions'?"]),
        ("[training]\nupdate = 3", ["`training.update`", "Did you mean 'updates'?"]),
        ("[backtest]\nzzz = 3", ["`backtest.zzz`", "Known: tuning_weeks, weeks, windows."]),
    ],
)
def test_a_misspelt_key_is_answered_with_the_nearest(text: str, parts: list[str]) -> None:
    message = message_of(text)
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("section", "line", "rule"),
    [
        ("assumptions", "holding_rate_per_year = nan", "finite"),
        ("assumptions", "opening_cover_days = inf", "finite"),
        ("assumptions", "shortage_margin_share = -inf", "finite"),
        ("assumptions", "holding_rate_per_year = -0.1", "greater than or equal to 0"),
        ("assumptions", "lost_share = 1.01", "less than or equal to 1"),
        ("assumptions", "unit_cost_share = nan", "finite"),
        ("assumptions", "lead_time_days = [7, -1]", "greater than or equal to 0"),
        ("assumptions", "lead_time_days = []", "at least 1 item"),
        ("assumptions", "lead_time_days = 7", "valid list"),
        ("assumptions", "lead_time_days = [7.5]", "valid integer"),
        ("assumptions", 'holding_rate_per_year = "0.3"', "valid number"),
        ("assumptions", "end_write_down_share = true", "valid number"),
        ("data", "products = 0", "greater than or equal to 1"),
        ("data", "products = 30.0", "valid integer"),
        ("data", "folder = 3", "valid string"),
        ("training", "seeds = true", "valid integer"),
        ("backtest", 'weeks = "8"', "valid integer"),
        ("forecast", "refit_days = -72", "greater than or equal to 1"),
    ],
)
def test_a_bad_value_is_told_with_its_key_the_rule_and_the_remedy(
    section: str, line: str, rule: str
) -> None:
    message = message_of(f"[{section}]\n{line}")
    key, value = line.split(" = ")
    assert f"`{section}.{key}` is " in message
    shown = {'"0.3"': "'0.3'", '"8"': "'8'", "true": "True", "[7, -1]": "-1", "[7.5]": "7.5"}
    assert f" is {shown.get(value, value)};" in message
    assert rule in message
    assert "Correct the value, or delete the line to use the default." in message


@pytest.mark.parametrize("text", ["seed = -1", "seed = 1.5", "name = 3", "data = 5", "rule = []"])
def test_a_bad_value_outside_sections_is_told_likewise(text: str) -> None:
    key, value = text.split(" = ")
    assert f"`{key}` is {value};" in message_of(text)


def test_whole_numbers_may_stand_for_amounts() -> None:
    settings = ProjectSettings.parse({"assumptions": {"opening_cover_days": 5}}, "test")
    assert settings.assumptions.opening_cover_days == 5.0


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"seed = ", "is not valid TOML"),
        (b"seed = 1\nseed = 2", "is not valid TOML"),
        (b'name = "\xff"', "is not valid TOML"),
    ],
)
def test_a_file_that_is_not_toml_is_told(tmp_path: Path, content: bytes, part: str) -> None:
    (tmp_path / "restock.toml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=part):
        Project(tmp_path)


def test_a_folder_without_settings_is_told_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no restock\.toml in .* Run `restock init"):
        Project(tmp_path)
    (tmp_path / "restock.toml").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Project(tmp_path)
