"""The classical rules for two sources, as functions of the state for exact evaluation.

In all of them x is the net inventory, "position" what is there and on order together, e the
expedited and r the regular order.
"""

import numpy as np
from jaxtyping import Int

from restock.optimality.dual_sourcing.chain import Decide, Orders

__all__ = ["capped_dual_index", "dual_index", "single_index", "tailored_base_surge"]


def dual_index(expedited_level: int, regular_level: int) -> Decide:
    """Return the rule e = (z_e − x)⁺, then r = (z_r − position − e)⁺.

    ``expedited_level`` (z_e) and ``regular_level`` (z_r) are units.

    Source: S. Veeraraghavan & A. Scheller-Wolf (2008), Now or later: a simple policy for
    effective dual sourcing in capacitated systems, Operations Research 56(4):850–864.

    >>> [order.tolist() for order in dual_index(4, 7)(np.array([[3, 1]]))]
    [[1], [2]]
    """

    def decide(states: Int[np.ndarray, "S L"]) -> Orders:
        expedited = (expedited_level - states[:, 0]).clip(0)
        return expedited, (regular_level - states.sum(axis=1) - expedited).clip(0)

    return decide


def capped_dual_index(expedited_level: int, regular_level: int, cap: int) -> Decide:
    """Return the dual index with regular orders of at most ``cap`` units.

    Source: J. Sun & J. A. Van Mieghem (2019), Robust dual sourcing inventory management:
    optimality of capped dual index policies and smoothing, M&SOM 21(4):912–931.

    >>> [order.tolist() for order in capped_dual_index(4, 9, 2)(np.array([[3, 1]]))]
    [[1], [2]]
    """
    uncapped = dual_index(expedited_level, regular_level)

    def decide(states: Int[np.ndarray, "S L"]) -> Orders:
        expedited, regular = uncapped(states)
        return expedited, regular.clip(max=cap)

    return decide


def single_index(expedited_level: int, regular_level: int) -> Decide:
    """Return the rule e = (z_e − position)⁺, then r = (z_r − position − e)⁺.

    Source: A. Scheller-Wolf, S. Veeraraghavan & G.-J. van Houtum (2007), Effective dual sourcing
    with a single index policy, working paper, Carnegie Mellon University.

    >>> [order.tolist() for order in single_index(5, 6)(np.array([[3, 1]]))]
    [[1], [1]]
    """

    def decide(states: Int[np.ndarray, "S L"]) -> Orders:
        position = states.sum(axis=1)
        expedited = (expedited_level - position).clip(0)
        return expedited, (regular_level - position - expedited).clip(0)

    return decide


def tailored_base_surge(expedited_level: int, order: int, stop_above: int) -> Decide:
    """Return the rule e = (z_e − x)⁺ with the constant regular order r = ``order``.

    The rule as published never pauses, and its stock has no upper bound. This one pauses while
    net inventory exceeds ``stop_above`` units, so that its states are finite;
    :func:`~restock.optimality.dual_sourcing.evaluate_tailored_base_surge` needs no such stop.

    Source: G. Allon & J. A. Van Mieghem (2010), Global dual sourcing: tailored base-surge
    allocation to near- and offshore production, Management Science 56(1):110–124.

    >>> [order.tolist() for order in tailored_base_surge(4, 1, 50)(np.array([[3, 1], [60, 1]]))]
    [[1, 0], [1, 0]]
    """

    def decide(states: Int[np.ndarray, "S L"]) -> Orders:
        net_inventory = states[:, 0]
        regular = np.where(net_inventory > stop_above, 0, order)
        return (expedited_level - net_inventory).clip(0), regular

    return decide
