"""The registered environments: Gymnasium's own checks, ids, fields, actions, errors, pictures."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.error import NameNotFound, ResetNeeded
from gymnasium.utils.env_checker import check_env

from restock.demand.processes import Poisson
from restock.environments import IDS
from restock.errors import ConfigurationError, InstanceError
from restock.problem import Instance, Lane, Location, Outage, Product
from restock.simulation import (
    Decision,
    Observation,
    SteadyDemand,
    Trace,
    UncertainSupply,
    World,
    rollout,
)
from restock.simulation.environments import (
    CONFIGS,
    PARTS,
    Controls,
    InventoryEnv,
    RewardWeights,
    Setup,
    field_named,
)

each_id = pytest.mark.parametrize("name", IDS)


class Step(NamedTuple):
    """What an action met with, as plain numbers."""

    seen: list[float]
    reward: float
    ends: tuple[bool, bool]
    info: dict[str, float]


def made(name: str, **settings: object) -> InventoryEnv:
    env = gymnasium.make(name, **dict[str, Any](settings)).unwrapped
    assert isinstance(env, InventoryEnv)
    return env


def play(env: InventoryEnv, seed: int, most: int) -> list[Step]:
    """Return what random actions meet with until the episode ends."""
    env.action_space.seed(seed)
    env.reset(seed=seed)
    told: list[Step] = []
    while len(told) < most and not (told and any(told[-1].ends)):
        seen, reward, terminated, truncated, info = env.step(env.action_space.sample())
        told.append(Step(seen.tolist(), reward, (terminated, truncated), info))
    return told


def still(env: InventoryEnv, number: float = 0.0) -> np.ndarray:
    """Return an action of the same number everywhere."""
    return np.full(env.action_space.shape or (), number, dtype=np.float32)


@pytest.mark.filterwarnings("error")
@each_id
def test_gymnasiums_own_checker_finds_nothing_to_warn_about(name: str) -> None:
    check_env(made(name))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_other_lead_times_and_quantities_pass_the_checker_too(name: str) -> None:
    settings: dict[str, Any] = {"action": "quantity"} if name != "Clearance" else {}
    if "lead_time_periods" in {field.name for field in dataclasses.fields(CONFIGS[name])}:
        settings["lead_time_periods"] = 3
    check_env(made(f"restock/{name}-v0", **settings))


TUTORIAL = """
import sys
import gymnasium
{imports}
assert "torch" not in sys.modules, "torch was loaded before anything was made"
env = gymnasium.make({id!r})
assert "torch" in sys.modules
observation, info = env.reset(seed=42)
ended = 0
for _ in range(1000):
    action = env.action_space.sample()
    observation, reward, terminated, truncated, info = env.step(action)
    if terminated or truncated:
        observation, info = env.reset()
        ended += 1
env.close()
print(ended)
"""


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_tutorials_loop_runs_and_torch_waits_until_an_environment_is_made() -> None:
    # 1000 steps are ten episodes of 100 periods
    code = TUTORIAL.format(imports="import restock.environments", id="restock/Inventory-v0")
    assert python(code) == "10"


def test_gymnasium_finds_an_id_by_itself_when_the_module_stands_before_it() -> None:
    code = TUTORIAL.format(imports="", id="restock.environments:restock/LostSales-v0")
    assert python(code) == "10"


@each_id
def test_the_same_seed_gives_the_same_episode_and_another_seed_another(name: str) -> None:
    env = made(name)
    assert play(env, 3, 40) == play(env, 3, 40)
    assert play(env, 3, 40) != play(env, 4, 40)


@each_id
def test_fields_name_every_number_of_observations_and_actions(name: str) -> None:
    env = made(name)
    for fields, space in (
        (env.observation_fields, env.observation_space),
        (env.action_fields, env.action_space),
    ):
        assert [field.start for field in fields] == [0, *(field.stop for field in fields[:-1])]
        assert fields[-1].stop == int(np.prod(space.shape or ()))
        assert all(len(field.labels) == field.size for field in fields)
        names = [f"{field.name} {label}" for field in fields for label in field.labels]
        assert len(set(names)) == len(names)
        for field in fields:
            if isinstance(space, gymnasium.spaces.Box):
                assert (space.low[field.where] == np.float32(field.low)).all()
                assert (space.high[field.where] == np.float32(field.high)).all()


@each_id
def test_info_has_every_part_and_the_reward_is_their_weighted_sum(name: str) -> None:
    env = made(name)
    weights = env.setup.weights
    for _, reward, _, info in play(env, 5, 20):
        assert tuple(info) == tuple(PARTS)
        worth = weights.profit * info["profit"] + weights.satisfaction * info["satisfaction"]
        expected = (worth - weights.inventory_cost * info["inventory_cost"]) / weights.scale
        assert reward == pytest.approx(expected, rel=1e-12)
        extra = info["fixed_cost"] + info["lane_cost"] + info["waste_cost"] + info["shipping_cost"]
        held = info["holding_cost"] + info["shortage_cost"]
        assert info["inventory_cost"] == pytest.approx(held, rel=1e-9)
        assert info["cost"] == pytest.approx(held + extra, rel=1e-9)
        earned = info["revenue"] - info["purchases"] - extra
        assert info["profit"] == pytest.approx(earned, rel=1e-9, abs=1e-9)
        assert 0 <= info["satisfaction"] <= 1


def test_weights_are_settings() -> None:
    settings: dict[str, Any] = {
        "profit_weight": 0.0,
        "satisfaction_weight": 3.0,
        "inventory_cost_weight": 0.0,
    }
    env = InventoryEnv("LostSales", reward_scale=2.0, **settings)
    for _, reward, _, info in play(env, 1, 10):
        assert reward == pytest.approx(1.5 * info["satisfaction"])


class Replay:
    """Orders a recorded list of quantities, on one lane."""

    def __init__(self, quantities: list[float]) -> None:
        self.coming = iter(quantities)

    def decide(self, observation: Observation) -> Decision:
        return Decision(observation.inventory_position + next(self.coming))


@pytest.mark.parametrize("problem", ["LostSales", "Backorders", "FixedCost", "Perishables"])
def test_an_episode_has_the_numbers_of_a_rollout(problem: str) -> None:
    env = InventoryEnv(problem, action="quantity", starts_empty=True)
    told = [step.info for step in play(env, 7, 999)]
    assert len(told) == 100
    trace = Trace()
    policy = Replay([step["order"] for step in told])
    scenario = env.episodes.scenario.window(0, 100)
    rollout(env.setup.world, policy, scenario, env.setup.world.empty_state(1), trace)
    for name in ("cost", "order", "demand", "sold", "lost"):
        expected = trace.series(name).flatten().double().tolist()
        assert [step[name] for step in told] == pytest.approx(expected, abs=1e-4)


def test_an_observation_is_stock_backlog_and_what_is_due_in_periods_of_demand() -> None:
    # mean 5, L = 3, backorders, empty: 10 units are ordered and due in 3 periods
    settings: dict[str, Any] = {"action": "quantity", "largest_order": 10.0, "starts_empty": True}
    env = InventoryEnv("Backorders", lead_time_periods=3, **settings)
    first, _ = env.reset(seed=3)
    assert [field.name for field in env.observation_fields] == ["stock", "backlog", "pipeline"]
    assert first.tolist() == [0, 0, 0, 0]
    second, _, _, _, info = env.step(np.ones(1, dtype=np.float32))
    assert second == pytest.approx([0, info["demand"] / 5, 0, 2], rel=1e-6)
    third, *_ = env.step(-np.ones(1, dtype=np.float32))
    assert third[2:].tolist() == [2, 0]
    fourth, *_ = env.step(-np.ones(1, dtype=np.float32))
    assert fourth[[0, 2, 3]].tolist() == [2, 0, 0]


def test_an_episode_begins_with_a_lead_times_demand_and_a_period_more_for_customers() -> None:
    # lead times 2, 4, 3, 1 and demand of mean 5 at the last of four stages
    first, _ = InventoryEnv("Serial").reset(seed=1)
    assert first[:4].tolist() == [2, 4, 3, 2]
    empty, _ = InventoryEnv("Serial", starts_empty=True).reset(seed=1)
    assert not empty.any()


def test_a_level_is_a_share_of_the_highest_and_raises_the_position_to_it() -> None:
    env = InventoryEnv("LostSales", highest_level=40.0, lead_time_periods=2, starts_empty=True)
    env.reset(seed=1)
    *_, info = env.step(np.array([0.5], dtype=np.float32))  # (0.5 + 1) / 2 of 40
    assert info["order"] == 30
    *_, after = env.step(np.array([0.5], dtype=np.float32))
    assert after["order"] == 0  # nothing was on the shelf to be sold
    *_, later = env.step(np.array([0.5], dtype=np.float32))
    assert later["sold"] == later["demand"] > 0
    *_, last = env.step(np.array([0.5], dtype=np.float32))
    assert last["order"] == later["sold"]


def test_a_batch_keeps_small_orders_back() -> None:
    env = InventoryEnv("FixedCost", highest_level=100.0, starts_empty=True)
    env.reset(seed=1)
    batch = env.setup.controls.most_batch
    assert batch is not None
    # S = 50; a batch of all but nothing, then one that no wish reaches
    *_, info = env.step(np.array([0.0, -1.0], dtype=np.float32))
    assert (info["order"], info["fixed_cost"]) == (50, 64)
    *_, info = env.step(np.array([0.0, 1.0], dtype=np.float32))
    assert info["order"] == info["fixed_cost"] == 0


def test_the_slow_supplier_counts_what_the_fast_one_brings_today() -> None:
    # levels of at most 8 and 16: z_e = 4, z_r = 7 are the shares 1/2 and 7/16
    env = InventoryEnv("DualSourcing", starts_empty=True)
    env.reset(seed=2)
    levels = np.array([0.0, -0.125], dtype=np.float32)
    env.step(levels)
    lanes = env.setup.lane_names
    assert lanes == ("expedited→shop", "regular→shop")
    flows = env.episodes.flows
    assert flows is not None
    assert flows.order.flatten().tolist() == [4, 3]  # empty: 4 at once, and 7 − 4 more
    stock = 4 - flows.demand.item()
    env.step(levels)
    again = env.episodes.flows
    assert again is not None
    # the 3 regular units arrive tomorrow: the fast lane does not count them, the slow one does
    fast = max(4 - stock, 0)
    assert again.order.flatten().tolist() == [fast, 7 - stock - 3 - fast]


def test_prices_and_shares_reach_the_world() -> None:
    env = InventoryEnv("Inventory")
    env.reset(seed=1)
    action = still(env)
    action[field_named(env.action_fields, "price").where] = 1.0
    share = field_named(env.action_fields, "share")
    action[share.where] = [float(label.endswith("fc south")) for label in share.labels]
    seen, _, _, _, _ = env.step(action)
    # prices may go up to 120 %, but by 10 % of the list price at once
    price = field_named(env.observation_fields, "price")
    assert seen[price.where] == pytest.approx([1.1, 1.1, 1.1])
    flows = env.episodes.flows
    assert flows is not None
    names = list(env.setup.world.network.locations)
    sold = flows.served.sold.sum(1).flatten()
    stock = sold[names.index("fc south")] + flows.served.left[..., names.index("fc south")].sum()
    # everything is first asked of the south, as long as it has any
    assert sold[names.index("fc south")] > sold[names.index("fc north")]
    assert stock >= sold[names.index("fc south")]


def test_the_shop_shows_orders_received_and_satisfaction_as_they_were() -> None:
    env = InventoryEnv("Inventory")
    first, _ = env.reset(seed=1)
    fields = {field.name: field.where for field in env.observation_fields}
    assert not first[fields["orders_received"]].any()
    assert first[fields["satisfaction"]] == pytest.approx([0.9] * 3)
    seen, _, _, _, info = env.step(still(env, -1))
    flows = env.episodes.flows
    assert flows is not None
    asked = (flows.demand[0] / env.setup.mean).flatten().tolist()
    assert seen[fields["orders_received"]] == pytest.approx(asked, rel=1e-6)
    assert info["satisfaction"] == pytest.approx(float(seen[fields["satisfaction"]].mean()))


def test_a_forecast_is_right_on_average() -> None:
    env = InventoryEnv("Inventory", demand_swing=0.5, periods=400)
    env.reset(seed=1)
    scenario = env.episodes.scenario
    assert scenario.signals is not None
    today = scenario.signals[0, :, :, scenario.signal_names.index("today")]
    drawn = scenario.demand[0].sum(-1)
    assert today.std(0).min() > 1  # seasons there are
    error = (drawn - today).mean(0) / (today.mean(0) / len(drawn)).sqrt()
    assert error.abs().max() < 4  # a Poisson mean of as many days
    ahead = scenario.signals[0, :, :, scenario.signal_names.index("ahead")]
    assert ahead[10] == pytest.approx(today[10:15].mean(0), rel=1e-5)


def test_an_episode_is_cut_off_unless_the_problem_itself_ends() -> None:
    env = InventoryEnv("LostSales", periods=7)
    assert [step.ends for step in play(env, 1, 99)] == [(False, False)] * 6 + [(False, True)]
    over = InventoryEnv("Clearance", periods=7)
    assert [step.ends for step in play(over, 1, 99)] == [(False, False)] * 6 + [(True, False)]
    sold = InventoryEnv("Clearance", opening_stock=3.0)
    told = play(sold, 1, 99)
    assert len(told) < 30
    assert told[-1].ends == (True, False)
    assert sum(step.info["sold"] for step in told) == pytest.approx(3)


@each_id
def test_an_episode_that_is_over_must_be_reset(name: str) -> None:
    env = made(name, periods=1)
    action = env.action_space.sample()
    with pytest.raises(ResetNeeded):
        env.step(action)
    env.reset(seed=0)
    assert any(env.step(action)[2:4])
    with pytest.raises(ResetNeeded):
        env.step(action)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.array([1.5]), r"must lie in \[-1, 1\]; got 1.5 at place 0. Clip the action"),
        (np.array([np.nan]), r"must lie in \[-1, 1\]; got nan at place 0"),
        (np.array([0.1, 0.2]), r"must have shape \(1,\); got \(2,\). Give one number for each"),
        (0.5, r"must have shape \(1,\); got \(\)"),
        (np.array(["much"]), "must be numbers"),
    ],
)
def test_an_action_outside_its_space_is_refused(action: np.ndarray, message: str) -> None:
    env = InventoryEnv("LostSales")
    env.reset(seed=0)
    with pytest.raises(ConfigurationError, match=message):
        env.step(action)


@pytest.mark.parametrize("action", [-1, 21, 2.5, float("nan")])
def test_a_discrete_action_is_a_whole_number_of_units(action: float) -> None:
    env = InventoryEnv("LostSales", discrete=True)
    env.reset(seed=0)
    with pytest.raises(ConfigurationError, match=f"must lie in 0 … 20; got {action}"):
        env.step(action)
    *_, info = env.step(20)
    assert info["order"] == 20


def test_a_list_a_float64_and_a_float32_are_the_same_action() -> None:
    ended = []
    for action in ([0.25], np.array([0.25]), np.array([0.25], dtype=np.float32)):
        env = InventoryEnv("LostSales")
        env.reset(seed=0)
        ended.append(env.step(action)[4])
    assert ended[0] == ended[1] == ended[2]


def test_unknown_ids_and_settings_say_what_was_meant() -> None:
    with pytest.raises(NameNotFound, match="Did you mean: `LostSales`"):
        gymnasium.make("restock/LostSale-v0")
    with pytest.raises(ConfigurationError, match=r"'lead_time' is no setting of 'LostSales'. Did"):
        gymnasium.make("restock/LostSales-v0", lead_time=3)
    with pytest.raises(ConfigurationError, match=r"problem 'Lostsales' is unknown. Did you mean"):
        InventoryEnv("Lostsales")
    with pytest.raises(
        ConfigurationError, match=r"render mode 'rgb_arry' is unknown. Did you mean"
    ):
        InventoryEnv("LostSales", render_mode="rgb_arry")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"periods": 0}, "`periods` must be an integer ≥ 1; got 0"),
        ({"reward_scale": 0.0}, "`reward_scale` must be > 0; got 0.0"),
        ({"profit_weight": float("inf")}, "weight of `profit` in the reward must be finite"),
        ({"action": "amount"}, "`action` must be one of level, quantity; got 'amount'"),
        ({"highest_level": float("nan")}, "`highest_level` must be > 0 and finite; got nan"),
        ({"mean_demand": -5.0}, "`mean` must be finite and ≥ 0; got -5"),
        ({"holding_cost": -1.0}, "`holding_cost` must be finite and ≥ 0; got -1.0"),
        ({"lead_time_periods": -1}, "`lead_time_periods` must be an integer ≥ 0; got -1"),
    ],
)
def test_a_setting_outside_its_range_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((ConfigurationError, InstanceError), match=re.escape(message)):
        InventoryEnv("LostSales", **settings)


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="discrete actions are order quantities and"):
        InventoryEnv("Inventory", discrete=True)
    with pytest.raises(ConfigurationError, match="`sds` must hold one number for each of 3"):
        InventoryEnv("OneWarehouse", sds=(1.0, 2.0))
    with pytest.raises(ConfigurationError, match="a setup has its own settings; got periods"):
        InventoryEnv(InventoryEnv("LostSales").setup, periods=3)


def own_setup(**settings: object) -> Setup:
    """Return a setup of a supplier that fails and takes orders every second day."""
    lane = Lane(
        product_id="tea",
        origin="acme",
        destination="shop",
        lead_time_periods=1,
        order_cycle_periods=2,
        outage=Outage(start_probability=0.3, end_probability=0.3),
    )
    instance = Instance(
        name="shop",
        products=(Product(id="tea", holding_cost=1.0, shortage_cost=4.0),),
        locations=(Location(id="acme", holds_stock=False), Location(id="shop")),
        lanes=(lane,),
    )
    source = UncertainSupply.of(SteadyDemand(Poisson(torch.tensor([5.0]))), instance)
    terms: dict[str, Any] = {
        "name": "own",
        "world": World.from_instance(instance),
        "source": source,
        "periods": 40,
        "mean": torch.tensor([[5.0]]),
        "controls": Controls(most=torch.tensor([[30.0]])),
        "weights": RewardWeights(),
        "shows": ("stock",),
    }
    return Setup(**terms | settings)


@pytest.mark.filterwarnings("error")
def test_ones_own_world_is_an_environment_too_with_its_order_days_and_outages() -> None:
    env = made("restock/LostSales-v0", problem=own_setup())
    check_env(env)
    env.reset(seed=1)
    opened = env.episodes.scenario.lane_open
    assert opened is not None
    orders = [env.step(np.ones(1, dtype=np.float32))[4]["order"] > 0 for _ in range(40)]
    assert orders == (opened[0, :40].flatten() > 0).tolist()
    assert not any(orders[1::2])  # the lane takes orders on even days
    assert 0 < sum(orders[::2]) < 20  # and not on all of them


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shows": ("stocks",)}, "field 'stocks' is unknown. Did you mean 'stock'"),
        ({"shows": ("backlog",)}, "field 'backlog' is empty in the world of 'own'"),
        ({"mean": torch.tensor([[0.0]])}, "`mean` must be (1, 1) numbers, > 0 for each product"),
        ({"opening": torch.zeros(1, 2)}, "`opening` must have shape (1, 1); got (1, 2)"),
    ],
)
def test_a_setup_that_does_not_fit_its_world_is_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        InventoryEnv(own_setup(**settings))


def test_an_action_that_decides_nothing_or_allocates_what_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="an action must decide something"):
        Controls()
    setup = own_setup(controls=Controls(allocates=True))
    with pytest.raises(ConfigurationError, match="the world of 'own' has no regions"):
        InventoryEnv(setup)
    with pytest.raises(ConfigurationError, match="`most` must be finite and ≥ 0"):
        Controls(most=torch.tensor([[float("nan")]]))


def test_a_picture_shows_stock_orders_demand_and_what_was_lost() -> None:
    env = InventoryEnv("LostSales", render_mode="rgb_array")
    env.reset(seed=1)
    empty = env.render()
    for _ in range(10):
        env.step(np.full(1, -1.0, dtype=np.float32))  # nothing is ordered: all demand is lost
    picture = env.render()
    assert isinstance(picture, np.ndarray)
    assert isinstance(empty, np.ndarray)
    assert picture.shape == empty.shape
    red, green = ((picture == colour).all(-1).sum() for colour in ((190, 60, 50), (70, 140, 80)))
    assert red > 200 > green == 0
    assert InventoryEnv("LostSales").render() is None


def test_text_tells_the_last_numbers() -> None:
    env = InventoryEnv("LostSales", render_mode="ansi")
    env.reset(seed=1)
    env.step(np.ones(1, dtype=np.float32))
    *_, info = env.step(np.ones(1, dtype=np.float32))
    text = env.render()
    assert isinstance(text, str)
    title, *rows = text.splitlines()
    assert title == "LostSales, period 2 of 100"
    assert [row.split()[:2] for row in rows] == [
        [name, f"{info[name]:.1f}"] for name in ("stock", "order", "demand", "lost")
    ]
    assert len(rows[2].split()[2]) == 2


# --- the page that documents them -------------------------------------------------------------


def sections(page: Path) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {head.strip("` "): text for head, text in zip(parts[1::2], parts[2::2], strict=True)}


def rows(text: str) -> dict[str, list[str]]:
    """Return the cells of each table row by the name in backticks that it begins with."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip("` "): [cell.strip() for cell in cells[1:]] for cells in lines}


@pytest.fixture(scope="session")
def page(project_root: Path) -> dict[str, str]:
    return sections(project_root / "docs" / "environments.md")


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_every_field_and_setting_is_documented(page: dict[str, str], name: str) -> None:
    text = page[f"restock/{name}-v0"]
    seen, done, settings = (
        rows(text.partition(f"### {title}")[2].partition("###")[0])
        for title in ("Observation", "Action", "Settings")
    )
    env = InventoryEnv(name)
    for fields, told in ((env.observation_fields, seen), (env.action_fields, done)):
        assert list(told) == [field.name for field in fields]
        for field in fields:
            places = str(field.start) if field.size == 1 else f"{field.start}–{field.stop - 1}"
            assert told[field.name] == [places, field.unit, field.meaning]
    shared = rows(page["Settings of all environments"])
    own = {item.name: item.default for item in dataclasses.fields(CONFIGS[name])}
    assert own.keys() == (shared.keys() & own.keys()) | settings.keys()
    for key, default in own.items():
        cells = settings.get(key, shared.get(key))
        assert cells is not None
        assert cells[0] == f"`{json.dumps(default)}`", key


def test_every_id_and_part_is_documented(page: dict[str, str]) -> None:
    told = "".join(page)
    assert rows(page["Reward and info"]) == {name: [meaning] for name, meaning in PARTS.items()}
    for name in IDS:
        assert name in told or f"`{name}`" in "".join(page.values())


def test_the_pages_python_runs_as_it_stands(project_root: Path) -> None:
    text = (project_root / "docs" / "environments.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert len(examples) >= 3
    for code in examples:
        exec(compile(code, "environments.md", "exec"), {})  # noqa: S102 - it is our own page
