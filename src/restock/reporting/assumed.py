"""What the records do not tell: every assumption, and where it really stood in for a record."""

from dataclasses import dataclass

import polars as pl

from restock.planning import Assumptions, Plan

__all__ = ["UNITS", "Assumed", "assumed"]

UNITS = {
    "unit_cost_share": "share",
    "lead_time_days": "trading days",
    "holding_rate_per_year": "money per money and year",
    "holding_margin_share_per_week": "share of margin per unit and week",
    "shortage_margin_share": "share of margin per unit",
    "lost_share": "share",
    "opening_cover_days": "trading days",
    "end_write_down_share": "share of unit cost",
}
"""The unit of each key of :class:`restock.planning.Assumptions`."""

_ALWAYS = "everywhere: no table of the records holds it"


@dataclass(frozen=True, slots=True)
class Assumed:
    """One assumption: its value, unit and meaning.

    ``used`` says where it stood in for a record, in words; ``in_use`` is False where the records
    had everything and the value was never read.
    """

    key: str
    value: float | list[int]
    unit: str
    description: str
    used: str
    in_use: bool


def assumed(plan: Plan) -> list[Assumed]:
    """Return every assumption of a plan, in the order of ``restock.toml``."""
    given = plan.settings.assumptions
    usage = _usage(plan)
    return [
        Assumed(
            key=key,
            value=getattr(given, key),
            unit=UNITS[key],
            description=field.description or "",
            used=usage.get(key, _ALWAYS),
            in_use=not usage.get(key, _ALWAYS).startswith("not used"),
        )
        for key, field in Assumptions.model_fields.items()
    ]


def _usage(plan: Plan) -> dict[str, str]:
    ids = plan.case.history.product_ids
    products = plan.records.products.filter(pl.col("unit_cost").is_not_null())
    opening = "the start of every simulated test"
    if plan.proposals.stock_is_assumed:
        opening += ", and today's stock: none is on record"
    return {
        "unit_cost_share": _missing(ids, products, "unit cost"),
        "lead_time_days": _missing(ids, plan.records.lanes, "lane"),
        "opening_cover_days": opening,
    }


def _missing(ids: tuple[str, ...], recorded: pl.DataFrame, what: str) -> str:
    missing = len(set(ids) - set(recorded["product_id"]))
    if missing == 0:
        return f"not used: every product has a {what} on record"
    return f"{missing:,} of {len(ids):,} products without a {what} on record"
