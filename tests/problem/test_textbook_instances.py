"""What the textbook constructors build, and what the parts work out about themselves."""

import math

import pytest

from restock.errors import InstanceError
from restock.problem import (
    Instance,
    Lane,
    LeadTimeDistribution,
    Outage,
    PriceRules,
    Product,
    StockTerms,
)

TEA = Product(id="tea", holding_cost=1.0, shortage_cost=37.12, lost_share=0.0)


def test_a_serial_system_goes_down_from_the_supplier_with_local_holding_costs() -> None:
    chain = Instance.serial(TEA, (2, 1, 1), (2.0, 4.0, 7.0))
    assert [(x.origin, x.destination, x.lead_time_periods) for x in chain.lanes] == [
        ("supplier", "stage 1", 2),
        ("stage 1", "stage 2", 1),
        ("stage 2", "stage 3", 1),
    ]
    assert {x.location: x.holding_cost for x in chain.stock_terms} == {
        "stage 1": 2.0,
        "stage 2": 4.0,
        "stage 3": 7.0,
    }
    assert [x.id for x in chain.locations if x.holds_stock] == ["stage 1", "stage 2", "stage 3"]
    assert {x.case_pack_units for x in chain.lanes} == {0}


@pytest.mark.parametrize(("lead_times", "costs"), [((2, 1), (2.0,)), ((), ())])
def test_a_serial_system_needs_a_lead_time_and_a_cost_per_stage(
    lead_times: tuple[int, ...], costs: tuple[float, ...]
) -> None:
    given = f"got {len(lead_times)} and {len(costs)} for product 'tea'"
    with pytest.raises(InstanceError, match=given):
        Instance.serial(TEA, lead_times, costs)


def test_a_warehouse_supplies_each_store_and_nothing_else_does() -> None:
    terms = StockTerms(product_id="tea", location="north", shortage_cost=9.0)
    two = Instance.warehouse_and_stores(TEA, 3, {"north": 1, "south": 2}, stock_terms=[terms])
    assert [(x.origin, x.destination, x.lead_time_periods) for x in two.lanes] == [
        ("supplier", "warehouse", 3),
        ("warehouse", "north", 1),
        ("warehouse", "south", 2),
    ]
    assert two.stock_terms == (terms,)


def test_terms_of_a_store_that_is_not_there_are_refused() -> None:
    terms = StockTerms(product_id="tea", location="east", shortage_cost=9.0)
    with pytest.raises(InstanceError, match="at location 'east' name a location"):
        Instance.warehouse_and_stores(TEA, 3, {"north": 1}, stock_terms=[terms])


@pytest.mark.parametrize(
    ("minimum", "pack", "smallest"),
    # 7 units in packs of 6 are two packs; goods sold singly go by the piece; divisible ones by none
    [(7, 6, 12), (6, 6, 6), (0, 6, 6), (0, 1, 1), (0, 0, 0), (5, 0, 5)],
)
def test_the_smallest_order_is_the_minimum_in_whole_packs(
    minimum: int, pack: int, smallest: int
) -> None:
    lane = Lane(
        product_id="tea",
        origin="s",
        destination="w",
        lead_time_periods=0,
        minimum_units=minimum,
        case_pack_units=pack,
    )
    assert lane.smallest_order_units == smallest


def test_the_support_holds_what_can_happen_and_the_mean_weighs_it() -> None:
    drawn = LeadTimeDistribution(periods=(5, 1, 3), probabilities=(0.25, 0.75, 0.0))
    assert drawn.support == (1, 5)
    assert drawn.mean_periods == 0.25 * 5 + 0.75 * 1


def test_the_share_of_outages_balances_those_that_start_and_those_that_end() -> None:
    # in the long run share · end = (1 − share) · start: 0.2 · 0.4 = 0.8 · 0.1
    assert Outage(start_probability=0.1, end_probability=0.4).share_of_periods == 0.2
    assert Outage(start_probability=0.0, end_probability=0.0).share_of_periods == 0


def test_a_ladder_admits_its_rungs_and_a_band_everything_between_its_bounds() -> None:
    ladder = PriceRules(ladder=(4.2, 4.3), ceiling=5.0)
    assert [ladder.admits(price) for price in (4.2, 4.2 + 0.1, 4.25, 5.0)] == [
        *(True, True, False, False)
    ]
    band = PriceRules(floor=2.0, ceiling=5.0)
    assert [band.admits(price) for price in (1.9, 2.0, 4.25, 5.0, 5.1, math.nan)] == [
        *(False, True, True, True, False, False)
    ]
