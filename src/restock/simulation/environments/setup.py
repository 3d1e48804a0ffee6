"""What an environment plays: a world and its demand, an episode, actions, a reward."""

import math
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.simulation.scenario import ScenarioSource
from restock.simulation.world import World

__all__ = ["Controls", "RewardWeights", "Setup"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardWeights:
    """Reward = (w₁ profit + w₂ satisfaction − w₃ inventory cost) / scale, summed over products.

    ``profit`` and ``inventory_cost`` weigh money, ``satisfaction`` is the money that a point of
    satisfaction (0 to 1) is worth per period. ``scale`` is the money that counts as a reward of 1.

    Raises :class:`ConfigurationError` for a weight that is not finite, or a scale that is not > 0.

    >>> RewardWeights(profit=float("nan"))
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: the weight of `profit` in the reward must be finite; got \
nan. Use 1 to count it, 0 to leave it out.
    """

    profit: float = 1.0
    satisfaction: float = 0.0
    inventory_cost: float = 1.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        """Check every number; NaN fails."""
        for item in fields(self):
            value = getattr(self, item.name)
            require(
                math.isfinite(value),
                ConfigurationError,
                f"the weight of `{item.name}` in the reward must be finite; got {value}."
                " Use 1 to count it, 0 to leave it out.",
            )
        require(
            self.scale > 0,
            ConfigurationError,
            f"`reward_scale` must be > 0; got {self.scale}. Give the money of an ordinary period.",
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Controls:
    """What an action decides.

    ``most`` ``[P, E]`` is the largest order, in units, or with ``are_levels`` the highest level
    that a lane's orders may raise the position to; ``None`` where nothing is ordered. Lanes with
    0 take no orders. ``most_batch`` ``[P, E]`` adds the least order worth its fixed cost.
    ``prices`` are the lowest and the highest price, money ``[P, 1]`` each. With ``allocates`` an
    action says which share of a region's demand each location serves first. ``is_discrete``
    counts orders in whole units instead of shares; it knows quantities alone.

    Raises :class:`ConfigurationError` when an action would decide nothing, or a discrete one
    something else than quantities.
    """

    most: Float[Tensor, "P E"] | None = None
    are_levels: bool = True
    most_batch: Float[Tensor, "P E"] | None = None
    prices: tuple[Float[Tensor, "P 1"], Float[Tensor, "P 1"]] | None = None
    allocates: bool = False
    is_discrete: bool = False

    def __post_init__(self) -> None:
        """Check that parts fit together."""
        require(
            self.most is not None or self.prices is not None or self.allocates,
            ConfigurationError,
            "an action must decide something; got neither orders, prices nor allocation."
            " Give `most`, `prices` or `allocates`.",
        )
        for name in ("most", "most_batch"):
            values = getattr(self, name)
            require(
                values is None or bool(((values >= 0) & values.isfinite()).all()),
                ConfigurationError,
                f"`{name}` must be finite and ≥ 0; got {values}. Give units, 0 on lanes that are"
                " not used.",
            )
        only_quantities = (
            self.most is not None
            and not self.are_levels
            and self.most_batch is None
            and self.prices is None
            and not self.allocates
        )
        require(
            not self.is_discrete or only_quantities,
            ConfigurationError,
            "discrete actions are order quantities and nothing else; got levels, batches, prices"
            " or allocation beside. Take continuous actions, or quantities alone.",
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Setup:
    """A world, the demand that it meets, and the game that is played in it.

    An episode has ``periods`` periods and starts with ``opening`` units on hand ``[P, L]``.
    ``mean`` ``[P, D]`` is the usual demand in units per period, which observations are measured
    in. ``shows`` names the fields of an observation, ``forecasts`` the signals of the field
    ``forecast``. With ``is_season`` the problem itself ends with the last period or the last unit
    (`terminated`); otherwise it would go on, and an episode is cut off (`truncated`).

    Raises :class:`ConfigurationError` for a length that is no integer ≥ 1 and for opening stock
    or means of another shape.
    """

    name: str
    world: World
    source: ScenarioSource
    periods: int
    mean: Float[Tensor, "P D"]
    controls: Controls
    weights: RewardWeights
    shows: tuple[str, ...] = ("stock", "pipeline")
    forecasts: tuple[str, ...] = ()
    opening: Float[Tensor, "P L"] | None = None
    is_season: bool = False

    def __post_init__(self) -> None:
        """Check what the parts do not check themselves."""
        world = self.world
        require(
            self.periods >= 1 and self.periods % 1 == 0,
            ConfigurationError,
            f"`periods` must be an integer ≥ 1; got {self.periods}. Give the length of an episode.",
        )
        points = (world.n_products, world.n_demand_points)
        require(
            tuple(self.mean.shape) == points and bool((self.mean.sum(-1) > 0).all()),
            ConfigurationError,
            f"`mean` must be {points} numbers, > 0 for each product; got {self.mean.tolist()}."
            " Give the usual demand of each product at each demand point, in units per period.",
        )
        places = (world.n_products, world.n_locations)
        require(
            self.opening is None or tuple(self.opening.shape) == places,
            ConfigurationError,
            f"`opening` must have shape {places}; got"
            f" {None if self.opening is None else tuple(self.opening.shape)}."
            " Give the units on hand of each product at each location.",
        )

    @property
    def lane_names(self) -> tuple[str, ...]:
        """Each lane as ``origin→destination``, on the axis E."""
        return tuple(f"{origin}→{place}" for origin, place in self.world.network.lanes)

    @property
    def points(self) -> tuple[str, ...]:
        """The names of the demand points D: regions, or locations where there are none."""
        return self.world.network.regions or self.world.network.locations

    @property
    def stock_size(self) -> Float[Tensor, "P L"]:
        """What stock at each location is measured in, units.

        The usual demand per period of its own customers and of all that it supplies; with
        regions, of the whole shop; in a season, the opening stock.
        """
        if self.is_season and self.opening is not None:
            return self.opening.clamp_min(1)
        network = self.world.network
        if network.has_regions:
            return self.mean.sum(-1, keepdim=True).expand(-1, self.world.n_locations)
        usual: Tensor = network.echelon(self.mean.unsqueeze(0)).squeeze(0)
        return torch.where(usual > 0, usual, self.mean.sum(-1, keepdim=True))
