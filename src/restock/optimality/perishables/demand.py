"""Gamma demand, rounded to whole units."""

import math

import numpy as np
from jaxtyping import Float
from scipy.special import gammaincc

from restock.errors import InstanceError, require

__all__ = ["rounded_gamma_pmf"]


def rounded_gamma_pmf(
    mean: float, coefficient_of_variation: float, tail: float = 1e-12
) -> Float[np.ndarray, " D"]:
    """Return P(D = d) for D a gamma variable rounded to the nearest integer.

    ``mean`` (units per period, > 0) and ``coefficient_of_variation`` (standard deviation over
    mean, > 0) are those of the gamma variable, shape 1/CV² and scale mean · CV². Cut where less
    than ``tail`` is left, and renormalised.

    Raises :class:`InstanceError` for other numbers.

    Source: B. J. De Moor, J. Gijsbrechts & R. N. Boute (2022), Reward shaping to improve the
    performance of deep reinforcement learning in perishable inventory management, European
    Journal of Operational Research 301(2):535–545.

    >>> rounded_gamma_pmf(4, 0.5)[:3].round(4).tolist()
    [0.0018, 0.0639, 0.1768]
    """
    require(
        0 < mean < math.inf and 0 < coefficient_of_variation < math.inf and 0 < tail < 1,
        InstanceError,
        f"`mean` and `coefficient_of_variation` must be finite and > 0 and `tail` in (0, 1); got"
        f" {mean}, {coefficient_of_variation} and {tail}. Give mean demand in units per period.",
    )
    shape, scale = coefficient_of_variation**-2, mean * coefficient_of_variation**2
    n_levels = 16
    while gammaincc(shape, (n_levels - 0.5) / scale) >= tail:
        n_levels *= 2
    above = gammaincc(shape, (np.arange(n_levels) + 0.5) / scale)
    pmf = -np.diff(above, prepend=1.0)[: int((above >= tail).sum()) + 1]
    return np.asarray(pmf / pmf.sum())
