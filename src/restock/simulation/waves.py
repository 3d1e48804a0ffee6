"""Parcels in waves: who asks which location for how much, and what everybody gets.

Most of what is asked for is there in the first turns. As soon as few rows (a product on a path)
lack anything, only these are carried on: late turns cost little.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from restock.simulation.grouping import FixedGroups, Groups
from restock.simulation.ranking import Ranking, pick_rows
from restock.simulation.rationing import Shared, in_whole_units, proportional, round_shares

__all__ = ["Shipped", "Wave", "by_share", "dense", "in_turns", "openings"]

Stock = Float[Tensor, "#B P L"]
RegionUnits = Float[Tensor, "#B P R"]

LEAST_SHIPMENT_UNITS = 1e-6
"""Less than this is rounding, and no parcel."""
LEAST_REMAINDER = 1e-5
"""Shares that sum to one within this leave no remainder."""
FEW = 0.5
"""Rows that lack something are carried on alone when they are at most this share."""


@dataclass(frozen=True, slots=True, eq=False)
class Wave:
    """Units that each region gets from the location that it asks in one turn.

    ``units`` ``[B, P, R]``; where only some ``rows`` b·P + p took part, ``[1, N, R]``.
    """

    groups: Groups
    units: Float[Tensor, "B P R"]
    rows: Int[Tensor, " N"] | None = None

    def add(self, total: Tensor, values: Tensor) -> Tensor:
        """Return ``total`` ``[B, P, X]`` plus values of this wave's rows, all or ``[1, N, X]``."""
        if self.rows is None:
            return total + values
        added = total.flatten(0, 1).index_add(0, self.rows, values.squeeze(0))
        return added.reshape(total.shape)

    def per_path(self, values: Tensor, paths: int, products: int) -> Tensor:
        """Sum values of this wave's rows over products, ``[B, 1, X]``."""
        if self.rows is None:
            return values.sum(1, keepdim=True)
        empty = values.new_zeros(paths, values.shape[-1])
        return empty.index_add(0, self.rows // products, values.squeeze(0)).unsqueeze(1)


class Shipped(NamedTuple):
    """Waves of parcels, what locations have left and what regions still lack, in units."""

    waves: tuple[Wave, ...]
    left: Stock
    lacking: RegionUnits


def in_turns(stock: Stock, wanted: RegionUnits, ranking: Ranking, *, whole_units: bool) -> Shipped:
    """Let every region ask its next location for all that it lacks, until nobody asks."""
    waves: list[Wave] = []
    while (step := ranking.take()) is not None:
        asked = _whole(wanted) if whole_units else wanted
        busy = asked.any(-1)
        count = int(busy.sum())
        if count == 0:
            break
        if count <= FEW * busy.numel():
            rows = busy.flatten().nonzero().squeeze(-1)
            some = _some_rows(stock, wanted, ranking, rows, whole_units=whole_units)
            return Shipped((*waves, *some.waves), some.left, some.lacking)
        (groups, reached), ranking = step
        if reached is not None:
            asked = asked * reached
        units, left = _give(stock, asked, groups, whole_units=whole_units)
        waves.append(Wave(groups, units))
        stock, wanted = left, wanted - units
    return Shipped(tuple(waves), stock, wanted.clamp_min(0))


def by_share(
    stock: Stock, wanted: RegionUnits, share: Float[Tensor, "#B #P R L"], *, whole_units: bool
) -> Shipped:
    """Let every region ask all locations at once, each for its share of what it wants."""
    total = share.sum(-1)
    is_all = total > 1 - LEAST_REMAINDER
    share = share / torch.where(is_all, total, 1).unsqueeze(-1)
    lacking = wanted * torch.where(is_all, 0, 1 - total)
    parts: Sequence[Tensor] = [wanted * part for part in share.unbind(-1)]
    if whole_units:
        parts, lacking = _whole_parts(parts, wanted)
    regions, locations = share.shape[-2:]
    everyone = torch.zeros(regions, dtype=torch.long, device=wanted.device)
    here = FixedGroups.of(everyone, 1, wanted.dtype)
    left, waves = [], []
    for place, part in enumerate(parts):
        stocked = stock[..., place : place + 1]
        units, remaining = _give(stocked, part, here, whole_units=whole_units)
        left.append(remaining)
        waves.append(Wave(FixedGroups.of(everyone + place, locations, wanted.dtype), units))
        lacking = lacking + (part - units).clamp_min(0)
    return Shipped(tuple(waves), torch.cat(left, -1), lacking)


def openings(
    waves: Sequence[Wave], like: RegionUnits, locations: int, *, repeats: bool
) -> list[Tensor]:
    """Return where a wave is the first to send from a location to a region.

    Only where a region may ask a location more than once (``repeats``) is it looked up.
    """
    sent = [wave.units.detach() > LEAST_SHIPMENT_UNITS for wave in waves]
    if not repeats:
        return sent
    known = torch.zeros((*like.shape, locations), dtype=torch.bool, device=like.device)
    known = known.flatten(0, 1)
    for n, wave in enumerate(waves):
        place = wave.groups.member.expand(sent[n].shape).flatten(0, 1).unsqueeze(-1)
        some = known if wave.rows is None else known[wave.rows]
        before = some.gather(-1, place)
        some.scatter_(-1, place, before | sent[n].flatten(0, 1).unsqueeze(-1))
        if wave.rows is not None:
            known[wave.rows] = some
        sent[n] &= ~before.reshape(sent[n].shape)
    return sent


def dense(waves: Sequence[Wave], like: RegionUnits, locations: int) -> Float[Tensor, "B P R L"]:
    """Return the waves as units ``[B, P, R, L]``."""
    shipped = like.new_zeros(*like.shape[:-1], like.shape[-1] * locations)
    columns = torch.arange(like.shape[-1], device=like.device) * locations
    for wave in waves:
        place = (columns + wave.groups.member).expand(wave.units.shape)
        width = (*wave.units.shape[:-1], shipped.shape[-1])
        shipped = wave.add(shipped, like.new_zeros(width).scatter(-1, place, wave.units))
    return shipped.reshape(*like.shape, locations)


def _some_rows(
    stock: Tensor, wanted: Tensor, ranking: Ranking, rows: Tensor, *, whole_units: bool
) -> Shipped:
    """Carry on with some rows alone, and put what they end with back in its place."""
    products = wanted.shape[1]
    waves, left, lacking = in_turns(
        pick_rows(stock, rows, products),
        pick_rows(wanted, rows, products),
        ranking.of_rows(rows, products),
        whole_units=whole_units,
    )
    return Shipped(
        tuple(
            Wave(wave.groups, wave.units, rows if wave.rows is None else rows[wave.rows])
            for wave in waves
        ),
        _put_rows(stock, rows, left),
        _put_rows(wanted, rows, lacking),
    )


def _put_rows(values: Tensor, rows: Tensor, some: Tensor) -> Tensor:
    return values.flatten(0, 1).index_copy(0, rows, some.squeeze(0)).reshape(values.shape)


def _whole(units: Tensor) -> Tensor:
    """Round down, a hair above counting as whole; gradients pass straight through."""
    whole = torch.floor(units.detach() + LEAST_SHIPMENT_UNITS)
    return whole + (units - units.detach()) if units.requires_grad else whole


def _whole_parts(parts: Sequence[Tensor], wanted: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
    """Round each region's parts, which are its asking locations' shares, to whole units."""
    stacked = torch.stack(list(parts), -1)
    one = torch.zeros(len(parts), dtype=torch.long, device=wanted.device)
    groups = FixedGroups.of(one, 1, wanted.dtype)
    whole = round_shares(stacked.flatten(1, 2), groups).reshape(stacked.shape)
    return whole.unbind(-1), (wanted - whole.sum(-1)).clamp_min(0)


def _give(stock: Tensor, asked: Tensor, groups: Groups, *, whole_units: bool) -> Shared:
    shared = proportional(asked, stock, groups)
    return in_whole_units(shared, stock, groups) if whole_units else shared
