"""Q-learning: the value of the best next action is the target, whatever was tried instead.

    target = r + γ (1 − e) max_a′ Q(s′, a′),   e = 1 where s′ ended the episode for good
    Q(s, a) ← Q(s, a) + α [target − Q(s, a)]

C. Watkins and P. Dayan, Q-learning, Machine Learning 8, 1992, eq. 1; Sutton and Barto,
Reinforcement Learning, 2nd edition, 2018, eq. 6.8. With more than one reward in a target,
``steps`` > 1 or ``decay`` (λ), it looks ahead no further than to the next action that was not the
greedy one, and takes the maximum there: Watkins's Q(λ) (ibid. §12.10), by the forward view.

With a table, countable states and every pair tried for ever, it finds the optimum; linear values
(:mod:`~restock.learning.value_methods.linear_q`) may diverge (ibid. §11.3), and then training stops
with a message.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from restock.learning.arena_learner import fitting
from restock.learning.interaction import Arena
from restock.learning.run import Listener, TrainingRun
from restock.learning.value_methods.action_values import ActionValues
from restock.learning.value_methods.tabular import TableConfig, table_for
from restock.learning.value_methods.temporal_difference import Played, TDLearner
from restock.seeds import Seeds

__all__ = ["QLearner", "QLearningConfig", "fit"]

METHOD = "Q-learning"


@dataclass(frozen=True, slots=True, kw_only=True)
class QLearningConfig(TableConfig):
    """How Q-learning plays and steps; see :class:`TableConfig`."""


def fit(
    arena: Arena,
    config: QLearningConfig,
    seeds: Seeds,
    *,
    policy: ActionValues | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[ActionValues], float] | None = None,
) -> TrainingRun[ActionValues]:
    """Learn a table of action values in ``arena``; ``policy`` is where to begin, if not afresh.

    With a ``folder``, a checkpoint and ``log.jsonl`` are kept there, and a run that was interrupted
    goes on from its last checkpoint to the same result.

    Raises :class:`ConfigurationError` for spaces that it cannot serve, :class:`TrainingError` when
    values stop being finite and :class:`CheckpointError` when the folder holds another run's
    checkpoint.

    >>> from restock.learning.value_methods.tabular import Grid
    >>> arena = Arena("restock/LostSalesDiscrete-v0", {"lead_time_periods": 1})
    >>> config = QLearningConfig(updates=2, grid=Grid.whole_units((30,), unit=0.2))
    >>> fit(arena, config, Seeds(1)).steps
    4096
    """
    values = fitting(policy, table_for(arena, config, METHOD), arena, METHOD)
    learner = QLearner(arena, config, seeds, values, method=METHOD)
    return learner.run(folder, listeners, evaluate)


class QLearner(TDLearner):
    """Targets that end in the best next action."""

    def targets(self, played: Played) -> Float[Tensor, "T B"]:
        """Return r + γ max Q(s′, ·), or longer returns as far as actions were greedy."""
        best = played.next_values.amax(-1)
        taken = played.next_values.gather(-1, played.next_action.unsqueeze(-1)).squeeze(-1)
        return self.returns(played, best, stops=played.ended | (taken < best))
