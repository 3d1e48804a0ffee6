"""Regions and locations: greedy by turns, by shares, in whole units, compared with a plain ledger.

The ledger in this file knows dictionaries and loops and no tensors; it is written from the rule,
not from the code.
"""

import math
from dataclasses import dataclass, field

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.errors import InstanceError
from restock.problem import Instance, Lane, Location, Product, Region, Shipping
from restock.simulation.fulfilment import Fulfilment, RegionServed, allocate, fulfilment_for
from restock.simulation.ranking import ranking_for

DOUBLE = torch.float64
STEP = 1e-6
B, P = 3, 4

sizes = st.tuples(st.integers(1, 4), st.integers(1, 4))
seeds = st.integers(0, 2**32)
scores = st.sampled_from(["cheapest", "1P", "BP", "locations"])


@dataclass
class Case:
    """A random period with regions; ``reach`` is partial, ``stock`` short to ample."""

    fulfilment: Fulfilment
    stock: Tensor
    demand: Tensor
    backlog: Tensor
    score: Tensor | None
    share: Tensor


def draw(size: tuple[int, int], seed: int, kind: str, *, whole: bool = False) -> Case:
    regions, locations = size
    generator = torch.Generator().manual_seed(seed)

    def rand(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, dtype=DOUBLE)

    fulfilment = Fulfilment(
        cost_per_unit=5 * rand(regions, locations),
        cost_per_shipment=2 * rand(regions, locations),
        transit_periods=(1 + 4 * rand(regions, locations)).round(),
        promise_periods=(1 + 3 * rand(regions)).round(),
        reach=rand(P if kind == "1P" else 1, regions, locations) < 0.8,
        whole_units=whole,
    )
    shapes = {
        "1P": (1, P, regions, locations),
        "BP": (B, P, regions, locations),
        "locations": (B, P, 1, locations),
    }
    amounts = [
        12 * rand(B, P, locations) * (rand(B, P, locations) < 0.7),
        9 * rand(B, P, regions),
        3 * rand(B, P, regions) * (rand(B, P, regions) < 0.5),
    ]
    stock, demand, backlog = (part.round() if whole else part for part in amounts)
    score = rand(*shapes[kind]) if kind in shapes else None
    return Case(fulfilment, stock, demand, backlog, score, rand(1, P, regions, locations))


@dataclass
class Books:
    """What a loop over regions, locations and turns writes down for one path and product."""

    stock: list[float]
    sent: dict[tuple[int, int], float] = field(default_factory=dict)

    def give(self, asks: dict[tuple[int, int], float]) -> dict[int, float]:
        """Share each location's stock in proportion to what is asked of it."""
        got: dict[int, float] = {}
        for place in {place for _, place in asks}:
            asked = sum(units for (_, at), units in asks.items() if at == place)
            ratio = min(1.0, self.stock[place] / asked) if asked else 1.0
            for (region, at), units in asks.items():
                if at == place:
                    got[region] = got.get(region, 0.0) + units * ratio
                    self.sent[region, at] = self.sent.get((region, at), 0.0) + units * ratio
            self.stock[place] = max(0.0, self.stock[place] - asked)
        return got

    def serve(
        self, wanted: list[float], lists: list[list[int]], shares: list[list[float]] | None
    ) -> list[float]:
        """Serve by shares if there are any, then turn by turn; return what is lacking."""
        lacking = list(wanted)
        if shares is not None:
            everything = {
                (r, place): wanted[r] * part
                for r, row in enumerate(shares)
                for place, part in enumerate(row)
            }
            for region, units in self.give(everything).items():
                lacking[region] -= units
        for turn in range(len(self.stock)):
            asks = {
                (r, places[turn]): lacking[r]
                for r, places in enumerate(lists)
                if turn < len(places) and lacking[r] > 1e-9
            }
            for region, units in self.give(asks).items():
                lacking[region] -= units
        return lacking


def ledger(
    case: Case, b: int, p: int, *, by_share: bool, waits: bool
) -> tuple[Books, list[float], list[float]]:
    """Return the books and what is lacking of the backlog and of the demand."""
    terms = case.fulfilment
    regions, locations = terms.cost_per_unit.shape
    reach = terms.reach.expand(P, -1, -1)[p].tolist()
    score = terms.cost_per_unit + terms.cost_per_shipment
    if case.score is not None:
        score = case.score.expand(B, P, regions, locations)[b, p]
    values = score.tolist()
    lists = [
        [place for _, place in sorted((row[at], at) for at in range(locations) if able[at])]
        for row, able in zip(values, reach, strict=True)
    ]
    shares = None
    if by_share:
        shares = case.share[0, p].tolist()
        for r, row in enumerate(shares):
            kept = [part if reach[r][place] else 0.0 for place, part in enumerate(row)]
            shares[r] = [part / max(1.0, sum(kept)) for part in kept]
    books = Books(case.stock[b, p].tolist())
    owed = [0.0] * regions
    if waits:
        owed = books.serve(case.backlog[b, p].tolist(), lists, shares)
    return books, owed, books.serve(case.demand[b, p].tolist(), lists, shares)


def serve(case: Case, *, by_share: bool, waits: bool) -> RegionServed:
    return case.fulfilment.serve(
        case.stock,
        case.demand,
        case.backlog if waits else None,
        lost_share=torch.full((P, 1), 0.25, dtype=DOUBLE) if waits else None,
        score=case.score,
        share=case.share if by_share else None,
    )


def near(tensor: Tensor, values: object) -> None:
    torch.testing.assert_close(
        tensor, torch.tensor(values, dtype=DOUBLE).reshape(tensor.shape), rtol=0, atol=1e-7
    )


@pytest.mark.parametrize("waits", [False, True], ids=["lost", "waiting"])
@pytest.mark.parametrize("by_share", [False, True], ids=["turns", "shares"])
@given(sizes, seeds, scores)
@settings(max_examples=25)
def test_every_figure_is_the_ledgers(
    waits: bool,  # noqa: FBT001 - a case of the test
    by_share: bool,  # noqa: FBT001 - likewise
    size: tuple[int, int],
    seed: int,
    kind: str,
) -> None:
    case = draw(size, seed, kind)
    served = serve(case, by_share=by_share, waits=waits)
    terms, (regions, locations) = case.fulfilment, size
    shipped = served.shipped
    late = (terms.transit_periods > terms.promise_periods[:, None]).tolist()
    for b in range(B):
        orders, splits = [0.0] * regions, [0.0] * regions
        units, travelled = [0.0] * regions, [0.0] * regions
        for p in range(P):
            books, owed, lacking = ledger(case, b, p, by_share=by_share, waits=waits)
            sent = [
                [books.sent.get((r, place), 0.0) for place in range(locations)]
                for r in range(regions)
            ]
            near(shipped[b, p], sent)
            near(served.left[b, p], books.stock)
            lost = [0.25 * gone if waits else gone for gone in lacking]
            near(served.lost[b, p], lost)
            waiting = [o + gone - out for o, gone, out in zip(owed, lacking, lost, strict=True)]
            near(served.short[b, p], [a + w for a, w in zip(lost, waiting, strict=True)])
            if waits:
                assert served.backlog is not None
                near(served.backlog[b, p], waiting)
            cost = sum(
                sent[r][place] * float(terms.cost_per_unit[r, place])
                + (sent[r][place] > 1e-6) * float(terms.cost_per_shipment[r, place])
                for r in range(regions)
                for place in range(locations)
            )
            near(served.shipping_cost[b, p], [cost])
            near(
                served.late[b, p],
                [sum(map(math.prod, zip(sent[r], late[r], strict=True))) for r in range(regions)],
            )
            for r in range(regions):
                places = sum(part > 1e-6 for part in sent[r])
                orders[r] += places > 0
                splits[r] += places > 1
                units[r] += sum(sent[r])
                travelled[r] += sum(
                    part * float(t)
                    for part, t in zip(sent[r], terms.transit_periods[r], strict=True)
                )
        near(served.orders[b, 0], orders)
        near(served.split_orders[b, 0], splits)
        near(
            served.transit_periods[b, 0],
            [t / u if u else 0.0 for t, u in zip(travelled, units, strict=True)],
        )
        near(served.split_share[b, 0], [s / max(o, 1) for s, o in zip(splits, orders, strict=True)])


@pytest.mark.parametrize("whole", [False, True], ids=["divisible", "whole"])
@pytest.mark.parametrize("by_share", [False, True], ids=["turns", "shares"])
@given(sizes, seeds, scores)
@settings(max_examples=40)
def test_units_are_conserved_at_locations_and_regions(
    whole: bool,  # noqa: FBT001 - a case of the test
    by_share: bool,  # noqa: FBT001 - likewise
    size: tuple[int, int],
    seed: int,
    kind: str,
) -> None:
    case = draw(size, seed, kind, whole=whole)
    served = serve(case, by_share=by_share, waits=True)
    shipped = served.shipped
    assert served.backlog is not None
    assert (shipped >= 0).all()
    assert (served.left >= 0).all()
    assert (shipped[~case.fulfilment.reach.expand(B, P, -1, -1)] == 0).all()
    torch.testing.assert_close(shipped.sum(-2), served.sold)
    torch.testing.assert_close(served.sold + served.left, case.stock)
    torch.testing.assert_close(
        shipped.sum(-1) + served.lost + served.backlog, case.demand + case.backlog
    )
    # nobody goes without while a location that serves the region has a whole unit left
    lacking = served.short > 1e-6
    could = (served.left.unsqueeze(-2) * case.fulfilment.reach).amax(-1)
    assert (could[lacking] < 1e-6).all()
    if whole:
        assert torch.equal(shipped, shipped.round())


@given(seeds, st.sampled_from(["cheapest", "1P", "BP"]))
@settings(max_examples=30)
def test_permuted_regions_and_locations_get_permuted_parcels(seed: int, kind: str) -> None:
    case = draw((4, 3), seed, kind)
    generator = torch.Generator().manual_seed(seed)
    r, place = torch.randperm(4, generator=generator), torch.randperm(3, generator=generator)
    terms = case.fulfilment
    moved = Fulfilment(
        terms.cost_per_unit[r][:, place],
        terms.cost_per_shipment[r][:, place],
        terms.transit_periods[r][:, place],
        terms.promise_periods[r],
        terms.reach[:, r][:, :, place],
    )
    score = None if case.score is None else case.score[:, :, r][..., place]
    here = terms.serve(case.stock, case.demand, score=case.score)
    there = moved.serve(case.stock[..., place], case.demand[..., r], score=score)
    torch.testing.assert_close(there.shipped, here.shipped[:, :, r][..., place])
    torch.testing.assert_close(there.shipping_cost, here.shipping_cost)


@pytest.mark.parametrize("by_share", [False, True], ids=["turns", "shares"])
@given(sizes, seeds, scores)
@settings(max_examples=25, derandomize=True)
def test_gradients_are_difference_quotients(
    by_share: bool,  # noqa: FBT001 - a case of the test
    size: tuple[int, int],
    seed: int,
    kind: str,
) -> None:
    case = draw(size, seed, kind)
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(case.share.shape, generator=generator, dtype=DOUBLE)
    weight = torch.rand(case.demand.shape, generator=generator, dtype=DOUBLE)

    def cost(stock: Tensor, demand: Tensor, logits: Tensor) -> Tensor:
        served = case.fulfilment.serve(
            stock,
            demand,
            case.backlog,
            lost_share=torch.full((P, 1), 0.25, dtype=DOUBLE),
            score=case.score,
            share=logits.softmax(-1) if by_share else None,
        )
        money = served.shipping_cost.sum() + served.left.square().sum()
        return money + (weight * (served.lost + served.late)).sum() + served.transit_periods.sum()

    inputs = [part.clone().requires_grad_() for part in (case.stock, case.demand, logits)]
    gradients = torch.autograd.grad(
        cost(*inputs), inputs, allow_unused=True, materialize_grads=True
    )
    ways = [torch.randn(part.shape, generator=generator, dtype=DOUBLE) for part in inputs]
    ways[0] = ways[0] * (case.stock > 0)  # no stock below zero
    with torch.no_grad():
        ahead = cost(*(part + STEP * way for part, way in zip(inputs, ways, strict=True)))
        behind = cost(*(part - STEP * way for part, way in zip(inputs, ways, strict=True)))
    slope = (ahead - behind) / (2 * STEP)
    expected = sum((g * way).sum() for g, way in zip(gradients, ways, strict=True))
    torch.testing.assert_close(expected, slope, rtol=1e-4, atol=1e-4)


def terms(per_unit: list[list[float]], **more: object) -> Fulfilment:
    cost = torch.tensor(per_unit)
    given_terms = {
        "cost_per_shipment": torch.zeros_like(cost),
        "transit_periods": torch.ones_like(cost),
        "promise_periods": torch.full(cost.shape[:1], torch.inf),
        "reach": torch.ones(1, *cost.shape, dtype=torch.bool),
    }
    return Fulfilment(cost, **{**given_terms, **more})  # type: ignore[arg-type]


def test_a_period_by_hand() -> None:
    # both regions ask location 0 first (cost 1): 6 units among 8 + 4 wanted give 4 and 2; the rest,
    # 4 and 2, is at location 1. Cost 6·1 + 4·2 + 2·9 = 32 and 4 parcels at 0.5
    ships = terms(
        [[1.0, 2.0], [1.0, 9.0]],
        cost_per_shipment=torch.full((2, 2), 0.5),
        transit_periods=torch.tensor([[1.0, 3.0], [1.0, 3.0]]),
        promise_periods=torch.tensor([2.0, 3.0]),
    )
    served = ships.serve(torch.tensor([[[6.0, 8.0]]]), torch.tensor([[[8.0, 4.0]]]))
    assert served.shipped.tolist() == [[[[4.0, 4.0], [2.0, 2.0]]]]
    assert served.left.tolist() == [[[0.0, 2.0]]]
    assert served.shipping_cost.tolist() == [[[32.0 + 4 * 0.5]]]
    assert served.split_orders.tolist() == served.orders.tolist() == [[[1.0, 1.0]]]
    # three periods on the way are late for region 0 alone, which was promised two
    assert served.late.tolist() == [[[4.0, 0.0]]]
    assert served.transit_periods.tolist() == [[[2.0, 2.0]]]
    # negative control: a score that sends region 0 to location 1 ships each order in one parcel
    score = torch.tensor([[[[2.0, 1.0], [1.0, 2.0]]]])
    other = ships.serve(torch.tensor([[[6.0, 8.0]]]), torch.tensor([[[8.0, 4.0]]]), score=score)
    assert other.shipped.tolist() == [[[[0.0, 8.0], [4.0, 0.0]]]]
    assert other.split_orders.tolist() == [[[0.0, 0.0]]]


def test_who_waits_is_served_before_anybody_new() -> None:
    ships = terms([[1.0], [1.0]])
    demand, backlog = torch.tensor([[[5.0, 5.0]]]), torch.tensor([[[0.0, 4.0]]])
    half = torch.full((1, 1), 0.5)
    served = ships.serve(torch.tensor([[[6.0]]]), demand, backlog, lost_share=half)
    # 4 of 6 units settle what region 1 waits for; 1 each is left for today's 5 and 5
    assert served.shipped[..., 0].tolist() == [[[1.0, 5.0]]]
    assert served.lost.tolist() == [[[2.0, 2.0]]]
    assert served.backlog is not None
    assert served.backlog.tolist() == [[[2.0, 2.0]]]


def test_a_pair_that_is_used_twice_in_a_period_pays_for_one_shipment() -> None:
    ships = terms([[1.0]], cost_per_shipment=torch.ones(1, 1))
    stock, some = torch.tensor([[[9.0]]]), torch.tensor([[[2.0]]])
    none = torch.zeros(1, 1)
    served = ships.serve(stock, some, some, lost_share=none)
    assert len(served.waves) == 2
    assert served.shipping_cost.item() == 4 * 1.0 + 1.0
    # negative control: two periods pay for two
    apart = ships.serve(stock, some).shipping_cost + ships.serve(stock, some).shipping_cost
    assert apart.item() == 4 * 1.0 + 2.0


def test_shares_go_first_and_what_they_lack_goes_by_cost() -> None:
    # region 0 splits 10 units evenly: location 0 has only 2 of 5, location 1 gives 5; the 3 that
    # are missing come from location 2, which is cheaper than what location 1 has left
    ships = terms([[1.0, 3.0, 2.0]])
    share = torch.tensor([[[[0.5, 0.5, 0.0]]]])
    served = ships.serve(torch.tensor([[[2.0, 9.0, 9.0]]]), torch.tensor([[[10.0]]]), share=share)
    assert served.shipped.tolist() == [[[[2.0, 5.0, 3.0]]]]
    # shares that leave something out send it the cheapest way
    served = ships.serve(torch.full((1, 1, 3), 99.0), torch.tensor([[[10.0]]]), share=share / 2)
    assert served.shipped.tolist() == [[[[5.0 + 2.5, 2.5, 0.0]]]]


def test_shares_that_sum_to_one_but_for_rounding_make_no_extra_parcel() -> None:
    ships = terms([[1.0] * 7], cost_per_shipment=torch.ones(1, 7))
    share = torch.softmax(torch.tensor([[[[2.0, 2.0, 2.0, -99.0, -99.0, -99.0, -99.0]]]]), -1)
    stock, demand = torch.full((1, 1, 7), 99.0), torch.full((1, 1, 1), 10.0)
    served = ships.serve(stock, demand, share=share * (1 - 1e-7))
    assert served.lost.item() == 0
    assert served.shipping_cost.item() == pytest.approx(10 + 3)


def test_carrying_on_with_few_rows_changes_nothing() -> None:
    # one product of forty lacks stock at its first choice: 39 rows are done after one turn
    generator = torch.Generator().manual_seed(1)
    cost = torch.rand(3, 5, generator=generator)
    stock = torch.full((2, 20, 5), 100.0)
    stock[1, 7] = torch.tensor([1.0, 2.0, 3.0, 4.0, 0.0])
    demand = torch.full((2, 20, 3), 4.0)
    ranking = ranking_for(cost[None, None], torch.ones(1, 3, 5, dtype=torch.bool))
    together = allocate(stock, demand, ranking)
    alone = allocate(stock[1:, 7:8], demand[1:, 7:8], ranking)
    assert torch.equal(together[1:, 7:8], alone)
    assert together[1, 7].sum() == 10
    assert (together.sum(-1)[0] == 4).all()


def test_a_score_per_path_ranks_as_the_same_score_for_all_does() -> None:
    case = draw((4, 4), 11, "cheapest")
    score = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(2), dtype=DOUBLE)
    fixed = case.fulfilment.serve(case.stock, case.demand, score=score)
    varying = case.fulfilment.serve(case.stock, case.demand, score=score.expand(B, P, 4, 4))
    torch.testing.assert_close(varying.shipped, fixed.shipped)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"cost_per_shipment": torch.tensor([[0.0, -1.0]])},
            r"`cost_per_shipment`.*-1.0.*\[0, 1\]",
        ),
        ({"transit_periods": torch.tensor([[torch.nan, 1.0]])}, r"`transit_periods`.*nan"),
        ({"promise_periods": torch.tensor([torch.nan])}, r"`promise_periods` must be ≥ 0"),
    ],
)
def test_terms_that_cannot_be_are_refused(change: dict[str, Tensor], message: str) -> None:
    with pytest.raises(InstanceError, match=message):
        terms([[1.0, 2.0]], **change)


def test_terms_out_of_reach_are_not_read() -> None:
    reach = torch.tensor([[[True, False]]])
    ships = terms([[1.0, torch.nan]], reach=reach)
    served = ships.serve(torch.tensor([[[3.0, 9.0]]]), torch.tensor([[[5.0]]]))
    assert served.shipping_cost.item() == 3.0
    assert served.lost.item() == 2.0


def test_an_instance_gives_its_shipping_terms() -> None:
    lanes = tuple(
        Lane(product_id="A", origin="acme", destination=place, lead_time_periods=1)
        for place in ("west", "east")
    )
    places = (Location(id="acme", holds_stock=False), Location(id="west"), Location(id="east"))
    instance = Instance(
        name="shop",
        products=(Product(id="A"),),
        locations=places,
        lanes=lanes,
        regions=(Region(id="north", promise_periods=2), Region(id="south")),
        shipping=(
            Shipping(region="north", location="east", cost_per_unit=3, transit_periods=4),
            Shipping(region="south", location="west", cost_per_unit=1, cost_per_shipment=5),
            Shipping(region="south", location="east", cost_per_unit=2),
        ),
    )
    ships = fulfilment_for(instance, ("west", "east"), torch.float32)
    assert ships is not None
    assert ships.cost_per_unit.tolist() == [[0, 3], [1, 2]]
    assert ships.reach.tolist() == [[[False, True], [True, True]]]
    assert ships.lateness.tolist() == [[0, 1], [0, 0]]
    # south: a parcel of one unit costs 6 from west, 2 from east
    served = ships.serve(torch.full((1, 1, 2), 9.0), torch.full((1, 1, 2), 1.0))
    assert served.shipped.tolist() == [[[[0, 1], [0, 1]]]]


def test_an_instance_without_regions_has_no_fulfilment() -> None:
    shop = Instance.single_location([Product(id="A")], 1)
    assert fulfilment_for(shop, ("shop",), torch.float32) is None
