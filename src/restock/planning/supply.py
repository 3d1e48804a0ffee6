"""From records and assumptions to the instance: products, lanes and what things cost."""

import numpy as np
from jaxtyping import Float

from restock.demand import DemandHistory
from restock.errors import InputError, require
from restock.planning.project import Assumptions
from restock.problem import Instance, Lane, Location, Product
from restock.records import Records

__all__ = ["PRICE_DAYS", "WEEKS_PER_YEAR", "instance_of", "trading_days_per_week", "usual_prices"]

WEEKS_PER_YEAR = 52.18

PRICE_DAYS = 84
"""Trading days whose median list price is a product's price."""


def trading_days_per_week(history: DemandHistory) -> float:
    """Return the mean number of open days a week over the record.

    Closures of a week or more are left out, so that a holiday does not shorten the usual week.
    """
    gaps = [(b - a).days for a, b in zip(history.dates, history.dates[1:], strict=False)]
    usual = [gap for gap in gaps if gap < 7]
    return 7 * len(usual) / sum(usual) if usual else 7.0


def usual_prices(history: DemandHistory) -> Float[np.ndarray, " P"]:
    """Return each product's median list price over the last trading days, money per unit.

    A median, so that a price typed wrong on one day and carried on does not price the product;
    NaN where no price is known on any of those days.
    """
    recent = np.sort(history.list_price[-PRICE_DAYS:], axis=0)  # NaN sorts last
    known = np.isfinite(recent).sum(axis=0)
    middle = recent[np.maximum(known - 1, 0) // 2, np.arange(history.n_products)]
    return np.where(known > 0, middle, np.nan)


def instance_of(
    records: Records, history: DemandHistory, assumptions: Assumptions, name: str
) -> Instance:
    """Return the instance of a history's products.

    Unit costs and lanes come from the records; where they are missing, from the assumptions. A
    product with several lanes on record keeps the one with the shortest lead time, among those
    the supplier whose id comes first.

    Raises :class:`InputError` for a product without any price.
    """
    facts = {row["product_id"]: row for row in records.products.iter_rows(named=True)}
    weekly = trading_days_per_week(history)
    prices = usual_prices(history)
    products = []
    for position, product_id in enumerate(history.product_ids):
        row = facts.get(product_id, {})
        price = float(prices[position])
        require(
            price > 0,
            InputError,
            f"product '{product_id}' has no price: `list_price` is {price}, it must be > 0. Add it"
            " to the prices or products table, or leave the product out.",
        )
        cost = row.get("unit_cost")
        products.append(
            _priced(
                product_id,
                row,
                price,
                assumptions.unit_cost_share * price if cost is None else float(cost),
                assumptions,
                weekly,
            )
        )
    lanes = _lanes(records, history.product_ids, assumptions, name)
    suppliers = sorted({lane.origin for lane in lanes})
    places = (*(Location(id=each, holds_stock=False) for each in suppliers), Location(id=name))
    return Instance(name=name, products=tuple(products), locations=places, lanes=lanes)


def _priced(
    product_id: str,
    row: dict[str, object],
    price: float,
    unit_cost: float,
    assumptions: Assumptions,
    weekly: float,
) -> Product:
    margin = max(price - unit_cost, 0.0)
    daily = assumptions.holding_rate_per_year * unit_cost / (weekly * WEEKS_PER_YEAR)
    return Product(
        id=product_id,
        name=str(row.get("name") or ""),
        category=str(row.get("category") or ""),
        list_price=price,
        unit_cost=unit_cost,
        holding_cost=daily + assumptions.holding_margin_share_per_week * margin / weekly,
        shortage_cost=assumptions.shortage_margin_share * margin,
        lost_share=assumptions.lost_share,
    )


def _lanes(
    records: Records, product_ids: tuple[str, ...], assumptions: Assumptions, shop: str
) -> tuple[Lane, ...]:
    recorded: dict[str, Lane] = {}
    fastest_last = records.lanes.sort("lead_time_days", "supplier_id", descending=True)
    for row in fastest_last.iter_rows(named=True):
        recorded[row["product_id"]] = Lane(
            product_id=row["product_id"],
            origin=row["supplier_id"],
            destination=shop,
            lead_time_periods=row["lead_time_days"],
            fixed_order_cost=row["fixed_order_cost"],
            minimum_units=row["minimum_units"],
            case_pack_units=row["case_pack_units"],
        )
    days = assumptions.lead_time_days
    return tuple(
        recorded.get(product_id)
        or Lane(
            product_id=product_id,
            origin="supplier",
            destination=shop,
            lead_time_periods=days[position % len(days)],
        )
        for position, product_id in enumerate(product_ids)
    )
