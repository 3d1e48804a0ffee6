"""A project is made whole, opened, and its records are found where its settings say."""

from pathlib import Path

import polars as pl
import pytest

from restock.errors import ConfigurationError, InputError
from restock.planning import (
    Project,
    ProjectSettings,
    create_project,
    demo_settings,
    open_planner,
    outlook,
    read_records,
)
from restock.planning.project import DataSettings
from restock.records import TABLES, DemoCompanyConfig

SMALL = DemoCompanyConfig(n_products=6, n_days=200)
QUICK = {"forecast": {"model": "negative_binomial"}, "backtest": {"weeks": 2, "tuning_weeks": 4}}


def silent(stage: str, text: str, share: float) -> None:
    assert stage
    assert text
    assert 0 <= share <= 1


def test_the_settings_of_a_new_project_read_back_as_they_were(tmp_path: Path) -> None:
    settings = ProjectSettings.parse({"name": 'a "b" \\c', "seed": 7, **QUICK}, "test")
    create_project(tmp_path / "shop", settings)
    assert Project(tmp_path / "shop").settings == settings


def test_a_new_project_has_a_template_of_every_table(tmp_path: Path) -> None:
    files = create_project(tmp_path / "shop", ProjectSettings())
    templates = {path.stem for path in files if path.suffix == ".csv"}
    assert templates == set(TABLES)
    header = (tmp_path / "shop/data/templates/lanes.csv").read_text(encoding="utf-8").strip()
    assert header.split(",") == list(TABLES["lanes"].columns)


def test_a_folder_that_holds_anything_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ConfigurationError, match="nothing was written"):
        create_project(tmp_path, ProjectSettings())
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_empty_folder_may_become_a_project(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    create_project(tmp_path / "shop", ProjectSettings())
    assert (tmp_path / "shop/restock.toml").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_a_project_that_cannot_be_finished_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_csv", fail)
    with pytest.raises(OSError, match="No space"):
        create_project(tmp_path / "shop", ProjectSettings())
    assert list(tmp_path.iterdir()) == []


def test_records_are_found_from_the_project_s_folder(tmp_path: Path) -> None:
    create_project(tmp_path / "shop", ProjectSettings(), SMALL)
    records = read_records(DataSettings(), tmp_path / "shop")
    assert records.products.height == 6


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (DataSettings(file="x.csv"), "without a preset"),
        (DataSettings(preset="online-retail"), "without a file"),
        (DataSettings(file="x.csv", preset="online"), "Did you mean 'online-retail'"),
    ],
)
def test_a_file_needs_a_known_preset(tmp_path: Path, settings: DataSettings, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_records(settings, tmp_path)


def test_the_outlook_is_the_forecast_that_policies_read(tmp_path: Path) -> None:
    create_project(tmp_path / "shop", ProjectSettings.parse(QUICK, "test"), SMALL)
    planner = open_planner(Project(tmp_path / "shop"), None, silent)
    case = planner.build_case()
    table = outlook(case)
    assert table["product"].to_list() == list(case.history.product_ids)
    lanes = {lane.product_id: lane.lead_time_periods + 1 for lane in case.instance.lanes}
    assert dict(table.select("product", "horizon_days").iter_rows()) == lanes
    today = case.scenario.signals_at(case.history.n_days - 1)
    assert today is not None
    position = case.scenario.signal_names.index("forecast_mean")
    assert table["mean"].to_list() == pytest.approx(today[0, :, position].tolist())


def test_a_misspelt_rule_is_refused_before_the_forecast(tmp_path: Path) -> None:
    settings = ProjectSettings.parse({"rule": "base_stok", **QUICK}, "test")
    create_project(tmp_path / "shop", settings, SMALL)
    with pytest.raises(ConfigurationError, match="Did you mean 'base_stock'"):
        open_planner(Project(tmp_path / "shop"), None, silent)


def test_the_demo_of_real_data_assumes_three_lead_times(tmp_path: Path) -> None:
    real = demo_settings(tmp_path / "lines.csv", "online-retail")
    assert real.assumptions.lead_time_days == [4, 7, 12]
    assert real.data.file == str(tmp_path / "lines.csv")
    assert demo_settings(tmp_path).data.folder == str(tmp_path)
    # the generated company has suppliers, so nothing is assumed
    assert demo_settings().assumptions == ProjectSettings().assumptions


def test_a_missing_folder_of_tables_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere.*missing"):
        read_records(DataSettings(folder="nowhere"), tmp_path)
