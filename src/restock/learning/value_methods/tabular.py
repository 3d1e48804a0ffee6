"""A table of action values: one number for each state and action, for states that can be counted.

States are Gymnasium's Discrete and MultiDiscrete observations as they are, and a Box by a
:class:`Grid`, the nearest point of which stands for what was observed.

A batch moves the table once. Where n of its rows are the same state and action, the entry moves as
if n steps of size α were taken one after another towards the mean of their targets:

    Q(s, a) ← Q(s, a) + [1 − (1 − α)ⁿ] · mean δ

With one row this is the textbook's Q ← Q + α δ, and many environments learn no slower than one.
"""

import math
from dataclasses import dataclass

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.learning.interaction import Arena, require_discrete
from restock.learning.value_methods.action_values import ActionValues, repeated_step
from restock.learning.value_methods.temporal_difference import TDConfig

__all__ = ["ActionTable", "Grid", "States", "TableConfig", "table_for"]

MAX_ENTRIES = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Evenly spaced points of a Box: ``points`` of them from ``low`` to ``high``, number by number.

    What lies outside is taken for the nearest point inside. All three have one entry for each
    number of an observation, in its units.

    Raises :class:`ConfigurationError` for lengths that differ, an empty range, or fewer than 1
    point.

    >>> grid = Grid.whole_units((4, 2), unit=0.2)  # stock 0 … 4, one order 0 … 2, in fifths
    >>> grid.high, grid.points
    ((0.8, 0.4), (5, 3))
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    points: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check that there are points to be near to."""
        lengths = {len(self.low), len(self.high), len(self.points)}
        require(
            lengths == {len(self.points)} and min(lengths) > 0,
            ConfigurationError,
            f"`low`, `high` and `points` of a grid must be of one length, ≥ 1; got {len(self.low)},"
            f" {len(self.high)} and {len(self.points)}. Give one entry for each observed number.",
        )
        for low, high, points in zip(self.low, self.high, self.points, strict=True):
            require(
                points >= 1 and points % 1 == 0,
                ConfigurationError,
                f"`points` of a grid must be integers ≥ 1; got {points}. Try 10.",
            )
            require(
                -math.inf < low <= high < math.inf and (low < high or points == 1),
                ConfigurationError,
                f"a grid must go from a finite `low` up to a finite `high`; got {low} to {high}."
                " Give the range that is worth telling apart.",
            )

    @classmethod
    def whole_units(cls, most: tuple[int, ...], unit: float = 1.0) -> "Grid":
        """Return a point for each of 0, 1, …, ``most`` units; an observed 1 is 1/``unit`` units.

        restock's environments observe units in periods of mean demand, μ: ``unit`` is 1/μ there.
        """
        return cls(
            low=(0.0,) * len(most),
            high=tuple(units * unit for units in most),
            points=tuple(units + 1 for units in most),
        )


class States(nn.Module):
    """Counts what is observed: 0, 1, …, ``count`` − 1; ``grid`` is needed for a Box only.

    Raises :class:`ConfigurationError` for a Box without a grid, a grid of another length, or a
    space that cannot be counted.

    >>> states = States(MultiDiscrete([3, 2]))
    >>> states.count, states(torch.tensor([[0, 1], [2, 1]])).tolist()
    (6, [1, 5])
    >>> states = States(Box(-1, 1, (1,)), Grid(low=(-1,), high=(1,), points=(3,)))
    >>> states(torch.tensor([[-9.0], [-0.4], [0.6]])).tolist()
    [0, 1, 2]
    """

    low: Tensor
    step: Tensor
    last: Tensor
    stride: Tensor

    def __init__(self, space: gymnasium.Space[object], grid: Grid | None = None) -> None:
        super().__init__()
        found = _grid_of(space, grid)
        self.is_number = isinstance(space, Discrete)
        points = torch.tensor(found.points, dtype=torch.float64)
        low = torch.tensor(found.low, dtype=torch.float64)
        width = torch.tensor(found.high, dtype=torch.float64) - low
        self.count = math.prod(found.points)
        strides = [math.prod(found.points[place + 1 :]) for place in range(len(found.points))]
        self.register_buffer("low", low)
        self.register_buffer("step", torch.where(points > 1, width / (points - 1), 1.0))
        self.register_buffer("last", points - 1)
        self.register_buffer("stride", torch.tensor(strides))

    def forward(self, observation: Shaped[Tensor, "*N"]) -> Int[Tensor, "..."]:
        """Return the number of the state of each observation."""
        numbers = observation.unsqueeze(-1) if self.is_number else observation
        places = ((numbers - self.low) / self.step).round().clamp_min(0)
        return (torch.minimum(places, self.last).long() * self.stride).sum(-1)


class ActionTable(ActionValues):
    """Q(s, a) for every state and action, float64, each ``initial_value`` before it was tried.

    Raises :class:`ConfigurationError` for a table of more than fifty million entries.

    >>> table = ActionTable(States(Discrete(2)), actions=2)
    >>> same, twice = torch.tensor([1, 1]), torch.tensor([8.0, 16.0], dtype=torch.float64)
    >>> norm = table.move(same, torch.tensor([0, 0]), twice, step_size=0.5)
    >>> table.table.tolist()  # (1 − 0.5²) · 12
    [[0.0, 0.0], [9.0, 0.0]]
    """

    kind = "table"
    table: Tensor
    sums: Tensor
    times: Tensor

    def __init__(self, states: States, actions: int, initial_value: float = 0.0) -> None:
        super().__init__()
        entries = states.count * actions
        require(
            entries <= MAX_ENTRIES,
            ConfigurationError,
            f"the table would have {states.count} states × {actions} actions; at most"
            f" {MAX_ENTRIES} entries are allowed. Take a coarser grid, or linear Q or DQN.",
        )
        self.states, self.actions = states, actions
        shape = (states.count, actions)
        self.register_buffer("table", torch.full(shape, initial_value, dtype=torch.float64))
        # room to add up a batch in, kept at 0 so that a step costs no more in a large table
        self.register_buffer("sums", torch.zeros(entries, dtype=torch.float64), persistent=False)
        self.register_buffer("times", torch.zeros(entries, dtype=torch.float64), persistent=False)

    def values(self, observation: Shaped[Tensor, "*N"]) -> Float[Tensor, "... A"]:
        """Return the table's rows."""
        return self.table[self.states(observation)]

    def move(
        self,
        observation: Shaped[Tensor, "N *O"],
        action: Int[Tensor, " N"],
        error: Float[Tensor, " N"],
        step_size: float,
    ) -> float:
        """Move the entries of N pairs; see the module for pairs that occur more than once."""
        entry = self.states(observation) * self.actions + action
        ones = torch.ones_like(error)
        total = self.sums.index_add_(0, entry, error)[entry]
        times = self.times.index_add_(0, entry, ones)[entry]
        self.sums[entry], self.times[entry] = 0.0, 0.0
        table = self.table.view(-1)
        table[entry] = table[entry] + repeated_step(step_size, times) * total / times
        return math.sqrt(float((total.square() / times).sum())) / len(entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableConfig(TDConfig):
    """How a table is laid out and learned; see :class:`TDConfig` for how it is learned.

    ``grid`` makes states of a Box; leave it out where observations are counted. ``initial_value``
    is that of every action before it was tried, in discounted rewards: above what can be earned,
    it makes the greedy policy itself try everything.
    """

    grid: Grid | None = None
    initial_value: float = 0.0

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        TDConfig.__post_init__(self)
        require(
            -math.inf < self.initial_value < math.inf,
            ConfigurationError,
            f"`initial_value` must be finite; got {self.initial_value}. Try 0.",
        )


def table_for(arena: Arena, config: TableConfig, method: str) -> ActionTable:
    """Return a fresh table for the observations and actions of ``arena``.

    Raises :class:`ConfigurationError` for spaces that a table cannot serve.
    """
    actions = require_discrete(arena, method)
    return ActionTable(States(arena.observation_space, config.grid), actions, config.initial_value)


def _grid_of(space: gymnasium.Space[object], grid: Grid | None) -> Grid:
    """Return the points of a space, the told ones of a Box."""
    match space:
        case Discrete():
            return _counted(np.array([space.start]), np.array([space.n]))
        case MultiDiscrete() if len(space.shape) == 1:
            return _counted(space.start, space.nvec)
        case Box() if grid is not None:
            width = math.prod(space.shape)
            require(
                len(grid.points) == width,
                ConfigurationError,
                f"a grid must have an entry for each of the {width} numbers that {space} shows;"
                f" got {len(grid.points)}. Give {width} entries.",
            )
            return grid
        case Box():
            raise ConfigurationError(
                f"a table needs states that can be counted; got {space} and no grid. Give"
                " `grid=Grid(low=…, high=…, points=…)`, or take linear Q or DQN."
            )
    raise ConfigurationError(
        f"a table needs Discrete, MultiDiscrete or Box observations; got {space}. Wrap the"
        " environment in gymnasium.wrappers.FlattenObservation."
    )


def _counted(start: np.ndarray, count: np.ndarray) -> Grid:
    return Grid(
        low=tuple(start.astype(float).tolist()),
        high=tuple((start + count - 1).astype(float).tolist()),
        points=tuple(count.tolist()),
    )
