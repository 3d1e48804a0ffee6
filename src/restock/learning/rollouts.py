"""What on-policy methods learn from: T steps of B environments, played by the actor as it is.

Values are computed for a whole rollout at once, after it was played, and the value of what an
episode saw last replaces that of the next one's beginning.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from restock.learning.actors import Actor, Critic
from restock.learning.descent import DivergenceError
from restock.learning.interaction import Interaction, Transitions

__all__ = [
    "Rollout",
    "collect",
    "collect_episodes",
    "critic_values",
    "standardised",
]


class Rollout(NamedTuple):
    """``action`` is as drawn; ``last`` is what was seen after the last step of each environment.

    ``final`` holds, row by row in the order of ``ended.nonzero()``, what ended episodes saw last;
    ``features`` are the actor's numbers for ``observation``. ``played`` is false for steps that do
    not count. Where an episode was ``ended``, by ``terminated`` or by a cut, the next step begins
    another.
    """

    observation: Shaped[Tensor, "T B *O"]
    action: Shaped[Tensor, "T B *A"]
    reward: Float[Tensor, "T B"]
    terminated: Bool[Tensor, "T B"]
    ended: Bool[Tensor, "T B"]
    played: Bool[Tensor, "T B"]
    last: Shaped[Tensor, "B *O"]
    final: Shaped[Tensor, "N *O"]

    @property
    def steps(self) -> int:
        """Environment steps taken, those that do not count included."""
        return self.reward.numel()

    def evidence(self) -> dict[str, Tensor]:
        """Return the tensors by name, for a file."""
        return self._asdict()


def collect(
    interaction: Interaction, actor: Actor, periods: int, generator: torch.Generator
) -> Rollout:
    """Play ``periods`` steps in all environments, going on from where they are.

    Raises :class:`DivergenceError` for an action, an observation or a reward that is not finite.
    """
    moves: list[Transitions] = []
    actions: list[Tensor] = []
    for _ in range(periods):
        action, moved = _played(interaction, actor, generator)
        moves.append(moved)
        actions.append(action)
    return _stacked(moves, actions)


def collect_episodes(
    interaction: Interaction, actor: Actor, longest: int, generator: torch.Generator
) -> Rollout:
    """Play until the first episode of every environment has ended, ``longest`` steps at most.

    ``played`` is false after the end of an environment's first episode.

    Raises :class:`DivergenceError` for an action, an observation or a reward that is not finite.
    """
    moves: list[Transitions] = []
    actions: list[Tensor] = []
    played: list[Tensor] = []
    going = torch.ones(interaction.count, dtype=torch.bool)
    while len(moves) < longest and going.any():
        action, moved = _played(interaction, actor, generator)
        moves.append(moved)
        actions.append(action)
        played.append(going)
        going = going & ~(moved.terminated | moved.truncated)
    return _stacked(moves, actions)._replace(played=torch.stack(played))


@torch.no_grad()
def critic_values(
    rollout: Rollout, features: Float[Tensor, "T B F"], actor: Actor, critic: Critic
) -> tuple[Float[Tensor, "T B"], Float[Tensor, "T B"]]:
    """Return V of each observation and of each next one, as the episode itself saw it."""
    values = critic(features)
    last = critic(actor.features(rollout.last)).unsqueeze(0)
    following = torch.cat((values[1:], last))
    if len(rollout.final):
        following[rollout.ended] = critic(actor.features(rollout.final))
    return values, following


def standardised(advantage: Float[Tensor, " N"]) -> Float[Tensor, " N"]:
    """Return advantages with mean 0 and standard deviation 1, or 0 where all are the same.

    >>> standardised(torch.tensor([1.0, 3.0])).tolist(), standardised(torch.ones(2)).tolist()
    ([-1.0, 1.0], [0.0, 0.0])
    """
    return (advantage - advantage.mean()) / (advantage.std(correction=0) + 1e-8)


@torch.no_grad()
def _played(
    interaction: Interaction, actor: Actor, generator: torch.Generator
) -> tuple[Tensor, Transitions]:
    action = actor.draw(actor.features(interaction.observation), generator)
    total = float(action.sum())
    if total - total != 0:
        raise DivergenceError(
            f"the policy's actions sum to {total}",
            "Lower `learning_rate`, or check what the environment shows",
            {"observation": interaction.observation, "action": action},
        )
    return action, interaction.step(actor.to_environment(action))


def _stacked(moves: Sequence[Transitions], actions: Sequence[Tensor]) -> Rollout:
    terminated = torch.stack([moved.terminated for moved in moves])
    ended = terminated | torch.stack([moved.truncated for moved in moves])
    final = [
        moved.next_observation[over] for moved, over in zip(moves, ended, strict=True) if over.any()
    ]
    last = moves[-1].next_observation
    return Rollout(
        observation=torch.stack([moved.observation for moved in moves]),
        action=torch.stack(list(actions)),
        reward=torch.stack([moved.reward for moved in moves]),
        terminated=terminated,
        ended=ended,
        played=torch.ones_like(ended),
        last=last,
        final=torch.cat(final) if final else last[:0],
    )
