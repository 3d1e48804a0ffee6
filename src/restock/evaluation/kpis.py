"""What a shop is measured by: one policy's outcome over a window, and the figures made from it.

Every figure is a sum over paths and products, or one such sum divided by another. A ratio is
therefore taken after summing (large products count for more), for the whole shop, for one product
and for a bootstrap resample alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, InputError, require
from restock.simulation import BusinessTally, Policy, Scenario, State, World, rollout

__all__ = ["PERIODS_PER_YEAR", "Kpi", "Outcome", "concatenate", "evaluate"]

PERIODS_PER_YEAR = 305.0
"""Trading days in a year of a shop that closes on Saturdays and holidays."""

PathValues = Float[np.ndarray, "B P"]


@dataclass(frozen=True, eq=False)
class Kpi:
    """A figure: Σ ``amount``, or Σ ``amount`` / Σ ``per``, with its ``unit`` in words.

    A ratio with nothing to divide by (no demand, no stock) is NaN: there was nothing to measure.

    >>> rate = Kpi("share", np.array([[3.0, 1.0]]), np.array([[4.0, 4.0]]))
    >>> rate.total, rate.per_product.tolist()
    (0.5, [0.75, 0.25])
    """

    unit: str
    amount: PathValues
    per: PathValues | None = None

    def __float__(self) -> float:
        """Return :attr:`total`."""
        return self.total

    @property
    def total(self) -> float:
        """The figure of all products and paths together."""
        amount = float(self.amount.sum())
        return amount if self.per is None else float(_ratio(amount, float(self.per.sum())))

    @property
    def per_product(self) -> Float[np.ndarray, " P"]:
        """The figure of each product, over all its paths."""
        amount = self.amount.sum(axis=0)
        return amount if self.per is None else _ratio(amount, self.per.sum(axis=0))


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """What one policy did and earned in one window, per path and product, ``[B, P]`` float64.

    Units: ``demand, sold, lost, ordered``, and on hand plus on order before and after the window
    ``opening_stock_units, end_stock_units``. Counts: ``orders, periods, periods_served_in_full``.
    Unit-periods: ``stock`` (what is left on hand, summed over the periods' ends). Money:
    ``revenue, purchases, holding, shortage, fixed, write_down`` and ``logistics`` (freight on
    lanes, parcels to regions, waste); money per unit: ``unit_cost``.

    Raises :class:`InputError` when an array has another shape or holds a number that is not finite.
    """

    product_ids: tuple[str, ...]
    demand: PathValues
    sold: PathValues
    lost: PathValues
    ordered: PathValues
    orders: PathValues
    periods: PathValues
    periods_served_in_full: PathValues
    stock: PathValues
    revenue: PathValues
    purchases: PathValues
    holding: PathValues
    shortage: PathValues
    fixed: PathValues
    logistics: PathValues
    unit_cost: PathValues
    opening_stock_units: PathValues
    end_stock_units: PathValues
    write_down: PathValues

    def __post_init__(self) -> None:
        """Check shapes and finiteness."""
        shape = (self.demand.shape[0], len(self.product_ids))
        for name in ARRAYS:
            values = getattr(self, name)
            require(
                values.shape == shape,
                InputError,
                f"`{name}` of an outcome must have shape (paths, products) = {shape};"
                f" got {values.shape}.",
            )
            require(
                bool(np.isfinite(values).all()),
                InputError,
                f"`{name}` of an outcome must be finite; product"
                f" '{self._first_not_finite(values)}' is not. Check the policy's levels and the"
                " scenario's demand for NaN.",
            )

    def _first_not_finite(self, values: np.ndarray) -> str:
        bad = ~np.isfinite(values).all(axis=0)
        return self.product_ids[int(bad.argmax())] if bad.any() else ""

    def profit(self) -> Kpi:
        """Revenue − purchases − holding − fixed − logistics − opening + closing stock, in money.

        Stock, on hand and on order, is valued at unit cost, the closing stock after its
        write-down. A lost sale shows by its missing revenue; the shortage cost is not cash.
        """
        stock_change = self.unit_cost * (self.end_stock_units - self.opening_stock_units)
        spent = self.purchases + self.holding + self.fixed + self.logistics + self.write_down
        return Kpi("money", self.revenue - spent + stock_change)

    def cost(self) -> Kpi:
        """Sum holding, shortage, fixed, logistics, write-down: what decisions minimise, money."""
        charged = self.holding + self.shortage + self.fixed + self.logistics
        return Kpi("money", charged + self.write_down)

    def fill_rate(self) -> Kpi:
        """Units sold / units asked, a share; with backorders a late delivery counts as sold."""
        return Kpi("share of demand", self.sold, self.demand)

    def in_stock_rate(self) -> Kpi:
        """Periods in which all demand was served / periods, a share."""
        return Kpi("share of periods", self.periods_served_in_full, self.periods)

    def lost_sales_units(self) -> Kpi:
        """Units of demand that left unserved."""
        return Kpi("units", self.lost)

    def turnover(self, periods_per_year: float = PERIODS_PER_YEAR) -> Kpi:
        """Units sold in a year / average units on hand at a period's end, times a year."""
        return Kpi("per year", periods_per_year * self.sold, self.stock)

    def days_of_supply(self) -> Kpi:
        """Average units on hand at a period's end / average demand of a period, in periods."""
        return Kpi("periods", self.stock, self.demand)

    def gmroi(self, periods_per_year: float = PERIODS_PER_YEAR) -> Kpi:
        """Gross margin of a year / average stock on hand at cost, money per money and year.

        Gross margin is revenue less the unit cost of what was sold.
        """
        margin = self.revenue - self.unit_cost * self.sold
        return Kpi("per year", periods_per_year * margin, self.unit_cost * self.stock)

    def order_count(self) -> Kpi:
        """Orders placed."""
        return Kpi("orders", self.orders)

    def kpis(self, periods_per_year: float = PERIODS_PER_YEAR) -> dict[str, Kpi]:
        """Return every figure by its name."""
        return {
            "profit": self.profit(),
            "cost": self.cost(),
            "fill_rate": self.fill_rate(),
            "in_stock_rate": self.in_stock_rate(),
            "lost_sales_units": self.lost_sales_units(),
            "turnover": self.turnover(periods_per_year),
            "days_of_supply": self.days_of_supply(),
            "gmroi": self.gmroi(periods_per_year),
            "orders": self.order_count(),
        }


ARRAYS = tuple(field.name for field in fields(Outcome) if field.name != "product_ids")
TALLIED = (
    "demand",
    "sold",
    "lost",
    "ordered",
    "orders",
    "periods_served_in_full",
    "stock",
    "revenue",
    "purchases",
    "holding",
    "shortage",
)
LOGISTICS = ("lane_cost", "shipping_cost", "waste_cost")


@torch.no_grad()
def evaluate(
    world: World,
    policy: Policy,
    scenario: Scenario,
    state: State,
    *,
    end_write_down_share: float = 0.0,
) -> Outcome:
    """Run ``policy`` through ``scenario`` from ``state`` and return what came of it.

    ``end_write_down_share`` is the share of its unit cost that each unit on hand or on order
    loses when the window ends: 0 values it in full, 1 at nothing. Compared policies get the same
    ``scenario`` and the same ``state``.

    Raises :class:`ConfigurationError` for a share outside [0, 1] and :class:`InputError` for a
    window without periods.

    >>> from restock.policies import BaseStock
    >>> from restock.problem import Instance, Product
    >>> tea = Product(id="tea", list_price=5, unit_cost=2, holding_cost=1, shortage_cost=4)
    >>> world = World.from_instance(Instance.single_location([tea], 1))
    >>> asked = Scenario(torch.tensor([3.0, 5.0]).reshape(1, 2, 1, 1))
    >>> policy = BaseStock(torch.full((1, 1, 1), 4.0))
    >>> outcome = evaluate(world, policy, asked, world.state_with(torch.full((1, 1, 1), 4.0)))
    >>> outcome.sold.item(), outcome.fill_rate().total, outcome.profit().total
    (4.0, 0.5, 11.0)
    """
    require(
        0 <= end_write_down_share <= 1,
        ConfigurationError,
        f"`end_write_down_share` must lie in [0, 1]; got {end_write_down_share}."
        " Use 0 to value the closing stock at its full unit cost.",
    )
    require(
        scenario.periods >= 1,
        InputError,
        "a window needs at least one period to be evaluated; got none. Lengthen the window.",
    )
    shape = (scenario.paths, world.n_products)

    def plain(values: Tensor) -> np.ndarray:
        return np.broadcast_to(values.double().cpu().numpy(), shape).copy()

    tally = BusinessTally()
    end = rollout(world, policy, scenario, state, tally)
    unit_cost = plain(world.economics.unit_cost[..., 0])
    end_units = plain(end.on_hand.sum(-1) + end.on_order.sum(-1))
    totals = {name: plain(total) for name, total in tally.sums.items()}
    nothing = np.zeros(shape)
    return Outcome(
        product_ids=world.product_ids,
        **{name: totals[name] for name in TALLIED},
        fixed=totals.get("fixed", nothing),
        logistics=sum((totals.get(name, nothing) for name in LOGISTICS), nothing),
        periods=np.full(shape, float(tally.periods)),
        unit_cost=unit_cost,
        opening_stock_units=plain(state.on_hand.sum(-1) + state.on_order.sum(-1)),
        end_stock_units=end_units,
        write_down=end_write_down_share * unit_cost * end_units,
    )


def concatenate(outcomes: Sequence[Outcome]) -> Outcome:
    """Return several windows (or runs) of the same products as one outcome, one after another.

    The windows lie along the path axis: B is the sum of theirs.

    Raises :class:`InputError` for no outcomes, or outcomes of different products.
    """
    require(
        len(outcomes) > 0,
        InputError,
        "there is no outcome to concatenate. Evaluate at least one window.",
    )
    first = outcomes[0]
    for position, outcome in enumerate(outcomes):
        require(
            outcome.product_ids == first.product_ids,
            InputError,
            f"outcome {position} has other products than outcome 0, or another order of them"
            f" ({len(outcome.product_ids)} and {len(first.product_ids)} products)."
            " Evaluate every window on the same products.",
        )
    arrays = {name: np.concatenate([getattr(part, name) for part in outcomes]) for name in ARRAYS}
    return Outcome(product_ids=first.product_ids, **arrays)


def _ratio(amount: float | np.ndarray, per: float | np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(per, 0), np.nan, np.divide(amount, per))
