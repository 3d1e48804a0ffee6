"""Some paths begin anew while the others go on."""

from dataclasses import replace
from itertools import zip_longest

from jaxtyping import Int
from torch import Tensor

from restock.simulation.scenario import Scenario
from restock.simulation.state import Ages, Customers, Memory, Prices, State

__all__ = ["with_new_paths", "with_new_states"]

Places = Int[Tensor, " N"]


def with_new_paths(old: Scenario, new: Scenario, places: Places) -> Scenario:
    """Return the scenario with the paths of ``new`` in ``places``.

    >>> import torch
    >>> old = Scenario(torch.zeros(3, 1, 1, 1))
    >>> new = with_new_paths(old, Scenario(torch.ones(1, 1, 1, 1)), torch.tensor([1]))
    >>> new.demand.flatten().tolist()
    [0.0, 1.0, 0.0]
    """
    paths = old.paths

    def put(before: Tensor | None, after: Tensor | None) -> Tensor | None:
        if before is None or after is None:
            return before
        whole = before.expand(paths, *before.shape[1:]).clone()
        whole[places] = after.expand(len(places), *after.shape[1:])
        return whole

    return replace(
        old,
        demand=old.demand.index_copy(0, places, new.demand),
        signals=put(old.signals, new.signals),
        lead_time=put(old.lead_time, new.lead_time),
        lane_open=put(old.lane_open, new.lane_open),
    )


def with_new_states(old: State, new: State, places: Places) -> State:
    """Return the state with the states of ``new`` in ``places``."""
    backlog = None
    if old.backlog is not None and new.backlog is not None:
        backlog = _put(old.backlog, new.backlog, places)
    memory = None
    if old.memory is not None and new.memory is not None:
        memory = _memories(old.memory, new.memory, places)
    return State(
        _put(old.on_hand, new.on_hand, places),
        _put(old.on_order, new.on_order, places),
        _slots(old.pipeline, new.pipeline, places, len(old.on_hand)),
        backlog,
        memory,
    )


def _memories(old: Memory, new: Memory, places: Places) -> Memory:
    ages = prices = customers = None
    if old.ages is not None and new.ages is not None:
        paths = len(old.ages.on_hand)
        ages = Ages(
            _put(old.ages.on_hand, new.ages.on_hand, places),
            _slots(old.ages.pipeline, new.ages.pipeline, places, paths),
        )
    if old.prices is not None and new.prices is not None:
        prices = Prices(
            _put(old.prices.price, new.prices.price, places),
            _put(old.prices.periods_since_change, new.prices.periods_since_change, places),
            _put(old.prices.reference, new.prices.reference, places),
        )
    if old.customers is not None and new.customers is not None:
        customers = Customers(
            _put(old.customers.satisfaction, new.customers.satisfaction, places),
            _put(old.customers.number, new.customers.number, places),
        )
    returning = old.returning
    seen = [slot for slot in old.returning if slot is not None]
    if seen:
        returning = _slots(old.returning, new.returning, places, len(seen[0]))
    return Memory(ages, returning, prices, customers)


def _put(old: Tensor, new: Tensor, places: Places) -> Tensor:
    return old.index_copy(0, places, new)


def _slots(
    old: tuple[Tensor | None, ...], new: tuple[Tensor | None, ...], places: Places, paths: int
) -> tuple[Tensor | None, ...]:
    """Return the slots with the new ones in their places, zero where only others have some."""

    def put(before: Tensor | None, after: Tensor | None) -> Tensor | None:
        if after is None:
            return None if before is None else before.index_fill(0, places, 0)
        if before is None:
            before = after.new_zeros(paths, *after.shape[1:])
        return _put(before, after, places)

    return tuple(put(before, after) for before, after in zip_longest(old, new))
