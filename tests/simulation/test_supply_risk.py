"""Lead times and outages: drawn as the instance says, and no order is lost on the way."""

from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from restock.demand.processes import Poisson
from restock.errors import ConfigurationError
from restock.problem import Instance, Lane, LeadTimeDistribution, Location, Outage, Product
from restock.simulation import (
    Decision,
    Observation,
    Scenario,
    ScenarioSource,
    SteadyDemand,
    Trace,
    UncertainSupply,
    World,
    rollout,
)
from restock.simulation.arrivals import MixedLeadTimes, RandomLeadTimes
from restock.simulation.period import step
from restock.simulation.supply_risk import in_order, lead_times, outages

DOUBLE = torch.float64
PATHS, PERIODS = 400, 250
DRAWS = PATHS * PERIODS

seeds = st.integers(0, 2**32)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@dataclass(frozen=True)
class Quantity:
    """Orders ``units`` on each lane in each period."""

    units: float

    def decide(self, observation: Observation) -> Decision:
        return Decision(observation.lane_position + self.units)


def lane(origin: str, destination: str, product: str = "a", lead: int = 2, **terms: object) -> Lane:
    return Lane(
        product_id=product,
        origin=origin,
        destination=destination,
        lead_time_periods=lead,
        case_pack_units=0,
        **terms,  # type: ignore[arg-type]
    )


def instance_of(*lanes: Lane, products: tuple[str, ...] = ("a",)) -> Instance:
    names = {place for way in lanes for place in (way.origin, way.destination)}
    places = [Location(id=name, holds_stock=not name.startswith("sup")) for name in sorted(names)]
    goods = tuple(Product(id=name, holding_cost=1.0, shortage_cost=4.0) for name in products)
    return Instance(name="x", products=goods, locations=tuple(places), lanes=lanes)


def law(chances: dict[int, float], *, cross: bool = True) -> LeadTimeDistribution:
    return LeadTimeDistribution(
        periods=tuple(chances), probabilities=tuple(chances.values()), orders_cross=cross
    )


def demand_of(instance: Instance) -> ScenarioSource:
    places = tuple(place.id for place in instance.locations if place.holds_stock)
    mean = torch.full((len(instance.products) * len(places),), 3.0)
    return SteadyDemand(Poisson(mean), points=places)


def sampled(
    instance: Instance, paths: int = PATHS, periods: int = PERIODS, seed: int = 0
) -> Scenario:
    supply = UncertainSupply.of(demand_of(instance), instance)
    return supply.sample(paths, periods, generator(seed))


def test_lead_times_come_as_often_as_their_chances() -> None:
    chances = torch.tensor([[[0.2, 0.5, 0.3], [0.0, 0.1, 0.9]]])
    drawn = lead_times(torch.tensor([1, 2, 7]), chances, (PATHS, PERIODS, 1, 2), generator(1))
    for column, expected in enumerate(chances[0]):
        for periods, chance in zip((1, 2, 7), expected.tolist(), strict=True):
            share = (drawn[..., column] == periods).double().mean().item()
            # four standard errors of a share over independent draws
            assert share == pytest.approx(chance, abs=4 * (chance * (1 - chance) / DRAWS) ** 0.5)


def test_a_lead_time_without_chance_is_never_drawn_even_by_rounding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 41 equal chances sum to 1 − 2⁻²⁴ in float32, and that is the largest number drawn below 1
    highest = 1 - 2.0**-24
    chances = torch.cat([torch.full((41,), 1 / 41), torch.zeros(2)]).reshape(1, 1, 43)
    assert chances.double().sum().float().item() == highest
    monkeypatch.setattr(torch, "rand", lambda shape, **_: torch.full(shape, highest))
    assert lead_times(torch.arange(43), chances, (1, 1, 1, 1), generator(2)).item() == 40


def test_draws_are_independent_over_days_paths_and_lanes() -> None:
    chances = torch.tensor([[[0.5, 0.5], [0.5, 0.5]]])
    drawn = lead_times(torch.tensor([0, 1]), chances, (PATHS, PERIODS, 1, 2), generator(3))
    one, other = drawn[..., 0, 0].double() - 0.5, drawn[..., 0, 1].double() - 0.5
    error = 4 * 0.25 / DRAWS**0.5
    assert abs((one * other).mean().item()) < error
    assert abs((one[:, 1:] * one[:, :-1]).mean().item()) < error
    assert abs((one[1:] * one[:-1]).mean().item()) < error


@given(seeds, st.integers(1, 6), st.integers(1, 12))
def test_kept_in_order_no_order_overtakes_and_none_waits_longer_than_it_must(
    seed: int, longest: int, periods: int
) -> None:
    drawn = torch.randint(0, longest + 1, (3, periods, 2, 2), generator=generator(seed))
    kept = in_order(drawn)
    day = torch.arange(periods).reshape(1, -1, 1, 1)
    assert (kept >= drawn).all()
    assert ((kept + day).diff(dim=1) >= 0).all()
    for t in range(1, periods):
        assert torch.equal(kept[:, t], torch.maximum(drawn[:, t], kept[:, t - 1] - 1))


def test_as_drawn_orders_do_overtake() -> None:
    """Negative control: the law above says something."""
    drawn = torch.randint(0, 5, (3, 40, 1, 1), generator=generator(4))
    day = torch.arange(40).reshape(1, -1, 1, 1)
    assert ((drawn + day).diff(dim=1) < 0).any()


def test_the_long_run_share_of_outage_holds_from_the_first_day_to_the_last() -> None:
    fails, mends = torch.tensor([[0.05]]), torch.tensor([[0.2]])
    shape = (20_000, 30, 1, 1)
    open_ = outages(fails, mends, torch.tensor([0]), shape, generator(5))
    for day in (0, 1, 29):
        down = 1 - open_[:, day].mean().item()
        assert down == pytest.approx(0.2, abs=4 * (0.2 * 0.8 / shape[0]) ** 0.5)


def test_outages_start_and_end_with_their_chances() -> None:
    fails, mends = torch.tensor([[0.1]]), torch.tensor([[0.4]])
    open_ = outages(fails, mends, torch.tensor([0]), (PATHS, PERIODS, 1, 1), generator(6))
    before, after = open_[:, :-1] > 0, open_[:, 1:] > 0
    failed = (~after[before]).double().mean().item()
    mended = after[~before].double().mean().item()
    assert failed == pytest.approx(0.1, abs=4 * (0.1 * 0.9 / before.sum().item()) ** 0.5)
    assert mended == pytest.approx(0.4, abs=4 * (0.4 * 0.6 / (~before).sum().item()) ** 0.5)


def test_lanes_of_one_supplier_fail_together_and_those_of_another_do_not() -> None:
    fails, mends = torch.full((2, 3), 0.2), torch.full((2, 3), 0.3)
    supplier = torch.tensor([0, 0, 1])
    open_ = outages(fails, mends, supplier, (PATHS, PERIODS, 2, 3), generator(7))
    assert torch.equal(open_[..., 0], open_[..., 1])
    assert torch.equal(open_[:, :, 0], open_[:, :, 1])
    together = (open_[..., 0] == open_[..., 2]).double().mean().item()
    # independent chains with an outage share of 0.4 agree 0.4² + 0.6² = 0.52 of the time
    assert together == pytest.approx(0.52, abs=0.02)


def test_a_lane_that_never_fails_is_always_open() -> None:
    fails, mends = torch.tensor([[0.3, 0.0, 0.0]]), torch.tensor([[0.3, 1.0, 0.0]])
    open_ = outages(fails, mends, torch.tensor([0, 0, 0]), (50, 50, 1, 3), generator(8))
    assert (open_[..., 1:] == 1).all()
    assert (open_[..., 0] == 0).any()


def shop_of_two_sources() -> Instance:
    failing = Outage(start_probability=0.1, end_probability=0.4)
    return instance_of(
        lane("supplier far", "hub", lead=4, lead_time_distribution=law({2: 0.25, 6: 0.75})),
        lane("supplier near", "hub", lead=1, outage=failing),
        lane("supplier near", "hub", product="b", lead=3),
        products=("a", "b"),
    )


def test_an_instance_draws_what_its_lanes_say_and_leaves_certain_lanes_as_they_are() -> None:
    instance = shop_of_two_sources()
    scenario = sampled(instance)
    drawn, opened = scenario.lead_time, scenario.lane_open
    assert drawn is not None
    assert opened is not None
    world = World.from_instance(instance)
    far = world.network.lanes.index(("supplier far", "hub"))
    near = world.network.lanes.index(("supplier near", "hub"))
    assert set(drawn[:, :, 0, far].flatten().tolist()) == {2, 6}
    assert (drawn[:, :, 0, far] == 6).double().mean().item() == pytest.approx(0.75, abs=0.01)
    assert (drawn[:, :, 0, near] == 1).all()
    assert (drawn[:, :, 1, near] == 3).all()
    assert (opened[:, :, 0, far] == 1).all()
    assert (opened[:, :, 1, near] == 1).all()
    # outage share 0.1 / (0.1 + 0.4)
    assert 1 - opened[:, :, 0, near].mean().item() == pytest.approx(0.2, abs=0.01)
    assert opened.dtype == scenario.demand.dtype


def test_uncertain_supply_leaves_demand_as_its_source_draws_it() -> None:
    instance = shop_of_two_sources()
    source = demand_of(instance)
    certain = source.sample(5, 20, generator(9))
    uncertain = UncertainSupply.of(source, instance).sample(5, 20, generator(9))
    assert torch.equal(uncertain.demand, certain.demand)
    assert uncertain.signal_names == certain.signal_names


def test_the_same_seed_draws_the_same_supply_and_another_one_does_not() -> None:
    one, again, other = (sampled(shop_of_two_sources(), 5, 20, seed) for seed in (1, 1, 2))
    assert one.lead_time is not None
    assert again.lead_time is not None
    assert other.lead_time is not None
    assert torch.equal(one.lead_time, again.lead_time)
    assert not torch.equal(one.lead_time, other.lead_time)


def test_what_is_certain_is_not_drawn() -> None:
    certain = sampled(instance_of(lane("supplier", "hub")), 3, 5)
    assert (certain.lead_time, certain.lane_open) == (None, None)
    failing = lane("supplier", "hub", outage=Outage(start_probability=0.1, end_probability=0.4))
    assert sampled(instance_of(failing), 3, 5).lead_time is None
    late = lane("supplier", "hub", lead_time_distribution=law({2: 1.0}))
    assert sampled(instance_of(late), 3, 5).lane_open is None


def test_no_order_is_taken_during_an_outage() -> None:
    instance = instance_of(
        lane("supplier", "hub", outage=Outage(start_probability=0.2, end_probability=0.3))
    )
    world, scenario, trace = World.from_instance(instance), sampled(instance, 20, 40), Trace()
    rollout(world, Quantity(5.0), scenario, world.empty_state(20), trace)
    assert scenario.lane_open is not None
    torch.testing.assert_close(trace.series("order"), 5 * scenario.lane_open)
    assert 0 < scenario.lane_open.mean() < 1


supports = st.dictionaries(st.integers(0, 6), st.integers(1, 5), min_size=1, max_size=3)


@given(supports, supports, st.tuples(st.booleans(), st.booleans()), seeds)
@settings(max_examples=40)
def test_every_order_arrives_on_the_day_that_was_drawn_for_it(
    one: dict[int, int], other: dict[int, int], crosses: tuple[bool, bool], seed: int
) -> None:
    def random(weights: dict[int, int], *, cross: bool) -> LeadTimeDistribution:
        total = sum(weights.values())
        return law({k: weight / total for k, weight in weights.items()}, cross=cross)

    first, second = random(one, cross=crosses[0]), random(other, cross=crosses[1])
    instance = instance_of(
        lane("supplier", "hub", lead=min(one), lead_time_distribution=first),
        lane("supplier", "shop", "b", lead=min(other), lead_time_distribution=second),
        products=("a", "b"),
    )
    world = World.from_instance(instance, DOUBLE)
    drawn = sampled(instance, 4, 15, seed)
    scenario = replace(drawn, demand=torch.zeros_like(drawn.demand))
    assert scenario.lead_time is not None
    state = world.empty_state(4)
    ordered: list[Tensor] = []
    for period in range(scenario.periods):
        state, flows = step(world, Quantity(1.0 + period), state, scenario, period)
        ordered.append(flows.order)
        came = torch.zeros_like(flows.order)
        for day, units in enumerate(ordered):
            came += units * (day + scenario.lead_time[:, day] <= period)
        torch.testing.assert_close(world.network.into(came), state.on_hand)
        way = sum((slot for slot in state.pipeline if slot is not None), torch.zeros_like(came))
        torch.testing.assert_close(way, state.on_order)
    assert torch.stack(ordered).sum() > 0


def test_goods_sent_between_locations_take_the_time_that_was_drawn() -> None:
    # the hub orders up to 4 on day 0, gets them on day 1 and passes them on: it has no demand
    instance = instance_of(
        lane("supplier", "hub", lead=1),
        lane("hub", "shop", lead=1, lead_time_distribution=law({1: 0.5, 3: 0.5})),
    )
    world = World.from_instance(instance, DOUBLE)
    drawn = sampled(instance, 40, 6)
    scenario = replace(drawn, demand=torch.zeros_like(drawn.demand))
    assert scenario.lead_time is not None
    took = scenario.lead_time[:, 1, 0, 1]
    assert set(took.tolist()) == {1, 3}

    class UpTo:
        def decide(self, observation: Observation) -> Decision:
            levels = torch.tensor([[[4.0, 4.0]]], dtype=DOUBLE)
            return Decision(levels.expand_as(observation.on_order))

    trace = Trace()
    rollout(world, UpTo(), scenario, world.empty_state(40), trace)
    shop = trace.series("left")[:, :, 0, 1]
    for path, periods in enumerate(took.tolist()):
        assert shop[path].tolist() == [4.0 if day >= 1 + periods else 0.0 for day in range(6)]


def test_a_world_of_uncertain_lead_times_refuses_a_scenario_without_them() -> None:
    instance = instance_of(lane("supplier", "hub", lead_time_distribution=law({1: 0.5, 3: 0.5})))
    world = World.from_instance(instance)
    plain = demand_of(instance).sample(2, 5, generator(0))
    with pytest.raises(ConfigurationError, match="UncertainSupply"):
        rollout(world, Quantity(1.0), plain, world.empty_state(2))
    arrivals = world.arrivals
    assert isinstance(arrivals, RandomLeadTimes)
    with pytest.raises(ConfigurationError, match="UncertainSupply"):
        arrivals.place((None,) * 3, torch.ones(1, 1, 1))


@pytest.mark.parametrize("periods", [-1, 4])
def test_a_draw_that_the_pipeline_has_no_place_for_is_refused(periods: int) -> None:
    arrivals = RandomLeadTimes(torch.tensor([[[2]]]), (1, 3))
    late = torch.tensor([[[periods]]])
    message = rf"within 0 … 3 periods in this world; got {periods} … {periods}\."
    with pytest.raises(ConfigurationError, match=message):
        arrivals.place_drawn((None,) * 3, torch.ones(1, 1, 1), late)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=5), seeds)
def test_drawn_lead_times_place_as_mixed_lead_times_do(leads: list[int], seed: int) -> None:
    lead = torch.tensor(leads).reshape(1, -1, 1)
    masks = tuple((periods, (lead == periods).double()) for periods in range(5))
    order = 9 * torch.rand(3, len(leads), 1, generator=generator(seed), dtype=DOUBLE)
    waiting = (None, torch.ones_like(order), None, None)
    slots, now = RandomLeadTimes(lead, tuple(range(5))).place_drawn(waiting, order, lead)
    expected, at_once = MixedLeadTimes(lead, masks).place(waiting, order)
    zero = torch.zeros_like(order)
    for one, other in zip((*slots, now), (*expected, at_once), strict=True):
        assert torch.equal(zero if one is None else one, zero if other is None else other)
