"""Measure one row of the simulator benchmark in a process of its own and print it as JSON.

Called by ``benchmark.py`` as ``measure.py '{"kind": "forward", "chains": 1000, …}'``.
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import torch

from restock.demand.processes import Poisson
from restock.policies import BaseStock, NeuralOrderUpTo, NeuralOrderUpToConfig
from restock.problem import Instance, Product
from restock.seeds import Seeds
from restock.simulation import (
    CostTally,
    Scenario,
    SteadyDemand,
    World,
    average_cost,
    rollout,
)
from restock.simulation.environments import InventoryEnv

LEAD_TIME, MEAN, LEVEL, MAX_ORDER = 4, 5.0, 23.0, 20.0
# chains whose activations over a window still fit the cache; gradients of chunks add up
GRADIENT_CHUNK = 8192


@dataclass(frozen=True, slots=True)
class Row:
    """What to measure: ``kind`` of work, parallel ``chains``, ``periods`` each, ``repeats``."""

    kind: str
    chains: int
    periods: int
    repeats: int
    threads: int


def the_world() -> World:
    """Return the textbook's lost-sales problem: Poisson(5), L = 4, h = 1, p = 4."""
    product = Product(id="a", holding_cost=1.0, shortage_cost=4.0)
    return World.from_instance(Instance.single_location([product], LEAD_TIME))


def the_source() -> SteadyDemand:
    """Return its demand."""
    return SteadyDemand(Poisson(torch.tensor([MEAN])))


def the_network() -> NeuralOrderUpTo:
    """Return the default network, two hidden layers of 32, at a capped base-stock anchor."""
    config = NeuralOrderUpToConfig(pipeline_slots=LEAD_TIME - 1)
    anchor, cap = torch.tensor(LEVEL / MEAN), torch.tensor(1.5)
    return NeuralOrderUpTo(config, anchor, cap, Seeds(0).torch("network"))


def drawn(row: Row) -> Scenario:
    """Draw the row's demand paths."""
    return the_source().sample(row.chains, row.periods, Seeds(0).torch("demand"))


def forward(row: Row) -> Callable[[], object]:
    """Simulate base stock."""
    world, scenario = the_world(), drawn(row)
    policy = BaseStock(torch.tensor([[[LEVEL]]]))
    return lambda: average_cost(world, policy, scenario, 0)


def network_forward(row: Row) -> Callable[[], object]:
    """Simulate the network without its gradient."""
    world, scenario, policy = the_world(), drawn(row), the_network()
    return lambda: average_cost(world, policy, scenario, 0)


def gradient(row: Row) -> Callable[[], object]:
    """Simulate the network and differentiate the average cost through every period."""
    world, scenario, policy = the_world(), drawn(row), the_network()

    def work() -> None:
        policy.zero_grad()
        for start in range(0, row.chains, GRADIENT_CHUNK):
            part = scenario.path_slice(start, min(start + GRADIENT_CHUNK, row.chains))
            tally = CostTally()
            rollout(world, policy, part, world.empty_state(part.paths), tally)
            loss = tally.mean() * (part.paths / row.chains)
            loss.backward()  # type: ignore[no-untyped-call]

    return work


def sampling(row: Row) -> Callable[[], object]:
    """Draw demand, which the other rows have ready before the clock starts."""
    return lambda: drawn(row)


def environments(row: Row) -> list[Callable[[], gymnasium.Env[Any, Any]]]:
    """Return one maker per parallel environment."""

    def make() -> gymnasium.Env[Any, Any]:
        return InventoryEnv(
            "LostSales",
            mean_demand=MEAN,
            lead_time_periods=LEAD_TIME,
            holding_cost=1.0,
            shortage_cost=4.0,
            action="quantity",
            largest_order=MAX_ORDER,
            periods=200,
            starts_empty=True,
        )

    return [make] * row.chains


def environment(row: Row) -> Callable[[], object]:
    """Step the Gymnasium environments with ready actions, without any learning."""
    from stable_baselines3.common.vec_env import DummyVecEnv

    vector = DummyVecEnv(environments(row))
    vector.seed(0)
    vector.reset()
    actions = torch.rand(row.periods, row.chains, 1, generator=Seeds(0).torch("actions")).numpy()

    def work() -> None:
        for action in actions:
            vector.step(action)

    return work


def ppo(row: Row) -> Callable[[], object]:
    """Run Stable-Baselines3 PPO with its defaults and our layer widths on the same problem."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import DummyVecEnv

    model = PPO(
        "MlpPolicy",
        DummyVecEnv(environments(row)),
        n_steps=row.periods,
        policy_kwargs={"net_arch": [32, 32]},
        device="cpu",
        seed=0,
    )
    steps = row.chains * row.periods
    return lambda: model.learn(total_timesteps=steps, reset_num_timesteps=False)


KINDS: dict[str, Callable[[Row], Callable[[], object]]] = {
    "forward": forward,
    "network_forward": network_forward,
    "gradient": gradient,
    "sampling": sampling,
    "environment": environment,
    "ppo": ppo,
}


def megabytes() -> float:
    """Return the most memory that this process has held, in MiB (Linux counts in KiB)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def measure(row: Row) -> dict[str, Any]:
    """Return the row's figures: one run to warm up, then ``repeats`` that count."""
    torch.set_num_threads(row.threads)
    imported = megabytes()
    work = KINDS[row.kind](row)
    work()
    rates = []
    for _ in range(row.repeats):
        begin = time.perf_counter()
        work()
        rates.append(row.chains * row.periods / (time.perf_counter() - begin))
    return {
        "kind": row.kind,
        "chains": row.chains,
        "periods": row.periods,
        "product_days_per_second": statistics.median(rates),
        "lowest": min(rates),
        "highest": max(rates),
        "peak_memory_mib": megabytes(),
        "memory_after_import_mib": imported,
    }


if __name__ == "__main__":
    print(json.dumps(measure(Row(**json.loads(sys.argv[1])))))
