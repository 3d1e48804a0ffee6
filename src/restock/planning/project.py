"""A project: a folder with ``restock.toml``, the company's tables and everything made from them."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from restock.errors import ConfigurationError, did_you_mean

__all__ = [
    "Assumptions",
    "BacktestSettings",
    "DataSettings",
    "ForecastSettings",
    "Project",
    "ProjectSettings",
    "TrainingSettings",
]

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


class DataSettings(_Section):
    """Where the records are."""

    folder: Annotated[str, Field(description="folder of the company's tables")] = "data"
    preset: Annotated[str, Field(description="known export that `file` is in; empty: none")] = ""
    file: Annotated[str, Field(description="file in the preset's form; empty: use `folder`")] = ""
    products: Annotated[Count, Field(description="how many products, those sold most often")] = 300


class Assumptions(_Section):
    """What the records do not tell. Every report shows these numbers as assumptions."""

    unit_cost_share: Annotated[
        Share, Field(description="unit cost / list price, where no unit cost is recorded")
    ] = 0.5
    lead_time_days: Annotated[
        list[Annotated[int, Field(ge=0)]],
        Field(
            min_length=1,
            description="trading days from order to receipt, where no lane is recorded;"
            " several are dealt out to the products in turn",
        ),
    ] = [7]
    holding_rate_per_year: Annotated[
        float, Field(ge=0, description="money a year per money of stock at unit cost")
    ] = 0.30
    holding_margin_share_per_week: Annotated[
        float, Field(ge=0, description="further holding: share of the unit margin, unit and week")
    ] = 0.0
    shortage_margin_share: Annotated[
        float, Field(ge=0, description="cost of a lost sale / unit margin")
    ] = 1.0
    lost_share: Annotated[
        Share, Field(description="share of unmet demand that is lost; the rest waits")
    ] = 1.0
    opening_cover_days: Annotated[
        float,
        Field(
            ge=0,
            description="stock at the start of a simulated test, in trading days of recent demand"
            " beyond the lead time; today's stock too, where none is recorded",
        ),
    ] = 6.0
    end_write_down_share: Annotated[
        Share, Field(description="share of unit cost lost on stock left at the end of a test")
    ] = 0.10


class ForecastSettings(_Section):
    """What is believed about demand."""

    model: Annotated[str, Field(description="forecaster that the quantile rules read")] = "lightgbm"
    refit_days: Annotated[Count, Field(description="trading days between refits")] = 72


class TrainingSettings(_Section):
    """How the policy is learned."""

    seeds: Annotated[
        Count, Field(description="seeds; each trains one network in each view of the past")
    ] = 1
    updates: Annotated[Count, Field(description="gradient steps of each network")] = 300


class BacktestSettings(_Section):
    """How policies are tested."""

    windows: Annotated[Count, Field(description="test windows, the last ends with the record")] = 1
    weeks: Annotated[Count, Field(description="weeks of each test window")] = 8
    tuning_weeks: Annotated[
        Count, Field(description="weeks before a window on which rules are tuned, at most")
    ] = 24


class ProjectSettings(_Section):
    """Everything that ``restock.toml`` can say."""

    name: Annotated[str, Field(description="name in reports")] = "shop"
    seed: Annotated[int, Field(ge=0, description="seed of every random draw")] = 0
    rule: Annotated[str, Field(description="rule that today's proposals follow")] = "learned"
    data: DataSettings = DataSettings()
    assumptions: Assumptions = Assumptions()
    forecast: ForecastSettings = ForecastSettings()
    training: TrainingSettings = TrainingSettings()
    backtest: BacktestSettings = BacktestSettings()

    @classmethod
    def parse(cls, tree: dict[str, Any], source: str) -> "ProjectSettings":
        """Check a tree of settings; ``source`` names it in messages.

        Raises :class:`ConfigurationError` with the first fault: the key, its value, the rule and
        the remedy.
        """
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            raise ConfigurationError(_first_fault(error, source)) from error

    def to_toml(self) -> str:
        """Return the settings as a commented ``restock.toml``."""
        lines = ["# A restock project. Delete a line to use its default (the value shown)."]
        own = type(self).model_fields
        lines += [
            f"{key} = {_toml(getattr(self, key))}  # {own[key].description}"
            for key in ("name", "seed", "rule")
        ]
        for section in ("data", "assumptions", "forecast", "training", "backtest"):
            values: BaseModel = getattr(self, section)
            lines += ["", f"[{section}]  # {(type(values).__doc__ or '').splitlines()[0]}"]
            lines += [
                f"{key} = {_toml(getattr(values, key))}  # {field.description}"
                for key, field in type(values).model_fields.items()
            ]
        return "\n".join(lines) + "\n"


class Project:
    """A project folder and its settings.

    Raises :class:`ConfigurationError` when ``restock.toml`` is missing, is not TOML, or holds a
    key or value that is not allowed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / "restock.toml"
        try:
            tree = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ConfigurationError(
                f"there is no restock.toml in {folder}. Run `restock init {folder}` first, or name"
                " the project's folder."
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"{path} cannot be read: {error.strerror}. Name the project's folder, the one that"
                " holds restock.toml."
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"{path} is not valid TOML: {error}. Correct that line."
            ) from error
        self.settings = ProjectSettings.parse(tree, str(path))

    @property
    def runs(self) -> Path:
        """Where everything made goes."""
        return self.folder / "runs"


def _toml(value: object) -> str:
    if isinstance(value, str):
        # TOML's escapes are JSON's, but it allows no raw DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)


def _first_fault(error: ValidationError, source: str) -> str:
    fault = error.errors()[0]
    place = [str(part) for part in fault["loc"] if not isinstance(part, int)]
    key = ".".join(place)
    if fault["type"] == "extra_forbidden":
        section = _section(place[:-1])
        return f"{source}: unknown key `{key}`.{did_you_mean(place[-1], section.model_fields)}"
    return (
        f"{source}: `{key}` is {fault['input']!r}; {fault['msg'].lower()}."
        " Correct the value, or delete the line to use the default."
    )


def _section(place: list[str]) -> type[BaseModel]:
    model: type[BaseModel] = ProjectSettings
    for part in place:
        annotation = model.model_fields[part].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return model
