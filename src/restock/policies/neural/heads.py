"""Heads: what turns a body's numbers into a decision that is bounded and feasible.

A body may answer anything; a head's decision is finite and allowed whatever it answers, and for
the answer 0 it is the classical decision that learning starts from. Bounded departures are

    bounded(u) = m tanh(u / m),   |bounded(u)| < m,   bounded(u) ≈ u near 0.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from restock.errors import ConfigurationError, require

__all__ = ["PriceHead", "QuantityHead", "bounded", "shares_within"]


def bounded(departure: Float[Tensor, "*N"], limit: float) -> Float[Tensor, "*N"]:
    """Return m tanh(u / m) for the limit m; the departure itself where m is infinite.

    >>> [round(value, 4) for value in bounded(torch.tensor([-9.0, 0.0, 0.1, 9.0]), 2.0).tolist()]
    [-1.9995, 0.0, 0.0999, 1.9995]
    """
    return departure if limit == math.inf else limit * torch.tanh(departure / limit)


class QuantityHead(nn.Module):
    """An order quantity q = x · log(1 + exp(u + a)), at least 0 and without a kink.

    ``scale`` (x) is units a period; a = log(exp(q₀) − 1), so that u = 0 orders ``anchor_periods``
    (q₀) > 0 periods of demand, ``[#B, #P, E]``.

    Raises :class:`ConfigurationError` for an anchor that is not finite and > 0.

    >>> head = QuantityHead(torch.tensor([[[2.0]]]))
    >>> round(head(torch.zeros(1, 1, 1), torch.tensor([[[5.0]]])).item(), 4)
    10.0
    """

    anchor_periods: Tensor

    def __init__(self, anchor_periods: Float[Tensor, "#B #P E"]) -> None:
        super().__init__()
        bad = anchor_periods[~((anchor_periods > 0) & anchor_periods.isfinite())]
        require(
            len(bad) == 0,
            ConfigurationError,
            f"`anchor_periods` must be finite and > 0; got {bad[:3].tolist()}. Start from a"
            " period's demand, 1.",
        )
        self.register_buffer("anchor_periods", anchor_periods)

    def forward(
        self, departure: Float[Tensor, "B P E"], scale: Float[Tensor, "#B #P 1"]
    ) -> Float[Tensor, "B P E"]:
        """Return the quantity in units."""
        # log(exp(q) − 1) without an overflow of exp
        start = self.anchor_periods + torch.log(-torch.expm1(-self.anchor_periods))
        return scale * nn.functional.softplus(departure + start)


class PriceHead(nn.Module):
    """A price strictly between the lowest and the highest, or near an anchor in logarithms.

    With lowest price l, highest h, both ``[P, 1]`` money per unit, and anchor p₀ between them,

        price = l + (h − l) σ(v + log((p₀ − l) / (h − p₀))),   σ(z) = 1 / (1 + exp(−z)),

    so that v = 0 asks p₀ and every price in between can be asked; gradients never vanish quite, as
    they do where a world cuts off a wish. Where there is no highest price (∞), the price is
    max(l, p₀ exp(bounded(v))) with |bounded(v)| < ``limit``: 0.5 is from −39 % to +65 %.

    Raises :class:`ConfigurationError` for an anchor that is not finite and strictly between the
    others, or a limit that is not > 0.

    >>> one = torch.ones(1, 1)
    >>> head = PriceHead(6 * one, 14 * one, 10 * one)
    >>> [round(head(torch.full((1, 1, 1), v)).item(), 3) for v in (-20.0, 0.0, 1.0, 20.0)]
    [6.0, 10.0, 11.848, 14.0]
    """

    lowest: Tensor
    highest: Tensor
    anchor: Tensor

    def __init__(
        self,
        lowest: Float[Tensor, "P 1"],
        highest: Float[Tensor, "P 1"],
        anchor: Float[Tensor, "P 1"],
        limit: float = 0.5,
    ) -> None:
        super().__init__()
        inside = (lowest >= 0) & (lowest < anchor) & (anchor < highest) & anchor.isfinite()
        bad = [
            column.expand_as(inside)[~inside][:3].tolist() for column in (lowest, anchor, highest)
        ]
        require(
            bool(inside.all()),
            ConfigurationError,
            f"`lowest`, `anchor` and `highest` price must rise, from ≥ 0, in each product; got"
            f" {bad[0]}, {bad[1]}, {bad[2]}. Start from a price inside the price rules.",
        )
        require(
            0 < limit < math.inf,
            ConfigurationError,
            f"`limit` must be > 0 and finite; got {limit}. Use 0.5.",
        )
        self.limit = limit
        self.bounds_all = bool(highest.isfinite().all())
        self.register_buffer("lowest", lowest.unsqueeze(0))
        self.register_buffer("highest", highest.unsqueeze(0))
        self.register_buffer("anchor", anchor.unsqueeze(0))

    def forward(self, departure: Float[Tensor, "B P 1"]) -> Float[Tensor, "B P 1"]:
        """Return the price, money per unit."""
        if self.bounds_all:
            return self._between(departure, self.highest)
        free = self.anchor * torch.exp(bounded(departure, self.limit))
        free = torch.maximum(free, self.lowest)
        some = torch.where(self.highest.isfinite(), self.highest, 2 * self.anchor)
        return torch.where(self.highest.isfinite(), self._between(departure, some), free)

    def _between(
        self, departure: Float[Tensor, "B P 1"], highest: Float[Tensor, "#B P 1"]
    ) -> Float[Tensor, "B P 1"]:
        start = torch.log((self.anchor - self.lowest) / (highest - self.anchor))
        return self.lowest + (highest - self.lowest) * torch.sigmoid(departure + start)


def shares_within(
    logits: Float[Tensor, "*N L"], reach: Bool[Tensor, "*#N L"]
) -> Float[Tensor, "*N L"]:
    """Return the softmax over the locations in ``reach``; where nothing is, all shares are 0.

    >>> shares_within(torch.zeros(2, 3), torch.tensor([[True, True, False], [False] * 3])).tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]
    """
    least = torch.finfo(logits.dtype).min
    return torch.softmax(torch.where(reach, logits, least), -1) * reach
