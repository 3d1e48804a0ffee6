"""Perishable stock, lost sales: learned orders against value iteration and the best base stock."""

import math
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from restock.demand.processes import RoundedGamma
from restock.evaluation import StudySettings, gap_percent, markdown_table, seed_summary
from restock.learning import ImprovementConfig, improvement
from restock.optimality.perishables import (
    Perishable,
    PerishableCosts,
    best_base_stock,
    evaluate,
    rounded_gamma_pmf,
    solve,
)
from restock.policies import BaseStock, NeuralDeparture, NeuralDepartureConfig
from restock.problem import Instance, Product
from restock.seeds import Seeds
from restock.simulation import Ages, Memory, Observation, SteadyDemand, World
from restock.simulation.period import decide

Row = dict[str, Any]
MEAN, VARIATION = 4.0, 0.5
UNIT_COST, HOLDING_COST, SHORTAGE_COST, LARGEST_ORDER = 3.0, 1.0, 5.0, 10
DISCOUNT, WARM_UP, PERIODS = 0.99, 100, 365
# returns of value iteration as printed [T], see known_answers/README.md; each the mean of runs
# whose number our source does not print, assumed to be 10,000
RUNS = 10_000
CASES = [(issue, L, w) for L in (1, 2) for w in (7, 10) for issue in ("LIFO", "FIFO")]
PRINTED = {
    2: (-1553, -1457, -1571, -1463, -1551, -1461, -1569, -1469),
    3: (-1490, -1424, -1498, -1425, -1513, -1435, -1526, -1437),
}


def keys(settings: StudySettings) -> list[Row]:
    """Return one key per system and seed."""
    return [
        {
            "shelf_life": shelf_life,
            "issuing": issuing,
            "lead_time": lead_time,
            "waste_cost": waste,
            "seed": seed,
        }
        for shelf_life in settings.parameters["shelf_lives"]
        for issuing, lead_time, waste in CASES
        for seed in range(settings.seeds)
    ]


def run_row(key: Row, settings: StudySettings) -> Row:
    """Solve one system, start at the best base stock, improve, evaluate exactly."""
    torch.set_num_threads(settings.parameters["threads"])
    problem = Perishable(
        rounded_gamma_pmf(MEAN, VARIATION),
        key["lead_time"],
        key["shelf_life"],
        PerishableCosts(
            unit=UNIT_COST,
            holding=HOLDING_COST,
            shortage=SHORTAGE_COST,
            waste=float(key["waste_cost"]),
        ),
        largest_order=LARGEST_ORDER,
        fifo_share=float(key["issuing"] == "FIFO"),
        discount=DISCOUNT,
    )
    iterated = evaluate(problem, solve(problem).orders, WARM_UP, PERIODS)
    started = time.perf_counter()
    base = best_base_stock(problem, WARM_UP, PERIODS)
    searched = time.perf_counter() - started
    world, policy = _world(key), _policy(key, base.level, settings)
    config = ImprovementConfig(**dict(settings.parameters["improvement"]))
    source = SteadyDemand(RoundedGamma(MEAN, VARIATION))
    run = improvement.fit(policy, world, source, config, Seeds(key["seed"]))
    learned = evaluate(problem, lambda states: _orders(policy, world, states), WARM_UP, PERIODS)
    printed = PRINTED[key["shelf_life"]][
        CASES.index((key["issuing"], key["lead_time"], key["waste_cost"]))
    ]
    return {
        "value_iteration_return": -iterated.cost,
        "value_iteration_printed": printed,
        "printed_half_interval": 1.96 * iterated.standard_deviation / math.sqrt(RUNS) + 0.5,
        "base_stock_return": -base.cost.cost,
        "base_stock_gap_percent": gap_percent(base.cost.cost, iterated.cost),
        "learned_return": -learned.cost,
        "learned_gap_percent": gap_percent(learned.cost, iterated.cost),
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
        "rows_at_or_above_printed": sum(
            row["learned_return"] >= row["value_iteration_printed"] - row["printed_half_interval"]
            for row in rows
        ),
        "rows": len(rows),
        "mean_base_stock_gap_percent": float(
            np.mean([row["base_stock_gap_percent"] for row in rows])
        ),
        "seeds": len(seeds),
    }


def tables(rows: list[Row], summary: Row, settings: StudySettings) -> str:
    """Return the systems, one line each."""
    del summary, settings
    names = ("shelf_life", "issuing", "lead_time", "waste_cost")
    lines = []
    for system in dict.fromkeys(tuple(row[name] for name in names) for row in rows):
        some = [row for row in rows if tuple(row[name] for name in names) == system]
        lines.append(
            {
                "shelf life": system[0],
                "issuing": system[1],
                "L": system[2],
                "waste": system[3],
                "value iteration, printed": some[0]["value_iteration_printed"],
                "value iteration, exact": f"{some[0]['value_iteration_return']:.2f}",
                "best base stock": f"{some[0]['base_stock_return']:.2f}",
                "learned": f"{np.mean([row['learned_return'] for row in some]):.2f}",
                "gap %": f"{np.mean([row['learned_gap_percent'] for row in some]):.4f}",
                "worst %": f"{max(row['learned_gap_percent'] for row in some):.4f}",
                "train s": f"{max(row['train_seconds'] for row in some):.1f}",
            }
        )
    return markdown_table(lines)


def _world(key: Row) -> World:
    product = Product(
        id="item",
        holding_cost=HOLDING_COST,
        shortage_cost=SHORTAGE_COST,
        shelf_life_periods=key["shelf_life"],
        waste_cost=float(key["waste_cost"]),
        fifo_share=float(key["issuing"] == "FIFO"),
    )
    plain = Instance.single_location([product], key["lead_time"])
    lanes = tuple(
        replace(lane, unit_cost=UNIT_COST, capacity_units=float(LARGEST_ORDER), case_pack_units=1)
        for lane in plain.lanes
    )
    return World.from_instance(replace(plain, lanes=lanes))


def _policy(key: Row, level: int, settings: StudySettings) -> NeuralDeparture:
    config = NeuralDepartureConfig(
        scale=MEAN,
        pipeline_slots=key["lead_time"] - 1,
        stock_classes=key["shelf_life"],
        hidden=tuple(settings.parameters["hidden"]),
    )
    anchor = BaseStock(torch.full((1, 1, 1), float(level)))
    return NeuralDeparture(anchor, config, Seeds(key["seed"]).torch("network"))


@torch.no_grad()
def _orders(policy: NeuralDeparture, world: World, states: np.ndarray) -> np.ndarray:
    """Return the orders in the states ``[S, m + L - 1]`` of the exact chain."""
    units = torch.from_numpy(states.astype(np.float32))[:, None]
    life = policy.config.stock_classes
    ages, due = units[..., :life], units[..., life:]
    slots = tuple(due[..., [k]] for k in range(due.shape[-1]))
    seen = Observation(
        on_hand=ages.sum(-1, keepdim=True),
        on_order=sum(slots, torch.zeros_like(units[..., :1])),
        pipeline=slots,
        lead_time=world.arrivals.lead_time,
        memory=Memory(ages=Ages(ages.unsqueeze(2), (None,) * len(slots))),
    )
    order = decide(world, seen, policy.decide(seen))
    return order[:, 0, 0].long().numpy()
