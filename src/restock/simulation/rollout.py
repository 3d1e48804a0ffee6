"""Rollouts: the period repeated, and the tallies that listen to it."""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from restock.errors import ConfigurationError, did_you_mean, require
from restock.shapes import DemandPaths, PathTotals, StockValues
from restock.simulation.observation import Policy
from restock.simulation.period import Flows, step
from restock.simulation.scenario import Scenario
from restock.simulation.state import State
from restock.simulation.world import World

__all__ = ["BusinessTally", "CostTally", "Tally", "Trace", "average_cost", "rollout"]

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
    """Sums cost, differentiably: ``total`` is money ``[B, P, L]`` over ``periods``."""

    total: StockValues | None = None
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
class BusinessTally:
    """Sums what a shop is measured by, per path and product ``[B, P]``.

    Keys of ``sums``: units ``demand, sold, lost, short, ordered``, counts ``orders`` and
    ``periods_served_in_full``, unit-periods ``stock``, money ``revenue, purchases, holding,
    shortage, fixed``.
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
            "orders": (flows.order > 0).to(flows.order),
            "periods_served_in_full": (served.short <= 0).to(flows.order),
            "stock": served.left,
            "revenue": prices.list_price * served.sold,
            "purchases": prices.unit_cost * flows.order,
            "holding": flows.holding_cost,
            "shortage": flows.shortage_cost,
        }
        if flows.fixed_cost is not None:
            parts["fixed"] = flows.fixed_cost
        for name, part in parts.items():
            total = part.sum(-1)
            self.sums[name] = self.sums[name] + total if name in self.sums else total


@dataclass(slots=True)
class Trace:
    """Keeps every period's flows, for ledgers, charts and audits."""

    flows: list[Flows] = field(default_factory=list)

    def add(self, world: World, flows: Flows) -> None:
        """Keep the period."""
        del world
        self.flows.append(flows)

    def series(self, name: str) -> DemandPaths:
        """Return one flow as ``[B, T, P, L]``.

        ``order, demand, sold, left, lost, short`` are units, ``cost, holding_cost,
        shortage_cost`` money; ``backlog`` (units) and ``fixed_cost`` (money) are there in worlds
        that have them.

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
    """
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
) -> Tensor:
    """Return the average cost per period after ``warm_up`` periods, ``[B, P]``, from empty.

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
        tally = CostTally()
        rollout(world, policy, part.window(warm_up, part.periods), state, tally)
        if tally.total is not None:
            costs.append(tally.total.sum(-1) / tally.periods)
    return torch.cat(costs)
