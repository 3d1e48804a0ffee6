"""What products share: how much of a budget or a capacity they use, while nothing is cut."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError
from restock.shapes import LaneValues
from restock.simulation import Observation, Policy, Scenario, World, rollout
from restock.simulation.coupling import Budget, InboundCapacity, StorageCapacity
from restock.simulation.mechanism import Coupling
from restock.simulation.ordering import Ordering

__all__ = ["Resources", "Use", "measure_use"]


class Resources:
    """The limits of a world that tie its products together, R of them, and a world without them.

    ``names`` are "budget", "inbound@place" and "storage@place"; ``limits`` ``[R]`` are in money,
    units and volume. ``open_world`` is the same world, but orders are metered there and not cut.

    Raises :class:`ConfigurationError` for a world whose products share nothing.

    >>> from restock.problem import Instance, Product
    >>> instance = Instance.single_location([Product(id="A", unit_cost=2.0)], 1)
    >>> world = World.from_instance(replace(instance, budget_per_period=30.0))
    >>> shared = Resources(world)
    >>> shared.names, shared.limits.tolist(), shared.per_unit.tolist()
    (('budget',), [30.0], [[2.0]])
    """

    def __init__(self, world: World) -> None:
        if not world.couplings:
            raise ConfigurationError(
                "nothing ties the products of this world together, so that nothing has a price."
                " Give the instance `budget_per_period`, or a location `storage_capacity` or"
                " `inbound_capacity_units`; without limits train with `pathwise.fit`."
            )
        self.meters = [_Meter(coupling) for coupling in world.couplings]
        self.open_world = replace(world, couplings=tuple(self.meters))
        parts = [_terms(coupling, world) for coupling in world.couplings]
        limits = torch.cat([part.limits for part in parts])
        self.is_limit = limits.isfinite()
        self.limits = limits[self.is_limit]
        self.per_unit = torch.cat([part.per_unit for part in parts])[self.is_limit]
        names = [name for part in parts for name in part.names]
        self.names = tuple(
            name for name, limit in zip(names, limits, strict=True) if limit.isfinite()
        )

    def take_use(self) -> Float[Tensor, "B T R"]:
        """Return what was used in each period since the last call, differentiably."""
        use = torch.cat([torch.stack(meter.taken(), 1) for meter in self.meters], -1)
        return use[..., self.is_limit]


@dataclass(frozen=True, kw_only=True, eq=False)
class Use:
    """How much of each resource is used, and what one unit of it is worth.

    ``limit`` and ``mean`` ``[R]`` are per period, in the resource's unit (money, units, volume);
    ``share_over`` ``[R]`` is the share of periods in which more than the limit was wished for, by
    more than a thousandth of it; ``price`` ``[R]`` is money of cost per unit of the resource.
    """

    names: tuple[str, ...]
    limit: Float[Tensor, " R"]
    mean: Float[Tensor, " R"]
    share_over: Float[Tensor, " R"]
    price: Float[Tensor, " R"] | None = None

    @property
    def is_kept(self) -> bool:
        """Whether every limit is kept on average, to a hundredth."""
        return bool((self.mean <= 1.01 * self.limit).all())


@torch.no_grad()
def measure_use(policy: Policy, world: World, scenario: Scenario, warm_up: int) -> Use:
    """Return what ``policy`` would use of the world's resources where nothing cut its orders.

    Paths begin with empty shelves; the first ``warm_up`` periods do not count.
    """
    shared = Resources(world)
    rollout(shared.open_world, policy, scenario, world.empty_state(scenario.paths))
    use = shared.take_use()[:, warm_up:]
    over = use > 1.001 * shared.limits
    return Use(
        names=shared.names,
        limit=shared.limits,
        mean=use.mean((0, 1)),
        share_over=over.to(use).mean((0, 1)),
    )


@dataclass(eq=False)
class _Meter:
    """Stands where a limit stood, and writes down what it would have been asked."""

    coupling: Coupling
    asked: list[Tensor] = field(default_factory=list)

    def limit(self, order: LaneValues, observation: Observation, ordering: Ordering) -> LaneValues:
        """Return the orders as they are."""
        del ordering
        self.asked.append(_use(self.coupling, order, observation))
        return order

    def taken(self) -> list[Tensor]:
        """Return what was written down, and forget it."""
        asked, self.asked = self.asked, []
        return asked


@dataclass(frozen=True, eq=False)
class _Terms:
    """Names and limits ``[R]`` of one coupling, and its use by a unit of each product."""

    names: Sequence[str]
    limits: Float[Tensor, " R"]
    per_unit: Float[Tensor, "R P"]


def _terms(coupling: Coupling, world: World) -> _Terms:
    places, like = world.network.locations, world.economics.unit_cost
    if isinstance(coupling, Budget):
        return _Terms(["budget"], like.new_tensor([coupling.money]), coupling.price.amax(-1)[None])
    if isinstance(coupling, InboundCapacity):
        names = [f"inbound@{place}" for place in places]
        return _Terms(names, coupling.units, like.new_ones(len(places), world.n_products))
    if isinstance(coupling, StorageCapacity):
        names = [f"storage@{place}" for place in places]
        return _Terms(names, coupling.volume, coupling.unit_volume.T.expand(len(places), -1))
    raise _unknown(coupling)


def _use(coupling: Coupling, order: LaneValues, seen: Observation) -> Float[Tensor, "B R"]:
    if isinstance(coupling, Budget):
        return (coupling.price * order).sum((-2, -1))[:, None]
    if isinstance(coupling, InboundCapacity):
        return coupling.network.into(order).sum(-2)
    if isinstance(coupling, StorageCapacity):
        stock = seen.on_hand + coupling.network.into(seen.on_order + order)
        return (coupling.unit_volume * stock).sum(-2)
    raise _unknown(coupling)


def _unknown(coupling: Coupling) -> ConfigurationError:
    return ConfigurationError(
        f"the limit {type(coupling).__name__} has no price; budget, inbound and storage capacity"
        " have one. Leave it out of the instance."
    )
