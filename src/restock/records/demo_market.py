"""What the demo company's customers want: prices, promotions, seasons and true demand.

Demand is compound: a Poisson number of order lines a day, each of a lumpy size,

    λ[t, p] = λ[p] · season[t, p] · weekday[t] · growth[t, p] · ratio[t, p]^ε · promotion[t, p],
    units[t, p] = N + Poisson(Gamma(N · a, θ[t, p])),    N ~ Poisson(λ[t, p]),

with ratio the list price over its first value, so that a line has 1 + a·θ units on average and
most lines are small while a few are large. The constants are facts of a real shop's order lines
(data card "Online Retail": level, spread, zeros, coefficient of variation, elasticities, weekdays
and the November peak); where a value is invented, its comment says so.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from jaxtyping import Bool, Float

from restock.errors import ConfigurationError, require
from restock.seeds import Seeds

__all__ = ["CATEGORIES", "DemoMarket", "DemoMarketConfig", "generate_market"]

# Day of the year of the seasonal peak and its height in logs: invented, one shape a category.
CATEGORIES = {
    "gifts": (325, 0.35),
    "garden": (165, 0.60),
    "kitchen": (30, 0.10),
    "home": (290, 0.20),
    "toys": (335, 0.50),
}
# Monday to Sunday; Thursday best, Sunday worst, Saturday closed.
WEEKDAYS = np.array([0.95, 1.05, 1.05, 1.30, 1.00, 0.0, 0.65])
NOVEMBER_PEAK, NOVEMBER_WIDTH, NOVEMBER_HEIGHT = 320, 18.0, 0.5
MEDIAN_LINES, LINES_SPREAD = 1.8, 0.45
TAIL_LINES, TAIL_LINE_UNITS = 0.30, 5.0  # e^−0.30 = 0.74, the tail's median share of zeros
SIZE_SHAPE = 0.12  # a: makes the daily coefficient of variation about 2
PROMOTION_DAYS, PROMOTION_NOTICE = 6, 1.3  # invented: a week on offer, 30 % more lines by notice


@dataclass(frozen=True, kw_only=True)
class DemoMarketConfig:
    """Parameters of the demo market.

    ``median_units`` is the median product's mean demand in units a day and ``spread`` the standard
    deviation of its logarithm; ``tail_share`` is the share of products that sell on few days;
    ``line_elasticity`` and ``unit_elasticity`` (ε) say by what power lines and units answer the
    list price; ``promoted_share`` is the share of days on promotion, ``promotion_depth`` the price
    cut; ``price_change_share`` is the share of product-weeks in which the list price moves.

    Raises :class:`ConfigurationError` for a value outside its range.

    >>> DemoMarketConfig(tail_share=1.5)
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: `tail_share` must lie in [0, 1]; got 1.5. Choose a share.
    """

    median_units: float = 16.4
    spread: float = 0.74
    tail_share: float = 0.30
    line_elasticity: float = -0.78
    unit_elasticity: float = -1.14
    promoted_share: float = 0.05
    promotion_depth: float = 0.20
    price_change_share: float = 0.013

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        for name in ("tail_share", "promoted_share", "price_change_share"):
            value = getattr(self, name)
            require(
                0 <= value <= 1,
                ConfigurationError,
                f"`{name}` must lie in [0, 1]; got {value}. Choose a share.",
            )
        for name in ("median_units", "spread"):
            value = getattr(self, name)
            require(
                0 < value < float("inf"),
                ConfigurationError,
                f"`{name}` must be finite and > 0; got {value}. Choose a larger value.",
            )
        require(
            0 <= self.promotion_depth < 1,
            ConfigurationError,
            f"`promotion_depth` must lie in [0, 1); got {self.promotion_depth}. Choose a share of"
            " the price.",
        )
        require(
            -10 <= self.unit_elasticity <= self.line_elasticity <= 0,
            ConfigurationError,
            "elasticities must satisfy −10 ≤ `unit_elasticity` ≤ `line_elasticity` ≤ 0; got"
            f" {self.unit_elasticity} and {self.line_elasticity}. Lines cannot answer more than"
            " units.",
        )


@dataclass(frozen=True, eq=False)
class DemoMarket:
    """What customers face and want, by trading day and product.

    ``category`` holds positions in :data:`CATEGORIES`; ``usual_units`` is each product's mean
    demand a day at its first price in an average season; ``regular_price`` is the price without
    promotions, ``list_price`` the price asked, ``demand`` the true demand in units.
    """

    category: np.ndarray
    usual_units: Float[np.ndarray, " P"]
    regular_price: Float[np.ndarray, "T P"]
    list_price: Float[np.ndarray, "T P"]
    promoted: Bool[np.ndarray, "T P"]
    demand: Float[np.ndarray, "T P"]


def generate_market(
    config: DemoMarketConfig, n_products: int, days: list[date], seeds: Seeds
) -> DemoMarket:
    """Draw a market of ``n_products`` (P) over ``days`` (T trading days)."""
    category = np.arange(n_products) % len(CATEGORIES)
    lines, line_units = _bases(config, n_products, seeds.numpy("demo/products"))
    regular, price, promoted = _prices(config, n_products, days, seeds.numpy("demo/prices"))
    ratio = price / regular[0]
    rate = lines * _season(category, days) * _growth(n_products, days, seeds.numpy("demo/growth"))
    rate = rate * ratio**config.line_elasticity * np.where(promoted, PROMOTION_NOTICE, 1.0)
    size = line_units * ratio ** (config.unit_elasticity - config.line_elasticity)
    draw = seeds.numpy("demo/demand")
    count = draw.poisson(rate)
    scale = np.maximum(size - 1.0, 0.0) / SIZE_SHAPE
    demand = count + draw.poisson(draw.gamma(count * SIZE_SHAPE) * scale)
    return DemoMarket(
        category=category,
        usual_units=lines * line_units,
        regular_price=regular,
        list_price=price,
        promoted=promoted,
        demand=demand.astype(np.float64),
    )


def _bases(
    config: DemoMarketConfig, n_products: int, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return each product's order lines a day and units a line."""
    level = config.spread * draw.standard_normal(n_products)
    units = config.median_units * np.exp(level)
    # Busier products have more lines and larger ones, in about equal parts.
    noise = LINES_SPREAD * draw.standard_normal(n_products)
    lines = np.minimum(MEDIAN_LINES * np.exp(0.5 * level + noise), units)
    size = units / lines
    tail = draw.permutation(n_products) < round(config.tail_share * n_products)
    rare = TAIL_LINES * np.exp(0.5 * draw.standard_normal(n_products))
    lumpy = 1.0 + (TAIL_LINE_UNITS - 1.0) * np.exp(0.5 * draw.standard_normal(n_products))
    return np.where(tail, rare, lines), np.where(tail, lumpy, size)


def _prices(
    config: DemoMarketConfig, n_products: int, days: list[date], draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the regular price, the price asked and the promotions, each by day and product."""
    shape = (len(days), n_products)
    first = np.maximum(np.round(2.95 * np.exp(0.8 * draw.standard_normal(n_products)), 2), 0.25)
    weeks = np.array([day.isocalendar()[:2] for day in days])
    monday = np.r_[False, (weeks[1:] != weeks[:-1]).any(axis=1)]
    moves = (draw.random(shape) < config.price_change_share) & monday[:, None]
    steps = np.where(moves, draw.normal(0.03, 0.08, shape), 0.0)
    regular = np.round(first * np.exp(np.cumsum(steps, axis=0)), 2)
    starts = draw.random(shape) < config.promoted_share / PROMOTION_DAYS
    begun = np.cumsum(starts, axis=0)
    earlier = np.vstack([np.zeros((PROMOTION_DAYS, n_products), dtype=int), begun])[: len(days)]
    promoted = begun > earlier
    asked = np.where(promoted, np.round(regular * (1 - config.promotion_depth), 2), regular)
    return regular, asked, promoted


def _season(category: np.ndarray, days: list[date]) -> np.ndarray:
    """Return the factor of season and weekday, 1 on average over the days of a year."""
    year = np.arange(366)
    peaks, heights = np.array(list(CATEGORIES.values()), dtype=np.float64).T
    waves = heights * np.cos(2 * np.pi * (year[:, None] - peaks) / 365.25)
    november = NOVEMBER_HEIGHT * np.exp(-0.5 * ((year - NOVEMBER_PEAK) / NOVEMBER_WIDTH) ** 2)
    shapes = np.exp(waves + november[:, None])
    shapes /= shapes.mean(axis=0)
    of_year = np.array([day.timetuple().tm_yday - 1 for day in days])
    of_week = np.array([day.weekday() for day in days])
    factors: np.ndarray = shapes[of_year][:, category] * WEEKDAYS[of_week][:, None]
    return factors


def _growth(n_products: int, days: list[date], draw: np.random.Generator) -> np.ndarray:
    """Return each product's growth since the first day: about 5 % a year, unevenly (invented)."""
    yearly = draw.normal(0.05, 0.15, n_products)
    years = np.array([(day - days[0]).days / 365.25 for day in days])
    growth: np.ndarray = np.exp(years[:, None] * yearly)
    return growth
