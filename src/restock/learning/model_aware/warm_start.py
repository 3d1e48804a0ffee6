r"""Warm start: a network begins where the best classical policy is, by imitation.

Some networks are built around a rule and begin there. Any other learns it first: its wishes
w_θ(o) = min(cap, target − position) are regressed on those of a teacher, w(o),

    L(θ) = mean_o [ 1{w > 0} (w_θ(o) − w(o))² + 1{w ≤ 0} (w_θ(o))₊² ] / w̄²

(plus the mean of (price_θ / price − 1)² where prices are decided too),

in which any wish below zero is as good as another where the teacher orders nothing; w̄ is the
teacher's mean order in the first window. What is imitated where only the teacher goes is not known
where the learner will be, and errors compound (Ross, Gordon and Bagnell, A reduction of imitation
learning and structured prediction to no-regret online learning, AISTATS 2011, theorem 2.1). So, as
in their DAgger (algorithm 3.1), windows are played by a mixture: the teacher leads a share β_n of
the paths, 1 at first and 0 from ``teacher_updates`` on, and names its wish on all of them.

Afterwards train by ``pathwise.fit``. A pull back towards the classical level is the
``departure_penalty`` there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.learning.chains import Episodes, state_from_tree, state_tree
from restock.learning.deciding import deciding
from restock.learning.descent import descend
from restock.learning.fingerprint import digest, fingerprint_of
from restock.learning.loop import LoopConfig, Update, train
from restock.learning.model_aware.playing import check_playing, held_out_paths, played_chains
from restock.learning.run import Listener, TrainingRun
from restock.seeds import Seeds
from restock.simulation import Decision, Observation, Policy, Scenario, ScenarioSource, State, World
from restock.simulation.ordering import DUST_UNITS
from restock.simulation.period import arrive, conclude, observe

__all__ = ["WarmStartConfig", "WarmStartLearner", "fit"]

P = TypeVar("P", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStartConfig(LoopConfig):
    """How a teacher is imitated.

    ``updates`` regression steps on ``chains`` paths (B), each on a window of ``window`` periods
    (T), after ``warm_up`` periods that the teacher plays. The share of paths that the teacher leads
    falls from 1 to 0 in ``teacher_updates``. The step size falls from ``learning_rate`` to 0 by a
    cosine. Validation plays ``validation_paths`` over ``validation_periods`` after
    ``validation_warm_up``, led by the learner; what counts is the loss there, not the cost.

    Raises :class:`ConfigurationError` for numbers out of range.
    """

    chains: int = 256
    warm_up: int = 20
    window: int = 8
    teacher_updates: int = 50
    learning_rate: float = 1e-2
    gradient_clip: float = 1.0
    validation_paths: int = 256
    validation_periods: int = 50
    validation_warm_up: int = 50

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        LoopConfig.__post_init__(self)
        check_playing(self)
        self.require_counts("window")
        self.require_counts("teacher_updates", least=0)


def fit(  # noqa: PLR0913 - the arguments of every trainer, and the teacher
    policy: P,
    world: World,
    source: ScenarioSource,
    config: WarmStartConfig,
    seeds: Seeds,
    *,
    teacher: Policy,
    validation: Scenario | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[P], float] | None = None,
) -> TrainingRun[P]:
    """Teach ``policy`` to decide as ``teacher`` does; other arguments as in ``pathwise.fit``.

    The world need not be differentiable. ``best_validation_cost`` is the loss on held-out paths.

    Raises :class:`ConfigurationError` when the policy's wishes carry no gradient, or one of both
    decides prices and the other does not.
    """
    learner = WarmStartLearner(policy, teacher, world, source, config, seeds, validation)
    fingerprint = fingerprint_of(policy, world, source, learner.validation, config, seeds)
    fingerprint["teacher"] = f"{type(teacher).__name__} {digest(teacher)}"
    return train(
        learner, config, fingerprint, folder=folder, listeners=listeners, evaluate=evaluate
    )


class WarmStartLearner(Generic[P]):
    """Regression on a teacher's wishes along chains that both lead."""

    def __init__(
        self,
        policy: P,
        teacher: Policy,
        world: World,
        source: ScenarioSource,
        config: WarmStartConfig,
        seeds: Seeds,
        validation: Scenario | None = None,
    ) -> None:
        self.policy, self.teacher = policy, teacher
        self.world, self.config = world, config
        self.actor = deciding(policy)
        periods = config.validation_warm_up + config.validation_periods
        self.validation = held_out_paths(
            source, seeds, config.validation_paths, periods, validation
        )
        self.episodes = Episodes(source, seeds, config.chains, config.window, 1)
        self.chains = played_chains(world, teacher, source, seeds, config.chains, config.warm_up)
        self.optimizer = torch.optim.Adam(policy.parameters(), lr=config.learning_rate)
        self.order_unit = self._measured()

    @torch.no_grad()
    def _measured(self) -> Float[Tensor, "P 1"]:
        """Return each product's mean order on a lane, in the first window of the teacher."""
        lesson = _Lesson(self.teacher, self.teacher, 1.0, torch.ones(1, 1))
        scenario = self.validation.window(0, min(self.validation.periods, 20))
        lesson.play(self.world, self.world.empty_state(scenario.paths), scenario)
        orders = torch.stack(lesson.wished).clamp_min(0).mean((0, 1))
        mean = orders.mean(-1, keepdim=True)
        return torch.where(mean > DUST_UNITS, mean, 1)

    def update(self, number: int) -> Update:
        """Play one window, take one regression step."""
        config = self.config
        scenario = self.episodes.window(number)
        led = max(0.0, 1 - number / config.teacher_updates) if config.teacher_updates else 0.0
        lesson = _Lesson(self.actor, self.teacher, led, self.order_unit)
        chains = lesson.play(self.world, self.chains, scenario)
        loss = torch.stack(lesson.losses).mean()
        require(
            loss.requires_grad,
            ConfigurationError,
            "the policy's wishes carry no gradient, so that it cannot imitate. Give it outputs"
            " that are differentiable in its weights.",
        )
        size = config.learning_rate * config.cosine(number)
        norm = descend(loss, self.optimizer, clip=config.gradient_clip, learning_rate=size)
        self.chains = chains
        return Update(
            loss=loss.item(),
            gradient_norm=norm,
            learning_rate=size,
            steps=scenario.paths * scenario.periods,
            exploration=led,
        )

    @torch.no_grad()
    def validate(self) -> float:
        """Return the loss on the held-out paths, where the learner leads."""
        lesson = _Lesson(self.actor, self.teacher, 0.0, self.order_unit)
        scenario, warm_up = self.validation, self.config.validation_warm_up
        lesson.play(self.world, self.world.empty_state(scenario.paths), scenario)
        return float(torch.stack(lesson.losses[warm_up:]).mean())

    def begin(self, update: int) -> None:
        """Go on: chains are part of the state."""

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizer and the chains."""
        return {"optimizer": self.optimizer.state_dict(), "chains": state_tree(self.chains)}

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take them back."""
        self.optimizer.load_state_dict(tree["optimizer"])
        self.chains = state_from_tree(tree["chains"])

    def evidence(self) -> dict[str, Tensor]:
        """Return the demand of the last window and the stock that it began with."""
        return {**self.episodes.evidence(), "on_hand": self.chains.on_hand}


class _Lesson:
    """The learner decides, the teacher corrects; the first ``led`` of the paths are the teacher's.

    ``losses`` holds the loss of each period, ``wished`` the teacher's orders. No gradient flows
    from period to period.
    """

    def __init__(
        self, learner: Policy, teacher: Policy, led: float, order_unit: Float[Tensor, "P 1"]
    ) -> None:
        self.learner, self.teacher = learner, teacher
        self.led, self.order_unit = led, order_unit
        self.losses: list[Tensor] = []
        self.wished: list[Tensor] = []

    def play(self, world: World, state: State, scenario: Scenario) -> State:
        """Return the state after all periods."""
        for period in range(scenario.periods):
            with torch.no_grad():
                state = arrive(world, state)
                seen = observe(world, state, scenario, period)
                right = self.teacher.decide(seen)
            tried = self.learner.decide(seen)
            self._mark(tried, right, seen)
            with torch.no_grad():
                played = _mixed(tried, right, seen, self.led)
                state, _ = conclude(world, state, seen, played, scenario, period)
        return state.detach()

    def _mark(self, tried: Decision, right: Decision, seen: Observation) -> None:
        wish, wished = tried.wished_order(seen), right.wished_order(seen)
        if right.batch is not None:
            wished = torch.where(wished >= right.batch, wished, torch.zeros_like(wished))
        error = torch.where(wished > 0, wish - wished, wish.clamp_min(0)) / self.order_unit
        loss = error.square().mean()
        if tried.price is not None and right.price is not None:
            loss = loss + (tried.price / right.price - 1).square().mean()
        elif tried.price is not None or right.price is not None:
            raise ConfigurationError(
                "one of policy and teacher decides prices and the other does not. Take a teacher"
                " for the same decisions."
            )
        self.losses.append(loss)
        self.wished.append(wished)


def _mixed(tried: Decision, right: Decision, seen: Observation, led: float) -> Decision:
    """Return the teacher's decision on the first share ``led`` of paths, else the learner's."""
    if led in (0.0, 1.0):
        return right if led else tried
    paths = seen.on_hand.shape[0]
    is_led = (torch.arange(paths) < round(led * paths)).view(-1, 1, 1)

    def of(decision: Decision) -> Tensor:
        wish = decision.wished_order(seen)
        if decision.batch is not None:
            wish = torch.where(wish >= decision.batch, wish, torch.zeros_like(wish))
        return wish

    target = seen.lane_position + torch.where(is_led, of(right), of(tried)).clamp_min(0)
    price = tried.price
    if price is not None and right.price is not None:
        price = torch.where(is_led, right.price, price)
    return replace(tried, target=target, cap=None, batch=None, price=price)
