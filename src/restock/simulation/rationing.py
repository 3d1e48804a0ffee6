"""Shortage shared out: what a source has, among those who ask it for more.

Each rule gives every asker between nothing and its wish, and ships min(available, sum of wishes)
from each source. Where there is enough for everybody, everybody gets the wish and nothing else is
computed. Gradients are those of the formula that holds at the point, exact wherever there is one.

Least cover and weights are one problem, water-filling: askers e are vessels with floor ``start``
aₑ, width ``rate`` rₑ and volume ``wish`` wₑ; poured together they fill to one level θ:

    xₑ = clip(θ·rₑ − aₑ, 0, wₑ)   with θ such that Σₑ xₑ = available.

With aₑ the position and rₑ the demand per period, θ is the cover that all who get something are
brought to; with aₑ = 0 and rₑ the weight, what one asker leaves over goes to those still wanting,
in proportion to their weights. θ is found between two neighbouring breakpoints aₑ/rₑ, (aₑ + wₑ)/rₑ,
where the equation is linear: no tolerance, no iteration count.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from restock.shapes import LaneValues
from restock.simulation.grouping import FixedGroups, Groups

__all__ = [
    "Shared",
    "by_weight",
    "in_whole_units",
    "least_cover",
    "proportional",
    "round_shares",
]

SourceValues = Float[Tensor, "#B P O"]

LEAST_UNITS = 1e-12
"""Wishes below this share nothing; it keeps the gradient finite where nothing is asked."""
LEAST_RATE = 1e-9
"""A destination without demand counts with this share of the largest rate: it comes last."""


class Shared(NamedTuple):
    """What each asker gets ``[B, P, E]`` and what its source has left ``[B, P, O]``, in units.

    ``left`` is never negative; ``units`` may exceed what was there in the last digit.
    """

    units: LaneValues
    left: SourceValues


def proportional(wish: LaneValues, available: SourceValues, groups: Groups) -> Shared:
    """Give everybody the same share of the wish: min(1, available / sum of wishes).

    ``wish`` is units ≥ 0 ``[B, P, E]``, ``available`` units ≥ 0 ``[B, P, O]``.

    >>> lanes = FixedGroups.of(torch.tensor([0, 0]), sources=1)
    >>> shared = proportional(torch.tensor([[[6.0, 2.0]]]), torch.tensor([[[4.0]]]), lanes)
    >>> shared.units.tolist(), shared.left.tolist()
    ([[[3.0, 1.0]]], [[[0.0]]])
    """
    asked = groups.total(wish)
    left = (available - asked).clamp_min(0)
    if not (asked > available).any():
        return Shared(wish, left)
    ratio = (available / asked.clamp_min(LEAST_UNITS)).clamp_max(1)
    return Shared(wish * groups.each(ratio), left)


def least_cover(
    wish: LaneValues,
    available: SourceValues,
    position: LaneValues,
    rate: LaneValues,
    groups: FixedGroups,
) -> Shared:
    """Bring the destinations with the least cover up first, to (position + units) / rate = θ.

    ``position`` is what each lane's destination has, in units (negative where it owes), ``rate``
    the demand that it expects, in units per period. A destination that expects none is served
    last, what it owes first.

    Source: the "fair share" allocation of Eppen & Schrage (1981), Centralized ordering policies in
    a multi-warehouse system with lead times and random demand, as level cover.

    >>> lanes = FixedGroups.of(torch.tensor([0, 0]), sources=1)
    >>> wish, has = torch.tensor([[[9.0, 9.0]]]), torch.tensor([[[8.0]]])
    >>> least_cover(wish, has, torch.tensor([[[2.0, 5.0]]]), torch.ones(1, 1, 2), lanes).units
    tensor([[[5.5000, 2.5000]]])
    """

    def share(part: "_ShortRows") -> Tensor:
        return _pour(part.wish, part.of(position), _above_zero(part.of(rate)), part.available)

    return _share_where_short(wish, available, groups, share)


def by_weight(
    wish: LaneValues,
    available: SourceValues,
    weight: Float[Tensor, "#B #P E"],
    groups: FixedGroups,
) -> Shared:
    """Give each its weight's share; what one does not want goes to those who still want more.

    ``weight`` ≥ 0 need not sum to one. An asker with weight 0 gets something only when all others
    have their wish; several such share in proportion to their wishes.

    >>> lanes = FixedGroups.of(torch.tensor([0, 0, 0]), sources=1)
    >>> wish, has = torch.tensor([[[1.0, 9.0, 9.0]]]), torch.tensor([[[10.0]]])
    >>> by_weight(wish, has, torch.tensor([[[1.0, 1.0, 2.0]]]), lanes).units.tolist()
    [[[1.0, 3.0, 6.0]]]
    """

    def share(part: "_ShortRows") -> Tensor:
        weights = part.of(weight)
        first = torch.where(weights > 0, part.wish, 0)
        last = part.wish - first
        rest = (part.available - first.sum(-1)).clamp_min(0)
        rates = torch.where(weights > 0, weights, 1)
        poured = _pour(first, torch.zeros_like(first), rates, part.available)
        left_over = last * (rest / _nonzero(last.sum(-1))).unsqueeze(-1)
        return torch.where((rest > 0).unsqueeze(-1), first + left_over, poured)

    return _share_where_short(wish, available, groups, share)


def in_whole_units(shared: Shared, available: SourceValues, groups: Groups) -> Shared:
    """Return the same sharing with :func:`round_shares`; what is cut off stays at the source."""
    units = round_shares(shared.units, groups)
    return Shared(units, (available - groups.total(units)).clamp_min(0))


def round_shares(shares: LaneValues, groups: Groups) -> LaneValues:
    """Round to whole units so that each source gives ⌊sum of its shares⌋ in all.

    With c the running sum over a source's askers, each gets ⌊cₑ⌋ − ⌊cₑ₋₁⌋: its share rounded down
    or up, whole shares as they are, and so never more than a whole wish. A source's fractions add
    up towards the askers that come later. Gradients pass straight through.

    Source: systematic rounding, Madow & Madow (1944), On the theory of systematic sampling.

    >>> lanes = FixedGroups.of(torch.tensor([0, 0, 0]), sources=1)
    >>> round_shares(torch.tensor([[[1.5, 1.5, 2.0]]]), lanes).tolist()
    [[[1.0, 2.0, 2.0]]]
    """
    exact = shares.detach()
    whole = torch.round(exact)
    broken = (exact != whole).any(-1)
    if bool(broken.any()):
        member = groups.member
        rows = member if member.dim() == 1 else member.expand(exact.shape)[broken]
        whole[broken] = _round_rows(exact[broken], rows)
    return whole + (shares - exact) if shares.requires_grad else whole


def _round_rows(shares: Tensor, member: Tensor) -> Tensor:
    """Round ``[N, E]`` cumulatively within each group of ``member`` ``[E]`` or ``[N, E]``."""
    order = torch.argsort(member, dim=-1, stable=True).expand(shares.shape)
    group = torch.take_along_dim(member.expand(shares.shape), order, dim=-1)
    # double precision keeps the running sum as exact as the shares are
    part = torch.take_along_dim(shares.double(), order, dim=-1)
    until = part.cumsum(-1)
    starts = torch.ones_like(group, dtype=torch.bool)
    starts[..., 1:] = group[..., 1:] != group[..., :-1]
    base = torch.where(starts, until - part, 0).cummax(-1).values
    # a hair, so that shares that add up to 9.999999 are still ten units
    hair = 8 * torch.finfo(shares.dtype).eps * (1 + until[..., -1:])
    whole = torch.floor(until - base + hair) - torch.floor(until - part - base + hair)
    return torch.zeros_like(shares).scatter(-1, order, whole.to(shares.dtype))


class _ShortRows(NamedTuple):
    """The sources that lack something, one a row N, with their askers K, in double precision."""

    wish: Float[Tensor, "N K"]
    available: Float[Tensor, " N"]
    places: tuple[Tensor, Tensor, Tensor]
    present: Tensor
    shape: torch.Size

    def of(self, values: Tensor) -> Float[Tensor, "N K"]:
        """Read values ``[#B, #P, E]`` of the rows' askers; padding reads 0."""
        return torch.where(self.present, values.expand(self.shape)[self.places].double(), 0)


def _share_where_short(
    wish: Tensor, available: Tensor, groups: FixedGroups, share: Callable[[_ShortRows], Tensor]
) -> Shared:
    """Give all their wish, but at sources that lack something what ``share`` gives."""
    batch = torch.broadcast_shapes(wish.shape[:-1], available.shape[:-1])  # type: ignore[no-untyped-call]
    wish = wish.expand(*batch, -1)
    asked = groups.total(wish)
    short = asked > available
    left = (available - asked).clamp_min(0)
    if not short.any():
        return Shared(wish, left)
    path, product, source = short.nonzero(as_tuple=True)
    table, present = groups.table
    askers, present = table[source], present[source]
    places = (path[:, None].expand_as(askers), product[:, None].expand_as(askers), askers)
    wished = torch.where(present, wish[places].double(), 0)
    stock = available.expand(asked.shape)[short].double()
    units = share(_ShortRows(wished, stock, places, present, wish.shape)).to(wish.dtype)
    within = tuple(index[present] for index in places)
    return Shared(wish.index_put(within, units[present]), left)


def _pour(wish: Tensor, start: Tensor, rate: Tensor, available: Tensor) -> Tensor:
    """Return clip(θ·rate − start, 0, wish) summing to ``available`` in each row ``[N, K]``."""
    with torch.no_grad():
        begin, end = start / rate, (start + wish) / rate
        below = _breakpoint(wish, start, rate, available, torch.cat([begin, end], -1))
        filling = (begin <= below) & (end > below) & (wish > 0)
        full = end <= below
    # between two breakpoints the same askers fill, and the level solves a linear equation
    fixed = torch.where(full, wish, 0).sum(-1)
    floor = torch.where(filling, start, 0).sum(-1)
    width = torch.where(filling, rate, 0).sum(-1)
    level = ((available - fixed + floor) / _nonzero(width)).unsqueeze(-1)
    units = torch.where(filling, level * rate - start, torch.where(full, wish, 0))
    exact = units.detach()
    return units + (torch.minimum(exact.clamp_min(0), wish.detach()) - exact)


def _breakpoint(
    wish: Tensor, start: Tensor, rate: Tensor, available: Tensor, points: Tensor
) -> Tensor:
    """Return the last breakpoint ``[N, 1]`` up to which no more than ``available`` is poured."""
    points = points.sort(-1).values
    low = torch.zeros_like(points[..., :1], dtype=torch.long)
    high = torch.full_like(low, points.shape[-1] - 1)
    for _ in range((points.shape[-1] - 1).bit_length()):
        middle = (low + high) // 2
        level = points.gather(-1, middle)
        poured = torch.minimum((level * rate - start).clamp_min(0), wish).sum(-1, keepdim=True)
        fits = poured <= available.unsqueeze(-1)
        low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
    return points.gather(-1, low)


def _above_zero(rate: Tensor) -> Tensor:
    """Lift rates of 0 to a hair, so that they come last and divide nothing by zero."""
    largest = _nonzero(rate.detach().amax(-1, keepdim=True))
    return torch.maximum(rate, LEAST_RATE * largest)


def _nonzero(values: Tensor) -> Tensor:
    return torch.where(values > 0, values, 1)
