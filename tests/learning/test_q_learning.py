"""Q-learning and SARSA find what can be computed: values, paths and orders of small problems."""

import re
from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from torch import Tensor

from restock.demand.processes import UniformUnits
from restock.errors import CheckpointError, ConfigurationError, TrainingError
from restock.learning.exploration import Exploration, greedy_probabilities
from restock.learning.interaction import Arena
from restock.learning.run import Listener, LogRow, TrainingRun
from restock.learning.value_methods import q_learning, sarsa
from restock.learning.value_methods.action_values import ActionValues
from restock.learning.value_methods.linear_q import LinearQConfig
from restock.learning.value_methods.q_learning import QLearner, QLearningConfig
from restock.learning.value_methods.sarsa import SarsaConfig, SarsaLearner
from restock.learning.value_methods.tabular import ActionTable, Grid, States, table_for
from restock.optimality import lost_sales
from restock.problem import Instance, Product
from restock.seeds import Seeds
from restock.simulation import SteadyDemand, World
from restock.simulation.environments.setup import Controls, RewardWeights, Setup

# chances P[s, a, s′] and rewards R[s, a] of three states and two actions
CHANCES = torch.tensor(
    [
        [[0.8, 0.2, 0.0], [0.1, 0.3, 0.6]],
        [[0.0, 0.5, 0.5], [0.7, 0.0, 0.3]],
        [[0.3, 0.3, 0.4], [0.0, 0.1, 0.9]],
    ],
    dtype=torch.float64,
)
REWARDS = torch.tensor([[0.5, -1.0], [0.0, 1.0], [2.0, -0.5]], dtype=torch.float64)
DISCOUNT, EPSILON = 0.8, 0.3


class Chain(gymnasium.Env[Any, np.int64]):
    """The three states above, seen as a number or, ``as_pair``, as one of two by two."""

    def __init__(self, *, as_pair: bool = False, sign: float = 1.0) -> None:
        self.as_pair, self.place = as_pair, 0
        self.bounds = CHANCES.cumsum(-1).tolist()
        self.paid = (sign * REWARDS).tolist()
        self.observation_space = MultiDiscrete([2, 2]) if as_pair else Discrete(3)
        self.action_space = Discrete(2)

    def seen(self) -> Any:  # noqa: ANN401
        return np.array(divmod(self.place, 2)) if self.as_pair else self.place

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.place = int(3 * self.np_random.random())
        return self.seen(), {}

    def step(self, action: np.int64) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        paid = self.paid[self.place][action]
        first, second, _ = self.bounds[self.place][action]
        drawn = self.np_random.random()
        self.place = int(drawn >= first) + int(drawn >= second)
        return self.seen(), paid, False, False, {}


@pytest.fixture(scope="module", autouse=True)
def _chain() -> None:
    world: Any = Chain
    gymnasium.register("toy/Chain-v0", world, max_episode_steps=20, disable_env_checker=True)


def fixed_point(worth: Callable[[Tensor], Tensor]) -> Tensor:
    """Return Q = R + γ P worth(Q), by iteration to the last digit."""
    values = torch.zeros_like(REWARDS)
    for _ in range(400):
        values = REWARDS + DISCOUNT * CHANCES @ worth(values)
    return values


def best(values: Tensor) -> Tensor:
    return values.amax(-1)


def played(values: Tensor) -> Tensor:
    return (greedy_probabilities(values, EPSILON) * values).sum(-1)


CONFIG = QLearningConfig(
    updates=20,
    validate_every=20,
    environments=64,
    windows=16,
    discount=DISCOUNT,
    learning_rate=0.2,
    exploration=Exploration(start=EPSILON, end=EPSILON),
    validation_episodes=4,
)
SARSA = SarsaConfig(**{item.name: getattr(CONFIG, item.name) for item in fields(CONFIG)})


def learned(
    config: QLearningConfig | SarsaConfig, arena: Arena | None = None, seed: int = 0
) -> Tensor:
    """Return the table at the end of training, the best or not."""
    arena, seeds = arena or Arena("toy/Chain-v0"), Seeds(seed)
    if isinstance(config, SarsaConfig):
        learner: QLearner | SarsaLearner = SarsaLearner(
            arena, config, seeds, table_for(arena, config, "test")
        )
    else:
        learner = QLearner(arena, config, seeds, table_for(arena, config, "test"))
    learner.begin(0)
    for number in range(config.updates):
        learner.update(number)
    learner.interaction.close()
    assert isinstance(learner.policy, ActionTable)
    return learner.policy.table


LONGER: dict[str, dict[str, Any]] = {
    "one step": {},
    "three steps": {"steps": 3, "window": 4, "windows": 4},
    "λ-returns": {"decay": 0.8, "window": 4, "windows": 4},
}


@pytest.mark.parametrize("name", LONGER)
def test_q_learning_finds_the_optimal_values_whatever_it_plays(name: str) -> None:
    found = learned(replace(CONFIG, **LONGER[name]))
    assert float((found - fixed_point(best)).abs().max()) < 0.1
    # the control: these are not the values of the policy that plays
    assert float((found - fixed_point(played)).abs().max()) > 0.3


@pytest.mark.parametrize("name", LONGER)
@pytest.mark.parametrize("expected", [False, True])
def test_sarsa_finds_the_values_of_the_policy_that_plays(name: str, *, expected: bool) -> None:
    found = learned(replace(SARSA, expected=expected, **LONGER[name]))
    assert float((found - fixed_point(played)).abs().max()) < 0.12
    assert float((found - fixed_point(best)).abs().max()) > 0.3


def test_with_rewards_turned_round_the_values_are_others() -> None:
    found = learned(CONFIG, Arena("toy/Chain-v0", {"sign": -1.0}))
    assert float((found - fixed_point(best)).abs().max()) > 1.0


def test_states_of_several_numbers_are_counted_like_one() -> None:
    pairs = learned(CONFIG, Arena("toy/Chain-v0", {"as_pair": True}))
    assert torch.equal(pairs[:3], learned(CONFIG))
    assert not pairs[3].any()  # the fourth pair never occurs


POINT = Grid(low=(0.0,), high=(0.0,), points=(1,))


def test_a_constant_world_is_worth_ten() -> None:
    # reward 1 for ever at discount 0.9: 1 / (1 − 0.9); episodes are cut every 5 steps
    config = replace(CONFIG, discount=0.9, grid=POINT, anneals=False)
    assert learned(config, Arena("toy/Steady-v0")) == pytest.approx(10.0, abs=1e-6)
    # the control: where the cut is an end, nothing comes after it, and it is worth less
    assert float(learned(config, Arena("toy/Steady-v0", {"ends": True})).max()) < 6


def test_one_row_moves_as_the_textbook_says_and_a_batch_as_one_after_another() -> None:
    def fresh() -> ActionTable:
        return ActionTable(States(Discrete(3)), 2, initial_value=1.0)

    # δ = 5 − 1, α = 0.25: 1 + 0.25 · 4 = 2
    one, at, took = fresh(), torch.tensor([1]), torch.tensor([0])
    norm = one.move(at, took, torch.tensor([4.0], dtype=torch.float64), 0.25)
    assert one.table.tolist() == [[1.0, 1.0], [2.0, 1.0], [1.0, 1.0]]
    assert norm == 4.0
    # three rows of the same pair towards the target 5, and one of another towards 3
    batch, together = fresh(), fresh()
    error = torch.tensor([4.0, 2.0, 4.0, 4.0], dtype=torch.float64)
    state, action = torch.tensor([1, 2, 1, 1]), torch.tensor([0, 1, 0, 0])
    norm = together.move(state, action, error, 0.25)
    for s, a, target in ((1, 0, 5.0), (2, 1, 3.0), (1, 0, 5.0), (1, 0, 5.0)):
        wrong = target - batch.table[s, a]
        batch.move(torch.tensor([s]), torch.tensor([a]), wrong.reshape(1), 0.25)
    assert torch.allclose(together.table, batch.table, atol=1e-14)
    # −½ mean δ² has the slopes 12/4 and 2/4
    assert norm == pytest.approx((9 + 0.25) ** 0.5)
    # and nothing is left over for the next batch
    together.move(torch.tensor([0]), torch.tensor([0]), torch.tensor([4.0]).double(), 0.25)
    assert together.table[0, 0] == 2.0


@pytest.mark.parametrize("config", [CONFIG, SARSA], ids=["q-learning", "sarsa"])
def test_a_corridor_is_walked_straight_to_its_end(config: QLearningConfig | SarsaConfig) -> None:
    module: Any = sarsa if isinstance(config, SarsaConfig) else q_learning
    run = module.fit(Arena("toy/Corridor-v0"), replace(config, discount=1.0), Seeds(1))
    # 1 − 4 · 0.1, and every step goes right
    assert run.best_validation_cost == pytest.approx(-0.6, abs=1e-6)
    assert run.policy.act(torch.arange(4)).tolist() == [1, 1, 1, 1]


CLIFF = Arena("CliffWalking-v1", {"max_episode_steps": 100})


def walk(table: Tensor) -> list[tuple[int, int]]:
    """Return the squares (row, column) of the greedy walk from the start, 40 at most."""
    env = gymnasium.make("CliffWalking-v1")
    place, _ = env.reset()
    squares = []
    for _ in range(40):
        place, _, over, _, _ = env.step(int(table[place].argmax()))
        squares.append(divmod(int(place), 12))
        if over:
            break
    return squares


def test_q_learning_walks_along_the_cliff_and_sarsa_away_from_it() -> None:
    # Sutton and Barto, example 6.6: ε = 0.1, no discount; 13 steps lead along the edge
    common: dict[str, Any] = {
        "discount": 1.0,
        "learning_rate": 0.5,
        "exploration": Exploration(start=0.1, end=0.1),
    }
    daring = walk(learned(replace(CONFIG, **common), CLIFF))
    careful = walk(learned(replace(SARSA, **common, expected=True), CLIFF))
    assert len(daring) == 13
    assert daring.count((2, 5)) == 1
    assert careful[-1] == (3, 11)
    assert 15 <= len(careful) <= 17
    beside = {(2, column) for column in range(1, 11)}
    assert not beside & set(careful)


MOST_DEMAND = 2


def shop(*, sign: float = 1.0) -> Setup:
    """Return a shop with uniform demand 0, 1, 2, lead time 1 and orders of up to 3 units."""
    product = Product(id="item", holding_cost=1.0, shortage_cost=4.0)
    return Setup(
        name=f"three coins {sign}",
        world=World.from_instance(Instance.single_location([product], 1)),
        source=SteadyDemand(UniformUnits(MOST_DEMAND)),
        periods=50,
        mean=torch.tensor([[1.0]]),
        controls=Controls(most=torch.tensor([[3.0]]), are_levels=False, is_discrete=True),
        weights=RewardWeights(profit=0.0, inventory_cost=sign),
        shows=("stock",),
    )


def average_cost(sign: float) -> tuple[float, float]:
    """Return the exact average cost of the learned orders, and the least possible."""
    config = replace(
        CONFIG,
        discount=0.95,
        environments=256,
        updates=25,
        exploration=Exploration(start=1.0, end=0.2),
        initial_value=-20.0 * sign,
        grid=Grid.whole_units((6,)),
    )
    table = learned(config, Arena(shop(sign=sign)))

    def orders(states: np.ndarray) -> np.ndarray:
        # beyond the grid nothing needs to be ordered
        rows = table[np.minimum(states[:, 0], 6)].argmax(-1).numpy()
        return np.asarray(np.where(states[:, 0] > 6, 0, rows))

    problem = lost_sales.LostSales(np.full(3, 1 / 3), 1, holding_cost=1.0, shortage_cost=4.0)
    return lost_sales.evaluate(problem, orders).cost, lost_sales.solve(problem).cost


def test_tabular_q_learning_finds_the_optimal_orders_of_a_small_shop() -> None:
    found, least = average_cost(1.0)
    assert found == pytest.approx(least, abs=1e-5)


def test_a_shop_that_wants_to_lose_money_does() -> None:
    found, least = average_cost(-1.0)
    assert found > 1.5 * least


def interrupted(row: LogRow) -> None:
    if row.update == 7:
        raise KeyboardInterrupt


MODULES: dict[str, Any] = {"q-learning": q_learning, "sarsa": sarsa}
RESUMED = {
    "q-learning": replace(CONFIG, updates=10, validate_every=5, decay=0.8, window=8, windows=2),
    "sarsa": replace(SARSA, updates=10, validate_every=5, windows=5),
}


@pytest.mark.parametrize("method", RESUMED)
def test_an_interrupted_run_goes_on_to_the_same_table_bit_for_bit(
    method: str, tmp_path: Path
) -> None:
    config, module = RESUMED[method], MODULES[method]

    def run(folder: Path | None, *listeners: Listener) -> TrainingRun[ActionValues]:
        arena = Arena("toy/Chain-v0")
        found: TrainingRun[ActionValues] = module.fit(
            arena, config, Seeds(3), folder=folder, listeners=listeners
        )
        return found

    whole = run(None)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, interrupted)
    resumed = run(tmp_path)
    assert torch.equal(resumed.policy.state_dict()["table"], whole.policy.state_dict()["table"])
    assert [replace(row, seconds=0.0) for row in resumed.log] == [
        replace(row, seconds=0.0) for row in whole.log
    ]
    other = Arena("toy/Chain-v0", {"sign": -1.0})
    with pytest.raises(CheckpointError, match="arena was"):
        module.fit(other, config, Seeds(3), folder=tmp_path)


def test_a_reward_that_is_no_number_stops_training_and_is_kept(tmp_path: Path) -> None:
    # 16 steps of each environment make an update; the fourth meets it, after the checkpoint of 3
    arena = Arena("toy/Steady-v0", {"good_steps": 3 * 16 + 5})
    config = replace(CONFIG, grid=POINT, validate_every=3)
    with pytest.raises(TrainingError, match=r"sums to nan at update 4;") as caught:
        q_learning.fit(arena, config, Seeds(0), folder=tmp_path)
    assert "\n" not in str(caught.value)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert bool(saved["policy"]["table"].isfinite().all())
    batch = torch.load(tmp_path / "offending-batch.pt", weights_only=True)
    assert bool(batch["reward"].isnan().any())


def test_a_table_cannot_serve_every_space() -> None:
    seeds = Seeds(0)
    with pytest.raises(ConfigurationError, match=r"no grid. Give `grid=Grid"):
        q_learning.fit(Arena("CartPole-v1"), CONFIG, seeds)
    with pytest.raises(ConfigurationError, match="Q-learning needs discrete actions"):
        q_learning.fit(Arena("restock/LostSales-v0"), CONFIG, seeds)
    with pytest.raises(ConfigurationError, match=r"each of the 4 numbers .* got 1. Give 4"):
        sarsa.fit(Arena("CartPole-v1"), replace(SARSA, grid=POINT), seeds)
    with pytest.raises(ConfigurationError, match="Wrap the environment"):
        States(gymnasium.spaces.Tuple((Discrete(2),)))
    with pytest.raises(ConfigurationError, match="10000000 states × 21 actions; at most 50000000"):
        ActionTable(States(Discrete(10**7)), 21)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate": float("nan")}, "`learning_rate`"),
        ({"learning_rate": 1.5}, r"`learning_rate` must be in \[0, 1\]; got 1.5"),
        ({"discount": -0.1}, "`discount`"),
        ({"steps": 3}, "`window` must be ≥ 3 for these targets; got 1. Try 12."),
        ({"decay": 0.5}, "`window` must be ≥ 2"),
        ({"decay": 0.5, "steps": 2, "window": 4}, "Leave one out"),
        ({"decay": float("nan")}, "`decay`"),
        ({"windows": 0}, "`windows`"),
        ({"initial_value": float("nan")}, "`initial_value` must be finite; got nan"),
    ],
)
def test_settings_out_of_range_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        replace(CONFIG, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"low": (0.0, 0.0)}, "of one length, ≥ 1; got 2, 1 and 1"),
        ({"low": (float("nan"),)}, "got nan to 1.0"),
        ({"low": (1.0,)}, "got 1.0 to 1.0"),
        ({"points": (0,)}, "integers ≥ 1; got 0"),
    ],
)
def test_a_grid_without_points_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Grid(**{"low": (0.0,), "high": (1.0,), "points": (4,), **change})


def test_the_nearest_point_of_a_grid_stands_for_what_is_seen() -> None:
    grid = Grid(low=(-1.0, 0.0), high=(1.0, 10.0), points=(3, 2))
    states = States(Box(-9, 99, (2,)), grid)
    seen = torch.tensor([[-7.0, 4.9], [-0.4, 5.1], [0.4, 99.0], [0.6, 0.0]])
    assert states(seen).tolist() == [0, 3, 3, 4]


@pytest.fixture(scope="module")
def page(project_root: Path) -> str:
    return (project_root / "docs/q-learning.md").read_text(encoding="utf-8")


def test_the_python_of_the_page_runs_as_it_stands(page: str) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) > 8
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "q-learning.md", "exec"), names)  # noqa: S102 - it is our own page


def test_a_wrong_number_on_the_page_would_be_seen(page: str) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    by_hand = "\n".join(block for block in blocks if "fit(" not in block and "run." not in block)
    numbers = ("9.6)", "10.1)", "19.09)", "9.49)", "0.061388)", "1.0000949)", "12.5230149)")
    for number in numbers:
        wrong = by_hand.replace(number, number.replace(")", "1)"))
        assert wrong != by_hand
        with pytest.raises(AssertionError):
            exec(compile(wrong, "q-learning.md", "exec"), {})  # noqa: S102 - our own page, spoilt


def test_the_page_s_table_has_every_setting_and_its_default(page: str) -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", page, flags=re.MULTILINE))
    settings = {
        item.name: None if item.default is MISSING else item.default
        for config in (QLearningConfig, SarsaConfig, LinearQConfig)
        for item in fields(config)
    }
    assert told.keys() == settings.keys()
    ramp = Exploration()
    assert (ramp.start, ramp.end, ramp.share) == (1.0, 0.05, 0.5)
    assert told.pop("exploration") == "1 → 0.05 in the first half"
    for name, cell in told.items():
        default = settings[name]
        word = {True: "true", False: "false"}.get(default) if isinstance(default, bool) else None
        text = "none" if default is None else word or str(default)
        assert cell == text.removesuffix(".0"), name
