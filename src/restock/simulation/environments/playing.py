"""Episodes side by side: the batched world, cut where an agent acts.

`begin` and the end of `play` run step (1) of the period and show the observation of step (2);
the beginning of `play` runs steps (3) to (6).
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from restock.simulation.environments.acting import Steering
from restock.simulation.environments.rewarding import Accounts, reward_of
from restock.simulation.environments.rows import with_new_paths, with_new_states
from restock.simulation.environments.seeing import Sight, Today
from restock.simulation.environments.setup import Setup
from restock.simulation.flows import Flows
from restock.simulation.observation import Observation
from restock.simulation.period import arrive, conclude, observe
from restock.simulation.scenario import Scenario
from restock.simulation.state import State

__all__ = ["Episodes"]

Rows = Bool[np.ndarray, " B"]


class Episodes:
    """``paths`` episodes of one setup, each with its own clock, in one world.

    ``clock`` counts the periods that each has played; ``flows`` are those of the last period.
    Nothing is played before :meth:`begin`.
    """

    def __init__(self, setup: Setup, paths: int) -> None:
        self.setup, self.paths = setup, paths
        # order days depend on an episode's clock: they are drawn with its scenario
        self.world = replace(setup.world, order_days=None)
        self.sight, self.steering = Sight(setup), Steering(setup)
        self.accounts = Accounts(setup.world)
        self.clock = np.full(paths, setup.periods)
        self.in_step = True
        self.scenario: Scenario
        self.state: State
        self.seen: Observation
        self.asked: Tensor
        self.flows: Flows | None = None

    def begin(self, rows: Rows, seed: int) -> None:
        """Start a new episode in each of ``rows``, with fresh demand drawn from ``seed``."""
        places = np.flatnonzero(rows)
        fresh = self._drawn(len(places), seed)
        world, opening = self.setup.world, self.setup.opening
        shelf = torch.zeros(world.n_products, world.n_locations) if opening is None else opening
        state = arrive(self.world, self.world.state_with(shelf.expand(len(places), -1, -1)))
        asked = fresh.demand.new_zeros(len(places), *fresh.demand.shape[2:])
        if len(places) == self.paths:
            self.scenario, self.state, self.asked = fresh, state, asked
        else:
            index = torch.from_numpy(places)
            self.scenario = with_new_paths(self.scenario, fresh, index)
            self.state = with_new_states(self.state, state, index)
            self.asked = self.asked.index_copy(0, index, asked)
        self.clock[places] = 0
        self.in_step = bool((self.clock == self.clock[0]).all())
        self._look()

    def play(self, actions: Tensor) -> tuple[Float[np.ndarray, "K B"], Float[np.ndarray, " B"]]:
        """Act, let the period pass, and return its parts and rewards."""
        scenario, period = self._today()
        decision = self.steering.decide(actions, self.seen)
        state, flows = conclude(self.world, self.state, self.seen, decision, scenario, period)
        self.state = arrive(self.world, state)
        self.clock += 1
        self.asked, self.flows = flows.demand, flows
        self._look()
        parts = self.accounts.parts(flows)
        return parts, reward_of(parts, self.setup.weights)

    def observation(self) -> Float[np.ndarray, "B F"]:
        """Return what each agent sees."""
        return self.sight.read(Today(self.seen, self.asked))

    def ended(self) -> tuple[Rows, Rows]:
        """Return which episodes have come to the problem's end, and which were cut off."""
        over = self.clock >= self.setup.periods
        if not self.setup.is_season:
            return np.zeros_like(over), over
        sold_out = (self.state.on_hand.flatten(1).sum(1) <= 0).numpy()
        return over | sold_out, np.zeros_like(over)

    def _drawn(self, paths: int, seed: int) -> Scenario:
        # one period more than is played, so that the last observation has its signals
        periods = self.setup.periods + 1
        generator = torch.Generator().manual_seed(seed)
        scenario = self.setup.source.sample(paths, periods, generator)
        self.setup.world.check(scenario)
        days = self.setup.world.order_days
        if days is None:
            return scenario
        opened = torch.stack([days.at(period) for period in range(periods)], dim=1)
        drawn = scenario.lane_open
        return replace(scenario, lane_open=opened if drawn is None else opened * drawn)

    def _look(self) -> None:
        scenario, period = self._today()
        self.seen = observe(self.world, self.state, scenario, period)

    def _today(self) -> tuple[Scenario, int]:
        """Return a scenario and the period in it that is today for every path."""
        if self.in_step:
            return self.scenario, int(self.clock[0])
        days = torch.from_numpy(np.minimum(self.clock, self.setup.periods))
        every = torch.arange(self.paths)

        def today(values: Tensor | None) -> Tensor | None:
            if values is None:
                return None
            return values.expand(self.paths, *values.shape[1:])[every, days].unsqueeze(1)

        whole = self.scenario
        cut = replace(
            whole,
            demand=whole.demand[every, days].unsqueeze(1),
            signals=today(whole.signals),
            lead_time=today(whole.lead_time),
            lane_open=today(whole.lane_open),
        )
        return cut, 0
