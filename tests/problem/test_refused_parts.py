"""What a part refuses when it is built: one row a rule, a value, and what the message says."""

from types import SimpleNamespace
from typing import Any

import pytest

from restock.errors import InstanceError

NAN, INF = float("nan"), float("inf")

LANE = {"product_id": "tea", "origin": "acme", "destination": "shop", "lead_time_periods": 2}
ON_LANE = "on lane acme → shop for product 'tea'"
TEA = {"id": "tea", "list_price": 4.0, "unit_cost": 2.0}
OF_TEA = "for product 'tea'"
RULES = {"ladder": (3.0, 3.5, 4.0), "floor": 2.5, "ceiling": 5.0, "largest_step": 0.5}
IN_RULES = "in `price_rules` for product 'tea'"
TWO_OR_FOUR = {"periods": (2, 4), "probabilities": (0.75, 0.25)}
IN_LEAD = "in `lead_time_distribution` on lane acme → shop for product 'tea'"
OUTAGE = {"start_probability": 0.1, "end_probability": 0.5}
IN_OUTAGE = "in `outage` on lane acme → shop for product 'tea'"
PARCEL = {"region": "north", "location": "shop"}
OF_PARCEL = "for shipping from 'shop' to region 'north'"
TERMS = {"product_id": "tea", "location": "shop"}
MATE = {
    "product_id": "tea",
    "substitute_id": "mate",
    "spontaneous_share": 0.1,
    "accepted_share": 0.4,
}
OF_MATE = "for substitute 'mate' of product 'tea'"


def amounts(*fields: str) -> list[tuple[str, float, str]]:
    return [(f, value, "must be finite and ≥ 0; got") for f in fields for value in (-0.3, NAN, INF)]


def whole_numbers(least: int, *fields: str) -> list[tuple[str, float, str]]:
    rule = f"must be an integer ≥ {least}; got"
    return [(f, value, rule) for f in fields for value in (least - 1, 1.5, NAN, INF)]


def shares(*fields: str) -> list[tuple[str, float, str]]:
    return [(f, value, "must lie in [0, 1]; got") for f in fields for value in (-0.1, 1.1, NAN)]


def limits(*fields: str) -> list[tuple[str, float, str]]:
    return [(f, value, "must be > 0; got") for f in fields for value in (0.0, -2.0, NAN)]


def build(kinds: SimpleNamespace, kind: str, **change: Any) -> object:  # noqa: ANN401 - any bad value
    """Build one part with ``change``; what has no name of its own is built into its owner."""
    match kind:
        case "Product":
            return kinds.Product(**{**TEA, **change})
        case "PriceRules":
            return kinds.Product(**TEA, price_rules=kinds.PriceRules(**{**RULES, **change}))
        case "Lane":
            return kinds.Lane(**{**LANE, **change})
        case "LeadTimeDistribution":
            drawn = kinds.LeadTimeDistribution(**{**TWO_OR_FOUR, **change})
            return kinds.Lane(**LANE, lead_time_distribution=drawn)
        case "Outage":
            return kinds.Lane(**LANE, outage=kinds.Outage(**{**OUTAGE, **change}))
    given: dict[str, dict[str, Any]] = {
        "Location": {"id": "shop"},
        "Region": {"id": "north"},
        "Shipping": PARCEL,
        "StockTerms": TERMS,
        "Substitute": MATE,
    }
    return getattr(kinds, kind)(**{**given[kind], **change})


NUMBERS = [
    ("Product", OF_TEA, amounts("unit_cost", "volume", "waste_cost")),
    ("Product", OF_TEA, shares("lost_share", "fifo_share", "return_share")),
    ("Product", OF_TEA, whole_numbers(0, "shelf_life_periods")),
    ("Product", OF_TEA, whole_numbers(1, "return_delay_periods")),
    ("PriceRules", IN_RULES, amounts("floor")),
    ("PriceRules", IN_RULES, limits("ceiling", "largest_step")),
    ("PriceRules", IN_RULES, whole_numbers(0, "least_periods_between_changes")),
    ("Lane", ON_LANE, amounts("unit_cost", "fixed_order_cost", "minimum_units")),
    ("Lane", ON_LANE, whole_numbers(0, "lead_time_periods", "case_pack_units")),
    ("Lane", ON_LANE, whole_numbers(1, "order_cycle_periods")),
    ("Outage", IN_OUTAGE, shares("start_probability", "end_probability")),
    ("Location", "at location 'shop'", limits("storage_capacity", "inbound_capacity_units")),
    ("Shipping", OF_PARCEL, amounts("cost_per_unit", "cost_per_shipment")),
    ("Shipping", OF_PARCEL, whole_numbers(0, "transit_periods")),
    ("StockTerms", "'tea' at location 'shop'", amounts("holding_cost", "shortage_cost")),
    ("Substitute", OF_MATE, shares("spontaneous_share", "accepted_share")),
]
"""Kind, owner in the message, and rows of field, value and rule."""


@pytest.mark.parametrize(
    ("kind", "owner", "field", "value", "rule"),
    [(kind, owner, *row) for kind, owner, rows in NUMBERS for row in rows],
)
def test_a_number_outside_its_rule_is_refused_with_owner_field_and_value(
    untyped: SimpleNamespace, kind: str, owner: str, field: str, value: float, rule: str
) -> None:
    assert build(untyped, kind) is not None
    with pytest.raises(InstanceError) as refusal:
        build(untyped, kind, **{field: value})
    message = str(refusal.value)
    assert f"`{field}` {rule} {value}" in message
    assert owner in message
    assert message.partition(owner)[2].startswith((". ", ", "))  # the mend follows


CONTRADICTIONS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    (
        "PriceRules",
        {"floor": 6.0},
        ("`floor` must not exceed `ceiling`; got 6.0 above 5.0", IN_RULES),
    ),
    ("PriceRules", {"ladder": (2.0, 4.0)}, ("between floor 2.5", "got rung 2.0", IN_RULES)),
    ("PriceRules", {"ladder": (4.0, 6.0)}, ("and ceiling 5.0", "got rung 6.0", IN_RULES)),
    ("PriceRules", {"ladder": (3.0, 4.0, 3.5)}, ("must rise", "got 4.0 before 3.5", IN_RULES)),
    ("PriceRules", {"ladder": (4.0, 4.0)}, ("must rise", "got 4.0 before 4.0", IN_RULES)),
    ("PriceRules", {"ladder": (0.0, 4.0), "floor": 0.0}, ("finite prices > 0; got rung 0.0",)),
    ("PriceRules", {"ladder": (NAN, 4.0)}, ("finite prices > 0; got rung nan", IN_RULES)),
    ("PriceRules", {"ladder": (4.0, INF)}, ("finite prices > 0; got rung inf", IN_RULES)),
    (
        "PriceRules",
        {"largest_step": 0.4},
        ("`largest_step` must reach", "which is 0.5 at least; got 0.4", IN_RULES),
    ),
    (
        "PriceRules",
        {"ladder": (1.5, 4.0), "floor": 0.0, "largest_step": INF},
        ("`ladder` must not go below `unit_cost` 2.0; got rung 1.5", IN_RULES),
    ),
    (
        "PriceRules",
        {"floor": 1.5},
        ("`floor` must not lie below `unit_cost` 2.0; got 1.5", IN_RULES),
    ),
    (
        "PriceRules",
        {"ladder": (), "floor": 0.0, "ceiling": 1.5},
        ("`ceiling` must not lie below `unit_cost` 2.0; got 1.5", IN_RULES),
    ),
    (
        "PriceRules",
        {"ladder": (3.0, 3.5)},
        ("`list_price` must be on the ladder (3.0, 3.5); got 4.0", IN_RULES),
    ),
    (
        "PriceRules",
        {"ladder": (), "ceiling": 3.0},
        ("`list_price` must be between floor 2.5 and ceiling 3.0; got 4.0", IN_RULES),
    ),
    (
        "Lane",
        {"minimum_units": 7, "case_pack_units": 6, "capacity_units": 11},
        ("must admit the smallest order; got 11 with minimum 7 and case pack 6", ON_LANE),
    ),
    ("Lane", {"order_offsets": ()}, ("`order_offsets` must hold a period", ON_LANE)),
    ("Lane", {"order_offsets": (1,)}, ("from 0 to 0 in a cycle of 1 periods; got 1", ON_LANE)),
    (
        "Lane",
        {"order_cycle_periods": 7, "order_offsets": (0, 7)},
        ("from 0 to 6 in a cycle of 7 periods; got 7", ON_LANE),
    ),
    (
        "Lane",
        {"order_cycle_periods": 7, "order_offsets": (-1,)},
        ("from 0 to 6 in a cycle of 7 periods; got -1", ON_LANE),
    ),
    ("Lane", {"order_cycle_periods": 7, "order_offsets": (NAN,)}, ("got nan", ON_LANE)),
    ("Lane", {"order_cycle_periods": 7, "order_offsets": (0.5,)}, ("got 0.5", ON_LANE)),
    (
        "Lane",
        {"order_cycle_periods": 7, "order_offsets": (2, 4, 2)},
        ("`order_offsets` must differ; 2 comes more than once", ON_LANE),
    ),
    (
        "LeadTimeDistribution",
        {"probabilities": (0.75, 0.24)},
        ("must sum to 1; (0.75, 0.24) sum to 0.99", ON_LANE, "Divide each by the sum."),
    ),
    (
        "LeadTimeDistribution",
        {"probabilities": (0.75, 0.25 + 2e-9)},
        ("must sum to 1", "sum to 1.000000002", ON_LANE),
    ),
    (
        "LeadTimeDistribution",
        {"probabilities": (1.25, -0.25)},
        ("`probabilities` must lie in [0, 1]; got 1.25", IN_LEAD),
    ),
    (
        "LeadTimeDistribution",
        {"probabilities": (1.0, -0.25)},
        ("`probabilities` must lie in [0, 1]; got -0.25", IN_LEAD),
    ),
    (
        "LeadTimeDistribution",
        {"probabilities": (NAN, 0.25)},
        ("`probabilities` must lie in [0, 1]; got nan", IN_LEAD),
    ),
    ("LeadTimeDistribution", {"probabilities": (1.0,)}, ("must be as many", "got 2 and 1")),
    (
        "LeadTimeDistribution",
        {"periods": (), "probabilities": ()},
        ("and not none; got 0 and 0", ON_LANE),
    ),
    (
        "LeadTimeDistribution",
        {"periods": (2, 2)},
        ("must differ; 2 comes more than once", ON_LANE, "Add its probabilities up"),
    ),
    ("LeadTimeDistribution", {"periods": (2, -1)}, ("an integer ≥ 0; got -1", IN_LEAD)),
    ("LeadTimeDistribution", {"periods": (2, 2.5)}, ("an integer ≥ 0; got 2.5", IN_LEAD)),
    ("LeadTimeDistribution", {"periods": (2, NAN)}, ("an integer ≥ 0; got nan", IN_LEAD)),
    (
        "LeadTimeDistribution",
        {"periods": (3, 5)},
        ("`lead_time_periods` must lie within the support", "from 3 to 5; got 2", ON_LANE),
    ),
    # a lead time of no chance is none: the support of (1, 5) with chances (0, 1) is 5 alone
    (
        "LeadTimeDistribution",
        {"periods": (1, 5), "probabilities": (0.0, 1.0)},
        ("from 5 to 5; got 2", ON_LANE),
    ),
    (
        "Outage",
        {"end_probability": 0.0},
        ("`end_probability` must be > 0", "got 0.0 with start 0.1", IN_OUTAGE),
    ),
    (
        "Location",
        {"holds_stock": False, "storage_capacity": 10.0},
        ("`storage_capacity` must be left out where no stock is held; got 10.0", "'shop'"),
    ),
    (
        "Location",
        {"holds_stock": False, "inbound_capacity_units": 10.0},
        ("`inbound_capacity_units` must be left out", "got 10.0", "'shop'", "`capacity_units`"),
    ),
    ("Region", {"id": ""}, ("`id` of a region is empty",)),
    ("Region", {"promise_periods": -1.0}, ("must be ≥ 0; got -1.0 for region 'north'",)),
    ("Region", {"promise_periods": NAN}, ("must be ≥ 0; got nan for region 'north'",)),
    (
        "Substitute",
        {"spontaneous_share": 0.5},
        ("must not exceed `accepted_share`; got 0.5 above 0.4", OF_MATE),
    ),
    (
        "Substitute",
        {"substitute_id": "tea"},
        ("must be another product; got 'tea'", "of product 'tea'"),
    ),
]


@pytest.mark.parametrize(
    ("kind", "change", "fragments"),
    CONTRADICTIONS,
    ids=[f"{kind} {change}" for kind, change, _ in CONTRADICTIONS],
)
def test_a_contradiction_is_refused_and_named(
    untyped: SimpleNamespace, kind: str, change: dict[str, Any], fragments: tuple[str, ...]
) -> None:
    with pytest.raises(InstanceError) as refusal:
        build(untyped, kind, **change)
    for fragment in fragments:
        assert fragment in str(refusal.value)


ALLOWED: list[tuple[str, dict[str, Any]]] = [
    ("Product", {"volume": 0.0, "shelf_life_periods": 1, "fifo_share": 0.0, "return_share": 1.0}),
    ("PriceRules", {"ladder": (2.5, 3.0, 4.0, 5.0)}),  # rungs may be the bounds
    ("PriceRules", {"ladder": (2.0, 4.0), "floor": 2.0, "largest_step": 2.0}),  # and the cost
    ("PriceRules", {"ladder": (4.0,), "largest_step": 0.01}),  # one rung has no neighbour
    ("PriceRules", {"ladder": (), "floor": 0.0}),  # a floor of 0 is none
    # 4.3 − 4.2 is a little below 0.1 in floating point, 4.0 − 3.9 a little above
    ("PriceRules", {"ladder": (3.9, 4.0), "largest_step": 0.1}),
    ("Lane", {"order_cycle_periods": 7, "order_offsets": (6, 0)}),
    ("Lane", {"minimum_units": 7, "case_pack_units": 6, "capacity_units": 12}),
    ("LeadTimeDistribution", {"probabilities": (0.75, 0.25 + 5e-10)}),  # rounding
    ("LeadTimeDistribution", {"periods": (1, 3)}),  # planners may count with 2, the middle
    ("LeadTimeDistribution", {"periods": (0, 2), "probabilities": (0.0, 1.0)}),
    ("Outage", {"start_probability": 0.0, "end_probability": 0.0}),  # never starts
    ("Location", {"storage_capacity": 0.5, "inbound_capacity_units": 1.0}),
    ("Region", {"promise_periods": 0}),
    ("Shipping", {"transit_periods": 0}),
    ("StockTerms", {"holding_cost": 0.0, "shortage_cost": None}),
    ("Substitute", {"spontaneous_share": 0.4}),
]


@pytest.mark.parametrize(("kind", "change"), ALLOWED, ids=[f"{k} {c}" for k, c in ALLOWED])
def test_what_lies_on_the_edge_of_a_rule_is_allowed(
    untyped: SimpleNamespace, kind: str, change: dict[str, Any]
) -> None:
    assert build(untyped, kind, **change) is not None
