"""A shared-weight graph body for networks of locations, and the levels and shares it decides.

Location l of a network has features x_l. With up(l) its suppliers among the locations and down(l)
those it supplies, K rounds of messages between neighbours make

    h⁰_l = ELU(W₀ x_l)
    hᵏ_l = ELU(Wₖ [hᵏ⁻¹_l, mean of hᵏ⁻¹ over up(l), mean of hᵏ⁻¹ over down(l)])
    (u_l, v_l, w_l) = b tanh(W hᴷ_l / b),

with the same weights W at every location: a network of any number of locations is decided by one
body (J. Gilmer, S. Schoenholz, P. Riley, O. Vinyals & G. Dahl (2017), Neural message passing for
quantum chemistry, ICML, eqs. 1–2, with means for the aggregation). After two rounds a store knows
what its warehouse has and what the other stores ask it for.

The decision departs from learned levels S_l and caps c_l (:class:`NetworkLevels`): the level is
S_l exp(u_l), the cap, if there is one, c_l exp(w_l), and what a supplier lacks is shared out with
weights wish · exp(v_l). A fresh body has W = 0: it decides as the rule that it was given, and
shares out in proportion to wishes.
"""

import copy
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.policies.neural.network_levels import NetworkLevels
from restock.shapes import StockValues
from restock.simulation import Decision, Network, Observation, World

__all__ = ["GraphBody", "GraphLevels", "GraphLevelsConfig", "location_traits"]

# units a period: the stock of a location without demand is many, not infinitely many, periods
LEAST_RATE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphLevelsConfig:
    """What the body reads and how large it is.

    ``pipeline_slots`` is how many coming arrivals it sees (the longest lead time less one),
    ``width`` the number of units h of a location, ``rounds`` (K) that of messages. ``bound`` (b)
    is the largest departure, as a logarithm: 0.7 is half to double. ``allocates`` says whether the
    body also shares out what a supplier lacks.

    Raises :class:`ConfigurationError` for numbers out of range.
    """

    pipeline_slots: int
    width: int = 32
    rounds: int = 2
    bound: float = 1.0
    allocates: bool = True

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        for name, least in (("pipeline_slots", 0), ("width", 1), ("rounds", 0)):
            value = getattr(self, name)
            require(
                value >= least and value % 1 == 0,
                ConfigurationError,
                f"`{name}` must be an integer ≥ {least}; got {value}. Give a whole number.",
            )
        require(
            0 < self.bound < float("inf"),
            ConfigurationError,
            f"`bound` must be finite and > 0; got {self.bound}. Use 1.0.",
        )


class GraphBody(nn.Module):
    """Rounds of messages between neighbours; the last layer starts at zero.

    ``inputs`` (F) features and ``outputs`` (K) of each location of ``network``. Weights are
    He-normal, drawn from ``generator``; those of a network with other locations fit too.

    >>> from restock.problem import Instance, Product
    >>> world = World.from_instance(Instance.serial(Product(id="a"), (1, 1), (1, 2)))
    >>> body = GraphBody(3, 2, network=world.network, generator=torch.Generator())
    >>> body(torch.ones(5, 1, 2, 3)).abs().max().item()
    0.0
    """

    suppliers: Tensor
    mean_below: Tensor
    heard: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        network: Network,
        generator: torch.Generator,
        width: int = 32,
        rounds: int = 2,
    ) -> None:
        super().__init__()
        self.embed = _drawn(inputs, width, generator)
        self.rounds = nn.ModuleList(_Messages(width, generator) for _ in range(rounds))
        self.head = nn.Linear(width, outputs)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        places = len(network.locations)
        between = torch.zeros(places, places)
        for origin, destination in zip(network.origin, network.destination, strict=True):
            if origin >= 0:
                between[origin, destination] = 1.0
        suppliers = between.sum(1).nonzero().flatten()
        # one column for what a supplier says to those below it, one for what it hears from them
        spoken = _averaging(between.T)[:, suppliers]
        heard = torch.eye(places)[:, suppliers]
        self.register_buffer("suppliers", suppliers)
        self.register_buffer("mean_below", _averaging(between)[suppliers])
        self.register_buffer("heard", torch.cat([spoken, heard], dim=-1))

    def forward(self, features: Float[Tensor, "B P L F"]) -> Float[Tensor, "B P L K"]:
        """Return the outputs of each location."""
        state = nn.functional.elu(self.embed(features))
        for layer in self.rounds:
            suppliers = state[..., self.suppliers, :]
            state = layer(state, suppliers, self.mean_below @ state, self.heard)
        outputs: Tensor = self.head(state)
        return outputs


class _Messages(nn.Module):
    """The weights W of one round, in three parts: of the location itself, of above, of below.

    Only suppliers speak down and only they hear from below, so that these two parts are computed
    for them alone.
    """

    def __init__(self, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.own = _drawn(width, width, generator, fan_in=3 * width)
        self.down = _drawn(width, width, generator, fan_in=3 * width)
        self.up = _drawn(width, width, generator, fan_in=3 * width)

    def forward(
        self,
        state: Float[Tensor, "B P L H"],
        supplier: Float[Tensor, "B P S H"],
        below: Float[Tensor, "B P S H"],
        heard: Float[Tensor, "L 2*S"],
    ) -> Float[Tensor, "B P L H"]:
        """Return the next state; ``heard`` brings what suppliers say and hear to its places."""
        message = torch.cat([self.down(supplier), self.up(below)], dim=-2)
        return nn.functional.elu(self.own(state) + heard @ message)


class GraphLevels(nn.Module):
    """Learned levels times exp(graph body), and weights that share out what suppliers lack.

    ``anchor`` is the rule that it starts from; a copy of it learns with the body. ``world`` says
    who supplies whom; ``traits`` ``[P, L, K]`` are numbers that tell locations apart and never
    change, see :func:`location_traits`. The world must give the signal ``scale`` at each location.

    Each location reads, in logarithms of periods of the demand that it has to meet, its stock, its
    coming arrivals, what it owes and its echelon's position.

    >>> from restock.problem import Instance, Product
    >>> world = World.from_instance(Instance.serial(Product(id="a"), (1, 1), (1, 2)))
    >>> config = GraphLevelsConfig(pipeline_slots=0)
    >>> anchor = NetworkLevels(torch.tensor([[9.0, 4.0]]))
    >>> policy = GraphLevels(config, anchor, world, torch.Generator())
    >>> seen = Observation(
    ...     on_hand=torch.ones(1, 1, 2),
    ...     on_order=torch.zeros(1, 1, 2),
    ...     pipeline=(),
    ...     lead_time=world.arrivals.lead_time,
    ...     signals=torch.full((1, 1, 1), 5.0),
    ...     signal_names=("scale",),
    ...     network=world.network,
    ... )
    >>> [[[round(level, 4) for level in policy.decide(seen).target[0, 0].tolist()]]]
    [[[8.0, 4.0]]]
    """

    traits: Tensor

    def __init__(
        self,
        config: GraphLevelsConfig,
        anchor: NetworkLevels,
        world: World,
        generator: torch.Generator,
        *,
        traits: Float[Tensor, "P L K"] | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.keeps_backlog = world.unmet.keeps_backlog and not world.network.has_regions
        traits = location_traits(world) if traits is None else traits
        self.register_buffer("traits", traits.unsqueeze(0))
        self.anchor = copy.deepcopy(anchor)
        self.body = GraphBody(
            2 + self.keeps_backlog + config.pipeline_slots + traits.shape[-1],
            1 + config.allocates + (anchor.log_caps is not None),
            network=world.network,
            generator=generator,
            width=config.width,
            rounds=config.rounds,
        )

    def features(self, observation: Observation) -> Float[Tensor, "B P L F"]:
        """Return stock, position, debts and arrivals in logarithms of periods, and traits."""
        network, on_hand = observation.network, observation.on_hand
        parts = [on_hand, observation.echelon_position]
        if self.keeps_backlog:
            owed = observation.backlog
            parts.append(torch.zeros_like(on_hand) if owed is None else owed)
        due = list(observation.pipeline[: self.config.pipeline_slots])
        due += [None] * (self.config.pipeline_slots - len(due))
        for slot in due:
            here = slot if slot is None or network is None else network.into(slot)
            parts.append(torch.zeros_like(on_hand) if here is None else here)
        rate = _demand_to_meet(observation).unsqueeze(-1)
        periods = torch.stack(parts, dim=-1) / rate
        # signed, since positions of those who owe are negative
        seen = torch.sign(periods) * torch.log1p(periods.abs())
        traits = self.traits.expand(*on_hand.shape[:2], -1, -1)
        return torch.cat([seen, traits], dim=-1)

    def departure(self, observation: Observation) -> Float[Tensor, "B P L K"]:
        """Return u, v where it allocates, w where there are caps: logarithms of ratios."""
        bound = self.config.bound
        return bound * torch.tanh(self.body(self.features(observation)) / bound)

    def compose(self, observation: Observation, departure: Float[Tensor, "B P L K"]) -> Decision:
        """Return the decision for a departure."""
        lacking = self.anchor.lacking(observation, departure[..., 0])
        caps = self.anchor.caps(departure[..., -1])
        weight = None
        if self.config.allocates:
            wish = lacking.clamp_min(0)
            wish = wish if caps is None else torch.minimum(wish, caps)
            weight = wish * departure[..., 1].exp()
        return self.anchor.decision(observation, lacking, caps, weight)

    def decide(self, observation: Observation) -> Decision:
        """Return the levels, and the weights that share out a shortage."""
        return self.compose(observation, self.departure(observation))


def location_traits(world: World) -> Float[Tensor, "P L K"]:
    """Return the logarithms of each location's costs and lead times, and who it is.

    K = 5: log(1 + holding cost), log(1 + shortage cost), log(1 + lead time), 1 where an outside
    supplier delivers, 1 where nobody is supplied from here. Money and periods as the instance has
    them, so that weights are shared among instances of one currency.

    >>> from restock.problem import Instance, Product
    >>> world = World.from_instance(Instance.serial(Product(id="a"), (1, 1), (1, 2)))
    >>> location_traits(world)[0, :, 3:].tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    network, costs = world.network, world.economics
    shape = (world.n_products, world.n_locations)
    like = costs.holding_cost
    lead_time = torch.zeros(shape, dtype=like.dtype)
    lead_time[:, list(network.destination)] = world.arrivals.lead_time[0].to(like.dtype)
    outside, last = torch.zeros(shape), torch.ones(shape)
    for origin, destination in zip(network.origin, network.destination, strict=True):
        if origin >= 0:
            last[:, origin] = 0.0
        else:
            outside[:, destination] = 1.0
    shortage = torch.zeros_like(costs.shortage_cost) if network.has_regions else costs.shortage_cost
    money = [values.log1p().expand(shape) for values in (costs.holding_cost, shortage)]
    return torch.stack([*money, lead_time.log1p(), outside, last], dim=-1)


def _demand_to_meet(observation: Observation) -> StockValues:
    """Return the demand per period of each location with all that it supplies, units > 0."""
    network = observation.network
    if network is None or network.has_regions:
        return observation.signal("scale").clamp_min(LEAST_RATE)
    ones = torch.ones_like(observation.on_hand[:1])
    local = observation.local_signal("scale") * ones
    return network.echelon(local).clamp_min(LEAST_RATE)


def _averaging(neighbours: Float[Tensor, "L L"]) -> Float[Tensor, "L L"]:
    return neighbours / neighbours.sum(-1, keepdim=True).clamp_min(1)


def _drawn(
    inputs: int, outputs: int, generator: torch.Generator, *, fan_in: int | None = None
) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    with torch.no_grad():
        layer.weight.normal_(0.0, (2.0 / (fan_in or inputs)) ** 0.5, generator=generator)
        layer.bias.zero_()
    return layer
