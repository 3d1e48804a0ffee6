"""What all environments can be told: the length of an episode, the reward, what an action is."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, did_you_mean, require
from restock.simulation.environments.setup import Controls, RewardWeights

__all__ = ["EpisodeConfig", "OrderingConfig"]

KINDS = ("level", "quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeConfig:
    """``periods`` per episode, and what the parts of the reward weigh.

    See :class:`~restock.simulation.environments.setup.RewardWeights`.
    """

    periods: int = 100
    profit_weight: float = 1.0
    satisfaction_weight: float = 0.0
    inventory_cost_weight: float = 1.0
    reward_scale: float = 1.0

    @property
    def weights(self) -> RewardWeights:
        """The weights of the reward."""
        return RewardWeights(
            profit=self.profit_weight,
            satisfaction=self.satisfaction_weight,
            inventory_cost=self.inventory_cost_weight,
            scale=self.reward_scale,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderingConfig(EpisodeConfig):
    """What an ordering action is.

    ``action`` is ``"level"``, what the position is raised to, or ``"quantity"``, what is ordered;
    ``discrete`` makes it a whole number of units ordered. ``highest_level`` and ``largest_order``
    are units, on every lane; left out, they are twice what ordinary demand needs. Unless it
    ``starts_empty``, an episode begins with the usual demand of a lead time on hand, and of
    a period more where customers buy.

    Raises :class:`ConfigurationError` for another kind of action.

    >>> OrderingConfig(action="levels")
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: `action` must be one of level, quantity; got 'levels'. Did \
you mean 'level'?
    """

    action: str = "level"
    discrete: bool = False
    highest_level: float | None = None
    largest_order: float | None = None
    starts_empty: bool = False

    def __post_init__(self) -> None:
        """Check the kind of action and its bounds."""
        require(
            self.action in KINDS,
            ConfigurationError,
            f"`action` must be one of {', '.join(KINDS)}; got '{self.action}'."
            f"{did_you_mean(self.action, KINDS)}",
        )
        for name in ("highest_level", "largest_order"):
            value = getattr(self, name)
            require(
                value is None or 0 < value < float("inf"),
                ConfigurationError,
                f"`{name}` must be > 0 and finite; got {value}. Give a few periods of demand.",
            )

    def opening(self, units: Float[Tensor, "P L"]) -> Float[Tensor, "P L"] | None:
        """Return what an episode begins with, whole units on hand, or nothing."""
        return None if self.starts_empty else units.ceil()

    def ordering(
        self,
        level: Float[Tensor, "P E"],
        order: Float[Tensor, "P E"],
        most_batch: Float[Tensor, "P E"] | None = None,
    ) -> Controls:
        """Return the controls of orders up to ``level`` or of ``order`` units, if nothing else."""
        are_levels = self.action == "level" and not self.discrete
        most, told = (level, self.highest_level) if are_levels else (order, self.largest_order)
        if told is not None:
            most = torch.full_like(most, told)
        return Controls(
            most=most.floor() if self.discrete else most,
            are_levels=are_levels,
            most_batch=most_batch,
            is_discrete=self.discrete,
        )
