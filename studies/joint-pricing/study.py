"""Price and order decided together: a learned rule against the exact optimum."""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from restock.demand.price_response import AdditiveNoise, LinearResponse
from restock.demand.processes import UniformUnits
from restock.evaluation import StudySettings, gap_percent, markdown_table, seed_summary
from restock.learning import ImprovementConfig, improvement
from restock.optimality.joint_pricing import (
    JointPricing,
    JointRule,
    additive_demand,
    best_fixed_price,
    best_prices_and_orders,
    joint_profit,
    price_then_stock,
)
from restock.policies import (
    BaseStock,
    FixedPrice,
    NeuralDeparture,
    NeuralDepartureConfig,
    Priced,
)
from restock.problem import Instance, PriceRules, Product
from restock.seeds import Seeds
from restock.simulation import Observation, SteadyDemand, World
from restock.simulation.period import decide

Row = dict[str, Any]
LIST_PRICE, MEAN, SLOPE = 10.0, 10.0, -2.0
PRICES = np.arange(8.0, 12.01, 0.5)
UNIT_COST, HOLDING_COST = 4.0, 0.5


def keys(settings: StudySettings) -> list[Row]:
    """Return one key per instance and seed."""
    return [
        {"lead_time": lead_time, "shortage_cost": cost, "noise": noise, "seed": seed}
        for lead_time in settings.parameters["lead_times"]
        for cost in settings.parameters["shortage_costs"]
        for noise in settings.parameters["noises"]
        for seed in range(settings.seeds)
    ]


def run_row(key: Row, settings: StudySettings) -> Row:
    """Solve one instance, start at the best fixed price, improve, evaluate exactly."""
    torch.set_num_threads(settings.parameters["threads"])
    noise = int(key["noise"])
    means = np.rint(MEAN + SLOPE * (PRICES - LIST_PRICE)).astype(int)
    problem = JointPricing(
        prices=PRICES,
        demand=additive_demand(means, np.full(2 * noise + 1, 1 / (2 * noise + 1)), first=-noise),
        unit_cost=UNIT_COST,
        holding_cost=HOLDING_COST,
        shortage_cost=float(key["shortage_cost"]),
        lead_time=key["lead_time"],
        loses_unmet=True,
    )
    optimum = best_prices_and_orders(problem).profit
    _, departments = price_then_stock(problem)
    started = time.perf_counter()
    index, fixed = best_fixed_price(problem)
    level = _best_level(problem, index)
    searched = time.perf_counter() - started
    world, source = _world(key), SteadyDemand(_Shifted(noise, int(MEAN)))
    policy = _policy(float(level), float(PRICES[index]), settings, Seeds(key["seed"]))
    config = ImprovementConfig(**dict(settings.parameters["improvement"]))
    run = improvement.fit(policy, world, source, config, Seeds(key["seed"]))
    learned = joint_profit(problem, _rule(problem, policy, world))
    return {
        "optimum": optimum,
        "fixed_price_gap_percent": -gap_percent(fixed.profit, optimum),
        "price_then_stock_gap_percent": -gap_percent(departments.profit, optimum),
        "start_level": level,
        "start_price": float(PRICES[index]),
        "learned": learned,
        "learned_gap_percent": -gap_percent(learned, optimum),
        "best_round": run.best_update,
        "train_seconds": searched + run.seconds,
    }


def summarise(rows: list[Row], settings: StudySettings) -> Row:
    """Return the figures that the study is for."""
    del settings
    gaps = [row["learned_gap_percent"] for row in rows]
    seeds = sorted({row["seed"] for row in rows})
    spread = seed_summary(
        [
            float(np.mean([row["learned_gap_percent"] for row in rows if row["seed"] == seed]))
            for seed in seeds
        ]
    )
    return {
        "mean_gap_percent": float(np.mean(gaps)),
        "max_gap_percent": float(np.max(gaps)),
        "mean_gap_percent_iqm": spread.interquartile_mean,
        "mean_gap_percent_low": spread.low,
        "mean_gap_percent_high": spread.high,
        "max_train_seconds": max(row["train_seconds"] for row in rows),
        "mean_fixed_price_gap_percent": float(
            np.mean([row["fixed_price_gap_percent"] for row in rows])
        ),
        "mean_price_then_stock_gap_percent": float(
            np.mean([row["price_then_stock_gap_percent"] for row in rows])
        ),
        "seeds": len(seeds),
    }


def tables(rows: list[Row], summary: Row, settings: StudySettings) -> str:
    """Return the instances, one line each."""
    del summary, settings
    names = ("lead_time", "shortage_cost", "noise")
    lines = []
    for system in dict.fromkeys(tuple(row[name] for name in names) for row in rows):
        some = [row for row in rows if tuple(row[name] for name in names) == system]
        gaps = [row["learned_gap_percent"] for row in some]
        lines.append(
            {
                "L": system[0],
                "shortage cost": system[1],
                "noise ±": system[2],
                "optimal profit": f"{some[0]['optimum']:.4f}",
                "price, then stock, gap %": f"{some[0]['price_then_stock_gap_percent']:.3f}",
                "best fixed price, gap %": f"{some[0]['fixed_price_gap_percent']:.3f}",
                "learned, gap %": f"{np.mean(gaps):.4f}",
                "worst seed": f"{max(gaps):.4f}",
                "train s": f"{max(row['train_seconds'] for row in some):.1f}",
            }
        )
    return markdown_table(lines)


def _best_level(problem: JointPricing, index: int) -> int:
    """Return the base stock that earns most at one price, for any stock the same."""
    asked = np.full(problem.states.size, index)
    rules = [
        JointRule(np.maximum(problem.states, level), asked) for level in range(problem.highest + 1)
    ]
    return int(np.argmax([joint_profit(problem, rule) for rule in rules]))


@dataclass(frozen=True)
class _Shifted:
    """Demand ``middle`` ± ``noise`` units, each as likely, at the list price."""

    noise: int
    middle: int

    @property
    def mean(self) -> Float[Tensor, " P"]:
        return torch.tensor([float(self.middle)])

    def sample(
        self, paths: int, periods: int, generator: torch.Generator
    ) -> Float[Tensor, "B T P 1"]:
        drawn = UniformUnits(2 * self.noise).sample(paths, periods, generator)
        return drawn + (self.middle - self.noise)


def _world(key: Row) -> World:
    product = Product(
        id="item",
        list_price=LIST_PRICE,
        unit_cost=UNIT_COST,
        holding_cost=HOLDING_COST,
        shortage_cost=float(key["shortage_cost"]),
        price_rules=PriceRules(ladder=tuple(PRICES.tolist())),
    )
    plain = Instance.single_location([product], key["lead_time"])
    whole = replace(plain, lanes=tuple(replace(lane, case_pack_units=1) for lane in plain.lanes))
    elasticity = SLOPE * LIST_PRICE / MEAN
    answer = LinearResponse(torch.tensor([LIST_PRICE]), torch.tensor([elasticity]))
    response = AdditiveNoise(answer, torch.tensor([[MEAN]]))
    return World.from_instance(whole, price_response=response)


def _policy(level: float, price: float, settings: StudySettings, seeds: Seeds) -> NeuralDeparture:
    config = NeuralDepartureConfig(
        scale=MEAN, limit=0.5, prices=True, hidden=tuple(settings.parameters["hidden"])
    )
    stock = BaseStock(torch.full((1, 1, 1), level))
    anchor = Priced(stock, FixedPrice(torch.full((1, 1, 1), price)))
    return NeuralDeparture(anchor, config, seeds.torch("network"))


@torch.no_grad()
def _rule(problem: JointPricing, policy: NeuralDeparture, world: World) -> JointRule:
    """Return the learned table for every stock of the exact problem."""
    on_hand = torch.from_numpy(problem.states.astype(np.float32))[:, None, None]
    seen = Observation(
        on_hand=on_hand,
        on_order=torch.zeros_like(on_hand),
        pipeline=(),
        lead_time=world.arrivals.lead_time,
    )
    wish = policy.decide(seen)
    order = decide(world, seen, wish)[:, 0, 0].long().numpy()
    if wish.price is None:
        raise AssertionError
    asked = wish.price[:, 0, 0].double().numpy()
    index = np.abs(asked[:, None] - problem.prices).argmin(1)
    return JointRule(np.minimum(problem.states + order, problem.highest), index)
