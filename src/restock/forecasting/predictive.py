"""The predictive distribution of total demand over a horizon, given by its quantiles.

With levels l_1 < … < l_Q and quantiles q_1 ≤ … ≤ q_Q, the quantile function is

* linear between neighbouring levels;
* above l_Q an exponential tail, q_Q + β_Q ln((1 − l_Q) / (1 − u)), which passes through the two
  highest quantiles: β_Q = (q_Q − q_{Q−1}) / ln((1 − l_{Q−1}) / (1 − l_Q));
* below l_1 linear down to max(0, q_1 − 2 β_1), β_1 = (q_2 − q_1) / ln(l_2 / l_1): the mean of the
  mirrored exponential tail on a bounded range, never below zero.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from restock.errors import InputError, require

__all__ = ["LEVELS", "Predictive"]

#: The quantile levels that every forecaster answers unless its configuration says otherwise.
LEVELS: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)


@dataclass(frozen=True, eq=False)
class Predictive:
    """Distribution of total demand for N origins and P products.

    ``levels`` lie in (0, 1) and increase. ``quantiles[n, p, q]`` in units are ≥ 0 and do not
    decrease along q. ``mean[n, p]`` in units is the forecaster's own expectation, which knows more
    of the tail than the quantiles do; :attr:`sd` comes from the quantile function.

    Raises :class:`InputError` when a rule is broken; :meth:`monotone` mends crossing quantiles.

    >>> belief = Predictive.monotone(np.array([0.1, 0.5, 0.9]), np.array([[[1.0, 4.0, 3.0]]]))
    >>> belief.quantiles.tolist()
    [[[1.0, 3.0, 4.0]]]
    >>> belief.quantile(0.7).tolist()
    [[3.5]]
    """

    levels: Float[np.ndarray, "Q"]
    quantiles: Float[np.ndarray, "N P Q"]
    mean: Float[np.ndarray, "N P"]

    def __post_init__(self) -> None:
        """Check levels, order and signs; the conditions are written so that NaN fails them."""
        levels, quantiles = self.levels, self.quantiles
        require(
            levels.ndim == 1
            and levels.size >= 2
            and bool((levels > 0).all() and (levels < 1).all() and (np.diff(levels) > 0).all()),
            InputError,
            f"`levels` must be two or more numbers that increase inside (0, 1); got"
            f" {levels.tolist()}. Sort them and drop repeated ones.",
        )
        require(
            quantiles.shape == (*self.mean.shape, levels.size),
            InputError,
            f"`quantiles` must have shape (origins, products, levels) ="
            f" {(*self.mean.shape, levels.size)}; got {quantiles.shape}.",
        )
        require(
            bool((quantiles >= 0).all() and np.isfinite(quantiles).all()),
            InputError,
            "`quantiles` must be finite and ≥ 0. Use `Predictive.monotone`, which clips at zero.",
        )
        require(
            bool((np.diff(quantiles, axis=-1) >= 0).all()),
            InputError,
            "`quantiles` cross: they must not decrease with the level. Use `Predictive.monotone`.",
        )
        require(
            bool((self.mean >= 0).all() and np.isfinite(self.mean).all()),
            InputError,
            "`mean` of a predictive distribution must be finite and ≥ 0.",
        )

    @classmethod
    def monotone(
        cls,
        levels: Float[np.ndarray, "Q"],
        quantiles: Float[np.ndarray, "N P Q"],
        mean: Float[np.ndarray, "N P"] | None = None,
    ) -> "Predictive":
        """Build from raw quantiles: clip at zero, then rearrange them into increasing order.

        Without ``mean`` the expectation of the quantile function is taken. Rearrangement never
        raises the pinball loss: Chernozhukov, Fernández-Val and Galichon (2010), Econometrica 78.
        """
        ordered = np.sort(np.maximum(quantiles, 0.0), axis=-1).astype(np.float64)
        if mean is None:
            mean = _moments(levels, ordered)[0]
        return cls(levels, ordered, np.maximum(mean, 0.0).astype(np.float64))

    @property
    def sd(self) -> Float[np.ndarray, "N P"]:
        """Standard deviation in units of the quantile function (see the module's text)."""
        first, second = _moments(self.levels, self.quantiles)
        deviation: Float[np.ndarray, "N P"] = np.sqrt(np.maximum(second - first**2, 0.0))
        return deviation

    def quantile(self, level: float) -> Float[np.ndarray, "N P"]:
        """Return the quantile at ``level`` in units, linear between the levels held.

        Raises :class:`InputError` outside the range of the levels: there the forecaster made no
        statement.
        """
        lowest, highest = float(self.levels[0]), float(self.levels[-1])
        require(
            lowest <= level <= highest,
            InputError,
            f"`level` must lie in [{lowest}, {highest}], the range of this forecast; got {level}."
            " Fit the forecaster with more levels.",
        )
        return _inverse(self.levels, self.quantiles, np.full(self.mean.shape, level))

    def sample(self, rng: np.random.Generator, n: int) -> Float[np.ndarray, "n N P"]:
        """Draw ``n`` totals in units by inverse transform, independent between cells."""
        uniforms = rng.random((n, *self.mean.shape))
        return _inverse(self.levels, self.quantiles, uniforms)


def _tails(
    levels: Float[np.ndarray, "Q"], quantiles: Float[np.ndarray, "N P Q"]
) -> tuple[Float[np.ndarray, "N P"], Float[np.ndarray, "N P"]]:
    """Return the floor below the lowest quantile and β_Q above the highest, in units."""
    low = (quantiles[..., 1] - quantiles[..., 0]) / np.log(levels[1] / levels[0])
    high = quantiles[..., -1] - quantiles[..., -2]
    floor = np.maximum(quantiles[..., 0] - 2.0 * low, 0.0)
    return floor, high / np.log((1.0 - levels[-2]) / (1.0 - levels[-1]))


def _inverse(
    levels: Float[np.ndarray, "Q"],
    quantiles: Float[np.ndarray, "N P Q"],
    uniforms: Float[np.ndarray, "*n N P"],
) -> Float[np.ndarray, "*n N P"]:
    floor, beta = _tails(levels, quantiles)
    knots = np.concatenate([[0.0], levels])
    below = np.clip(np.searchsorted(knots, uniforms, side="right") - 1, 0, levels.size - 1)
    values = np.concatenate([floor[..., None], quantiles], axis=-1)
    values = values.reshape((1,) * (uniforms.ndim - 2) + values.shape)
    left = np.take_along_axis(values, below[..., None], axis=-1)[..., 0]
    right = np.take_along_axis(values, below[..., None] + 1, axis=-1)[..., 0]
    share = (uniforms - knots[below]) / (knots[below + 1] - knots[below])
    inside = left + np.minimum(share, 1.0) * (right - left)
    above = np.maximum((1.0 - levels[-1]) / (1.0 - uniforms), 1.0)
    drawn: Float[np.ndarray, "*n N P"] = inside + beta * np.log(above)
    return drawn


def _moments(
    levels: Float[np.ndarray, "Q"], quantiles: Float[np.ndarray, "N P Q"]
) -> tuple[Float[np.ndarray, "N P"], Float[np.ndarray, "N P"]]:
    """Return the first two moments of the quantile function, integrated exactly."""
    floor, beta = _tails(levels, quantiles)
    values = np.concatenate([floor[..., None], quantiles], axis=-1)
    weights = np.diff(np.concatenate([[0.0], levels]))
    left, right = values[..., :-1], values[..., 1:]
    top, tail = quantiles[..., -1], 1.0 - levels[-1]
    first = (left + right) @ weights / 2.0 + tail * (top + beta)
    second = (left**2 + left * right + right**2) @ weights / 3.0
    return first, second + tail * (top**2 + 2.0 * top * beta + 2.0 * beta**2)
