"""What the demo company does about it: suppliers, a plain base-stock shop, sales and stock.

Each trading day, in the house's order of events: what is due arrives, with what customers sent
back; the shop orders up to a level; demand comes and is served as far as stock goes; the rest is
lost. The level is the shop's smoothed mean of its own (censored) sales over lead time and review,
plus ``safety_factor`` standard deviations: a reasonable shop, not a good one.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from restock.errors import ConfigurationError, require
from restock.records.demo_market import DemoMarket
from restock.seeds import Seeds

__all__ = ["DemoShop", "DemoShopConfig", "DemoTerms", "run_shop"]

SMOOTHING = 0.05  # weight of the newest day in the shop's running mean and variance
PACKS = np.array([1, 6, 12, 24, 48])


@dataclass(frozen=True, kw_only=True)
class DemoShopConfig:
    """Parameters of the demo shop; all invented, since the real data hold no supply side.

    Lead times are trading days, one per supplier, drawn between the two bounds.
    ``return_share`` of the units sold come back after ``return_delay_days`` trading days.

    Raises :class:`ConfigurationError` for a value outside its range.

    >>> DemoShopConfig(shortest_lead_time_days=0)
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: lead times must satisfy 1 ≤ shortest ≤ longest ≤ 100; got 0 \
and 15. Enter trading days.
    """

    n_suppliers: int = 8
    shortest_lead_time_days: int = 3
    longest_lead_time_days: int = 15
    safety_factor: float = 1.6
    return_share: float = 0.02
    return_delay_days: int = 8

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        shortest, longest = self.shortest_lead_time_days, self.longest_lead_time_days
        require(
            1 <= shortest <= longest <= 100,
            ConfigurationError,
            f"lead times must satisfy 1 ≤ shortest ≤ longest ≤ 100; got {shortest} and {longest}."
            " Enter trading days.",
        )
        for name, low, high in (
            ("n_suppliers", 1, 1000),
            ("safety_factor", -3, 10),
            ("return_share", 0, 1),
            ("return_delay_days", 1, 100),
        ):
            value = getattr(self, name)
            require(
                low <= value <= high,
                ConfigurationError,
                f"`{name}` must lie in [{low}, {high}]; got {value}. Choose a value inside.",
            )


@dataclass(frozen=True, eq=False)
class DemoTerms:
    """Each product's supplier and terms: trading days, units, money per order."""

    supplier: Int[np.ndarray, " P"]
    lead_time_days: Int[np.ndarray, " P"]
    minimum_units: Int[np.ndarray, " P"]
    case_pack_units: Int[np.ndarray, " P"]
    fixed_order_cost: Float[np.ndarray, " P"]


@dataclass(frozen=True, eq=False)
class DemoShop:
    """What the shop's books show, in units by trading day and product.

    ``ordered`` is what was ordered from the supplier on a day; ``on_hand`` the stock at its end.
    """

    terms: DemoTerms
    sold: Float[np.ndarray, "T P"]
    returned: Float[np.ndarray, "T P"]
    on_hand: Float[np.ndarray, "T P"]
    ordered: Float[np.ndarray, "T P"]


def run_shop(config: DemoShopConfig, market: DemoMarket, seeds: Seeds) -> DemoShop:
    """Run the shop through the market's days."""
    terms = _terms(config, market, seeds.numpy("demo/suppliers"))
    draw = seeds.numpy("demo/returns")
    n_days, n_products = market.demand.shape
    sold, returned, on_hand, ordered = (np.zeros((n_days, n_products)) for _ in range(4))
    columns = np.arange(n_products)
    mean, variance = market.usual_units.copy(), (2.0 * market.usual_units) ** 2
    stock = np.ceil(_level(config, terms, mean, variance))
    on_order = np.zeros(n_products)
    for t in range(n_days):
        due = t - terms.lead_time_days
        arrived = np.where(due >= 0, ordered[due.clip(0), columns], 0.0)
        if t >= config.return_delay_days:
            past = sold[t - config.return_delay_days].astype(np.int64)
            returned[t] = draw.binomial(past, config.return_share)
        stock = stock + arrived + returned[t]
        need = _level(config, terms, mean, variance) - stock - (on_order - arrived)
        ordered[t] = _packed(terms, need)
        on_order = on_order - arrived + ordered[t]
        sold[t] = np.minimum(stock, market.demand[t])
        stock = stock - sold[t]
        on_hand[t] = stock
        surprise = sold[t] - mean
        mean = mean + SMOOTHING * surprise
        variance = (1 - SMOOTHING) * (variance + SMOOTHING * surprise**2)
    return DemoShop(terms, sold, returned, on_hand, ordered)


def _level(
    config: DemoShopConfig, terms: DemoTerms, mean: np.ndarray, variance: np.ndarray
) -> np.ndarray:
    periods = terms.lead_time_days + 1
    level: np.ndarray = mean * periods + config.safety_factor * np.sqrt(variance * periods)
    return level


def _packed(terms: DemoTerms, need: np.ndarray) -> np.ndarray:
    """Return the smallest quantity of whole cases that covers the need and the minimum."""
    wish = np.maximum(need, terms.minimum_units)
    cases = np.ceil(wish / terms.case_pack_units)
    return np.where(need > 0, cases * terms.case_pack_units, 0.0)


def _terms(config: DemoShopConfig, market: DemoMarket, draw: np.random.Generator) -> DemoTerms:
    n_products = market.usual_units.size
    leads = draw.integers(
        config.shortest_lead_time_days,
        config.longest_lead_time_days,
        size=config.n_suppliers,
        endpoint=True,
    )
    fees = np.round(draw.uniform(2.0, 12.0, config.n_suppliers), 2)
    supplier = draw.integers(config.n_suppliers, size=n_products)
    # The largest pack that two days of demand would empty; a few packs are the minimum.
    fitting = np.searchsorted(PACKS, 2.0 * market.usual_units, side="right") - 1
    pack = PACKS[fitting.clip(0)]
    return DemoTerms(
        supplier=supplier,
        lead_time_days=leads[supplier],
        minimum_units=pack * draw.integers(1, 4, size=n_products),
        case_pack_units=pack,
        fixed_order_cost=fees[supplier],
    )
