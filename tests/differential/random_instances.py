"""Random instances: every feature is a switch, and the rest is drawn from a seed."""

import math
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st

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

Unmet = Literal["lost", "waits", "both"]
Packs = Literal["free", "singly", "terms", "mixed"]
ANSWERS = ("", "elasticity", "linear", "logit", "promotion", "cross", "reference", "additive")
DIVIDING = (
    "transfers",
    "budget",
    "inbound",
    "storage",
    "regions",
    "answer",
    "satisfaction",
    "substitutes",
)
"""Features that divide one quantity by another, or take a power."""


@dataclass(frozen=True)
class Switches:
    """What an instance has and what it does without; all off is the textbook's single location."""

    products: int = 1
    locations: int = 1
    regions: int = 0
    periods: int = 8
    seed: int = 0
    packs: Packs = "free"
    unmet: Unmet = "lost"
    answer: str = ""
    costs_of_lanes: bool = False
    caps_and_batches: bool = False
    transfers: bool = False
    second_sources: bool = False
    missing_lanes: bool = False
    zero_lead_times: bool = False
    random_lead_times: bool = False
    outages: bool = False
    order_days: bool = False
    least_cover: bool = False
    expected_demand: bool = False
    lane_weights: bool = False
    budget: bool = False
    inbound: bool = False
    storage: bool = False
    perishes: bool = False
    returns: bool = False
    stock_terms: bool = False
    scores: bool = False
    shares: bool = False
    price_rules: bool = False
    satisfaction: bool = False
    substitutes: bool = False
    proposals: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether nothing is divided, so that multiples of a quarter stay exact."""
        return not any(getattr(self, name) for name in DIVIDING)

    @property
    def is_whole(self) -> bool:
        """Whether lanes carry whole units only."""
        return self.packs in {"singly", "terms"}


@st.composite
def switches(draw: st.DrawFn, *, dividing: bool = True) -> Switches:
    """Draw any combination of features, off more often than on; ``dividing`` ones or not."""
    flags = {each.name: False for each in fields(Switches) if each.type is bool}
    for name in flags:
        flags[name] = (dividing or name not in DIVIDING) and draw(st.integers(0, 2)) == 2
    return Switches(
        **flags,
        products=draw(st.integers(1, 4)),
        locations=draw(st.integers(1, 5)),
        regions=draw(st.sampled_from([0, 0, 0, 1, 2, 3])) if dividing else 0,
        periods=draw(st.integers(8, 15)),
        seed=draw(st.integers(0, 2**32)),
        packs=draw(st.sampled_from(["free", "singly", "terms", "mixed"])),
        unmet=draw(st.sampled_from(["lost", "waits", "both"])),
        answer=draw(st.sampled_from(["", "", *ANSWERS])) if dividing else "",
    )


def build_instance(on: Switches) -> Instance:
    """Return the instance that the switches and their seed describe."""
    random = np.random.default_rng(on.seed)
    products = tuple(_product(on, random, n) for n in range(on.products))
    names = [f"w{n}" for n in range(on.locations)]
    lanes = tuple(
        lane for each in products for lane in _lanes(on, random, each, _pairs(on, random))
    )
    regions = tuple(
        Region(id=f"r{n}", promise_periods=_pick(random, [0, 1, 2, math.inf]))
        for n in range(on.regions)
    )
    places = [Location(id="s", holds_stock=False), Location(id="t", holds_stock=False)]
    places += [_location(on, random, name) for name in names]
    return Instance(
        name="random",
        products=products,
        locations=tuple(places[n] for n in random.permutation(len(places))),
        lanes=lanes,
        regions=regions,
        shipping=_shipping(random, regions, names),
        stock_terms=_stock_terms(on, random, products, names),
        substitutes=_substitutes(on, random),
        budget_per_period=float(random.integers(60, 160)) if on.budget else math.inf,
        rationing="least_cover" if on.least_cover else "proportional",
    )


def _pick(random: np.random.Generator, values: list[Any]) -> Any:  # noqa: ANN401 - what is in the list
    return values[random.integers(len(values))]


def _quarters(random: np.random.Generator, most: int = 3) -> float:
    return float(random.integers(0, 4 * most + 1) / 4)


def _product(on: Switches, random: np.random.Generator, n: int) -> Product:
    unit_cost, rules = 1 + _quarters(random), None
    list_price = float(random.integers(4, 9))
    if on.price_rules and random.random() < 0.8:
        rules = _price_rules(random, list_price)
    return Product(
        id=f"p{n}",
        list_price=list_price,
        unit_cost=min(unit_cost, list_price / 2),
        holding_cost=_quarters(random),
        shortage_cost=_quarters(random),
        lost_share={"lost": 1.0, "waits": 0.0}.get(on.unmet, _quarters(random, 1)),
        volume=_pick(random, [0.5, 1.0, 2.0]),
        shelf_life_periods=int(random.integers(0, 5)) if on.perishes else 0,
        waste_cost=_quarters(random),
        fifo_share=_pick(random, [0.0, 0.25, 0.5, 1.0]),
        return_share=_pick(random, [0.0, 0.25, 0.5]) if on.returns else 0.0,
        return_delay_periods=int(random.integers(1, 5)),
        price_rules=rules,
    )


def _price_rules(random: np.random.Generator, list_price: float) -> PriceRules:
    ladder = tuple(list_price + step for step in (-2.0, -1.0, -0.25, 0.0, 0.5, 1.5))
    return PriceRules(
        ladder=ladder if random.random() < 0.5 else (),
        floor=_pick(random, [0.0, list_price - 2]),
        ceiling=_pick(random, [math.inf, list_price + 1.5]),
        largest_step=_pick(random, [math.inf, 1.0, 0.75]),
        least_periods_between_changes=int(random.integers(0, 4)),
    )


def _location(on: Switches, random: np.random.Generator, name: str) -> Location:
    return Location(
        id=name,
        storage_capacity=float(random.integers(40, 120))
        if on.storage and random.random() < 0.7
        else math.inf,
        inbound_capacity_units=float(random.integers(18, 50))
        if on.inbound and random.random() < 0.7
        else math.inf,
    )


def _pairs(on: Switches, random: np.random.Generator) -> list[tuple[str, str]]:
    """Return the lanes of a product; a place is supplied from outside or by an earlier one."""
    # the same network for every product, unless lanes are missing
    alike = np.random.default_rng(on.seed + 1)
    pairs = []
    for n in range(on.locations):
        sources = ["s", *(f"w{m}" for m in range(n))] if on.transfers else ["s"]
        first = sources[-alike.integers(1, min(len(sources), 3) + 1)]
        others = [each for each in ["t", *sources] if each != first]
        pairs.append((first, f"w{n}"))
        if on.second_sources and alike.random() < 0.6:
            pairs.append((_pick(alike, others), f"w{n}"))
    if on.missing_lanes:
        pairs = _without_some(random, pairs)
    return pairs


def _without_some(
    random: np.random.Generator, pairs: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Drop lanes that nothing else needs; the first place is always supplied."""
    kept = list(pairs)
    for pair in reversed(pairs):
        others = [each for each in kept if each != pair]
        sends_on = any(origin == pair[1] for origin, _ in others)
        supplied = any(destination == pair[1] for _, destination in others)
        needed = not supplied and (sends_on or pair[1] == "w0")
        if not needed and random.random() < 0.4:
            kept = others
    return kept


def _lanes(
    on: Switches, random: np.random.Generator, product: Product, pairs: list[tuple[str, str]]
) -> list[Lane]:
    return [
        Lane(
            product_id=product.id,
            origin=origin,
            destination=destination,
            **_pack_terms(on, random),
            **_time_terms(on, random),
            fixed_order_cost=_quarters(random) if on.costs_of_lanes else 0.0,
            unit_cost=_quarters(random, 1) if on.costs_of_lanes else 0.0,
        )
        for origin, destination in pairs
    ]


def _pack_terms(on: Switches, random: np.random.Generator) -> dict[str, Any]:
    if on.packs in {"free", "singly"}:
        return {"case_pack_units": 0 if on.packs == "free" else 1}
    pack = _pick(random, [1, 1, 3, 6] if on.packs == "terms" else [0, 1, 6])
    minimum = _pick(random, [0, 0, 2, 7])
    smallest = max(-(-minimum // pack), 1) * pack if pack else max(minimum, 1)
    limits = [math.inf, math.inf, smallest + 2.25, 3.0 * smallest]
    return {
        "case_pack_units": pack,
        "minimum_units": minimum,
        "capacity_units": _pick(random, limits),
    }


def _time_terms(on: Switches, random: np.random.Generator) -> dict[str, Any]:
    shortest = 0 if on.zero_lead_times else 1
    lead_time = int(random.integers(shortest, 5)) if random.random() < 0.6 else shortest
    terms: dict[str, Any] = {"lead_time_periods": lead_time}
    if on.random_lead_times and random.random() < 0.7:
        periods = tuple(sorted({lead_time, shortest, int(random.integers(shortest, 6))}))
        terms["lead_time_distribution"] = LeadTimeDistribution(
            periods=periods,
            probabilities=(1 / len(periods),) * len(periods),
            orders_cross=bool(random.random() < 0.5),
        )
    if on.outages and random.random() < 0.7:
        terms["outage"] = Outage(start_probability=0.3, end_probability=0.5)
    if on.order_days and random.random() < 0.7:
        cycle = int(random.integers(1, 5))
        offsets = random.permutation(cycle)[: random.integers(1, cycle + 1)]
        terms |= {"order_cycle_periods": cycle, "order_offsets": tuple(map(int, offsets))}
    return terms


def _shipping(
    random: np.random.Generator, regions: tuple[Region, ...], names: list[str]
) -> tuple[Shipping, ...]:
    return tuple(
        Shipping(
            region=region.id,
            location=name,
            # few different costs, so that some are equal
            cost_per_unit=_pick(random, [0.25, 0.5, 1.0]),
            cost_per_shipment=_pick(random, [0.0, 0.0, 1.5]),
            transit_periods=int(random.integers(0, 4)),
        )
        for region in regions
        for name in names
        if name == "w0" or random.random() < 0.7
    )


def _stock_terms(
    on: Switches, random: np.random.Generator, products: tuple[Product, ...], names: list[str]
) -> tuple[StockTerms, ...]:
    return tuple(
        StockTerms(
            product_id=product.id,
            location=name,
            holding_cost=_pick(random, [None, _quarters(random)]),
            shortage_cost=None if on.regions else _pick(random, [None, _quarters(random)]),
        )
        for product in products
        for name in names
        if on.stock_terms and random.random() < 0.5
    )


def _substitutes(on: Switches, random: np.random.Generator) -> tuple[Substitute, ...]:
    rows = [
        Substitute(
            product_id=f"p{n}",
            substitute_id=f"p{m}",
            spontaneous_share=_pick(random, [0.0, 0.125, 0.25]),
            accepted_share=_pick(random, [0.25, 0.3]),
        )
        for n in range(on.products)
        for m in range(on.products)
        if on.substitutes and n != m and random.random() < 0.7
    ]
    return tuple(rows[n] for n in random.permutation(len(rows)))
