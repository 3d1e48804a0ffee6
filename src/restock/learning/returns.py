"""What a step was worth: returns and advantages, with bootstrap where a rollout stops.

A rollout has T steps of B environments; step t earned r_t and led from s_t to s_{t+1}. Where an
episode ended, s_{t+1} is what it saw last, before the next one began. V′_t = V(s_{t+1}) is worth
nothing when step t *terminated* the episode (e_t = 1), and is *bootstrapped* when the episode was
only cut off, by truncation or by the end of the rollout. c_t = 1 where step t + 1 is in the rollout
and goes on from s_{t+1}, else 0. With discount γ and decay λ,

    δ_t      = r_t + γ (1 − e_t) V′_t − V_t                                (TD error)
    G_t^(1)  = r_t + γ (1 − e_t) V′_t
    G_t^(n)  = r_t + γ G_{t+1}^(n−1)   where c_t = 1, else G_t^(1)         (n-step return)
    G_t^λ    = r_t + γ [(1 − λ) V′_t + λ G_{t+1}^λ]   where c_t = 1, else G_t^(1)     (λ-return)
    A_t      = δ_t + γ λ c_t A_{t+1} = G_t^λ − V_t                         (GAE)

λ = 1 is the discounted sum of rewards up to the last step, and λ = 0 the TD target. Sutton and
Barto, Reinforcement Learning, 2nd edition, 2018, eq. 7.1 and 12.2 (in the recursive form of eq.
12.18); Schulman, Moritz, Levine, Jordan and Abbeel, High-dimensional continuous control using
generalized advantage estimation, arXiv 1506.02438, 2016, eq. 16.
"""

from typing import TypeAlias

import torch
from jaxtyping import Bool, Float
from torch import Tensor

__all__ = ["generalised_advantages", "lambda_returns", "n_step_returns"]

Steps: TypeAlias = Float[Tensor, "T B"]
Flags: TypeAlias = Bool[Tensor, "T B"]


def n_step_returns(
    rewards: Steps,
    next_values: Steps,
    terminated: Flags,
    ended: Flags,
    *,
    discount: float,
    steps: int,
) -> Steps:
    """Return G^(n): up to ``steps`` = n ≥ 1 rewards, then the value of where they led.

    ``next_values`` is V′, ``terminated`` e, ``ended`` where an episode stopped for any reason;
    ``discount`` is γ. Near the end of an episode or of the rollout fewer than n rewards are left
    and the value comes sooner.

    >>> rewards, values = torch.ones(3, 1), torch.full((3, 1), 10.0)
    >>> terminated = torch.tensor([[False], [True], [False]])
    >>> returns = n_step_returns(rewards, values, terminated, terminated, discount=0.5, steps=2)
    >>> returns.flatten().tolist()  # 1 + 1/2;  1;  1 + 10/2
    [1.5, 1.0, 6.0]
    """
    target = _one_step(rewards, next_values, terminated, discount)
    returns = target
    for _ in range(min(steps, len(rewards)) - 1):
        longer = torch.where(ended[:-1], target[:-1], rewards[:-1] + discount * returns[1:])
        returns = torch.cat((longer, target[-1:]))
    return returns


def lambda_returns(
    rewards: Steps,
    next_values: Steps,
    terminated: Flags,
    ended: Flags,
    *,
    discount: float,
    decay: float,
) -> Steps:
    """Return G^λ, the mean of all n-step returns with weights (1 − λ) λ^(n−1); ``decay`` is λ.

    Other arguments as in :func:`n_step_returns`. ``ended`` may hold more stops than episodes have:
    each is bootstrapped. A stop before every action that was not the greedy one makes Watkins's
    Q(λ) of maxima (Sutton and Barto, §12.10).

    >>> rewards, values = torch.ones(2, 1), torch.full((2, 1), 10.0)
    >>> never = torch.zeros(2, 1, dtype=torch.bool)
    >>> returns = lambda_returns(rewards, values, never, never, discount=0.5, decay=0.5)
    >>> returns.flatten().tolist()  # 1 + (10/2 + 6/2)/2;  1 + 10/2
    [5.0, 6.0]
    """
    target = _one_step(rewards, next_values, terminated, discount)
    returns = target.clone()
    goes_on = discount * decay * (~ended).to(rewards.dtype)
    for step in range(len(rewards) - 2, -1, -1):
        surprise = returns[step + 1] - next_values[step]
        returns[step].addcmul_(goes_on[step], surprise)
    return returns


def generalised_advantages(
    rewards: Steps,
    values: Steps,
    next_values: Steps,
    terminated: Flags,
    ended: Flags,
    *,
    discount: float,
    decay: float,
) -> Steps:
    """Return A (GAE): how much better than V each step was, in discounted rewards.

    ``values`` is V of where each step began. Other arguments as in :func:`lambda_returns`, of which
    the targets of a critic are A + V.

    >>> rewards, values = torch.ones(2, 1), torch.tensor([[4.0], [2.0]])
    >>> ended = torch.tensor([[False], [True]])
    >>> generalised_advantages(
    ...     rewards, values, values.flip(0), ended, ended, discount=0.5, decay=0.5
    ... ).flatten().tolist()  # δ = 1 + 2/2 − 4 = −2 and 1 − 2 = −1;  −2 − 1/4
    [-2.25, -1.0]
    """
    advantages = _one_step(rewards, next_values, terminated, discount) - values
    goes_on = discount * decay * (~ended).to(rewards.dtype)
    for step in range(len(rewards) - 2, -1, -1):
        advantages[step].addcmul_(goes_on[step], advantages[step + 1])
    return advantages


def _one_step(rewards: Steps, next_values: Steps, terminated: Flags, discount: float) -> Steps:
    return rewards + discount * next_values.masked_fill(terminated, 0.0)
