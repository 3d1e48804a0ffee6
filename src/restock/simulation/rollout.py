"""Rollouts: the period repeated, and the tallies that listen to it."""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, did_you_mean, require
from restock.shapes import PathTotals
from restock.simulation.flows import Flows
from restock.simulation.observation import Policy
from restock.simulation.ordering import DUST_UNITS
from restock.simulation.period import step
from restock.simulation.scenario import Scenario
from restock.simulation.state import State
from restock.simulation.world import World

__all__ = [
    "BusinessTally",
    "CostTally",
    "CustomerTally",
    "LossTally",
    "Tally",
    "Trace",
    "average_cost",
    "rollout",
]

MET_WITH = ("late", "split_share", "transit_periods", "satisfaction", "customers")

# torch gives each thread at least so many elements of an elementwise operation
GRAIN_CELLS = 32_768


@runtime_checkable
class Tally(Protocol):
    """Listens to every period of a rollout."""

    def add(self, world: World, flows: Flows) -> None:
        """Take one period's flows into account."""
        ...


@dataclass(slots=True)
class CostTally:
    """Sums cost, differentiably: ``total`` is money ``[B, P, 1]`` over ``periods``."""

    total: Float[Tensor, "B P 1"] | None = None
    periods: int = 0

    def add(self, world: World, flows: Flows) -> None:
        """Add the period's cost."""
        del world
        self.total = flows.cost if self.total is None else self.total + flows.cost
        self.periods += 1

    def mean(self) -> Tensor:
        """Return the average cost per product, path and period, a scalar."""
        if self.total is None:
            return torch.zeros(())
        return self.total.mean() / self.periods


@dataclass(slots=True)
class LossTally(CostTally):
    """Sums cost + purchases − revenue, minus the profit: what decisions on prices minimise."""

    def add(self, world: World, flows: Flows) -> None:
        """Add the period's loss."""
        prices = world.economics
        purchases = (prices.purchase_cost * flows.order).sum(-1, keepdim=True)
        loss = flows.cost + purchases - flows.revenue(prices.list_price)
        self.total = loss if self.total is None else self.total + loss
        self.periods += 1


@dataclass(slots=True)
class BusinessTally:
    """Sums what a shop is measured by, per path and product ``[B, P]``.

    Keys of ``sums``: units ``demand, sold, lost, short, ordered``, counts ``orders`` and
    ``periods_served_in_full``, unit-periods ``stock``, money ``revenue, purchases, holding,
    shortage, fixed``; and in worlds that have them, units ``expired, returned, late,
    substituted`` and money ``lane_cost, waste_cost, shipping_cost, refund``.
    """

    sums: dict[str, PathTotals] = field(default_factory=dict)
    periods: int = 0

    def add(self, world: World, flows: Flows) -> None:
        """Add the period's flows to every sum."""
        prices, served = world.economics, flows.served
        self.periods += 1
        parts = {
            "demand": flows.demand,
            "sold": served.sold,
            "lost": served.lost,
            "short": served.short,
            "ordered": flows.order,
            "orders": (flows.order > DUST_UNITS).to(flows.order),
            "periods_served_in_full": (served.short <= 0).to(flows.order),
            "stock": served.left,
            "revenue": flows.revenue(prices.list_price),
            "purchases": prices.purchase_cost * flows.order,
            "holding": flows.holding_cost,
            "shortage": flows.shortage_cost,
        }
        if flows.fixed_cost is not None:
            parts["fixed"] = flows.fixed_cost
        if flows.extras is not None:
            parts |= flows.extras.per_product()
        for name, part in parts.items():
            total = part.sum(-1)
            self.sums[name] = self.sums[name] + total if name in self.sums else total


@dataclass(slots=True)
class CustomerTally:
    """Sums what customers met with at each demand point, over all products, ``[B, D]``.

    Keys of ``sums``: units ``demand, short``, and in worlds that have them units ``late`` and the
    sums over periods of ``satisfaction, customers, split_share, transit_periods``; divided by
    ``periods`` these are averages. ``customers`` and ``satisfaction`` are the last period's,
    ``None`` where nobody remembers.
    """

    sums: dict[str, Float[Tensor, "B D"]] = field(default_factory=dict)
    periods: int = 0
    customers: Float[Tensor, "B D"] | None = None
    satisfaction: Float[Tensor, "B D"] | None = None

    def add(self, world: World, flows: Flows) -> None:
        """Add what customers met with in the period."""
        del world
        self.periods += 1
        parts = {"demand": flows.demand, "short": flows.served.short}
        if flows.extras is not None:
            for name in MET_WITH:
                value = getattr(flows.extras, name)
                if value is not None:
                    parts[name] = value
        for name, part in parts.items():
            total = part.sum(-2)
            self.sums[name] = self.sums[name] + total if name in self.sums else total
        if "customers" in parts:
            self.customers = parts["customers"].squeeze(-2)
            self.satisfaction = parts["satisfaction"].squeeze(-2)


@dataclass(slots=True)
class Trace:
    """Keeps every period's flows, for ledgers, charts and audits."""

    flows: list[Flows] = field(default_factory=list)

    def add(self, world: World, flows: Flows) -> None:
        """Keep the period."""
        del world
        self.flows.append(flows)

    def series(self, name: str) -> Float[Tensor, "B T P ..."]:
        """Return one flow as ``[B, T, P, …]``, the last axis as in :class:`Flows`.

        ``order, demand, sold, left, lost, short`` are units, ``cost, holding_cost,
        shortage_cost`` money; ``backlog`` (units), ``fixed_cost`` (money) and the fields of
        :class:`Extras` are there in worlds that have them.

        Raises :class:`ConfigurationError` for a flow that this world does not have.
        """
        return torch.stack([_named(flows, name) for flows in self.flows], dim=1)


def _named(flows: Flows, name: str) -> Tensor:
    known: dict[str, Tensor | None] = {
        "order": flows.order,
        "demand": flows.demand,
        "cost": flows.cost,
        "holding_cost": flows.holding_cost,
        "shortage_cost": flows.shortage_cost,
        "fixed_cost": flows.fixed_cost,
        **flows.served._asdict(),
        **({} if flows.extras is None else flows.extras._asdict()),
    }
    there = {key: value for key, value in known.items() if value is not None}
    if name not in there:
        raise ConfigurationError(
            f"flow '{name}' is not kept in this world.{did_you_mean(name, there)}"
        )
    return there[name]


def rollout(
    world: World, policy: Policy, scenario: Scenario, state: State, *tallies: Tally
) -> State:
    """Run ``policy`` through every period of ``scenario`` from ``state``; return the last state.

    Each tally hears every period. Gradients flow through the whole rollout unless switched off.

    Raises :class:`ConfigurationError` when the world's supply is uncertain and the scenario does
    not say what happens to it.
    """
    world.check(scenario)
    for period in range(scenario.periods):
        state, flows = step(world, policy, state, scenario, period)
        for tally in tallies:
            tally.add(world, flows)
    return state


@torch.no_grad()
def average_cost(
    world: World,
    policy: Policy,
    scenario: Scenario,
    warm_up: int,
    chunk_paths: int | None = None,
    tally: type[CostTally] = CostTally,
) -> Tensor:
    """Return the average cost per period after ``warm_up`` periods, ``[B, P]``, from empty.

    ``tally`` says what cost is: :class:`CostTally`, or :class:`LossTally` where prices are decided.

    Paths are simulated ``chunk_paths`` at a time, by default as many as occupy each thread once
    and stay in the processor's cache; where there are more paths than that, world and policy must
    be the same on all of them.

    Raises :class:`ConfigurationError` when the scenario has no period after the warm-up.
    """
    require(
        0 <= warm_up < scenario.periods,
        ConfigurationError,
        f"`warm_up` must be ≥ 0 and below the scenario's {scenario.periods} periods; got"
        f" {warm_up}. Shorten the warm-up or lengthen the paths.",
    )
    if chunk_paths is None:
        chunk_paths = GRAIN_CELLS * torch.get_num_threads()
    costs = []
    for start in range(0, scenario.paths, chunk_paths):
        part = scenario.path_slice(start, min(start + chunk_paths, scenario.paths))
        state = world.empty_state(part.paths)
        state = rollout(world, policy, part.window(0, warm_up), state)
        sums = tally()
        rollout(world, policy, part.window(warm_up, part.periods), state, sums)
        if sums.total is not None:
            costs.append(sums.total.sum(-1) / sums.periods)
    return torch.cat(costs)
