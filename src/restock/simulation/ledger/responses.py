"""How customers answer prices, one rule a function.

Prices are dictionaries of money per unit by product; each rule returns a function of a product,
the prices asked and the prices expected, whose result multiplies demand.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from restock.simulation.ledger.entries import PlaceKey

__all__ = [
    "Answer",
    "constant_elasticity",
    "cross_elasticity",
    "linear",
    "logit",
    "promotion",
    "reference_price",
]

Numbers = Mapping[str, float]
Factor = Callable[[str, Numbers, Numbers], float]

LEAST_RATIO = 1e-3
"""A price below a thousandth of the list price counts as that."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is asked at today's prices: the demand times each of the ``factors``.

    ``memory`` is the share of the reference price that stays from period to period, by product; 1
    where nothing is said. With ``means``, units per period by product and demand point, the prices
    move the mean alone, and chance stays as large as it was.
    """

    factors: tuple[Factor, ...]
    memory: Numbers = field(default_factory=dict)
    means: Mapping[PlaceKey, float] | None = None

    def asked(self, key: PlaceKey, base: float, prices: Numbers, references: Numbers) -> float:
        """Return the units asked where ``base`` would be asked at list prices.

        >>> twice = Answer((constant_elasticity({"tea": 4.0}, {"tea": -1.0}),))
        >>> twice.asked(("tea", "north"), 3.0, {"tea": 2.0}, {})
        6.0
        """
        factor = math.prod(each(key[0], prices, references) for each in self.factors)
        if self.means is None:
            return base * factor
        return max(base + self.means[key] * factor - self.means[key], 0.0)

    def next_reference(self, product: str, price: float, reference: float) -> float:
        """Return the price that customers expect in the next period."""
        stays = self.memory.get(product, 1.0)
        return stays * reference + (1 - stays) * price


def constant_elasticity(list_prices: Numbers, elasticities: Numbers) -> Factor:
    """Return (price / list price)^ε.

    >>> constant_elasticity({"tea": 10.0}, {"tea": -2.0})("tea", {"tea": 5.0}, {})
    4.0
    """

    def factor(product: str, prices: Numbers, _: Numbers) -> float:
        return float(_ratio(product, prices, list_prices) ** elasticities[product])

    return factor


def cross_elasticity(
    list_prices: Numbers, elasticities: Numbers, pairs: Mapping[tuple[str, str], float]
) -> Factor:
    """Return the product of powers of own and others' prices; ``pairs`` are (asked, priced).

    >>> rule = cross_elasticity({"t": 1, "m": 1}, {"t": -2, "m": -2}, {("t", "m"): 0.5})
    >>> rule("t", {"t": 1, "m": 4}, {})
    2.0
    """

    def factor(product: str, prices: Numbers, _: Numbers) -> float:
        powers = {product: elasticities[product]}
        powers |= {priced: power for (asked, priced), power in pairs.items() if asked == product}
        ratios = {priced: _ratio(priced, prices, list_prices) for priced in powers}
        return float(math.prod(ratios[priced] ** power for priced, power in powers.items()))

    return factor


def linear(list_prices: Numbers, elasticities: Numbers) -> Factor:
    """Return (1 + ε (price − list price) / list price)⁺.

    >>> linear({"tea": 10.0}, {"tea": -2.0})("tea", {"tea": 12.5}, {})
    0.5
    """

    def factor(product: str, prices: Numbers, _: Numbers) -> float:
        change = prices[product] / list_prices[product] - 1
        return max(1 + elasticities[product] * change, 0.0)

    return factor


def logit(
    list_prices: Numbers, sensitivities: Numbers, shares: Numbers, groups: Mapping[str, int]
) -> Factor:
    """Return wᵢ / (1 + Σ σⱼ (wⱼ − 1)) over i's group, w = exp(−β × relative change of price).

    >>> both = {"tea": 4.0, "mate": 4.0}
    >>> rule = logit(both, {"tea": 3, "mate": 3}, {"tea": 0.5, "mate": 0.25}, {"tea": 0, "mate": 0})
    >>> round(rule("tea", {"tea": 4.0, "mate": 1e9}, {}), 9)
    1.333333333
    """

    def worth(product: str, prices: Numbers) -> float:
        change = prices[product] / list_prices[product] - 1
        return math.exp(-sensitivities[product] * change)

    def factor(product: str, prices: Numbers, _: Numbers) -> float:
        rivals = [each for each in groups if groups[each] == groups[product]]
        extra = sum(shares[each] * (worth(each, prices) - 1) for each in rivals)
        return worth(product, prices) / (1 + extra)

    return factor


def promotion(list_prices: Numbers, lifts: Numbers) -> Factor:
    """Return exp(θ × depth), depth being how far the price lies below the list price.

    >>> promotion({"tea": 10.0}, {"tea": 3.0})("tea", {"tea": 12.0}, {})
    1.0
    """

    def factor(product: str, prices: Numbers, _: Numbers) -> float:
        depth = max(1 - prices[product] / list_prices[product], 0.0)
        return math.exp(lifts[product] * depth)

    return factor


def reference_price(list_prices: Numbers, gains: Numbers, losses: Numbers) -> Factor:
    """Return (1 + γ⁺ (r − p)⁺ / l − γ⁻ (p − r)⁺ / l)⁺ with r the price expected.

    >>> rule = reference_price({"tea": 10.0}, {"tea": 1.0}, {"tea": 2.0})
    >>> rule("tea", {"tea": 12.0}, {"tea": 10.0})
    0.6
    """

    def factor(product: str, prices: Numbers, references: Numbers) -> float:
        cheaper = (references[product] - prices[product]) / list_prices[product]
        moved = gains[product] * cheaper if cheaper > 0 else losses[product] * cheaper
        return max(1 + moved, 0.0)

    return factor


def _ratio(product: str, prices: Numbers, list_prices: Numbers) -> float:
    return max(prices[product] / list_prices[product], LEAST_RATIO)
