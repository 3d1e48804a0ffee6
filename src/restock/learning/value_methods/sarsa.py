"""SARSA: the value of the action that is taken next is the target, exploring or not.

    target = r + γ (1 − e) Q(s′, a′),   a′ drawn by the policy that plays
    target = r + γ (1 − e) Σ_a′ π(a′|s′) Q(s′, a′)                    (Expected SARSA)
    Q(s, a) ← Q(s, a) + α [target − Q(s, a)]

It learns what the ε-greedy policy that plays is worth, not the greedy one, and keeps away from
where exploring is dear. G. Rummery and M. Niranjan, On-line Q-learning using connectionist systems,
Cambridge CUED/F-INFENG/TR 166, 1994, §3.2; Sutton and Barto, Reinforcement Learning, 2nd edition,
2018, eq. 6.7 and, expected, 6.9; with ``steps`` > 1 n-step SARSA (ibid. eq. 7.4), with ``decay``
SARSA(λ) (ibid. §12.7), by the forward view.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from restock.learning.arena_learner import fitting
from restock.learning.exploration import greedy_probabilities
from restock.learning.interaction import Arena
from restock.learning.run import Listener, TrainingRun
from restock.learning.value_methods.action_values import ActionValues
from restock.learning.value_methods.tabular import TableConfig, table_for
from restock.learning.value_methods.temporal_difference import Played, TDLearner
from restock.seeds import Seeds

__all__ = ["SarsaConfig", "SarsaLearner", "fit"]

METHOD = "SARSA"


@dataclass(frozen=True, slots=True, kw_only=True)
class SarsaConfig(TableConfig):
    """How SARSA plays and steps; see :class:`TableConfig` for the rest.

    ``expected`` takes the mean over next actions in place of the one drawn.
    """

    expected: bool = False


def fit(
    arena: Arena,
    config: SarsaConfig,
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
    >>> config = SarsaConfig(updates=2, grid=Grid.whole_units((30,), unit=0.2))
    >>> fit(arena, config, Seeds(1)).steps
    4096
    """
    values = fitting(policy, table_for(arena, config, METHOD), arena, METHOD)
    learner = SarsaLearner(arena, config, seeds, values, method=METHOD)
    return learner.run(folder, listeners, evaluate)


class SarsaLearner(TDLearner):
    """Targets that end in the next action of the policy that plays."""

    def __init__(
        self,
        arena: Arena,
        config: SarsaConfig,
        seeds: Seeds,
        policy: ActionValues,
        *,
        method: str = METHOD,
    ) -> None:
        super().__init__(arena, config, seeds, policy, method=method)
        self.expected = config.expected

    def targets(self, played: Played) -> Float[Tensor, "T B"]:
        """Return r + γ Q(s′, a′), its expectation, or longer returns."""
        values = played.next_values
        if self.expected:
            value = (greedy_probabilities(values, self.epsilon) * values).sum(-1)
        else:
            value = values.gather(-1, played.next_action.unsqueeze(-1)).squeeze(-1)
        return self.returns(played, value, stops=played.ended)
