"""A learned allocation: how much of a region's demand each location serves."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.policies.allocation.protocol import Allocated, Allocation
from restock.policies.allocation.ranked import parcel_cost
from restock.policies.neural.bodies import mlp
from restock.policies.neural.heads import shares_within
from restock.policies.neural.packing import Made, Recipe, register
from restock.simulation import Observation
from restock.simulation.fulfilment import Fulfilment

__all__ = ["LearnedAllocation", "LearnedAllocationConfig"]

LEAST_RATE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedAllocationConfig:
    """Shape and starting point of :class:`LearnedAllocation`.

    ``temperature`` is the difference in shipping cost, as a share of the mean cost, that divides
    the odds of a location by e before anything is learned: small is close to cheapest first.
    ``hidden`` are the widths of the network's layers.

    Raises :class:`ConfigurationError` for a temperature or a width that is not positive.
    """

    temperature: float = 0.1
    hidden: tuple[int, ...] = (16,)

    def __post_init__(self) -> None:
        """Check every setting; the conditions are written so that NaN fails them."""
        require(
            0 < self.temperature < float("inf"),
            ConfigurationError,
            f"`temperature` must be finite and > 0; got {self.temperature}. Use 0.1 to begin"
            " close to the cheapest location.",
        )
        require(
            all(width >= 1 for width in self.hidden),
            ConfigurationError,
            f"`hidden` widths must be ≥ 1; got {self.hidden}. Leave a layer out instead.",
        )


class LearnedAllocation(nn.Module):
    """Shares by softmax over locations of −cost / temperature + network, one network for all pairs.

    The network reads, for each region and location: the shipping cost in units of the mean, the
    location's cover (stock on hand in periods of ``rate``) and the transit, both as log(1 + ·). It
    starts at zero, so that a fresh policy is soft cheapest-first. Locations out of reach have share
    0. ``rate`` ``[#B, #P, L]`` is the demand that each location expects, in units per period.
    Features are ``[B, P, R, L, 3]``: memory grows with paths × products × regions × locations.
    """

    cost: Tensor
    transit: Tensor
    reach: Tensor
    rate: Tensor

    def __init__(
        self,
        terms: Fulfilment,
        rate: Float[Tensor, "#B #P L"],
        generator: torch.Generator,
        config: LearnedAllocationConfig | None = None,
    ) -> None:
        super().__init__()
        self.config = LearnedAllocationConfig() if config is None else config
        self.body = mlp(3, 1, self.config.hidden, generator).to(terms.cost_per_unit.dtype)
        cost = parcel_cost(terms)
        mean = cost[0, 0][terms.reach.any(0)].mean()
        self.register_buffer("cost", cost / torch.where(mean > 0, mean, 1))
        self.register_buffer("transit", torch.log1p(terms.transit_periods)[None, None])
        self.register_buffer("reach", terms.reach.unsqueeze(0))
        self.register_buffer("rate", rate)

    def features(self, observation: Observation) -> Float[Tensor, "B P R L 3"]:
        """Return cost, cover and transit of every pair."""
        cover = torch.log1p(observation.on_hand / self.rate.clamp_min(LEAST_RATE)).unsqueeze(-2)
        shape = (*observation.on_hand.shape[:2], *self.cost.shape[-2:])
        parts = (self.cost, cover, self.transit)
        return torch.stack([part.expand(shape) for part in parts], dim=-1)

    def allocate(self, observation: Observation) -> Allocation:
        """Share each region's demand out; what is short goes to the cheapest."""
        learned = self.body(self.features(observation)).squeeze(-1)
        logits = learned - self.cost / self.config.temperature
        return Allocation(share=shares_within(logits, self.reach))


def _restored(made: Made) -> LearnedAllocation:
    """Return an allocation of the saved shape; what it was made from is in its buffers."""
    weights = made.weights
    cost, reach = weights["cost"][0, 0], weights["reach"][0]
    terms = Fulfilment(
        cost_per_unit=cost,
        cost_per_shipment=torch.zeros_like(cost),
        transit_periods=weights["transit"][0, 0].expm1(),
        promise_periods=torch.full_like(cost[:, 0], torch.inf),
        reach=reach,
    )
    return LearnedAllocation(terms, weights["rate"], torch.Generator(), made.config)


register(Recipe(LearnedAllocation, _restored, LearnedAllocationConfig, (), ("rate", "reach")))
register(
    Recipe(
        Allocated,
        lambda made: Allocated(made.parts["policy"], made.parts["allocator"]),
        None,
        ("policy", "allocator"),
    )
)
