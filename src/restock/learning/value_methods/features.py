"""f(x): what a linear Q multiplies its weights with, made of F observed numbers x.

Numbers are first centred and scaled, z = (x − m) / s, with m and s fixed before learning: a linear
method learns about as fast as the worst of its scales. With m = 0 and s = 1, z is x itself.

    state        f = z
    polynomial   f = all products of 1, 2, …, degree of the z (Sutton and Barto, 2nd edition, 2018,
                 eq. 9.17, by total degree; the constant is the bias)
    radial       f_k = exp(−½ |z − c_k|² / w²), a bump around each centre (ibid. §9.5.5)
"""

from abc import ABC, abstractmethod
from itertools import combinations_with_replacement
from typing import ClassVar

import torch
from jaxtyping import Float, Num
from torch import Tensor, nn

from restock.errors import ConfigurationError, require

__all__ = [
    "FEATURES",
    "Features",
    "PolynomialFeatures",
    "RadialFeatures",
    "StateFeatures",
    "features_of",
]

FEATURES = ("state", "polynomial", "radial")
MAX_FEATURES = 20_000


class Features(nn.Module, ABC):
    """Makes ``width`` (K) features of F numbers; ``centre`` (m) and ``spread`` (s) are ``[F]``."""

    kind: ClassVar[str]
    width: int
    centre: Tensor
    spread: Tensor

    def __init__(self, centre: Float[Tensor, " F"], spread: Float[Tensor, " F"]) -> None:
        super().__init__()
        self.register_buffer("centre", centre.double())
        self.register_buffer("spread", spread.double())

    def scaled(self, numbers: Num[Tensor, "*N F"]) -> Float[Tensor, "*N F"]:
        """Return z = (x − m) / s."""
        return (numbers - self.centre) / self.spread

    @abstractmethod
    def forward(self, numbers: Num[Tensor, "*N F"]) -> Float[Tensor, "*N K"]:
        """Return f(x)."""


class StateFeatures(Features):
    """The numbers themselves, scaled.

    >>> features = StateFeatures(torch.zeros(2), torch.tensor([1.0, 2.0]))
    >>> features(torch.tensor([[3.0, 4.0]])).tolist()
    [[3.0, 2.0]]
    """

    kind = "state"

    def __init__(self, centre: Float[Tensor, " F"], spread: Float[Tensor, " F"]) -> None:
        super().__init__(centre, spread)
        self.width = len(centre)

    def forward(self, numbers: Num[Tensor, "*N F"]) -> Float[Tensor, "*N K"]:
        """Return z."""
        return self.scaled(numbers)


class PolynomialFeatures(Features):
    """All products of up to ``degree`` scaled numbers, repeats included.

    Raises :class:`ConfigurationError` for a degree that is no integer ≥ 1, and for more than
    20,000 features.

    >>> features = PolynomialFeatures(torch.zeros(2), torch.ones(2), degree=2)
    >>> features(torch.tensor([[3.0, 4.0]])).tolist()  # x, y, x², xy, y²
    [[3.0, 4.0, 9.0, 12.0, 16.0]]
    """

    kind = "polynomial"
    factors: Tensor

    def __init__(
        self, centre: Float[Tensor, " F"], spread: Float[Tensor, " F"], degree: int
    ) -> None:
        super().__init__(centre, spread)
        require(
            degree >= 1 and degree % 1 == 0,
            ConfigurationError,
            f"`degree` must be an integer ≥ 1; got {degree}. Try 2.",
        )
        one = len(centre)  # where a 1 stands beside the numbers, for products of fewer
        rows = [
            product + (one,) * (degree - order)
            for order in range(1, degree + 1)
            for product in combinations_with_replacement(range(one), order)
        ]
        require(
            len(rows) <= MAX_FEATURES,
            ConfigurationError,
            f"a polynomial of degree {degree} in {one} numbers has {len(rows)} terms; at most"
            f" {MAX_FEATURES} are allowed. Lower `degree`.",
        )
        self.width = len(rows)
        self.register_buffer("factors", torch.tensor(rows))

    def forward(self, numbers: Num[Tensor, "*N F"]) -> Float[Tensor, "*N K"]:
        """Return the products."""
        padded = nn.functional.pad(self.scaled(numbers), (0, 1), value=1.0)
        return padded[..., self.factors].prod(-1)


class RadialFeatures(Features):
    """A bump of width ``reach`` (w, in scaled numbers) around each of K ``centres``, scaled too.

    Raises :class:`ConfigurationError` unless the reach is finite and > 0.

    >>> features = RadialFeatures(torch.zeros(1), torch.ones(1), torch.tensor([[0.0], [2.0]]), 1.0)
    >>> [round(each, 4) for each in features(torch.tensor([2.0])).tolist()]
    [0.1353, 1.0]
    """

    kind = "radial"
    centres: Tensor
    reach: Tensor

    def __init__(
        self,
        centre: Float[Tensor, " F"],
        spread: Float[Tensor, " F"],
        centres: Float[Tensor, "K F"],
        reach: float,
    ) -> None:
        super().__init__(centre, spread)
        require(
            0 < reach < float("inf"),
            ConfigurationError,
            f"the reach of radial features must be > 0 and finite; got {reach}. Try 1.",
        )
        self.width = len(centres)
        self.register_buffer("centres", centres.double())
        self.register_buffer("reach", torch.tensor(reach, dtype=torch.float64))

    def forward(self, numbers: Num[Tensor, "*N F"]) -> Float[Tensor, "*N K"]:
        """Return the bumps."""
        z, c = self.scaled(numbers), self.centres
        # |z − c|² = |z|² − 2 z·c + |c|²: no tensor of all differences
        squares = z.square().sum(-1, keepdim=True) - 2 * z @ c.T + c.square().sum(-1)
        return (squares.clamp_min(0) / (-2 * self.reach.square())).exp()


def features_of(
    kind: str,
    sample: Num[Tensor, "N F"],
    generator: torch.Generator,
    *,
    degree: int = 2,
    centres: int = 100,
) -> Features:
    """Return features for numbers such as those of ``sample``.

    m and s are the sample's mean and standard deviation (1 for a number that never changes).
    Radial centres are ``centres`` of its different rows, drawn, and reach half again as far as the
    median distance from a centre to the next.

    Raises :class:`ConfigurationError` for an unknown kind or a number outside its range.

    >>> features_of("state", torch.tensor([[1.0], [3.0]]), torch.Generator()).kind
    'state'
    """
    numbers = sample.double()
    centre, spread = numbers.mean(0), numbers.std(0, correction=0)
    spread = torch.where(spread > 1e-12, spread, 1.0)
    match kind:
        case "state":
            return StateFeatures(centre, spread)
        case "polynomial":
            return PolynomialFeatures(centre, spread, degree)
        case "radial":
            rows = torch.unique((numbers - centre) / spread, dim=0)
            kept = rows[torch.randperm(len(rows), generator=generator)[:centres]]
            return RadialFeatures(centre, spread, kept, _reach(kept))
    raise ConfigurationError(
        f"`features` must be one of {', '.join(FEATURES)}; got '{kind}'. Take 'polynomial'."
    )


def _reach(centres: Float[Tensor, "K F"]) -> float:
    if len(centres) == 1:
        return 1.0
    apart = torch.cdist(centres, centres).fill_diagonal_(float("inf"))
    return 1.5 * float(apart.amin(1).median())
