"""What happens to supply, drawn beforehand: lead times that vary, suppliers that fail.

Draws belong to the scenario, like demand, so that compared policies face the same mishaps.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from restock.problem import Instance, Lane
from restock.simulation.network import Network, network_of
from restock.simulation.scenario import Scenario, ScenarioSource

__all__ = ["UncertainSupply", "in_order", "lead_times", "outages"]


@dataclass(frozen=True, eq=False)
class UncertainSupply:
    """Scenarios of a demand source, with the lead times and outages of an instance drawn for them.

    ``chances`` ``[P, E, K]`` are the probabilities of lead times ``support`` ``[K]`` in periods;
    ``keeps_order`` ``[P, E]`` marks lanes where no order overtakes another. ``fails`` and
    ``mends`` ``[P, E]`` are the chances per period that an outage starts and ends; lanes with the
    same ``supplier`` ``[E]`` share its luck. A path's first period is drawn from the long run.
    Build it with :meth:`of`.
    """

    source: ScenarioSource
    support: Int[Tensor, " K"]
    chances: Float[Tensor, "P E K"]
    keeps_order: Bool[Tensor, "P E"]
    fails: Float[Tensor, "P E"]
    mends: Float[Tensor, "P E"]
    supplier: Int[Tensor, " E"]
    varies: bool

    @classmethod
    def of(cls, source: ScenarioSource, instance: Instance) -> "UncertainSupply":
        """Read the lanes of an instance; lanes that are certain draw what they are."""
        network = network_of(instance, torch.float32)
        rows = {product.id: row for row, product in enumerate(instance.products)}
        columns = network.columns
        possible = sorted({periods for lane in instance.lanes for periods, _ in _chances(lane)})
        places = [
            (rows[lane.product_id], columns[lane.origin, lane.destination])
            for lane in instance.lanes
        ]
        where = tuple(torch.tensor(places).T)
        shape = (len(rows), len(network.lanes))

        def table(values: list[float], absent: float) -> Tensor:
            return torch.full(shape, absent).index_put(where, torch.tensor(values))

        random = [lane.lead_time_distribution for lane in instance.lanes]
        failures = [lane.outage for lane in instance.lanes]
        keeps_order = [float(law is not None and not law.orders_cross) for law in random]
        return cls(
            source,
            torch.tensor(possible),
            _chance_table(instance.lanes, places, (*shape, len(possible)), possible),
            table(keeps_order, 0.0).bool(),
            table(
                [0.0 if failure is None else failure.start_probability for failure in failures], 0.0
            ),
            table(
                [1.0 if failure is None else failure.end_probability for failure in failures], 1.0
            ),
            _suppliers(network),
            any(law is not None for law in random),
        )

    def sample(self, paths: int, periods: int, generator: Generator) -> Scenario:
        """Return fresh paths of demand and of supply."""
        scenario = self.source.sample(paths, periods, generator)
        shape = (paths, periods, *self.fails.shape)
        drawn = opened = None
        if self.varies:
            drawn = lead_times(self.support, self.chances, shape, generator)
            drawn = torch.where(self.keeps_order, in_order(drawn), drawn)
        if bool((self.fails > 0).any()):
            opened = outages(self.fails, self.mends, self.supplier, shape, generator)
            opened = opened.to(scenario.demand.dtype)
        return replace(scenario, lead_time=drawn, lane_open=opened)


def lead_times(
    support: Int[Tensor, " K"],
    chances: Float[Tensor, "P E K"],
    shape: tuple[int, int, int, int],
    generator: Generator,
) -> Int[Tensor, "B T P E"]:
    """Draw a lead time in periods for an order on each path, day and lane, independently."""
    uniform = torch.rand(shape, generator=generator)
    later = chances.flip(-1).cumsum(-1).flip(-1)[..., 1:]
    # a lane's last lead time takes what rounding leaves of 1
    until = chances.double().cumsum(-1).float()[..., :-1].masked_fill(later == 0, torch.inf)
    drawn = torch.zeros(shape, dtype=torch.long)
    for k in range(len(support) - 1):
        drawn += uniform >= until[..., k]
    return support[drawn]


def in_order(drawn: Int[Tensor, "B T P E"]) -> Int[Tensor, "B T P E"]:
    """Return lead times with which no order overtakes an earlier one: max(Lₜ, L'ₜ₋₁ − 1).

    Source: R. S. Kaplan (1970), A dynamic inventory model with stochastic lead times, Management
    Science 16(7):491–507, assumption of no crossing.

    >>> in_order(torch.tensor([5, 1, 1, 4]).reshape(1, 4, 1, 1)).flatten().tolist()
    [5, 4, 3, 4]
    """
    day = torch.arange(drawn.shape[1]).reshape(1, -1, 1, 1)
    return (drawn + day).cummax(1).values - day


def outages(
    fails: Float[Tensor, "P E"],
    mends: Float[Tensor, "P E"],
    supplier: Int[Tensor, " E"],
    shape: tuple[int, int, int, int],
    generator: Generator,
) -> Float[Tensor, "B T P E"]:
    """Return 0 on days on which a lane takes no order: on and off as a Markov chain, else 1.

    Lanes with the same supplier see the same draw, so those with equal chances fail together.
    """
    paths, periods, _, _ = shape
    luck = torch.rand((periods, paths, 1, int(supplier.max()) + 1), generator=generator)
    down = luck[0][..., supplier] < fails / (fails + mends)
    days = [down]
    for day in range(1, periods):
        draw = luck[day][..., supplier]
        down = torch.where(down, draw >= mends, draw < fails)
        days.append(down)
    return 1.0 - torch.stack(days, dim=1).float()


def _chance_table(
    lanes: tuple[Lane, ...],
    places: list[tuple[int, int]],
    shape: tuple[int, int, int],
    possible: list[int],
) -> Float[Tensor, "P E K"]:
    index = {periods: k for k, periods in enumerate(possible)}
    table = torch.zeros(shape)
    table[..., 0] = 1.0  # lanes that a product does not use carry nothing, soon or late
    table[tuple(torch.tensor(places).T)] = 0.0
    cells = [
        (*place, index[periods], chance)
        for lane, place in zip(lanes, places, strict=True)
        for periods, chance in _chances(lane)
    ]
    row, column, k, chance = zip(*cells, strict=True)
    table[torch.tensor(row), torch.tensor(column), torch.tensor(k)] = torch.tensor(chance)
    return table


def _chances(lane: Lane) -> list[tuple[int, float]]:
    random = lane.lead_time_distribution
    if random is None:
        return [(lane.lead_time_periods, 1.0)]
    return [
        (periods, chance)
        for periods, chance in zip(random.periods, random.probabilities, strict=True)
        if chance > 0
    ]


def _suppliers(network: Network) -> Int[Tensor, " E"]:
    origins = [pair[0] for pair in network.lanes]
    names = sorted(set(origins))
    return torch.tensor([names.index(origin) for origin in origins])
