"""Seasonal demand: any process whose level follows weekday, time of year and trend."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from restock.demand.paths import ScalableProcess, time_major
from restock.demand.processes.parameters import check
from restock.errors import ConfigurationError, require
from restock.shapes import DemandPaths

__all__ = ["DAYS_PER_YEAR", "Seasonal"]

DAYS_PER_YEAR = 364  # 52 weeks, so that weekdays and seasons return together


@dataclass(frozen=True, eq=False)
class Seasonal:
    """A base process whose mean in period t is multiplied by weekday × season × trend.

    Periods are days of a year of 52 weeks; period 0 falls on day ``first_day`` of it (day 0 is
    the Monday of the first week). ``weekday_factors`` are read Monday first, ``week_factors``
    from the year's first week on; both are ≥ 0, without unit, for all products or for each.
    ``growth_per_year`` is a fraction > −1; the level grows geometrically from period 0 on.

    Raises :class:`ConfigurationError` when a factor is NaN, infinite or outside its range, or
    the numbers of products disagree.

    >>> from restock.demand.processes.poisson import Poisson
    >>> closed_on_sunday = torch.tensor([[1.0]] * 6 + [[0.0]])
    >>> seasonal = Seasonal(Poisson(torch.tensor([7.0])), closed_on_sunday)
    >>> seasonal.mean
    tensor([6.])
    """

    base: ScalableProcess
    weekday_factors: Float[Tensor, "7 #P"] = field(default_factory=lambda: torch.ones(7, 1))
    week_factors: Float[Tensor, "52 #P"] = field(default_factory=lambda: torch.ones(52, 1))
    growth_per_year: Float[Tensor, "#P"] = field(default_factory=lambda: torch.zeros(1))
    first_day: int = 0

    def __post_init__(self) -> None:
        """Check shapes and ranges."""
        remedy = "Use 1 for an average day, 0 for none."
        for name, rows in (("weekday_factors", 7), ("week_factors", 52)):
            values: Tensor = getattr(self, name)
            _check_shape(name, values, (rows,), self.n_products)
            check(name, values, (values >= 0) & values.isfinite(), "finite and ≥ 0", remedy)
        growth = self.growth_per_year
        _check_shape("growth_per_year", growth, (), self.n_products)
        rule, remedy = "finite and > −1", "Use 0.05 for five percent more each year."
        check("growth_per_year", growth, (growth > -1) & growth.isfinite(), rule, remedy)
        require(
            self.first_day >= 0,
            ConfigurationError,
            f"`first_day` must be an integer ≥ 0; got {self.first_day}."
            " Count days from the Monday of the year's first week.",
        )

    @property
    def n_products(self) -> int:
        """P, the number of products."""
        return self.base.n_products

    @property
    def mean(self) -> Float[Tensor, "P"]:
        """Expected demand, units per period, averaged over the first year (52 weeks)."""
        return self.base.mean * self.factors(DAYS_PER_YEAR).mean(dim=(0, 1))

    @property
    def whole_units(self) -> bool:
        """Whole units if the base process has them."""
        return self.base.whole_units

    def factors(self, periods: int) -> Float[Tensor, "T 1 #P"]:
        """Return what the base's mean is multiplied by in each of ``periods`` periods."""
        elapsed = torch.arange(periods, device=self.base.mean.device)
        day = elapsed + self.first_day
        season = self.weekday_factors[day % 7] * self.week_factors[day // 7 % 52]
        years = (elapsed / DAYS_PER_YEAR).unsqueeze(1)
        return (season * (1 + self.growth_per_year) ** years).unsqueeze(1)

    def sample(self, paths: int, periods: int, generator: Generator) -> DemandPaths:
        """Draw B paths of T periods, in units, time first in memory."""
        return time_major(self.base.draw(self.factors(periods), paths, generator))


def _check_shape(name: str, values: Tensor, rows: tuple[int, ...], n_products: int) -> None:
    allowed = ((*rows, 1), (*rows, n_products))
    require(
        tuple(values.shape) in allowed,
        ConfigurationError,
        f"`{name}` must have shape {allowed[0]} (for all products) or {allowed[1]} (for each);"
        f" got {tuple(values.shape)}. Reshape it.",
    )
