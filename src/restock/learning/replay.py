"""Replay: a memory of steps, out of which minibatches are drawn again and again.

Steps are kept in a ring, in the order in which they were played, one slot for each step of B
environments (L.-J. Lin, Self-improving reactive agents based on reinforcement learning, planning
and teaching, Machine Learning 8, 1992, §2.3). A drawn step t of an environment becomes

    R_t = Σ_{k<m} γ^k r_{t+k},   s′ = s_{t+m},   γ′ = γ^m (1 − e)

for a target R_t + γ′ V(s′): up to n rewards (R. Sutton and A. Barto, Reinforcement Learning, 2nd
edition, 2018, eq. 7.1), fewer (m < n) where an episode ends or the newest step is reached. e = 1
where the last of these steps *terminated* the episode. One that was only cut off is bootstrapped.

With a :class:`Priority` a step is drawn with a probability that grows with how wrong its value was
(T. Schaul, J. Quan, I. Antonoglou and D. Silver, Prioritized experience replay, ICLR 2016, the
proportional variant, eq. 1, §3.4 and algorithm 1):

    p_i = |δ_i| + ε,   P(i) = p_i^α / Σ_j p_j^α,   w_i = (N·P(i))^{−β} / max_j w_j

The maximum is over the minibatch. A new step has the greatest priority given so far.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from restock.errors import CheckpointError, ConfigurationError, require
from restock.learning.interaction import Transitions
from restock.learning.sum_tree import SumTree

__all__ = ["Batch", "Priority", "ReplayBuffer", "available_bytes"]

CGROUP = Path("/sys/fs/cgroup")
SHARE_OF_MEMORY = 0.9
"""Of the memory that is available, a replay buffer may take this share."""


class Batch(NamedTuple):
    """K steps drawn from replay, each for a target ``reward + discount · V(next_observation)``.

    ``reward`` is R, ``discount`` γ′: 0 where the episode was over, ``terminated``. ``weight`` is w,
    by which a step's loss is multiplied, 1 where all are as likely. ``index`` is where a step lies,
    for :meth:`ReplayBuffer.reprioritise`. Observations and actions are in the environment's units.
    """

    observation: Shaped[Tensor, "K *O"]
    action: Shaped[Tensor, "K *A"]
    reward: Float[Tensor, " K"]
    next_observation: Shaped[Tensor, "K *O"]
    terminated: Bool[Tensor, " K"]
    discount: Float[Tensor, " K"]
    weight: Float[Tensor, " K"]
    index: Int[Tensor, " K"]  # type: ignore[assignment]  # of tuple.index nobody has need


@dataclass(frozen=True, slots=True, kw_only=True)
class Priority:
    """How much more often a surprising step is drawn.

    ``exponent`` is α: 0 draws all alike, 1 in proportion to the error. ``correction`` is β at the
    start of training, how much of the bias is corrected; it rises to 1 along a line. ``least`` is
    ε, in units of the error.

    Raises :class:`ConfigurationError` for numbers out of range.

    >>> Priority(correction=0.4).beta(progress=0.5)
    0.7
    """

    exponent: float = 0.6
    correction: float = 0.4
    least: float = 1e-3

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        for name, example in (("exponent", 0.6), ("correction", 0.4)):
            value = getattr(self, name)
            require(
                0 <= value <= 1,
                ConfigurationError,
                f"`{name}` of a priority must be in [0, 1]; got {value}. Try {example}.",
            )
        require(
            0 < self.least < math.inf,
            ConfigurationError,
            f"`least` priority must be > 0 and finite; got {self.least}. Try 1e-3.",
        )

    def beta(self, progress: float) -> float:
        """Return β after a share ``progress`` of training, in [0, 1]."""
        return self.correction + (1 - self.correction) * progress


class ReplayBuffer:
    """The last ``capacity`` steps of B ``environments``; the oldest make place for the newest.

    ``capacity`` is rounded down to a multiple of B. Observations have ``observation_shape``, and
    actions ``action_shape``, a row each. ``discount`` is γ and ``steps`` n.

    Raises :class:`ConfigurationError` when the memory that is available cannot hold it, or when it
    holds less than one step of each environment.

    >>> replay = ReplayBuffer(6, 2, (1,), (), action_dtype=torch.int64, discount=0.5, steps=2)
    >>> going, over = torch.zeros(2, dtype=torch.bool), torch.tensor([True, False])
    >>> seen = torch.tensor([[0.0], [1.0]])
    >>> replay.add(Transitions(seen, torch.tensor([0, 1]), torch.ones(2), seen + 2, going, going))
    >>> replay.add(Transitions(seen + 2, torch.tensor([1, 0]), torch.ones(2), seen, over, going))
    >>> batch = replay.at(torch.tensor([0, 1, 3]))  # both of the first step, one of the second
    >>> batch.reward.tolist(), batch.discount.tolist()
    ([1.5, 1.5, 1.0], [0.0, 0.25, 0.5])
    """

    def __init__(
        self,
        capacity: int,
        environments: int,
        observation_shape: tuple[int, ...],
        action_shape: tuple[int, ...],
        *,
        observation_dtype: torch.dtype = torch.float32,
        action_dtype: torch.dtype = torch.float32,
        discount: float = 0.99,
        steps: int = 1,
        priority: Priority | None = None,
    ) -> None:
        self.environments, self.discount, self.steps = environments, discount, steps
        self.slots = capacity // environments
        require(
            self.slots >= 1,
            ConfigurationError,
            f"`capacity` must hold a step of each of {environments} environments; got {capacity}."
            f" Use {environments * 100} or more.",
        )
        self.capacity = rows = self.slots * environments
        _require_memory(
            rows,
            2 * math.prod(observation_shape) * observation_dtype.itemsize
            + math.prod(action_shape) * action_dtype.itemsize
            + (4 + 2 + (9 if priority else 0)),
        )
        # not zeros: memory is taken as it is filled
        self.observation = torch.empty((rows, *observation_shape), dtype=observation_dtype)
        self.next_observation = torch.empty_like(self.observation)
        self.action = torch.empty((rows, *action_shape), dtype=action_dtype)
        self.reward = torch.empty(rows)
        self.terminated = torch.empty(rows, dtype=torch.bool)
        self.stops = torch.empty(rows, dtype=torch.bool)
        self.slot, self.filled = 0, 0
        self.priority = priority
        self.tree = None if priority is None else SumTree(rows)
        self.greatest = 1.0

    def __len__(self) -> int:
        """Return the number of steps that can be drawn."""
        return self.filled * self.environments

    def add(self, moved: Transitions) -> None:
        """Take in one step of each environment."""
        first = self.slot * self.environments
        rows = slice(first, first + self.environments)
        self.observation[rows] = moved.observation
        self.next_observation[rows] = moved.next_observation
        self.action[rows] = moved.action
        self.reward[rows] = moved.reward
        self.terminated[rows] = moved.terminated
        self.stops[rows] = moved.terminated | moved.truncated
        if self.tree is not None:
            self.tree.set(torch.arange(rows.start, rows.stop), self.greatest)
        self.slot = (self.slot + 1) % self.slots
        self.filled = min(self.filled + 1, self.slots)

    def cut(self) -> None:
        """Say that what is added next does not go on from what was added last."""
        if self.filled:
            last = (self.slot - 1) % self.slots * self.environments
            self.stops[last : last + self.environments] = True

    def sample(self, count: int, generator: torch.Generator, *, beta: float = 1.0) -> Batch:
        """Return ``count`` steps, drawn with replacement; ``beta`` is β, for those with a priority.

        With a priority, one step is drawn out of each of ``count`` equal parts of Σ p^α.
        """
        if self.tree is None:
            return self.at(torch.randint(len(self), (count,), generator=generator))
        draws = torch.rand(count, generator=generator, dtype=torch.float64)
        index = self.tree.find((torch.arange(count) + draws) / count)
        weight = (len(self) * self.tree.share(index)).pow(-beta)
        return self.at(index)._replace(weight=(weight / weight.max()).float())

    def at(self, index: Int[Tensor, " K"]) -> Batch:
        """Return the steps at these places, each as likely as the others."""
        if self.steps == 1:
            last, reward = index, self.reward.index_select(0, index)
            discount = torch.full_like(reward, self.discount)
        else:
            last, reward, discount = self._ahead(index)
        terminated = self.terminated.index_select(0, last)
        return Batch(
            observation=self.observation.index_select(0, index),
            action=self.action.index_select(0, index),
            reward=reward,
            next_observation=self.next_observation.index_select(0, last),
            terminated=terminated,
            discount=discount.masked_fill(terminated, 0.0),
            weight=torch.ones(len(index)),
            index=index,
        )

    def _ahead(
        self, index: Int[Tensor, " K"]
    ) -> tuple[Int[Tensor, " K"], Float[Tensor, " K"], Float[Tensor, " K"]]:
        """Return where each step's last reward is, its R, and γ^m."""
        ahead = torch.arange(self.steps).unsqueeze(-1)
        places = (index + ahead * self.environments) % self.capacity
        newest = (self.slot - 1) % self.slots
        stops = self.stops[places] | (places // self.environments == newest)
        counts = torch.ones_like(stops)
        counts[1:] = (~stops[:-1]).cumprod(0).bool()
        # chosen, not multiplied by 0: a place that was never filled may hold NaN
        reward = torch.where(counts, self.reward[places] * self.discount**ahead, 0.0).sum(0)
        many = counts.sum(0)
        last = places.gather(0, (many - 1).unsqueeze(0)).squeeze(0)
        return last, reward, self.discount ** many.float()

    def reprioritise(self, index: Int[Tensor, " K"], error: Float[Tensor, " K"]) -> None:
        """Give steps the priority of their TD errors δ; nothing happens without a priority."""
        if self.tree is None or self.priority is None:
            return
        weight = (error.abs().double() + self.priority.least) ** self.priority.exponent
        self.greatest = max(self.greatest, float(weight.max()))
        self.tree.set(index, weight)

    def state_dict(self) -> dict[str, Any]:
        """Return the steps that were added and their priorities, as a checkpoint keeps them.

        A buffer more than half full is not copied: memory need not hold it twice.
        """
        rows = len(self)
        columns = {name: getattr(self, name) for name in _COLUMNS}
        is_large = 2 * rows > self.capacity
        tensors = {
            name: column if is_large else column[:rows].clone() for name, column in columns.items()
        }
        leaves = None if self.tree is None else self.tree.leaves[:rows].clone()
        return {
            **tensors,
            "slot": self.slot,
            "filled": self.filled,
            "leaves": leaves,
            "greatest": self.greatest,
        }

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take them back.

        Raises :class:`CheckpointError` for steps of another shape or number.
        """
        rows = int(tree["filled"]) * self.environments
        for name in _COLUMNS:
            kept, here = tree[name], getattr(self, name)
            require(
                rows <= min(self.capacity, len(kept)) and kept.shape[1:] == here.shape[1:],
                CheckpointError,
                f"`{name}` of the saved replay has shape {tuple(kept.shape)}; this buffer holds"
                f" {tuple(here.shape)}. Use the settings of the run that saved it.",
            )
            here[:rows] = kept[:rows]
        self.slot, self.filled = int(tree["slot"]), int(tree["filled"])
        self.greatest = float(tree["greatest"])
        if self.tree is not None:
            self.tree.set(torch.arange(rows), tree["leaves"])


_COLUMNS = ("observation", "next_observation", "action", "reward", "terminated", "stops")


def available_bytes() -> float | None:
    """Return the memory that a process can still take, ``None`` where nobody tells.

    In a container it is what the container's limit leaves, not what the machine has.
    """
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return min(int(line.split()[1]) * 1024, _left_in_container())
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names:
        return None
    pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in names else "SC_PHYS_PAGES"
    return int(os.sysconf(pages)) * int(os.sysconf("SC_PAGE_SIZE"))


def _left_in_container() -> float:
    """Return the bytes that a limit of cgroups (version 2) leaves, ∞ without one."""
    limit, used = (CGROUP / name for name in ("memory.max", "memory.current"))
    if not (limit.exists() and used.exists()):
        return math.inf
    most = limit.read_text(encoding="ascii").strip()
    return math.inf if most == "max" else int(most) - int(used.read_text(encoding="ascii"))


def _require_memory(rows: int, bytes_a_row: int) -> None:
    available = available_bytes()
    if available is None:
        return
    most = int(SHARE_OF_MEMORY * available)
    require(
        rows * bytes_a_row <= most,
        ConfigurationError,
        f"a replay buffer of {rows} steps needs {rows * bytes_a_row / 2**30:.2f} GiB; at most"
        f" {most / 2**30:.2f} GiB may be taken ({SHARE_OF_MEMORY:.0%} of what is available). Lower"
        f" `capacity` to {most // bytes_a_row} or less.",
    )
