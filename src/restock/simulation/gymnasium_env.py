"""One product of the batched world as a Gymnasium environment, for any trainer of the ecosystem.

The period is the same, cut where an agent acts: ``reset`` and the end of ``step`` run step (1) and
show the observation of step (2); the beginning of ``step`` runs steps (3) to (6).
"""

from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.simulation.observation import Decision
from restock.simulation.period import arrive, conclude, observe
from restock.simulation.scenario import Scenario, ScenarioSource
from restock.simulation.state import State
from restock.simulation.world import World

__all__ = ["RestockEnv"]

# Gymnasium's checker refuses infinite bounds; stock has no other
MOST = float(np.finfo(np.float32).max)


class RestockEnv(gymnasium.Env[Float[np.ndarray, " F"], Float[np.ndarray, " 1"]]):
    """Order one product at one location, with lost sales or backorders.

    ``world`` has one product, ``source`` gives its demand, ``periods`` is the length of an
    episode, which starts from empty shelves and ends by truncation; ``max_order_units`` is the
    largest order that can be wished for; ``signals`` names the source's signals that are shown.

    *Action*: one number in [0, 1], the share of ``max_order_units`` that is wished for; the world
    makes it feasible. *Observation*, float32, in units: on hand, backlog (where the world keeps
    one), what is due 1 … L − 1 periods from now, then the signals. *Reward*: minus the period's
    cost in money. *Info*: ``order, demand, sold, lost`` in units and ``cost`` in money.

    Raises :class:`ConfigurationError` for a world of several products, lengths or orders that are
    not positive, an unknown signal (at the first reset) and an action outside [0, 1].

    >>> from restock.demand.processes import Poisson
    >>> from restock.problem import Instance, Product
    >>> from restock.simulation import SteadyDemand
    >>> tea = Product(id="tea", holding_cost=1.0, shortage_cost=4.0)
    >>> world = World.from_instance(Instance.single_location([tea], 2))
    >>> env = RestockEnv(world, SteadyDemand(Poisson(torch.tensor([5.0]))), max_order_units=20)
    >>> observation, _ = env.reset(seed=1)
    >>> observation, reward, *_, info = env.step(np.array([0.5], dtype=np.float32))
    >>> observation.tolist(), info["order"], reward == -info["cost"]
    ([0.0, 10.0], 10.0, True)
    """

    def __init__(
        self,
        world: World,
        source: ScenarioSource,
        *,
        max_order_units: float,
        periods: int = 200,
        signals: tuple[str, ...] = (),
    ) -> None:
        require(
            world.n_products == 1,
            ConfigurationError,
            f"this environment orders one product; the world has {world.n_products}. Build the"
            " world of one of them.",
        )
        require(
            periods >= 1 and periods % 1 == 0,
            ConfigurationError,
            f"`periods` must be an integer ≥ 1; got {periods}. Give the length of an episode.",
        )
        require(
            0 < max_order_units < float("inf"),
            ConfigurationError,
            f"`max_order_units` must be > 0 and finite; got {max_order_units}. Give a few periods"
            " of demand.",
        )
        self.world, self.source, self.signals = world, source, signals
        self.periods, self.max_order_units = periods, max_order_units
        stocks = world.arrivals.slots + world.unmet.keeps_backlog
        low = np.array([0.0] * stocks + [-MOST] * len(signals), dtype=np.float32)
        self.observation_space = Box(low, np.full_like(low, MOST), dtype=np.float32)
        self.action_space = Box(0.0, 1.0, shape=(1,), dtype=np.float32)
        self.period = periods
        self.scenario: Scenario
        self.state: State

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float[np.ndarray, " F"], dict[str, Any]]:
        """Draw a new demand path and start from empty shelves; ``options`` are not used."""
        super().reset(seed=seed, options=options)
        generator = torch.Generator().manual_seed(int(self.np_random.integers(2**63)))
        # one period more than is played, so that the last observation has its signals
        self.scenario = self.source.sample(1, self.periods + 1, generator)
        self.period = 0
        self.state = arrive(self.world, self.world.empty_state(1))
        return self._observation(), {}

    @torch.no_grad()
    def step(
        self, action: Float[np.ndarray, " 1"]
    ) -> tuple[Float[np.ndarray, " F"], float, bool, bool, dict[str, Any]]:
        """Place the order, let demand come and be served, charge, and show the next period."""
        if self.period >= self.periods:
            raise ResetNeeded("The episode has ended, or none was begun. Call `reset` first.")
        seen = observe(self.world, self.state, self.scenario, self.period)
        wish = Decision(seen.lane_position + self._quantity(float(action[0])))
        state, flows = conclude(self.world, self.state, seen, wish, self.scenario, self.period)
        self.state = arrive(self.world, state)
        self.period += 1
        cost = flows.cost.item()
        info = {
            "cost": cost,
            "order": flows.order.item(),
            "demand": flows.demand.item(),
            "sold": flows.served.sold.item(),
            "lost": flows.served.lost.item(),
        }
        return self._observation(), -cost, False, self.period == self.periods, info

    def _quantity(self, share: float) -> Tensor:
        require(
            0 <= share <= 1,
            ConfigurationError,
            f"an action must lie in [0, 1], the share of `max_order_units`; got {share}. Clip it.",
        )
        return self.state.on_hand.new_full((1, 1, 1), share * self.max_order_units)

    def _observation(self) -> Float[np.ndarray, " F"]:
        seen = observe(self.world, self.state, self.scenario, self.period)
        numbers = [seen.on_hand.item()]
        if seen.backlog is not None:
            numbers.append(seen.backlog.item())
        numbers += [0.0 if due is None else due.item() for due in seen.pipeline]
        numbers += [seen.signal(name).item() for name in self.signals]
        return np.array(numbers, dtype=np.float32)
