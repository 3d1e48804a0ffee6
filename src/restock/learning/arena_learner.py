"""What all methods for environments have in common: where they play, and how they are validated.

An algorithm adds what an update is; its file is read beside this one and that of its kind
(temporal differences, off-policy, on-policy).
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from restock.errors import ConfigurationError
from restock.learning.fingerprint import Fingerprint
from restock.learning.interaction import Arena, Interaction
from restock.learning.loop import LoopConfig, Update, train
from restock.learning.run import Listener, TrainingRun
from restock.seeds import Seeds

__all__ = ["ArenaConfig", "ArenaLearner", "fitting"]

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaConfig(LoopConfig):
    """How a method plays and is validated; each has these and its own.

    ``environments`` (B) play side by side; their episodes begin anew after each validation, so
    that ``validate_every`` updates should play longer than an episode: what lies behind is never
    seen, and a warning says so. Rewards are discounted by ``discount`` (γ) a step. Validation is
    the mean return of ``validation_episodes`` under the best known action, the same episodes every
    time: episodes of the environment must end.

    Raises :class:`ConfigurationError` for a number outside its range.
    """

    environments: int = 32
    discount: float = 0.99
    validation_episodes: int = 32

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        LoopConfig.__post_init__(self)
        self.require_counts("environments", "validation_episodes")
        self.require_shares(discount=0.99)


class ArenaLearner(ABC, Generic[M]):
    """A policy, and the environments that it plays in; ``acting`` draws its actions."""

    def __init__(
        self, arena: Arena, config: ArenaConfig, seeds: Seeds, policy: M, *, method: str
    ) -> None:
        self.arena, self.seeds, self.policy, self.method = arena, seeds, policy, method
        self._settings = config
        self.acting = seeds.torch("acting")
        self.interaction = Interaction(arena, config.environments)

    @abstractmethod
    def update(self, number: int) -> Update:
        """Play, and learn from what was played."""

    @abstractmethod
    def evidence(self) -> dict[str, Tensor]:
        """Return what was learned from last."""

    def run(
        self,
        folder: Path | None,
        listeners: Sequence[Listener],
        evaluate: Callable[[M], float] | None,
    ) -> TrainingRun[M]:
        """Train with the loop that all share, and close the environments whatever happens."""
        try:
            return train(
                self,
                self._settings,
                self.fingerprint(),
                folder=folder,
                listeners=listeners,
                evaluate=evaluate,
            )
        finally:
            self.interaction.close()

    def validate(self) -> float:
        """Return minus the mean return of the held-out episodes."""
        episodes, seed = self._settings.validation_episodes, self.seeds.integer("validation")
        return -self.arena.mean_return(self.policy, episodes, seed)  # type: ignore[arg-type]

    def begin(self, update: int) -> None:
        """Begin new episodes."""
        if 0 < update < self._settings.updates and not self.interaction.episodes:
            warnings.warn(
                f"{self.method} in '{self.arena.name}': no episode has ended in the"
                f" {self._settings.validate_every} updates since the last validation, and episodes"
                " begin anew now, so that it never sees how they end. Raise `validate_every`.",
                stacklevel=2,
            )
        self.interaction.begin(self.seeds.integer(f"episodes from update {update}"))

    def state_dict(self) -> dict[str, Any]:
        """Return the generator of actions; a method adds its own."""
        return {"acting": self.acting.get_state()}

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take it back."""
        self.acting.set_state(tree["acting"])

    def fingerprint(self) -> Fingerprint:
        """Return what the run's result depends on, besides its weights."""
        shapes = " × ".join(str(tuple(value.shape)) for value in self.policy.state_dict().values())
        return {
            "settings": str(self._settings),
            "seed": str(self.seeds.root),
            "policy": f"{self.method}, {type(self.policy).__name__} of {shapes}",
            "arena": self.arena.identity,
        }


def fitting(policy: M | None, fresh: M, arena: Arena, method: str) -> M:
    """Return ``policy``, or ``fresh`` where there is none; its inner layers may differ.

    Raises :class:`ConfigurationError` for a policy of another kind, of other observations or of
    other actions.
    """
    if policy is None:
        return fresh
    if isinstance(policy, type(fresh)):
        theirs, ours = _ends(policy), _ends(fresh)
        if theirs.keys() == ours.keys() and all(map(torch.equal, theirs.values(), ours.values())):
            return policy
    raise ConfigurationError(
        f"{method} in '{arena.name}' needs a {type(fresh).__name__} for what that shows and takes,"
        f" {arena.observation_space} and {arena.action_space}; got a {type(policy).__name__} of"
        " another kind or for other spaces. Give one that was trained in this arena, or none."
    )


def _ends(policy: nn.Module) -> dict[str, Tensor]:
    """Return what a policy must share with any other of its arena: inputs, outputs, their units."""
    weights = list(policy.parameters())
    if not weights:
        # a table or a formula: all of it is as large as the arena
        return {name: torch.tensor(value.shape) for name, value in policy.named_buffers()}
    scale: Any = policy.scale
    units = {name: v for name, v in policy.named_buffers() if not name.startswith("scale.")}
    return units | {
        "inputs": torch.tensor([scale.width, scale.states]),
        "outputs": torch.tensor(len(weights[-1])),
    }
