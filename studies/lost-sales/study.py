"""Lost sales, one product: a learned policy against the exact optimum (Zipkin 2008)."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from restock.demand.processes import Geometric, Poisson
from restock.errors import InputError
from restock.evaluation import StudySettings, gap_percent, markdown_table
from restock.learning import PathwiseConfig, TrainingRun, pathwise
from restock.optimality import (
    geometric_pmf,
    poisson_pmf,
)
from restock.optimality.lost_sales import (
    BestCappedBaseStock,
    LostSales,
    best_base_stock,
    best_capped_base_stock,
    evaluate,
    solve,
)
from restock.policies import NeuralOrderUpTo, NeuralOrderUpToConfig
from restock.problem import Instance, Product
from restock.seeds import Seeds
from restock.simulation import Observation, SteadyDemand, World
from restock.simulation.period import decide

Row = dict[str, Any]
MEAN = 5.0


def keys(settings: StudySettings) -> list[Row]:
    """Return one key per instance and seed."""
    return [
        {
            "demand": published["demand"],
            "lead_time": published["lead_time"],
            "shortage_cost": published["shortage_cost"],
            "seed": seed,
        }
        for published in _published(settings)
        for seed in range(settings.seeds)
    ]


def run_row(key: Row, settings: StudySettings) -> Row:
    """Solve one instance exactly, train one policy on it and evaluate its table exactly."""
    torch.set_num_threads(settings.parameters["threads"])
    published = next(
        row
        for row in _published(settings)
        if all(row[name] == key[name] for name in ("demand", "lead_time", "shortage_cost"))
    )
    pmf = (poisson_pmf if key["demand"] == "poisson" else geometric_pmf)(MEAN)
    problem = LostSales(pmf, key["lead_time"], 1.0, float(key["shortage_cost"]))
    started = time.perf_counter()
    optimum = solve(problem)
    solved = time.perf_counter()
    base, capped = best_base_stock(problem), best_capped_base_stock(problem)
    searched = time.perf_counter()
    run, world = _train(key, settings, capped)
    exact = evaluate(problem, lambda states: _orders(run.policy, world, states))
    return {
        "optimum": optimum.cost,
        "optimum_printed": published["printed"]["optimal"],
        "optimum_known": published["optimal_exact"],
        "dp_abs_error": abs(optimum.cost - published["optimal_exact"]),
        "dp_rounds_to_printed": abs(optimum.cost - published["printed"]["optimal"]) <= 0.0051,
        "base_stock_level": base.level,
        "base_stock_gap_percent": gap_percent(base.cost, optimum.cost),
        "base_stock_matches": abs(base.cost - published["base_stock_exact"]["cost"]) <= 5e-4
        and base.level == published["base_stock_exact"]["S"],
        "capped_level": capped.level,
        "capped_cap": capped.cap,
        "capped_gap_percent": gap_percent(capped.cost, optimum.cost),
        "capped_matches": capped.cost <= published["capped_base_stock_exact"]["cost"] + 5e-4,
        "learned": exact.cost,
        "learned_gap_percent": gap_percent(exact.cost, optimum.cost),
        "train_seconds": run.seconds,
        "best_update": run.best_update,
        "dp_seconds": solved - started,
        "warm_start_seconds": searched - solved,
    }


def summarise(rows: list[Row], settings: StudySettings) -> Row:
    """Return the figures that the study is for."""
    del settings
    gaps = [row["learned_gap_percent"] for row in rows]
    return {
        "mean_gap_percent": float(np.mean(gaps)),
        "max_gap_percent": float(np.max(gaps)),
        "mean_gap_percent_lead_time_from_2": float(
            np.mean([row["learned_gap_percent"] for row in rows if row["lead_time"] >= 2])
        ),
        "max_train_seconds": max(row["train_seconds"] for row in rows),
        "mean_train_seconds": float(np.mean([row["train_seconds"] for row in rows])),
        "dp_max_abs_error": max(row["dp_abs_error"] for row in rows),
        "dp_all_round_to_printed": all(row["dp_rounds_to_printed"] for row in rows),
        "base_stock_all_match": all(row["base_stock_matches"] for row in rows),
        "capped_all_match": all(row["capped_matches"] for row in rows),
        "mean_base_stock_gap_percent": float(np.mean([r["base_stock_gap_percent"] for r in rows])),
        "mean_capped_gap_percent": float(np.mean([row["capped_gap_percent"] for row in rows])),
        "instances": len({(r["demand"], r["lead_time"], r["shortage_cost"]) for r in rows}),
    }


def tables(rows: list[Row], summary: Row, settings: StudySettings) -> str:
    """Return the instances as one table, with the rivals' published figures below."""
    del settings
    body = markdown_table(
        [
            {
                "demand": row["demand"],
                "L": row["lead_time"],
                "p": row["shortage_cost"],
                "optimum": f"{row['optimum']:.4f}",
                "base stock, gap %": f"{row['base_stock_gap_percent']:.2f}",
                "capped, gap %": f"{row['capped_gap_percent']:.2f}",
                "learned, gap %": f"{row['learned_gap_percent']:.4f}",
                "train s": f"{row['train_seconds']:.1f}",
            }
            for row in rows
        ]
    )
    rivals = markdown_table(
        [
            {
                "method": "restock, pathwise gradient (this run)",
                "mean gap %": f"{summary['mean_gap_percent']:.4f}",
                "worst %": f"{summary['max_gap_percent']:.4f}",
                "time an instance": f"{summary['max_train_seconds']:.0f} s at most, 1 core",
            },
            {
                "method": "Deep Controlled Learning (L ≥ 2; Temizöz et al. 2025)",
                "mean gap %": "0.0093 / 0.0261",
                "worst %": "",
                "time an instance": "6–16 / 1.7–4.1 min, 128 cores",
            },
            {
                "method": "HDPO (Poisson only; Alvo et al. 2023)",
                "mean gap %": "below 0.25 on 15 of 16",
                "worst %": "0.41",
                "time an instance": "316–1,261 s, GPU",
            },
            {
                "method": "A3C (Gijsbrechts et al. 2022)",
                "mean gap %": "3–6",
                "worst %": "",
                "time an instance": "",
            },
        ]
    )
    note = "Rivals' figures are those that their authors print."
    return f"{body}\n\n## Side by side\n\n{note}\n\n{rivals}"


def _train(
    key: Row, settings: StudySettings, capped: BestCappedBaseStock
) -> tuple[TrainingRun[NeuralOrderUpTo], World]:
    parameters = settings.parameters
    product = Product(id="A", holding_cost=1.0, shortage_cost=float(key["shortage_cost"]))
    instance = Instance.single_location([product], key["lead_time"])
    mean = torch.tensor([MEAN])
    process = Poisson(mean) if key["demand"] == "poisson" else Geometric(mean)
    seeds = Seeds(key["seed"])
    policy = NeuralOrderUpTo(
        NeuralOrderUpToConfig(
            pipeline_slots=key["lead_time"] - 1, hidden=tuple(parameters["hidden"])
        ),
        torch.tensor(capped.level / MEAN),
        torch.tensor(capped.cap / MEAN),
        seeds.torch("network"),
    )
    config = PathwiseConfig(
        updates=parameters["updates"],
        chains=parameters["chains"],
        window=parameters["window"],
        learning_rate=parameters["learning_rate"],
        patience=parameters["patience"],
    )
    # orders are whole units in training too: the gradient passes straight through the rounding
    whole = replace(
        instance, lanes=tuple(replace(lane, case_pack_units=1) for lane in instance.lanes)
    )
    world = World.from_instance(whole)
    return pathwise.fit(policy, world, SteadyDemand(process), config, seeds), world


@torch.no_grad()
def _orders(policy: NeuralOrderUpTo, world: World, states: np.ndarray) -> np.ndarray:
    """Return the whole-unit orders of a policy in the states ``[S, L]`` of the exact chain."""
    units = torch.from_numpy(states.astype(np.float32))[:, :, None, None]
    slots = tuple(units[:, k] for k in range(units.shape[1]))
    observation = Observation(
        on_hand=slots[0],
        on_order=sum(slots[1:], torch.zeros_like(slots[0])),
        pipeline=slots[1:],
        lead_time=world.arrivals.lead_time,
        signals=torch.full((1, 1, 1), MEAN),
        signal_names=("scale",),
    )
    order = decide(world, observation, policy.decide(observation))
    return order[:, 0, 0].long().numpy()


def _published(settings: StudySettings) -> list[Row]:
    shared = Path(os.environ.get("RESTOCK_SHARED", Path.cwd().parent / "shared"))
    path = shared / settings.parameters["instances"]
    if not path.exists():
        raise InputError(
            f"{path} is missing. The study needs the published figures: run it from the project's"
            " root with ../shared beside it, or set RESTOCK_SHARED."
        )
    instances: list[Row] = json.loads(path.read_text(encoding="utf-8"))["instances"]
    wanted = settings.parameters
    return [
        row
        for row in instances
        if row["demand"] in wanted["demand"] and row["lead_time"] in wanted["lead_times"]
    ]
