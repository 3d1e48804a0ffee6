r"""Policy improvement by rollouts: what one unit more or less would have cost.

Approximate policy iteration for integer decisions. From states s that the policy π visits, each
candidate — today's decision, one step more and one less in each of its coordinates, and a step
from each to each other — is played and then followed by π for H periods, all candidates of a
state on the same demand:

    Q̂(s, a) = Σ_{t=0}^{H} c(s_t, a_t, d_t),   a_0 = a,  a_t = π(s_t) afterwards.

With common random numbers the differences are far less noisy than the values, and they vanish
once the candidates' chains have met. Differences are exact for whole units, where the pathwise
gradient has to pass straight through the rounding. This is one step of policy iteration
(Bertsekas and Tsitsiklis, Neuro-Dynamic Programming, 1996, §6.1; with common random numbers and a
network for lost sales: Temizöz, Imdahl, Dijkman, Lamghari-Idrissi and van Jaarsveld, Deep
Controlled Learning for inventory control, EJOR 324, 2025, algorithm 2).

The improvement is distilled into the network that π already is: its wish a_θ(s), before rounding,
descends the cost that is interpolated between the candidates,

    L(θ) = mean_s Q̃(s, a_θ(s)) − Q̂(s, π(s)),

where Q̃ is the quadratic function through the candidates. It is linear in what rollouts measured,
so that their noise averages out over states; its minimum lies within half a step of the best of
three candidates in a row, which rounding then finds. No classifier is needed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.learning.chains import map_state, state_from_tree, state_tree
from restock.learning.deciding import deciding
from restock.learning.descent import descend
from restock.learning.fingerprint import fingerprint_of
from restock.learning.loop import LoopConfig, Update, train
from restock.learning.model_aware.candidate_costs import CandidateCosts
from restock.learning.model_aware.choices import Choices
from restock.learning.model_aware.playing import held_out_paths
from restock.learning.objective import tally_of
from restock.learning.run import Listener, TrainingRun
from restock.policies.tabulated import Tabulated
from restock.seeds import Seeds
from restock.simulation import (
    Decision,
    Observation,
    Policy,
    Scenario,
    ScenarioSource,
    State,
    World,
    average_cost,
    rollout,
)
from restock.simulation.period import arrive, conclude, observe, step

__all__ = ["ImprovementConfig", "ImprovementLearner", "fit"]

P = TypeVar("P", bound=nn.Module)

HAIR = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class ImprovementConfig(LoopConfig):
    """One update is a round: rollouts from fresh states, then their distillation.

    A round looks at ``states`` states (S) of the policy's own chains, ``spacing`` periods after
    those of the last (the first after ``warm_up``), each with ``futures`` demand paths (M) of
    ``horizon`` periods (H) beyond the first. On the way to them a share ``wandering`` of
    decisions is moved by a step, so that rare states are met with too. A step of an order is
    one unit, of a price ``price_step`` (money; the distance of two rungs). Distillation makes
    ``epochs`` passes in batches of ``batch`` states; the step size falls from ``learning_rate``
    to 0 in each round. A round that made the policy worse is taken back. About ``chunk`` chains
    are simulated at once. Validation and ``objective`` are as in
    :class:`~restock.learning.PathwiseConfig`.

    Raises :class:`ConfigurationError` for numbers out of range.
    """

    updates: int = 3
    validate_every: int = 1
    patience: int = 2
    goes_back: bool = True
    states: int = 50_000
    futures: int = 128
    horizon: int = 28
    spacing: int = 4
    warm_up: int = 30
    wandering: float = 0.0
    price_step: float = 1.0
    epochs: int = 12
    batch: int = 4096
    learning_rate: float = 3e-3
    gradient_clip: float = 1.0
    chunk: int = 65_536
    validation_paths: int = 1024
    validation_periods: int = 400
    validation_warm_up: int = 50
    objective: str = "cost"

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        LoopConfig.__post_init__(self)
        self.require_counts("states", "futures", "horizon", "spacing", "epochs", "batch", "chunk")
        self.require_counts("validation_paths", "validation_periods")
        self.require_counts("warm_up", "validation_warm_up", least=0)
        self.require_positive(learning_rate=3e-3, gradient_clip=1.0, price_step=1.0)
        self.require_shares(wandering=0.1)
        tally_of(self.objective)


def fit(
    policy: P,
    world: World,
    source: ScenarioSource,
    config: ImprovementConfig,
    seeds: Seeds,
    *,
    validation: Scenario | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[P], float] | None = None,
) -> TrainingRun[P]:
    """Improve ``policy`` by rollouts around its own decisions, round by round.

    The world need not be differentiable, the policy's wishes must be: best the result of
    :func:`restock.learning.pathwise.fit`. Where states can be counted in whole units the policy is
    looked up in a table during rollouts. Arguments and errors as there; also
    :class:`ConfigurationError` where the source cannot draw several futures of one past (its
    signals differ from path to path or day to day), for order days, for products that share a
    limit, substitute each other or share customers, and where no decision can be moved by a step
    (case packs, coarse price ladders).
    """
    learner = ImprovementLearner(policy, world, source, config, seeds, validation)
    fingerprint = fingerprint_of(policy, world, source, learner.validation, config, seeds)
    return train(
        learner, config, fingerprint, folder=folder, listeners=listeners, evaluate=evaluate
    )


class ImprovementLearner(Generic[P]):
    """Rounds of rollouts and distillation."""

    def __init__(
        self,
        policy: P,
        world: World,
        source: ScenarioSource,
        config: ImprovementConfig,
        seeds: Seeds,
        validation: Scenario | None = None,
    ) -> None:
        _refuse_tied(world)
        self.policy, self.decider = policy, deciding(policy)
        self.world, self.source = world, source
        self.config, self.seeds = config, seeds
        self.tally = tally_of(config.objective)
        periods = config.validation_warm_up + config.validation_periods
        self.validation = held_out_paths(
            source, seeds, config.validation_paths, periods, validation
        )
        self.looks_up = Tabulated.serves(world, self.validation)
        self.choices = Choices(world, config.price_step)
        self.optimizer = torch.optim.Adam(policy.parameters(), lr=config.learning_rate)
        self.state: State | None = None

    def update(self, number: int) -> Update:
        """Play candidates from fresh states, and descend what they cost."""
        config = self.config
        seen, lesson = self._lesson(number)
        generator = self.seeds.torch(f"distillation {number}")
        batches = [
            rows
            for _ in range(config.epochs)
            for rows in torch.split(
                torch.randperm(config.states, generator=generator), config.batch
            )
        ]
        loss, norm = 0.0, 0.0
        for place, rows in enumerate(batches):
            part = self.choices.rows(seen, rows)
            wish = self.choices.wish(self.decider.decide(part), part)
            gap = lesson.rows(rows).cost(wish).mean()
            size = config.learning_rate * (1 - place / len(batches))
            norm = descend(gap, self.optimizer, clip=config.gradient_clip, learning_rate=size)
            loss = gap.item()
        coordinates = lesson.chosen.shape[-1]
        candidates = 1 + coordinates + coordinates**2
        played = config.states * config.futures * candidates * (config.horizon + 1)
        return Update(
            loss=loss, gradient_norm=norm, learning_rate=config.learning_rate, steps=played
        )

    @torch.no_grad()
    def _lesson(self, number: int) -> tuple[Observation, CandidateCosts]:
        """Visit fresh states and play their candidates, a chunk of states at a time."""
        config, policy = self.config, self._fast_policy()
        lead_in = config.warm_up if self.state is None else config.spacing
        visited = self.source.sample(
            config.states, lead_in + 1, self.seeds.torch(f"states {number}")
        )
        start = self.world.empty_state(config.states) if self.state is None else self.state
        walker = policy
        if config.wandering > 0:
            generator = self.seeds.torch(f"wandering {number}")
            walker = _Wandering(policy, self.choices, config.wandering, generator)
        state = rollout(self.world, walker, visited.window(0, lead_in), start)
        self.state = state
        size = max(1, config.chunk // config.futures)
        starts = range(0, config.states, size)
        futures = self._futures(size * config.futures, config.horizon + len(starts), number)
        lessons = []
        for part, first in enumerate(starts):

            def cut(values: Tensor, start: int = first) -> Tensor:
                return values[start : start + size]

            some = map_state(state, cut)
            future = futures.window(part, part + config.horizon + 1)
            future = future.path_slice(0, len(some.on_hand) * config.futures)
            lessons.append(self._play(policy, some, future))
        lesson = CandidateCosts(*(torch.cat(parts) for parts in zip(*lessons, strict=True)))
        require(
            bool((lesson.has_less | lesson.has_more).any()),
            ConfigurationError,
            "no decision can be moved by one step: a unit on each lane, `price_step` of a price."
            " Rollouts are for orders in single units; take `pathwise` for case packs, and the"
            " distance of two rungs as `price_step`.",
        )
        return observe(self.world, arrive(self.world, state), visited, lead_in), lesson

    def _fast_policy(self) -> Policy:
        return Tabulated(self.decider) if self.looks_up else self.decider

    def _futures(self, paths: int, periods: int, number: int) -> Scenario:
        futures = self.source.sample(paths, periods, self.seeds.torch(f"futures {number}"))
        signals = futures.signals
        if signals is not None and bool((signals != signals[:1, :1]).any()):
            raise ConfigurationError(
                "rollouts need futures of one and the same past, and this source's signals differ"
                f" from path to path or day to day ({', '.join(futures.signal_names)}). Take a"
                " source of steady demand, or the pathwise gradient."
            )
        return futures

    def _play(self, policy: Policy, state: State, futures: Scenario) -> CandidateCosts:
        """Return what the candidates cost from these states, averaged over their futures."""
        m, choices = self.config.futures, self.choices
        many = arrive(self.world, map_state(state, lambda x: x.repeat_interleave(m, 0)))
        seen = observe(self.world, many, futures, 0)
        chosen = choices.feasible(choices.wish(policy.decide(seen), seen), seen)
        base = self._cost(policy, many, seen, chosen, futures)

        def extra(candidate: Tensor) -> Tensor:
            """Return the mean extra cost of a candidate ``[S, P]``."""
            cost = self._cost(policy, many, seen, candidate, futures) - base
            return cost.reshape(-1, m, cost.shape[1]).mean(1)

        places = range(chosen.shape[-1])
        steps = torch.eye(len(places)).to(chosen)
        less = [choices.feasible(chosen - steps[k], seen) for k in places]
        more = [choices.feasible(chosen + steps[k], seen) for k in places]
        moved = chosen.new_zeros(len(state.on_hand), chosen.shape[1], len(places), len(places))
        for i, j in permutations(places, 2):
            moved[..., i, j] = extra(choices.feasible(chosen - steps[i] + steps[j], seen))
        return CandidateCosts(
            chosen[::m],
            torch.stack([extra(candidate) for candidate in less], -1),
            torch.stack([extra(candidate) for candidate in more], -1),
            torch.stack([_is_step(chosen - less[k])[::m, :, k] for k in places], -1),
            torch.stack([_is_step(more[k] - chosen)[::m, :, k] for k in places], -1),
            moved,
        )

    def _cost(
        self, policy: Policy, state: State, seen: Observation, choice: Tensor, futures: Scenario
    ) -> Tensor:
        """Return what ``choice`` today and ``policy`` afterwards cost, money ``[B, P, 1]``."""
        world, tally = self.world, self.tally()
        decision = self.choices.decision(choice, seen)
        state, flows = conclude(world, state, seen, decision, futures, 0)
        tally.add(world, flows)
        for period in range(1, futures.periods):
            state, flows = step(world, policy, state, futures, period)
            tally.add(world, flows)
        return flows.cost if tally.total is None else tally.total

    def validate(self) -> float:
        """Return the average cost on the held-out paths."""
        warm_up = self.config.validation_warm_up
        costs = average_cost(
            self.world, self._fast_policy(), self.validation, warm_up, tally=self.tally
        )
        return float(costs.mean())

    def begin(self, update: int) -> None:
        """Go on: the states of the last round are part of the state."""

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizer and the states of the last round."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "state": None if self.state is None else state_tree(self.state),
        }

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take them back."""
        self.optimizer.load_state_dict(tree["optimizer"])
        self.state = None if tree["state"] is None else state_from_tree(tree["state"])

    def evidence(self) -> dict[str, Tensor]:
        """Return the stock of the last round's states."""
        return {} if self.state is None else {"on_hand": self.state.on_hand}


def _is_step(moved: Tensor) -> Tensor:
    """Whether a candidate is one step away: nothing is known of longer and shorter ones."""
    return (moved - 1).abs() < HAIR


def _refuse_tied(world: World) -> None:
    """Raise :class:`ConfigurationError` for worlds that one decision at a time cannot improve."""
    market = world.market
    ties = {
        "order days": world.order_days is not None,
        "shared limits": bool(world.couplings) and world.n_products > 1,
        "substitutes": bool(world.substitutions),
        "shared customers": market is not None
        and market.satisfaction is not None
        and world.n_products > 1,
    }
    found = [name for name, is_there in ties.items() if is_there]
    require(
        not found,
        ConfigurationError,
        f"rollouts move one product's decision on one day at a time; this world has"
        f" {' and '.join(found)}. Take `lagrange` for shared limits, else `pathwise`.",
    )


@dataclass(frozen=True)
class _Wandering:
    """The policy, some of whose choices are moved by one step up or down."""

    policy: Policy
    choices: Choices
    chance: float
    generator: torch.Generator

    def decide(self, observation: Observation) -> Decision:
        wish = self.choices.wish(self.policy.decide(observation), observation)
        draw = torch.rand(wish.shape, generator=self.generator).to(wish)
        step = (draw < self.chance / 2).to(wish) - (draw > 1 - self.chance / 2).to(wish)
        choice = self.choices.feasible(wish, observation)
        return self.choices.decision(self.choices.feasible(choice + step, observation), observation)
