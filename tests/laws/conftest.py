"""Random worlds in which every feature is on or off, for the laws.

Hypothesis draws the shape of a world; its numbers belong to names (of a product, a lane, a place, a
region). So the same world can be built again with its products, places or regions in another order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any, TypeVar

import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor

from restock.demand import Retention, Satisfaction, ServiceWeights
from restock.demand.goodwill import PowerGoodwill
from restock.demand.price_response import (
    CombinedResponse,
    ConstantElasticity,
    CrossElasticity,
    LinearResponse,
    PricePairs,
    PriceResponse,
    ReferencePrice,
)
from restock.problem import (
    Instance,
    Lane,
    LeadTimeDistribution,
    Location,
    Outage,
    PriceRules,
    Product,
    Region,
    Shipping,
    StockTerms,
    Substitute,
)
from restock.simulation import Decision, Flows, Observation, Policy, Scenario, State, World, step

PATHS, PERIODS = 2, 7
FEATURES = (
    "budget",
    "fixed_costs",
    "inbound",
    "lane_weights",
    "least_cover",
    "network",
    "order_days",
    "outages",
    "packs",
    "perishing",
    "place_costs",
    "prices",
    "random_lead_times",
    "regions",
    "returns",
    "satisfaction",
    "scores",
    "shares",
    "storage",
    "substitutes",
    "waiting",
)
Option = TypeVar("Option")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the worlds are tiny: a second thread only waits
    yield
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class Dice:
    """Numbers by name: the same name has the same number, whatever else is asked."""

    seed: int

    def number(self, low: float, high: float, *name: object) -> float:
        return Random(f"{self.seed} {name}").uniform(low, high)  # noqa: S311

    def whole(self, low: int, high: int, *name: object) -> int:
        return Random(f"{self.seed} {name}").randint(low, high)  # noqa: S311

    def pick(self, options: Sequence[Option], *name: object) -> Option:
        return options[self.whole(0, len(options) - 1, *name)]

    def chance(self, share: float, *name: object) -> bool:
        return self.number(0, 1, *name) < share


@dataclass(frozen=True)
class RandomWorld:
    """An instance, its customers, what happens to it and a planner who uses all that it offers.

    ``products``, ``places`` and ``regions`` are ids in the order of the axes.
    """

    seed: int
    on: frozenset[str]
    products: tuple[str, ...]
    places: tuple[str, ...]
    regions: tuple[str, ...]
    paths: int = field(default=PATHS, repr=False)
    periods: int = field(default=PERIODS, repr=False)

    @cached_property
    def dice(self) -> Dice:
        return Dice(self.seed)

    @cached_property
    def points(self) -> tuple[str, ...]:
        """Where demand comes from, the axis D."""
        return self.regions or self.places

    @cached_property
    def world(self) -> World:
        return World.from_instance(
            self.instance,
            torch.float64,
            price_response=self.price_response,
            satisfaction=self.satisfaction,
        )

    @cached_property
    def instance(self) -> Instance:
        return Instance(
            name="random",
            products=tuple(map(self._product, self.products)),
            locations=(
                *(Location(id=each, holds_stock=False) for each in ("s0", "s1")),
                *map(self._place, self.places),
            ),
            lanes=tuple(
                self._lane(product, *pair)
                for product in self.products
                for pair in self._pairs(product)
            ),
            regions=tuple(
                Region(id=each, promise_periods=self.dice.pick((math.inf, 1, 2), "promise", each))
                for each in self.regions
            ),
            shipping=tuple(self._shipping()),
            stock_terms=tuple(self._stock_terms()),
            substitutes=tuple(self._substitutes()),
            budget_per_period=self.dice.number(40, 90, "budget")
            if "budget" in self.on
            else math.inf,
            rationing="least_cover" if "least_cover" in self.on else "proportional",
        )

    def _product(self, name: str) -> Product:
        dice, on = self.dice, self.on
        terms: dict[str, Any] = {
            "list_price": dice.number(5, 9, "list price", name),
            "unit_cost": dice.number(1, 3, "unit cost", name),
            "holding_cost": dice.number(0.1, 2, "holding", name),
            "shortage_cost": dice.number(1, 9, "shortage", name),
            "volume": dice.number(0.5, 2, "volume", name),
        }
        if "waiting" in on:
            terms["lost_share"] = dice.pick((0.0, 0.5, 1.0), "lost", name)
        if "perishing" in on:
            terms["shelf_life_periods"] = dice.whole(0, 3, "life", name)
            terms["fifo_share"] = dice.pick((0.0, 0.3, 1.0), "fifo", name)
            terms["waste_cost"] = dice.number(0, 3, "waste", name)
        if "returns" in on:
            terms["return_share"] = dice.pick((0.0, 0.25, 0.5), "returns", name)
            terms["return_delay_periods"] = dice.whole(1, 3, "delay", name)
        if "prices" in on:
            terms["price_rules"] = self._price_rules(name, terms["list_price"])
        return Product(id=name, **terms)

    def _price_rules(self, name: str, price: float) -> PriceRules | None:
        step, wait = 0.15 * price, self.dice.whole(1, 3, "wait", name)
        options = (
            None,
            PriceRules(floor=0.7 * price, ceiling=1.2 * price),
            PriceRules(largest_step=step, least_periods_between_changes=wait),
            PriceRules(ladder=(0.8 * price, 0.9 * price, price, 1.1 * price), largest_step=step),
        )
        return self.dice.pick(options, "rules", name)

    def _place(self, name: str) -> Location:
        limits: dict[str, tuple[str, Any]] = {
            "storage": ("storage_capacity", self.dice.number(30, 80, "storage", name)),
            "inbound": ("inbound_capacity_units", self.dice.number(10, 25, "inbound", name)),
        }
        return Location(id=name, **dict(limits[each] for each in limits if each in self.on))

    def _pairs(self, product: str) -> list[tuple[str, str]]:
        """Return the product's lanes; the first place has it from outside, others may not."""
        dice, there = self.dice, ["w0"]
        pairs = [("s0", "w0")]
        second = "one place" not in self.on and dice.chance(0.3, "second source", product)
        if second or "two sources" in self.on:
            pairs.append(("s1", "w0"))
        for place in sorted(self.places)[1:]:
            inside = there if "network" in self.on else []
            origins = ["s0", "s1", *inside, *inside]
            some = {dice.pick(origins, product, place, n) for n in range(2)}
            if dice.chance(0.8, "used", product, place):
                pairs += [(origin, place) for origin in sorted(some)]
                there.append(place)
        return pairs

    def uses(self, product: str, place: str) -> bool:
        """Whether any lane brings the product to the place."""
        return any(pair[1] == place for pair in self._pairs(product))

    def _lane(self, *name: str) -> Lane:
        dice, on = self.dice, self.on
        terms: dict[str, Any] = {"case_pack_units": 0}
        if "packs" in on:
            terms["case_pack_units"] = dice.pick((1, 1, 4), "pack", *name)
            terms["minimum_units"] = dice.pick((0, 0, 3), "minimum", *name)
            terms["capacity_units"] = dice.pick((math.inf, 8.0, 13.0), "capacity", *name)
        if "fixed_costs" in on:
            terms["fixed_order_cost"] = dice.pick((0.0, 2.0), "fixed", *name)
            terms["unit_cost"] = dice.number(0, 1, "freight", *name)
        if "random_lead_times" in on and dice.chance(0.7, "random", *name):
            terms["lead_time_distribution"] = LeadTimeDistribution(
                periods=(0, 1, 3), probabilities=(0.25, 0.5, 0.25)
            )
        if "order_days" in on:
            terms["order_cycle_periods"] = cycle = dice.whole(1, 3, "cycle", *name)
            days = range(cycle)
            terms["order_offsets"] = tuple(d for d in days if dice.chance(0.5, d, *name)) or (0,)
        if "outages" in on and dice.chance(0.5, "outage", *name):
            terms["outage"] = Outage(start_probability=0.2, end_probability=0.5)
        return Lane(
            product_id=name[0],
            origin=name[1],
            destination=name[2],
            lead_time_periods=self._planned(*name) if "lead_time_distribution" not in terms else 1,
            **terms,
        )

    def _planned(self, *name: str) -> int:
        return self.dice.whole(0, 3, "lead time", *name)

    def _shipping(self) -> Iterator[Shipping]:
        for region in self.regions:
            for place in self.places:
                name = (region, place)
                if place == "w0" or self.dice.chance(0.6, "serves", *name):
                    yield Shipping(
                        region=region,
                        location=place,
                        cost_per_unit=self.dice.number(0, 2, "parcel", *name),
                        cost_per_shipment=self.dice.pick((0.0, 1.5), "shipment", *name),
                        transit_periods=self.dice.whole(0, 3, "transit", *name),
                    )

    def _stock_terms(self) -> Iterator[StockTerms]:
        for product in self.products:
            for place in self.places if "place_costs" in self.on else ():
                missing = None if self.regions else self.dice.number(1, 9, "miss", product, place)
                yield StockTerms(
                    product_id=product,
                    location=place,
                    holding_cost=self.dice.number(0, 2, "hold", product, place),
                    shortage_cost=missing,
                )

    def _substitutes(self) -> Iterator[Substitute]:
        for product in self.products if "substitutes" in self.on else ():
            for other in self.products:
                if other != product and self.dice.chance(0.7, "substitute", product, other):
                    accepted = self.dice.number(0.1, 1 / (len(self.products) - 1), product, other)
                    spontaneous = self.dice.number(0, accepted, "by itself", product, other)
                    yield Substitute(
                        product_id=product,
                        substitute_id=other,
                        spontaneous_share=spontaneous,
                        accepted_share=accepted,
                    )

    @cached_property
    def price_response(self) -> PriceResponse | None:
        """An elasticity or a line, with cross effects or a reference price behind it."""
        if "prices" not in self.on:
            return None
        price = self._list_prices.flatten()
        slope = -self.per_product(1.2, 2.5, "elasticity")
        own = self.dice.pick((ConstantElasticity, LinearResponse), "response")(price, slope)
        if self.dice.chance(0.5, "reference"):
            gain, loss, memory = (self.per_product(0.1, 0.9, each) for each in "glm")
            return CombinedResponse((own, ReferencePrice(price, gain, loss, memory)))
        if len(self.products) == 1:
            return own
        first, second = (self.products.index(each) for each in ("p0", "p1"))
        pairs = PricePairs(
            torch.tensor([first]), torch.tensor([second]), torch.tensor([0.4]).double()
        )
        return CrossElasticity(price, slope, pairs)

    @cached_property
    def satisfaction(self) -> Satisfaction | None:
        if "satisfaction" not in self.on:
            return None
        return Satisfaction(
            smoothing=0.3,
            initial=0.8,
            weights=ServiceWeights(
                fill_rate=0.4, punctuality=0.2, whole_orders=0.2, fair_price=0.2
            ),
            effect=PowerGoodwill(0.7),
            retention=Retention(at_worst=0.6, at_best=0.98, newcomers=0.1),
        )

    def per_product(self, low: float, high: float, name: str) -> Tensor:
        numbers = [self.dice.number(low, high, name, product) for product in self.products]
        return torch.tensor(numbers, dtype=torch.float64)

    def per_lane(self, of: Callable[[str, str, str], float]) -> Tensor:
        """Return ``[1, P, E]`` of numbers of product, origin and destination."""
        lanes = self.world.network.lanes
        rows = [[of(product, *lane) for lane in lanes] for product in self.products]
        return torch.tensor(rows, dtype=torch.float64).unsqueeze(0)

    def per_pair(self, low: float, high: float, name: str) -> Tensor:
        """Return ``[1, P, R, L]``."""
        rows = [
            [
                [self.dice.number(low, high, name, product, region, place) for place in self.places]
                for region in self.regions
            ]
            for product in self.products
        ]
        return torch.tensor(rows, dtype=torch.float64).unsqueeze(0)

    @cached_property
    def scenario(self) -> Scenario:
        days = range(self.periods)

        def series(product: str, point: str, path: int) -> list[float]:
            luck = Random(f"{self.seed} demand {product} {point} {path}")  # noqa: S311
            return [self.units(max(luck.randint(-2, 7), 0)) for _ in days]

        demand = torch.tensor(
            [
                [
                    [series(product, point, path) for point in self.points]
                    for product in self.products
                ]
                for path in range(self.paths)
            ],
            dtype=torch.float64,
        ).permute(0, 3, 1, 2)
        lead_time = lane_open = None
        if any(lane.lead_time_distribution for lane in self.instance.lanes):
            lead_time = self.lead_times
        if any(lane.outage for lane in self.instance.lanes):
            lane_open = self._drawn(self._is_open)
        names = ("scale", *(f"scale@{point}" for point in self.points), "periods_left")
        return Scenario(demand, self._signals(), names, lead_time, lane_open, first_period=2)

    def _signals(self) -> Tensor:
        """Return what planners believe of demand, and how long it lasts, ``[1, T, P, F]``."""
        rows = [
            [self.dice.number(1, 4, "believed", product, point) for point in self.points]
            for product in self.products
        ]
        shape = (1, self.periods, -1, -1)
        means = torch.tensor(rows, dtype=torch.float64).expand(shape)
        left = torch.arange(self.periods, 0, -1, dtype=torch.float64).reshape(1, -1, 1, 1)
        clock = left.expand(1, -1, len(rows), 1)
        return torch.cat([means.sum(-1, keepdim=True), means, clock], dim=-1)

    @cached_property
    def lead_times(self) -> Tensor:
        return self._drawn(self._lead_time).long()

    def units(self, count: int) -> float:
        """Goods in packs come in whole units, others in parts."""
        return float(count) if "packs" in self.on else count / 4 * 3

    def _drawn(self, of: Callable[[Lane | None, int, int], float]) -> Tensor:
        lanes = {
            (each.product_id, each.origin, each.destination): each for each in self.instance.lanes
        }
        rows = [
            self.per_lane(lambda *name, at=(path, day): of(lanes.get(name), *at))
            for path in range(self.paths)
            for day in range(self.periods)
        ]
        return torch.cat(rows).reshape(self.paths, self.periods, *rows[0].shape[1:])

    def _lead_time(self, lane: Lane | None, path: int, day: int) -> float:
        if lane is None:
            return 1
        if lane.lead_time_distribution is None:
            return lane.lead_time_periods
        name = (lane.product_id, lane.origin, lane.destination, path, day)
        return self.dice.pick(lane.lead_time_distribution.support, "drawn", *name)

    def _is_open(self, lane: Lane | None, path: int, day: int) -> float:
        name = lane and (lane.product_id, lane.origin, lane.destination)
        return float(
            lane is None or lane.outage is None or self.dice.chance(0.7, "open", name, path, day)
        )

    def lead_time_of(self, lane: Lane, path: int, day: int) -> int:
        """Return what an order of ``day`` takes."""
        return int(self._lead_time(lane, path, day))

    def takes_orders(self, lane: Lane, path: int, day: int) -> bool:
        """Whether the lane is open; the scenario begins in the third period of all cycles."""
        in_cycle = (self.scenario.first_period + day) % lane.order_cycle_periods
        return in_cycle in lane.order_offsets and bool(self._is_open(lane, path, day))

    @cached_property
    def opening(self) -> State:
        stock = [
            [
                [
                    self.units(self.dice.whole(0, 12, "opening", path, product, place))
                    * self.uses(product, place)
                    for place in self.places
                ]
                for product in self.products
            ]
            for path in range(self.paths)
        ]
        return self.world.state_with(torch.tensor(stock, dtype=torch.float64))

    @cached_property
    def planner(self) -> Planner:
        number, on = self.dice.number, self.on
        switches = len(self.instance.substitutes)
        # some sum to less than one, some to more
        shares = self.per_pair(0, 1, "share") if self.regions and "shares" in on else None
        return Planner(
            level=self.per_lane(lambda *name: number(2, 14, "level", *name)),
            cap=self.per_lane(lambda *name: number(3, 9, "cap", *name)),
            batch=self.per_lane(lambda *name: number(0, 1, "batch", *name)),
            weight=self.per_lane(lambda *name: number(0, 1, "weight", *name))
            if "lane_weights" in on
            else None,
            score=self.per_pair(0, 1, "score") if self.regions and "scores" in on else None,
            share=shares,
            price=self._list_prices if "prices" in on else None,
            proposal=self._proposals() if switches else None,
        )

    @property
    def _list_prices(self) -> Tensor:
        prices = [each.list_price for each in self.instance.products]
        return torch.tensor(prices, dtype=torch.float64).reshape(1, -1, 1)

    def _proposals(self) -> Tensor:
        """Return 1 or 0 for each candidate, ``[1, P, K]``, in the order of the instance."""
        rows = [
            [
                float(self.dice.chance(0.5, "proposed", each.product_id, each.substitute_id))
                for each in self.instance.substitutes
                if each.product_id == product
            ]
            for product in self.products
        ]
        width = max(map(len, rows))
        filled = [row + [0.0] * (width - len(row)) for row in rows]
        return torch.tensor(filled, dtype=torch.float64).unsqueeze(0)

    def run(
        self,
        policy: Policy | None = None,
        scenario: Scenario | None = None,
        opening: State | None = None,
        world: World | None = None,
    ) -> Run:
        """Run the planner, or what is given instead, through all periods."""
        return run(
            world or self.world,
            policy or self.planner,
            scenario or self.scenario,
            opening or self.opening,
        )


@dataclass(frozen=True)
class Planner:
    """A policy whose every wish depends on what it sees."""

    level: Tensor
    cap: Tensor
    batch: Tensor
    weight: Tensor | None
    score: Tensor | None
    share: Tensor | None
    price: Tensor | None
    proposal: Tensor | None

    def decide(self, observation: Observation) -> Decision:
        stock = observation.on_hand
        plenty = torch.tanh((stock.sum(-1, keepdim=True) - 9) / 9)
        lacking = (self.level - observation.lane_position).clamp_min(0)
        return Decision(
            self.level,
            self.cap,
            self.batch,
            lane_weight=None if self.weight is None else self.weight + 0.1 * lacking,
            region_score=None if self.score is None else self.score - 0.2 * stock.unsqueeze(-2),
            region_share=self.share,
            price=None if self.price is None else self.price * (1 - 0.2 * plenty),
            proposal=self.proposal,
        )


@dataclass(frozen=True)
class Run:
    """``states[t]`` is the state before period t, ``flows[t]`` what moved in it."""

    states: list[State]
    flows: list[Flows]

    @property
    def periods(self) -> int:
        return len(self.flows)


def run(world: World, policy: Policy, scenario: Scenario, opening: State) -> Run:
    states, flows = [opening], []
    for period in range(scenario.periods):
        state, moved = step(world, policy, states[-1], scenario, period)
        states.append(state)
        flows.append(moved)
    return Run(states, flows)


def _random_worlds(
    *, always: Sequence[str] = (), never: Sequence[str] = ()
) -> st.SearchStrategy[RandomWorld]:
    def build(seed: int, sizes: tuple[int, int, int], switches: dict[str, bool]) -> RandomWorld:
        on = {each for each in FEATURES if switches[each]}.union(always).difference(never)
        if on & {"one place", "two sources"}:
            sizes = (sizes[0], 1, sizes[2])
        names = [
            tuple(f"{kind}{n}" for n in range(size))
            for kind, size in zip("pwr", sizes, strict=True)
        ]
        return RandomWorld(
            seed, frozenset(on), names[0], names[1], names[2] if "regions" in on else ()
        )

    return st.builds(
        build,
        st.integers(0, 2**32),
        st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3)),
        st.fixed_dictionaries({each: st.booleans() for each in FEATURES}),
    )


@pytest.fixture(scope="session")
def random_worlds() -> Callable[..., st.SearchStrategy[RandomWorld]]:
    """Return the strategy of random worlds; ``always`` and ``never`` name features.

    Two more may be had always: "one place", and there "two sources" for each product.
    """
    return _random_worlds
