"""DQN: Q-learning with a network, replay and a target network, and what was added to it since.

    δ = R + γ′ V′ − Q_θ(s, a),   loss = mean of w · h_κ(δ)   (Huber's, as in
                                                    :mod:`~.value_network`)

on minibatches of replay, with R, γ′, s′ of n steps and weights w as :mod:`restock.learning.replay`
draws them, and θ⁻ the target network, a copy of θ that is some steps old. Each part is a setting:

====================  ===========================================================================
plain DQN             V′ = max_a Q_θ⁻(s′, a)
                      (V. Mnih et al., Human-level control through deep reinforcement learning,
                      Nature 518, 2015, algorithm 1; its clipped error is κ = 1)
``double``            V′ = Q_θ⁻(s′, argmax_a Q_θ(s′, a))
                      (H. van Hasselt, A. Guez and D. Silver, Deep reinforcement learning with
                      double Q-learning, AAAI 2016, eq. 4)
``dueling``           Q = V + A − mean_a A, of two streams on one body
                      (Z. Wang et al., Dueling network architectures for deep reinforcement
                      learning, ICML 2016, eq. 9)
``steps``             n rewards before V′ (M. Hessel et al., Rainbow, AAAI 2018, §multi-step)
``priority``          surprising steps are drawn more often (T. Schaul et al., Prioritized
                      experience replay, ICLR 2016, algorithm 1)
``target_rate``       1, a copy every ``target_every`` steps, or Polyak's average
====================  ===========================================================================

Actions are ε-greedy while it learns. All of these together, but for noise and distributions, are
Rainbow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from restock.learning.arena_learner import fitting
from restock.learning.exploration import epsilon_greedy
from restock.learning.interaction import Arena, require_discrete
from restock.learning.off_policy import OffPolicyModule
from restock.learning.replay import Batch
from restock.learning.run import Listener, TrainingRun
from restock.learning.scaling import ObservationScale
from restock.learning.value_methods.value_network import ValueNetworkConfig, ValueNetworkLearner
from restock.policies.neural.bodies import mlp
from restock.seeds import Seeds

__all__ = ["DQNConfig", "DQNLearner", "DuelingHead", "QNetwork", "dqn_target", "fit"]

METHOD = "DQN"


@dataclass(frozen=True, slots=True, kw_only=True)
class DQNConfig(ValueNetworkConfig):
    """How DQN learns, besides how it plays and remembers.

    ``double`` and ``dueling`` are as the module tells; ``exploration`` is how ε falls.

    Raises :class:`ConfigurationError` for a number outside its range.
    """

    double: bool = True
    dueling: bool = True
    target_rate: float = 1.0
    target_every: int = 100

    def __post_init__(self) -> None:
        """Check ranges."""
        ValueNetworkConfig.__post_init__(self)


class DuelingHead(nn.Module):
    """Q = V + A − mean A, of ``choices`` actions, from numbers that a body gives.

    >>> head = DuelingHead(2, 3, (4,), torch.Generator().manual_seed(0))
    >>> nn.init.constant_(head.value[-1].bias, 5.0).item()
    5.0
    >>> _ = head.advantage[-1].bias.data.copy_(torch.tensor([1.0, 2.0, 6.0]))
    >>> head(torch.zeros(1, 2)).tolist()  # 5 + A − 3
    [[3.0, 4.0, 8.0]]
    """

    def __init__(
        self, inputs: int, choices: int, hidden: tuple[int, ...], generator: torch.Generator
    ) -> None:
        super().__init__()
        self.value = mlp(inputs, 1, hidden, generator)
        self.advantage = mlp(inputs, choices, hidden, generator)

    def forward(self, features: Float[Tensor, "*B F"]) -> Float[Tensor, "*B A"]:
        """Return the value of each action."""
        advantage: Tensor = self.advantage(features)
        centred = advantage - advantage.mean(-1, keepdim=True)
        values: Tensor = self.value(features) + centred
        return values


class QNetwork(OffPolicyModule):
    """Q(s, ·) of ``choices`` actions; acts by the highest. The last layer starts at 0.

    With ``dueling`` the last of the ``hidden`` layers is in each of the two streams.

    >>> from gymnasium.spaces import Box
    >>> seed = torch.Generator().manual_seed(0)
    >>> policy = QNetwork(ObservationScale(Box(-1, 1, (3,))), 4, (8, 8), seed)
    >>> policy.values(torch.ones(2, 3)).shape, policy.act(torch.ones(2, 3)).tolist()
    (torch.Size([2, 4]), [0, 0])
    """

    def __init__(
        self,
        scale: ObservationScale,
        choices: int,
        hidden: tuple[int, ...],
        generator: torch.Generator,
        *,
        dueling: bool = True,
    ) -> None:
        super().__init__()
        self.scale, self.choices = scale, choices
        if dueling and hidden:
            # of a whole network, the body without the layer that starts at 0
            body = mlp(scale.width, 1, hidden[:-1], generator)[:-1]
            width = hidden[-2] if len(hidden) > 1 else scale.width
            self.net = nn.Sequential(body, DuelingHead(width, choices, hidden[-1:], generator))
        else:
            self.net = mlp(scale.width, choices, hidden, generator)

    def values(self, observation: Shaped[Tensor, "B *O"]) -> Float[Tensor, "B A"]:
        """Return Q(s, ·), in scaled discounted rewards."""
        values: Tensor = self.net(self.scale(observation))
        return values

    @torch.no_grad()
    def act(self, observation: Shaped[Tensor, "B *O"]) -> Int[Tensor, " B"]:
        """Return the action of the highest value; of equal ones the first."""
        return self.values(observation).argmax(-1)


def fit(
    arena: Arena,
    config: DQNConfig,
    seeds: Seeds,
    *,
    policy: QNetwork | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[QNetwork], float] | None = None,
) -> TrainingRun[QNetwork]:
    """Maximise the return of an episode in ``arena``, whose actions are discrete.

    ``policy`` is where to begin, afresh if none is given. With a ``folder``, a checkpoint and
    ``log.jsonl`` are kept there, and a run that was interrupted goes on to the same result.

    Raises :class:`ConfigurationError` for spaces that DQN cannot serve and for a replay buffer that
    memory cannot hold, :class:`TrainingError` when the loss stops being finite (the last good
    checkpoint is kept) and :class:`CheckpointError` when the folder holds another run's checkpoint.
    """
    learner = DQNLearner(arena, config, seeds, policy)
    return learner.run(folder, listeners, evaluate)


class DQNLearner(ValueNetworkLearner[QNetwork]):
    """Values of all actions at once, and ε-greedy play."""

    def __init__(
        self, arena: Arena, config: DQNConfig, seeds: Seeds, policy: QNetwork | None = None
    ) -> None:
        start = fitting(policy, _fresh(arena, config, seeds), arena, METHOD)
        super().__init__(arena, config, seeds, start, method=METHOD)
        self.config = config

    def explore(self, observation: Shaped[Tensor, "B *O"], progress: float) -> Int[Tensor, " B"]:
        """Return an ε-greedy action for each row."""
        return epsilon_greedy(
            self.policy.values(observation), self.exploration(progress), self.acting
        )

    def value(self, batch: Batch) -> Float[Tensor, " K"]:
        """Return Q of the actions taken."""
        values = self.policy.values(batch.observation)
        return values.gather(-1, batch.action.unsqueeze(-1)).squeeze(-1)

    def targets(self, batch: Batch) -> Float[Tensor, " K"]:
        """Return R + γ′ V′."""
        return dqn_target(batch, self.policy, self.target, double=self.config.double)


@torch.no_grad()
def dqn_target(
    batch: Batch, policy: QNetwork, target: nn.Module, *, double: bool
) -> Float[Tensor, " K"]:
    """Return R + γ′ V′, with V′ by the target network's own choice, or by ``policy``'s if double.

    ``target`` reads what the policy's ``scale`` makes of an observation.
    """
    features = policy.scale(batch.next_observation)
    values: Tensor = target(features)
    best = (policy.net(features) if double else values).argmax(-1, keepdim=True)
    return batch.reward + batch.discount * values.gather(-1, best).squeeze(-1)


def _fresh(arena: Arena, config: DQNConfig, seeds: Seeds) -> QNetwork:
    scale = ObservationScale(arena.observation_space, learns=config.scales_observations)
    choices = require_discrete(arena, METHOD)
    generator = seeds.torch("network")
    return QNetwork(scale, choices, config.hidden, generator, dueling=config.dueling)
