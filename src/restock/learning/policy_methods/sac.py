r"""Soft actor-critic: as much reward as possible while acting as randomly as is asked.

The policy π maximises rewards plus α times its entropy. Twin critics learn soft values, with slow
copies Q′:

    y = r + γ′ (min_{n=1,2} Q′_n(s′, u′) − α log π(u′|s′)),   u′ ~ π(·|s′)

the actor moves towards what they call good, through its own draws u = tanh(μ(s) + σ(s)·ε),

    J_π = mean (α log π(u|s) − min_n Q_n(s, u))

and the temperature α makes the entropy what is asked for, H̄:

    J_α = mean −α (log π(u|s) + H̄)

(T. Haarnoja et al., Soft actor-critic algorithms and applications, arXiv 1812.05905, 2018, eqs 5–6,
9 and 18, algorithm 1). log α is learned, and the loss followed is −log α · (log π + H̄): its slope
has the sign of J_α's, and does not die with α. With n-step returns the entropy bonus is counted at
the state that is bootstrapped from, not along the way.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.learning.action_critics import ActionCritics, Judges
from restock.learning.arena_learner import fitting
from restock.learning.descent import descend
from restock.learning.interaction import Arena, require_continuous
from restock.learning.off_policy import ActedConfig, OffPolicyLearner, Taught
from restock.learning.replay import Batch
from restock.learning.run import Listener, TrainingRun
from restock.learning.scaling import ObservationScale
from restock.learning.squashed_actors import SquashedGaussianActor
from restock.seeds import Seeds

__all__ = ["SACConfig", "SACLearner", "Temperature", "fit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SACConfig(ActedConfig):
    """How soft actor-critic learns.

    The temperature α begins at ``temperature``, in scaled rewards per nat, and is
    learned with ``temperature_learning_rate`` so that the policy's entropy is ``entropy`` nats for
    each number of an action, in half-widths of the Box; −1 is the paper's. It is the entropy of the
    policy that plays; the policy that is validated takes tanh μ.

    Raises :class:`ConfigurationError` for a number outside its range.
    """

    temperature: float = 0.1
    temperature_learning_rate: float = 1e-3
    entropy: float = -1.0

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        ActedConfig.__post_init__(self)
        self.require_positive(temperature=0.1, temperature_learning_rate=1e-3)
        require(
            -math.inf < self.entropy < math.log(2),
            ConfigurationError,
            "`entropy` must be below ln 2 = 0.69 nats, that of the uniform density over the Box,"
            f" and finite; got {self.entropy}. Try -1.",
        )


def fit(
    arena: Arena,
    config: SACConfig,
    seeds: Seeds,
    *,
    policy: SquashedGaussianActor | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[SquashedGaussianActor], float] | None = None,
) -> TrainingRun[SquashedGaussianActor]:
    """Maximise the return of an episode in ``arena``, a world of continuous actions.

    ``policy`` is where training begins, a fresh network by default. With a ``folder`` a checkpoint
    and ``log.jsonl`` are kept there, and a run that was interrupted goes on to the same result. In
    the log ``loss`` is the sum of both critics' losses, ``value_loss`` their mean squared error in
    scaled rewards, ``entropy`` that of the policy, in nats of half-widths, ``temperature`` α.

    Raises :class:`ConfigurationError` for discrete actions, a policy of another shape, or a replay
    buffer beyond the memory; :class:`TrainingError` when a loss stops being finite and
    :class:`CheckpointError` when the folder holds another run's checkpoint.

    >>> config = SACConfig(updates=1, rounds=4, warm_up=32, minibatch=16, validation_episodes=2)
    >>> fit(Arena("restock/LostSales-v0"), config, Seeds(1)).steps
    160
    """
    learner = SACLearner(arena, config, seeds, policy)
    return learner.run(folder, listeners, evaluate)


class Temperature:
    """α > 0, raised while the policy's entropy is below ``entropy`` (H̄, nats) and lowered above.

    >>> temperature = Temperature(0.1, entropy=-1.0, learning_rate=0.01)
    >>> temperature.step(torch.tensor([3.0]))  # log π = 3: an entropy of −3
    >>> round(temperature.value, 4)
    0.101
    """

    def __init__(self, start: float, entropy: float, learning_rate: float) -> None:
        self.entropy = entropy
        self.logarithm = torch.tensor(math.log(start), requires_grad=True)
        self.optimizer = torch.optim.Adam([self.logarithm], lr=learning_rate)

    @property
    def value(self) -> float:
        """α, in scaled rewards per nat."""
        return math.exp(self.logarithm.item())

    def step(self, log_probability: Float[Tensor, " K"]) -> None:
        """Take one step down −log α · mean (log π + H̄)."""
        self.logarithm.grad = -(log_probability.detach().mean() + self.entropy)
        self.optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """Return log α and the optimizer."""
        return {
            "logarithm": self.logarithm.detach().clone(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take them back."""
        self.logarithm.data.copy_(tree["logarithm"])
        self.optimizer.load_state_dict(tree["optimizer"])


class SACLearner(OffPolicyLearner[SquashedGaussianActor]):
    """A random actor, twin critics with slow copies, and a temperature."""

    def __init__(
        self,
        arena: Arena,
        config: SACConfig,
        seeds: Seeds,
        policy: SquashedGaussianActor | None = None,
    ) -> None:
        space = require_continuous(arena, "SAC")
        scale = ObservationScale(arena.observation_space, learns=config.scales_observations)
        fresh = SquashedGaussianActor(scale, space, config.hidden, seeds.torch("actor"))
        super().__init__(arena, config, seeds, fitting(policy, fresh, arena, "SAC"), method="SAC")
        self.config = config
        width, actions = self.policy.scale.width, self.policy.actions
        critics = ActionCritics(2, width, actions, config.hidden, seeds.torch("critic"))
        self.judges = Judges(critics, config.learning_rate)
        self.temperature = Temperature(
            config.temperature, config.entropy * actions, config.temperature_learning_rate
        )
        self.optimizer = torch.optim.Adam(
            self.policy.parameters(), lr=config.actor_learning_rate, fused=True
        )

    def explore(
        self, observation: Shaped[Tensor, "B *O"], progress: float
    ) -> Shaped[Tensor, "B *A"]:
        """Return actions drawn from the policy."""
        del progress
        drawn = self.policy.draw(self.policy.features(observation), self.acting)
        return self.policy.to_environment(drawn.action)

    def learn(self, batch: Batch, progress: float) -> Taught:
        """Take a step with the critics, the actor and the temperature; the copies follow."""
        config, temperature = self.config, self.temperature.value
        features = self.policy.features(batch.observation)
        told = self.judges.step(
            batch,
            features,
            self.policy.from_environment(batch.action),
            self.target(batch, temperature),
            clip=config.gradient_clip,
            learning_rate=config.step_size(progress),
        )
        self.replay.reprioritise(batch.index, told.error.abs().mean(0))
        loss, log_probability = self.actor_loss(features, temperature)
        descend(
            loss,
            self.optimizer,
            clip=config.gradient_clip,
            learning_rate=config.actor_step_size(progress),
        )
        self.temperature.step(log_probability)
        if (self.gradient_steps + 1) % config.target_every == 0:
            self.judges.follow(config.target_rate)
        return Taught(
            told.loss,
            told.gradient_norm,
            told.mean_square,
            entropy=-float(log_probability.mean()),
            temperature=temperature,
        )

    @torch.no_grad()
    def target(self, batch: Batch, temperature: float) -> Float[Tensor, " K"]:
        """Return y = r + γ′ (min_n Q′_n(s′, u′) − α log π(u′|s′))."""
        following = self.policy.features(batch.next_observation)
        drawn = self.policy.draw(following, self.drawing)
        value = self.judges.slow(following, drawn.action).amin(0)
        soft = value - temperature * drawn.log_probability
        return torch.addcmul(batch.reward, batch.discount, soft)

    def actor_loss(
        self, features: Float[Tensor, "K F"], temperature: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, " K"]]:
        """Return J_π = mean (α log π(u|s) − min_n Q_n(s, u)), and log π(u|s) of its draws."""
        drawn = self.policy.draw(features, self.drawing)
        value = self.judges.critics.fixed(features, drawn.action, 2).amin(0)
        loss = (temperature * drawn.log_probability - value).mean()
        return loss, drawn.log_probability.detach()

    def state_dict(self) -> dict[str, Any]:
        """Return critics, temperature and the actor's optimizer beside what is remembered."""
        return {
            **super().state_dict(),
            "judges": self.judges.state_dict(),
            "temperature": self.temperature.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take them back."""
        super().load_state_dict(tree)
        self.judges.load_state_dict(tree["judges"])
        self.temperature.load_state_dict(tree["temperature"])
        self.optimizer.load_state_dict(tree["optimizer"])
