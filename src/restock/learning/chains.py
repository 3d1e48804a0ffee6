"""Training paths: chains of states that are never reset, and windows of fresh demand for them."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor

from restock.seeds import Seeds
from restock.simulation import Ages, Customers, Memory, Prices, Scenario, ScenarioSource, State

__all__ = ["Episodes", "map_memory", "map_state", "state_from_tree", "state_tree"]


class Episodes:
    """Windows of training paths, each a function of the seed and its number alone.

    ``paths`` (B) paths of ``episode_windows`` windows of ``window`` (T) periods are drawn at once.
    A window has ``beyond`` more periods, that only their signals are read of: each episode's
    calendar begins anew.
    """

    def __init__(
        self,
        source: ScenarioSource,
        seeds: Seeds,
        paths: int,
        window: int,
        episode_windows: int,
        *,
        beyond: int = 0,
    ) -> None:
        self.source, self.seeds = source, seeds
        self.paths, self.length, self.episode_windows = paths, window, episode_windows
        self.beyond = beyond
        self.number = -1
        self.episode: Scenario | None = None

    def window(self, update: int) -> Scenario:
        """Return the paths of window ``update``, counted from 0."""
        number, part = divmod(update, self.episode_windows)
        if number != self.number:
            generator = self.seeds.torch(f"episode {number}")
            periods = self.length * self.episode_windows + self.beyond
            self.episode = self.source.sample(self.paths, periods, generator)
            self.number = number
        assert self.episode is not None  # noqa: S101 - drawn above
        return self.episode.window(part * self.length, (part + 1) * self.length + self.beyond)

    def evidence(self) -> dict[str, Tensor]:
        """Return the demand that was drawn last."""
        return {} if self.episode is None else {"episode_demand": self.episode.demand}


def state_tree(value: object) -> Any:  # noqa: ANN401 - dictionaries of dictionaries
    """Return a state as plain dictionaries of tensors, without a copy."""
    if is_dataclass(value):
        return {part.name: state_tree(getattr(value, part.name)) for part in fields(value)}
    return value


def state_from_tree(tree: dict[str, Any]) -> State:
    """Return the state that :func:`state_tree` took apart."""
    memory = tree["memory"]
    return State(**{**tree, "memory": None if memory is None else _memory(memory)})


def map_state(state: State, change: Callable[[Tensor], Tensor]) -> State:
    """Return the state with ``change`` made to each of its tensors."""
    return state_from_tree(_mapped(state_tree(state), change))


def map_memory(memory: Memory, change: Callable[[Tensor], Tensor]) -> Memory:
    """Return what is remembered with ``change`` made to each of its tensors."""
    return _memory(_mapped(state_tree(memory), change))


def _memory(tree: dict[str, Any]) -> Memory:
    kinds = {"ages": Ages, "prices": Prices, "customers": Customers}
    parts = {
        name: kinds[name](**part) if name in kinds and part is not None else part
        for name, part in tree.items()
    }
    return Memory(**parts)


def _mapped(tree: Any, change: Callable[[Tensor], Tensor]) -> Any:  # noqa: ANN401 - as above
    if isinstance(tree, Tensor):
        return change(tree)
    if isinstance(tree, dict):
        return {name: _mapped(part, change) for name, part in tree.items()}
    if isinstance(tree, tuple):
        return tuple(_mapped(part, change) for part in tree)
    return tree
