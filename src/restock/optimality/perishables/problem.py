"""One perishable product, lost sales, a fixed lead time: what is given."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from restock.errors import InstanceError, require
from restock.optimality.perishables.issuing import Issued, issue
from restock.optimality.pmf import check_pmf

__all__ = ["Perishable", "PerishableCosts"]


@dataclass(frozen=True)
class PerishableCosts:
    """Money per unit: bought, held at the end of a period, of unmet demand, and expired.

    Raises :class:`InstanceError` for a cost that is negative or not finite.

    >>> PerishableCosts(unit=3, holding=1, shortage=5, waste=-7)
    Traceback (most recent call last):
    ...
    restock.errors.InstanceError: `waste` must be finite and ≥ 0; got -7. Give money per unit.
    """

    unit: float
    holding: float
    shortage: float
    waste: float

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        for name in ("unit", "holding", "shortage", "waste"):
            cost = getattr(self, name)
            require(
                0 <= cost < math.inf,
                InstanceError,
                f"`{name}` must be finite and ≥ 0; got {cost}. Give money per unit.",
            )


@dataclass(frozen=True, eq=False)
class Perishable:
    """The perishable lost-sales system of De Moor et al. (2022), at least discounted cost.

    ``pmf`` is p[d], the chance of demand d = 0..D in a period, periods independent. ``lead_time``
    (L ≥ 1, periods): what is ordered in period t can be sold from period t + L on, with all of
    its ``shelf_life`` (m ≥ 1, periods in which a unit can be sold) before it. ``largest_order``
    is units, ``fifo_share`` as in :func:`~restock.optimality.perishables.issue`, ``discount``
    (γ in (0, 1)) the weight of the next period's money.

    A state is a conveyor of n = m + L − 1 numbers: units on hand with 1, 2, …, m periods to live,
    then units due in 1, …, L − 1 periods. The order a is placed and paid; demand is served and
    the rest lost; what is left of the oldest class expires; the rest is held. The next state
    drops the oldest class and appends a: what is due next enters the shelf with m periods to live.

    Raises :class:`InstanceError` for anything else.

    Source: B. J. De Moor, J. Gijsbrechts & R. N. Boute (2022), European Journal of Operational
    Research 301(2):535–545.

    >>> costs = PerishableCosts(unit=3, holding=1, shortage=5, waste=7)
    >>> Perishable(np.array([0.5, 0.5]), 2, 3, costs, largest_order=4).n_components
    4
    """

    pmf: Float[np.ndarray, " D"]
    lead_time: int
    shelf_life: int
    costs: PerishableCosts
    largest_order: int
    fifo_share: float = 1.0
    discount: float = 0.99

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        check_pmf(self.pmf)
        for name in ("lead_time", "shelf_life", "largest_order"):
            number = getattr(self, name)
            require(
                number >= 1 and number == int(number),
                InstanceError,
                f"`{name}` must be an integer ≥ 1; got {number}. Count in periods and units.",
            )
        require(
            0 <= self.fifo_share <= 1,
            InstanceError,
            f"`fifo_share` must lie in [0, 1]; got {self.fifo_share}. 1 is oldest first, 0 is"
            " freshest first.",
        )
        require(
            0 < self.discount < 1,
            InstanceError,
            f"`discount` must lie in (0, 1); got {self.discount}. Near 1 it is an average cost.",
        )

    @property
    def mean(self) -> float:
        """Units demanded per period."""
        return float(np.arange(self.pmf.size) @ self.pmf)

    @property
    def n_components(self) -> int:
        """Numbers in a state: age classes and orders on the way, m + L − 1."""
        return self.shelf_life + self.lead_time - 1

    def served(self, stock: Int[np.ndarray, "S m"]) -> tuple[Issued, Float[np.ndarray, "S D"]]:
        """Serve each possible demand from each stock; return what is left, lost, and the cost.

        The cost is money for holding, shortage and waste, without purchases.

        >>> costs = PerishableCosts(unit=3, holding=1, shortage=5, waste=7)
        >>> one = Perishable(np.array([0.0, 1.0]), 1, 2, costs, largest_order=4)
        >>> one.served(np.array([[2, 1]]))[1].tolist()  # demand 0: 2 expire, 1 held; 1: 1 and 1
        [[15.0, 8.0]]
        """
        issued = issue(stock, np.arange(self.pmf.size), self.fifo_share)
        held = issued.left[..., 1:].sum(axis=-1)
        cost = (
            self.costs.holding * held
            + self.costs.waste * issued.left[..., 0]
            + self.costs.shortage * issued.lost
        )
        return issued, np.asarray(cost, dtype=np.float64)
