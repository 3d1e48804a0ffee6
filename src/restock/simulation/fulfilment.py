"""Step 5 with regions: demand comes from regions, stock lies in locations.

A region asks one location after the other. In each turn every region asks the next one on its
list for all that it still lacks; a location that is asked for more than it has gives everybody the
same share. A decision may split demand over the locations first; what these lack is then asked for
in turns. Who waits from earlier periods is served before anybody new.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from restock.errors import InstanceError, require
from restock.problem import Instance
from restock.simulation.grouping import Groups
from restock.simulation.ranking import Ranking, ranking_for
from restock.simulation.unmet import Served
from restock.simulation.waves import Shipped, Wave, by_share, dense, in_turns, openings

__all__ = ["Fulfilment", "RegionServed", "allocate", "fulfilment_for"]

Stock = Float[Tensor, "#B P L"]
RegionUnits = Float[Tensor, "#B P R"]
PerPair = Float[Tensor, "#B #P #R L"]
Terms = Float[Tensor, "R L"]


@dataclass(frozen=True, slots=True)
class RegionServed:
    """What became of a period's demand from regions.

    Units: ``sold`` and ``left`` ``[B, P, L]`` at locations; ``lost``, ``short`` (lost in this
    period or waiting at its end: the shortage cost is charged on it), ``backlog`` (waiting;
    ``None`` where nothing waits) and ``late`` (shipped over a longer transit than the region was
    promised; the time before shipping is not in it) with its ``delay`` in unit-periods ``[B, P,
    R]``. ``shipping_cost`` is money ``[B, P, 1]``: per unit, and per shipment once for each
    location, region and product. Per region ``[B, 1, R]``, over all products: ``orders``, the
    products of which anything was shipped; ``split_orders``, those shipped from more than one
    location; ``transit_periods``, the mean over units shipped (0 where none was). ``waves`` are
    the parcels themselves.
    """

    sold: Stock
    left: Stock
    lost: RegionUnits
    short: RegionUnits
    backlog: RegionUnits | None
    late: RegionUnits
    delay: RegionUnits
    shipping_cost: Float[Tensor, "B P 1"]
    orders: Float[Tensor, "B 1 R"]
    split_orders: Float[Tensor, "B 1 R"]
    transit_periods: Float[Tensor, "B 1 R"]
    waves: tuple[Wave, ...]

    @property
    def served(self) -> Served:
        """The part that a world without regions has as well."""
        return Served(self.sold, self.left, self.lost, self.short, self.backlog)

    @property
    def split_share(self) -> Float[Tensor, "B 1 R"]:
        """The share of orders that came from more than one location, 0 where nothing came."""
        return self.split_orders / self.orders.clamp_min(1)

    @property
    def shipped(self) -> Float[Tensor, "B P R L"]:
        """Units from each location to each region; large, and made when it is asked for."""
        return dense(self.waves, self.lost, self.sold.shape[-1])


def allocate(
    stock: Stock, wanted: RegionUnits, ranking: Ranking, *, whole_units: bool = False
) -> Float[Tensor, "B P R L"]:
    """Return the units ``[B, P, R, L]`` that each region gets from each location, in turns.

    ``stock`` and ``wanted`` are units ≥ 0. With ``whole_units`` shares of a short location are
    rounded down or up to whole units that add up to its stock.

    >>> cheapest = ranking_for(
    ...     torch.tensor([[[[1.0, 2.0], [1.0, 9.0]]]]), torch.ones(1, 2, 2, dtype=torch.bool)
    ... )
    >>> allocate(torch.tensor([[[6.0, 8.0]]]), torch.tensor([[[8.0, 4.0]]]), cheapest).tolist()
    [[[[4.0, 4.0], [2.0, 2.0]]]]
    """
    shipped = in_turns(stock, wanted, ranking, whole_units=whole_units)
    return dense(shipped.waves, wanted, stock.shape[-1])


@dataclass(frozen=True, eq=False)
class Fulfilment:
    """The terms on which locations L ship to regions R, and step 5 on these terms.

    ``cost_per_unit`` is money per unit, ``cost_per_shipment`` money for each period, product,
    region and location with a parcel, ``transit_periods`` the periods until it is delivered, all
    ``[R, L]``; ``promise_periods`` ``[R]`` is the longest transit that a region was promised.
    ``reach`` ``[#P, R, L]`` is true where a location serves a region with a product; terms
    elsewhere are not read. With ``whole_units`` only whole units are shipped.

    Raises :class:`InstanceError` for terms that are negative or not finite where they are read.
    """

    cost_per_unit: Terms
    cost_per_shipment: Terms
    transit_periods: Terms
    promise_periods: Float[Tensor, " R"]
    reach: Bool[Tensor, "#P R L"]
    whole_units: bool = False

    def __post_init__(self) -> None:
        """Check the terms, written so that NaN fails, and blank those that are not read."""
        anywhere = self.reach.any(0)
        for name in ("cost_per_unit", "cost_per_shipment", "transit_periods"):
            terms = getattr(self, name)
            bad = ~((terms >= 0) & terms.isfinite()) & anywhere
            require(
                not bool(bad.any()),
                InstanceError,
                f"`{name}` must be finite and ≥ 0 where a location serves a region; got"
                f" {terms[bad][:1].tolist()} at (region, location) {bad.nonzero()[:1].tolist()}."
                " Correct it, or take the pair out of `reach`.",
            )
            object.__setattr__(self, name, torch.where(anywhere, terms, 0))
        require(
            bool((self.promise_periods >= 0).all()),
            InstanceError,
            f"`promise_periods` must be ≥ 0; got {self.promise_periods.tolist()}."
            " Use infinity where nothing is promised.",
        )

    @cached_property
    def cheapest(self) -> Ranking:
        """Locations by what a parcel of one unit costs, ties in the order of the locations."""
        return ranking_for((self.cost_per_unit + self.cost_per_shipment)[None, None], self.reach)

    @cached_property
    def lateness(self) -> Terms:
        """1 where the transit is longer than the region was promised, else 0."""
        return (self.delays > 0).to(self.transit_periods.dtype)

    @cached_property
    def delays(self) -> Terms:
        """Periods of transit beyond what the region was promised, 0 where the promise is kept."""
        return (self.transit_periods - self.promise_periods.unsqueeze(-1)).clamp_min(0)

    def serve(
        self,
        stock: Stock,
        demand: RegionUnits,
        backlog: RegionUnits | None = None,
        *,
        lost_share: Tensor | None = None,
        score: PerPair | None = None,
        share: PerPair | None = None,
        sent: tuple[Wave, ...] = (),
    ) -> RegionServed:
        """Serve who waits, then today's demand; lose or keep the rest.

        ``stock`` ``[B, P, L]``, ``demand`` and ``backlog`` ``[B, P, R]`` are units ≥ 0.
        ``lost_share`` ``[P, 1]`` or ``[P, R]`` is the share of today's unmet demand that leaves;
        ``None`` loses all of it, and nothing waits. Regions ask locations in the order of
        ``score``, by default the cheapest first. ``share`` is the share of a region's demand that
        each location serves first; pairs out of reach get nothing, shares that sum to more than
        one are scaled down, and what shares or stock leave out is asked for in turns. ``sent`` are
        parcels that left earlier in the period: a shipment that they opened is not paid again, and
        orders, split orders and transit are those of all parcels together.
        """
        ranking = self.cheapest if score is None else ranking_for(score, self.reach)
        settled = Shipped((), stock, torch.zeros_like(demand))
        if backlog is not None and bool((backlog > 0).any()):
            settled = self._ship(stock, backlog, ranking, share)
        fresh = self._ship(settled.left, demand, ranking, share)
        waves = settled.waves + fresh.waves
        lost, waiting = fresh.lacking, None
        if lost_share is not None:
            lost = lost_share * fresh.lacking
            waiting = settled.lacking + fresh.lacking - lost
        repeats = share is not None or len(settled.waves) + len(sent) > 0
        opened = openings(sent + waves, demand, stock.shape[-1], repeats=repeats)
        locations = torch.zeros(demand.shape, dtype=torch.int16, device=demand.device)
        for wave, new in zip(sent + waves, opened, strict=True):
            locations = wave.add(locations, new.to(locations.dtype))
        return RegionServed(
            sold=stock - fresh.left,
            left=fresh.left,
            lost=lost,
            short=lost if waiting is None else lost + waiting,
            backlog=waiting,
            late=_carried(waves, self.lateness, demand),
            delay=_carried(waves, self.delays, demand),
            shipping_cost=self._shipping_cost(waves, opened[len(sent) :], demand),
            orders=(locations > 0).sum(1, keepdim=True).to(demand.dtype),
            split_orders=(locations > 1).sum(1, keepdim=True).to(demand.dtype),
            transit_periods=self._mean_transit(sent + waves, demand),
            waves=waves,
        )

    def _ship(
        self, stock: Tensor, wanted: Tensor, ranking: Ranking, share: Tensor | None
    ) -> Shipped:
        if share is None:
            return in_turns(stock, wanted, ranking, whole_units=self.whole_units)
        planned = torch.where(self.reach, share.expand(*share.shape[:2], *self.reach.shape[1:]), 0)
        first = by_share(stock, wanted, planned, whole_units=self.whole_units)
        rest = in_turns(first.left, first.lacking, ranking, whole_units=self.whole_units)
        return Shipped(first.waves + rest.waves, rest.left, rest.lacking)

    def _shipping_cost(
        self, waves: Sequence[Wave], opened: Sequence[Tensor], like: Tensor
    ) -> Tensor:
        cost = torch.zeros_like(like[..., :1])
        for wave, new in zip(waves, opened, strict=True):
            part = _weighed(wave.units, _read(self.cost_per_unit, wave.groups))
            per_shipment = _read(self.cost_per_shipment, wave.groups)
            if per_shipment.any():
                part = part + _weighed(new.to(part.dtype), per_shipment)
            cost = wave.add(cost, part)
        return cost

    def _mean_transit(self, waves: Sequence[Wave], like: Tensor) -> Tensor:
        paths, products, _ = like.shape
        shipped = travelled = torch.zeros_like(like[:, :1])
        for wave in waves:
            transit = _read(self.transit_periods, wave.groups)
            parcels = wave.per_path(wave.units, paths, products)
            shipped = shipped + parcels
            if transit.dim() == 1:
                travelled = travelled + parcels * transit
            else:
                travelled = travelled + wave.per_path(wave.units * transit, paths, products)
        return travelled / torch.where(shipped > 0, shipped, 1)


def _carried(waves: Sequence[Wave], terms: Terms, like: Tensor) -> Tensor:
    """Return the sum over parcels of units times the terms of their way, ``[B, P, R]``."""
    total = torch.zeros_like(like)
    for wave in waves:
        each = _read(terms, wave.groups)
        if each.any():
            total = wave.add(total, wave.units * each)
    return total


def fulfilment_for(
    instance: Instance, locations: Sequence[str], dtype: torch.dtype, *, whole_units: bool = False
) -> Fulfilment | None:
    """Return the fulfilment of an instance's regions, ``None`` where it has none.

    ``locations`` are the ids on the axis L. A location serves the regions that it has a
    ``Shipping`` row for.
    """
    if not instance.regions:
        return None
    row = {region.id: n for n, region in enumerate(instance.regions)}
    column = {place: n for n, place in enumerate(locations)}
    terms = torch.zeros(3, len(row), len(column), dtype=dtype)
    reach = torch.zeros(1, len(row), len(column), dtype=torch.bool)
    for pair in instance.shipping:
        at = row[pair.region], column[pair.location]
        values = (pair.cost_per_unit, pair.cost_per_shipment, float(pair.transit_periods))
        terms[:, at[0], at[1]] = torch.tensor(values, dtype=dtype)
        reach[0, at[0], at[1]] = True
    promises = [region.promise_periods for region in instance.regions]
    promise = torch.tensor(promises, dtype=dtype)
    per_unit, per_shipment, transit = terms.unbind(0)
    return Fulfilment(per_unit, per_shipment, transit, promise, reach, whole_units)


def _read(terms: Terms, groups: Groups) -> Tensor:
    """Return each region's term with the location that it asks, ``[R]`` or ``[#B, #P, R]``."""
    place = groups.member.unsqueeze(-1)
    by_region = terms.expand(*place.shape[:-2], *terms.shape)
    return torch.take_along_dim(by_region, place, -1).squeeze(-1)


def _weighed(units: Tensor, terms: Tensor) -> Tensor:
    """Return Σ over regions of units times terms, ``[B, P, 1]``."""
    return units @ terms.unsqueeze(-1) if terms.dim() == 1 else (units * terms).sum(-1, True)
