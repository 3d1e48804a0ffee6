"""What a period asks at each price: a mean that the price sets, and noise around it."""

import numpy as np
from jaxtyping import Float, Int

from restock.errors import InstanceError, require
from restock.optimality.pmf import check_pmf

__all__ = ["additive_demand", "multiplicative_demand"]


def additive_demand(
    means: Int[np.ndarray, " K"], noise: Float[np.ndarray, " N"], *, first: int
) -> Float[np.ndarray, "K D"]:
    """Return the chances of demand d(p) + ε at each price, ``[K, D]``, d = 0, 1, ….

    ``means`` are d(p) in whole units, one for each price; ε is ``first`` + n units with chance
    ``noise[n]`` (``first`` may be negative).

    Raises :class:`InstanceError` when ``noise`` is no distribution or demand could be negative.

    >>> additive_demand(np.array([1, 2]), np.array([0.5, 0.5]), first=-1).tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]
    """
    check_pmf(noise)
    least = int(means.min()) + first
    require(
        least >= 0,
        InstanceError,
        f"demand must be ≥ 0 at every price; it can be {least}. Raise the least mean or cut the"
        " noise.",
    )
    chances = np.zeros((means.size, int(means.max()) + first + noise.size))
    columns = means[:, None] + first + np.arange(noise.size)
    np.put_along_axis(chances, columns, np.broadcast_to(noise, columns.shape), axis=1)
    return chances


def multiplicative_demand(
    means: Float[np.ndarray, " K"],
    factors: Float[np.ndarray, " N"],
    chances: Float[np.ndarray, " N"],
) -> Float[np.ndarray, "K D"]:
    """Return the chances of demand d(p) · ε at each price, ``[K, D]``, d = 0, 1, ….

    ``means`` are d(p) ≥ 0 in units; ε is ``factors[n]`` ≥ 0 with chance ``chances[n]``. A product
    that is no whole number is split between its two whole neighbours so that its mean stays.

    Raises :class:`InstanceError` when ``chances`` is no distribution, or a mean or factor is
    negative or not finite.

    >>> multiplicative_demand(np.array([1.0]), np.array([0.0, 1.5]), np.array([0.5, 0.5])).tolist()
    [[0.5, 0.25, 0.25]]
    """
    check_pmf(chances)
    for name, values in {"means": means, "factors": factors}.items():
        require(
            bool(((values >= 0) & np.isfinite(values)).all()),
            InstanceError,
            f"`{name}` must be finite and ≥ 0; got {values.tolist()}. Correct them.",
        )
    units = means[:, None] * factors
    below = np.floor(units).astype(np.int64)
    above = units - below
    spread = np.zeros((means.size, int(below.max()) + 2))
    rows = np.broadcast_to(np.arange(means.size)[:, None], units.shape)
    np.add.at(spread, (rows, below), (1 - above) * chances)
    np.add.at(spread, (rows, below + 1), above * chances)
    used = np.flatnonzero(spread.any(axis=0))
    return np.asarray(spread[:, : used[-1] + 1])
