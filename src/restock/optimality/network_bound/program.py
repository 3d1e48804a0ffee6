"""The linear program of one path: units that flow through the network, period by period."""

import numpy as np
from jaxtyping import Bool, Float, Int

from restock.optimality.linear_program import LinearProgram
from restock.optimality.network_bound.largest_orders import largest_orders
from restock.optimality.network_bound.path_data import PathData
from restock.optimality.network_bound.terms import OUTSIDE, NetworkTerms
from restock.optimality.program_builder import ProgramBuilder
from restock.problem import Instance

__all__ = ["PathProgram"]

Numbers = Int[np.ndarray, "..."]
Amounts = Float[np.ndarray, "..."]


class PathProgram:
    """Unknowns and rows for some products on one path.

    With ``whole`` orders keep to packs and minimums, and costs per order and shipment count;
    ``integers`` then marks the unknowns with whole values.

    Unknowns in units: ``order`` ``[N, T]`` on each lane, ``stock`` and ``expired`` ``[G, L, T]`` at
    the end of a period, ``parcel`` ``[G, Q, T]`` from a location to a demand point, ``unmet``
    ``[G, D, T]`` of today's demand, ``waiting`` ``[G, D, T]`` at the end.
    """

    def __init__(
        self, instance: Instance, terms: NetworkTerms, path: PathData, *, whole: bool
    ) -> None:
        self._instance, self._terms, self._path = instance, terms, path
        self._whole = whole
        self._builder = ProgramBuilder()
        self._integers: list[Numbers] = []
        self._set_limits()
        self._declare_lanes()
        self._declare_places()
        self._ship()
        self._serve()
        self._switch()
        self._balance()
        self._share_limits()

    def program(self) -> LinearProgram:
        """Return the linear program."""
        return self._builder.program()

    @property
    def integers(self) -> Bool[np.ndarray, " N"]:
        """Mark the unknowns that take whole values only."""
        marks = np.zeros(self._builder.count, dtype=bool)
        for numbers in self._integers:
            marks[numbers.ravel()] = True
        return marks

    def _of_lanes(self, field: str) -> Float[np.ndarray, " N"]:
        return np.asarray(self._terms.lanes.numbers[field][self._path.lane])

    def _set_limits(self) -> None:
        """Find bounds that cut off nothing worth having.

        What is ordered outside and never sold only costs, so that orders need not exceed what can
        be sold; all that can be anywhere is that, what was there, and what comes back.
        """
        path = self._path
        self._switches = [each for each in self._terms.switches if each[2] > 0]
        if len(path.products) < len(self._instance.products):
            self._switches = []
        self._sellable = path.asked.copy()
        for product, substitute, _ in self._switches:
            self._sellable[substitute] += path.asked[product]
        back = path.of_products("return_share") * self._sellable
        self._most = path.position.sum(axis=1) + back + self._sellable
        self._most_ordered = np.minimum(self._of_lanes("capacity_units"), self._most[path.member])
        if self._whole:
            lanes = [self._terms.lanes.lanes[n] for n in path.lane]
            needed = largest_orders(lanes, self._most[path.member], path.n_periods)
            self._most_ordered = np.minimum(self._of_lanes("capacity_units"), needed)
            bought = self._most_ordered * (path.origin == OUTSIDE) * path.n_periods
            self._most = self._most + np.bincount(path.member, bought, minlength=self._most.size)

    def _declare_lanes(self) -> None:
        path, add = self._path, self._builder
        self.order = add.unknown(
            path.is_open.shape,
            cost=self._of_lanes("unit_cost")[:, None],
            most=path.is_open * self._most_ordered[:, None],
        )

    def _declare_places(self) -> None:
        path, terms, add = self._path, self._terms, self._builder
        row = path.rows
        most = self._most[:, None, None]
        stocks = path.arrivals.shape
        self.stock = add.unknown(stocks, cost=terms.holding_cost[row][:, :, None], most=most)
        spoils = path.of_products("shelf_life_periods")[:, None, None] > 0
        waste_cost = path.of_products("waste_cost")[:, None, None]
        self.expired = add.unknown(stocks, cost=waste_cost, most=most * spoils)
        self.parcel = add.unknown(
            (len(path.products), terms.parcels.point.size, path.n_periods),
            cost=terms.parcels.cost_per_unit[None, :, None],
            most=self._sellable[:, None, None],
        )
        self._lost_share = path.of_products("lost_share")[:, None, None]
        self._shortage = terms.shortage_cost[row][:, :, None]
        lost = self._shortage * self._lost_share
        self.unmet = add.unknown(path.demand.shape, cost=lost, most=path.demand)
        # where nobody new waits, at most those do who waited at the start
        waiting = np.where(
            self._lost_share < 1, path.asked[:, None, None], path.waiting[:, :, None]
        )
        self.waiting = add.unknown(path.demand.shape, cost=self._shortage, most=waiting)

    def _ship(self) -> None:
        """Tie arrivals to orders; keep to packs and minimums and pay per order if asked to."""
        add, path = self._builder, self._path
        self._arriving: list[tuple[int, Int[np.ndarray, " T"], Int[np.ndarray, " T"]]] = []
        for lane, options in enumerate(path.lead_times):
            if len(options) == 1:
                self._arriving.append((lane, self.order[lane], options[0]))
                continue
            # whoever knows the future may as well choose among the lead times that can happen
            most = self._most[path.member[lane]]
            parts = add.unknown((len(options), path.n_periods), most=most)
            rows = add.equations.add(np.zeros(path.n_periods))
            add.equations.put(rows, parts)
            add.equations.put(rows, self.order[lane], -1.0)
            self._arriving += [
                (lane, units, time) for units, time in zip(parts, options, strict=True)
            ]
        if self._whole:
            self._keep_to_packs()
            self._keep_to_minimums()

    def _keep_to_packs(self) -> None:
        add, pack = self._builder, self._of_lanes("case_pack_units")[:, None]
        packed = np.flatnonzero(pack > 0)
        most = np.ceil(self._most_ordered[packed, None] / pack[packed])
        packs = add.unknown((packed.size, self._path.n_periods), most=most)
        rows = add.equations.add(np.zeros(packs.shape))
        add.equations.put(rows, self.order[packed])
        add.equations.put(rows, packs, -pack[packed])
        self._integers.append(packs)

    def _keep_to_minimums(self) -> None:
        add, least = self._builder, self._of_lanes("minimum_units")[:, None]
        fixed = self._of_lanes("fixed_order_cost")[:, None]
        either = np.flatnonzero((fixed > 0) | (least > 0))
        order = self.order[either]
        placed = self._charge_once(order, self._most_ordered[either, None], fixed[either])
        rows = add.limits.add(np.zeros(order.shape))
        add.limits.put(rows, placed, least[either])
        add.limits.put(rows, order, -1.0)

    def _charge_once(self, units: Numbers, most: Amounts, cost: Amounts) -> Numbers:
        """Charge ``cost`` where ``units`` are above 0: units ≤ most × a switch of 0 or 1."""
        add = self._builder
        switch = add.unknown(units.shape, cost=cost, most=1.0)
        rows = add.limits.add(np.zeros(units.shape))
        add.limits.put(rows, units)
        add.limits.put(rows, switch, -most)
        self._integers.append(switch)
        return switch

    def _serve(self) -> None:
        """Serve demand and who waits; of what is unmet a share is lost, the rest waits.

        Units shipped + lost + waiting = asked + waiting before; waiting grows by no more than the
        share of today's unmet demand that does not leave.
        """
        add, point, path = self._builder, self._terms.parcels.point, self._path
        asked, grows = path.demand.copy(), np.zeros(path.demand.shape)
        asked[:, :, 0] += path.waiting
        grows[:, :, 0] = path.waiting
        rows, limits = add.equations.add(asked), add.limits.add(grows)
        add.equations.put(rows[:, point], self.parcel)
        add.equations.put(rows, self.unmet, self._lost_share)
        add.limits.put(limits, self.unmet, self._lost_share - 1)
        for block, numbers in ((add.equations, rows), (add.limits, limits)):
            block.put(numbers, self.waiting)
            block.put(numbers[:, :, 1:], self.waiting[:, :, :-1], -1.0)
        per_shipment = self._terms.parcels.cost_per_shipment
        charged = np.flatnonzero(per_shipment > 0)
        if self._whole:
            most, cost = self._sellable[:, None, None], per_shipment[None, charged, None]
            self._charge_once(self.parcel[:, charged], most, cost)

    def _switch(self) -> None:
        """Let some of those who would be lost take a substitute, from any place that serves them.

        At most the accepted share of each product's lost units, and a unit more where only whole
        units go over.
        """
        add, parcels, path = self._builder, self._terms.parcels, self._path
        self._switched: list[tuple[int, Int[np.ndarray, "Q T"]]] = []
        spare = 0.0 if self._is_divisible() else 1.0
        total: dict[int, Numbers] = {}
        for product, substitute, share in self._switches:
            lost = self._lost_share[product, 0, 0]
            saved = self._shortage[product, parcels.point]
            units = add.unknown(
                (parcels.point.size, path.n_periods),
                cost=parcels.cost_per_unit[:, None] - saved,
                most=path.demand[product][parcels.point],
            )
            self._switched.append((substitute, units))
            unmet = self.unmet[product]
            rows = add.limits.add(np.full(unmet.shape, spare))
            add.limits.put(rows, unmet, -share * lost)
            if product not in total:
                total[product] = add.limits.add(np.zeros(unmet.shape))
                add.limits.put(total[product], unmet, -lost)
            for each in (rows, total[product]):
                add.limits.put(each[parcels.point], units)

    def _is_divisible(self) -> bool:
        """Whether the world divides units: no lane packs or limits, and products share lanes."""
        lanes = self._terms.lanes.numbers
        free = (lanes["case_pack_units"] == 0) & (lanes["minimum_units"] == 0)
        free &= np.isinf(lanes["capacity_units"])
        pairs = {(lane.origin, lane.destination) for lane in self._instance.lanes}
        full = len(self._instance.lanes) == len(pairs) * len(self._instance.products)
        return full and bool(free.all())

    def _balance(self) -> None:
        """Stock: what was there and arrives, less what is sent on, sold and expired."""
        path, put = self._path, self._builder.equations.put
        rows = self.balance_rows = self._builder.equations.add(path.arrivals)
        put(rows, self.stock)
        put(rows[:, :, 1:], self.stock[:, :, :-1], -1.0)
        put(rows, self.expired)
        inside = np.flatnonzero(path.origin != OUTSIDE)
        put(rows[path.member[inside], path.origin[inside]], self.order[inside])
        periods = np.arange(path.n_periods)
        for lane, units, times in self._arriving:
            place = rows[path.member[lane], path.destination[lane]]
            due = periods + times
            put(place[due[due < path.n_periods]], units[due < path.n_periods], -1.0)
        share, delay = path.of_products("return_share"), path.of_products("return_delay_periods")
        for product, units in self._sales():
            sold = rows[product, self._terms.parcels.location]
            put(sold, units)
            wait = int(delay[product])
            put(sold[:, wait:], units[:, : max(path.n_periods - wait, 0)], -share[product])

    def _sales(self) -> list[tuple[int, Int[np.ndarray, "Q T"]]]:
        """Return what leaves each product's stock through parcels, of its own and as substitute."""
        return [*enumerate(self.parcel), *self._switched]

    def _share_limits(self) -> None:
        """Keep to the capacities and the budget that tie products together."""
        limits, terms, path = self._builder.limits, self._terms, self._path
        for place in np.flatnonzero(np.isfinite(terms.inbound)):
            rows = limits.add(np.full(path.n_periods, terms.inbound[place]))
            limits.put(rows, self.order[path.destination == place])
        if np.isfinite(self._instance.budget_per_period):
            outside = path.origin == OUTSIDE
            price = path.of_products("unit_cost")[path.member] + self._of_lanes("unit_cost")
            rows = limits.add(np.full(path.n_periods, self._instance.budget_per_period))
            limits.put(rows, self.order[outside], price[outside, None])
        for place in np.flatnonzero(np.isfinite(terms.storage)):
            self._store(int(place))

    def _store(self, place: int) -> None:
        """Limit the volume on hand, on order and just ordered.

        Orders stop at the capacity. Beyond it lie only what was there at the start and what came
        back since; what comes back today is in neither side.
        """
        path, limits, periods = self._path, self._builder.limits, np.arange(self._path.n_periods)
        volume = path.of_products("volume")
        coming = np.cumsum(path.arrivals[:, place, ::-1], axis=1)[:, ::-1]
        coming = coming + path.late[:, place, None]
        most = max(self._terms.storage[place], float(volume @ path.position[:, place]))
        rows = limits.add(most - volume @ coming)
        limits.put(rows[1:], self.stock[:, place, :-1], volume[:, None])
        for lane, units, times in self._arriving:
            if path.destination[lane] == place:
                for wait in range(int(times.max()) + 1):
                    there = periods[(times >= wait) & (periods + wait < periods.size)]
                    limits.put(rows[there + wait], units[there], volume[path.member[lane]])
        back = volume * path.of_products("return_share")
        delay = path.of_products("return_delay_periods")
        for product, units in self._sales():
            here = units[self._terms.parcels.location == place]
            for sold in periods[: max(periods.size - int(delay[product]) - 1, 0)]:
                later = rows[sold + int(delay[product]) + 1 :]
                limits.put(later, here[:, sold, None], -back[product])
