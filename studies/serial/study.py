"""Serial chains of four stages with backorders: learned policies against Clark and Scarf."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from scipy.stats import norm
from torch import Tensor

from restock.demand.processes import Normal as NormalDemand
from restock.evaluation import (
    StudySettings,
    gap_percent,
    markdown_table,
    mean_difference,
    seed_summary,
)
from restock.learning import PathwiseConfig, pathwise
from restock.optimality import (
    EchelonBaseStock,
    Normal,
    SerialSystem,
    clark_scarf,
    normal_on_grid,
)
from restock.policies import EchelonBaseStock as EchelonRule
from restock.policies.neural.graph import GraphLevels, GraphLevelsConfig
from restock.policies.neural.network_levels import NetworkLevels
from restock.problem import Instance, Product
from restock.seeds import Seeds
from restock.simulation import Policy, Scenario, SteadyDemand, World, average_cost

Row = dict[str, Any]
DEMAND = Normal(5, 2)
UPSTREAM_LEAD_TIMES = (2, 4, 3)
HOLDING_COSTS = (0.1, 0.2, 0.5, 1.0)
# of each store's lead time the published optimum for p = 4, 9, 19, 39
PRINTED = {
    1: (6.89, 8.36, 9.59, 10.68),
    2: (7.59, 9.25, 10.65, 11.89),
    3: (8.20, 10.02, 11.57, 12.94),
    4: (8.75, 10.72, 12.40, 13.88),
}
PRINTED_SHORTAGE_COSTS = (4, 9, 19, 39)


def keys(settings: StudySettings) -> list[Row]:
    """Return one key per instance and seed."""
    parameters = settings.parameters
    return [
        {"lead_time": lead_time, "shortage_cost": shortage_cost, "seed": seed}
        for lead_time in parameters["lead_times"]
        for shortage_cost in parameters["shortage_costs"]
        for seed in range(settings.seeds)
    ]


def run_row(key: Row, settings: StudySettings) -> Row:
    """Solve one instance exactly, train one policy on it, and simulate both on the same paths."""
    parameters, seeds = settings.parameters, Seeds(key["seed"])
    torch.set_num_threads(parameters["threads"])
    chain = _Chain.of(key["lead_time"], float(key["shortage_cost"]))
    best = _optimum(key["lead_time"], float(key["shortage_cost"]))
    start = chain.newsvendor_levels()
    policy = GraphLevels(
        GraphLevelsConfig(
            pipeline_slots=max(chain.lead_times) - 1,
            width=parameters["width"],
            rounds=parameters["rounds"],
            bound=parameters["bound"],
            allocates=False,
        ),
        NetworkLevels(start),
        chain.world,
        seeds.torch("network"),
    )
    config = PathwiseConfig(**dict(parameters["pathwise"]))
    run = pathwise.fit(policy, chain.world, chain.source, config, seeds)
    rules: dict[str, Policy] = {
        "optimal": EchelonRule(torch.tensor([[best.levels]], dtype=torch.float32)),
        "start": EchelonRule(start.unsqueeze(0)),
        "learned": policy,
    }
    periods = parameters["test_warm_up"] + parameters["test_periods"]
    scenario = chain.source.sample(parameters["test_paths"], periods, seeds.torch("test"))
    costs = {
        name: _costs(chain.world, rule, scenario, parameters["test_warm_up"])
        for name, rule in rules.items()
    }
    learned = _gap(costs["learned"], costs["optimal"], best.cost_on_hand)
    simulated = float(costs["optimal"].mean())
    return {
        "optimum": best.cost_on_hand,
        "optimum_printed": _printed(key),
        "optimum_simulated": simulated,
        "optimum_simulated_standard_error": _standard_error(costs["optimal"]),
        "gap_of_exact_percent": gap_percent(simulated, best.cost_on_hand),
        "optimal_levels": [float(level) for level in best.levels],
        "start_levels": start[0].tolist(),
        "learned_levels": policy.anchor.levels[0].tolist(),
        "start_gap_percent": _gap(costs["start"], costs["optimal"], best.cost_on_hand)["percent"],
        "learned_gap_percent": learned["percent"],
        "learned_gap_low_percent": learned["low"],
        "learned_gap_high_percent": learned["high"],
        "updates": run.updates,
        "best_update": run.best_update,
        "train_seconds": run.seconds,
    }


def summarise(rows: list[Row], settings: StudySettings) -> Row:
    """Return the figures that the study is for."""
    del settings
    gaps = [row["learned_gap_percent"] for row in rows]
    seeds = sorted({row["seed"] for row in rows})
    by_seed = [
        float(np.mean([row["learned_gap_percent"] for row in rows if row["seed"] == seed]))
        for seed in seeds
    ]
    spread = seed_summary(by_seed)
    return {
        "mean_gap_percent": float(np.mean(gaps)),
        "max_gap_percent": float(np.max(gaps)),
        "mean_gap_percent_iqm": spread.interquartile_mean,
        "mean_gap_percent_low": spread.low,
        "mean_gap_percent_high": spread.high,
        "max_train_seconds": max(row["train_seconds"] for row in rows),
        "mean_train_seconds": float(np.mean([row["train_seconds"] for row in rows])),
        "mean_start_gap_percent": float(np.mean([row["start_gap_percent"] for row in rows])),
        "max_start_gap_percent": max(row["start_gap_percent"] for row in rows),
        "max_half_interval_percent": max(_half_interval(row) for row in rows),
        "max_abs_gap_of_exact_percent": max(abs(row["gap_of_exact_percent"]) for row in rows),
        "instances": len({_name(row) for row in rows}),
        "seeds": len(seeds),
    }


def tables(rows: list[Row], summary: Row, settings: StudySettings) -> str:
    """Return the instances, and the rival's published figures beside ours."""
    del settings
    names = list(dict.fromkeys(_name(row) for row in rows))
    body = markdown_table([_instance_line([r for r in rows if _name(r) == name]) for name in names])
    rivals = markdown_table(
        [
            {
                "method": "restock, pathwise gradient (this run)",
                "mean gap %": f"{summary['mean_gap_percent']:.3f}",
                "worst %": f"{summary['max_gap_percent']:.3f}",
                "time an instance": f"{summary['max_train_seconds']:.0f} s at most, 1 core",
            },
            {
                "method": "HDPO (Alvo et al. 2023)",
                "mean gap %": "0.58",
                "worst %": "0.76",
                "time an instance": "1,251–2,185 s to 1 %, GPU",
            },
            {
                "method": "newsvendor levels (Shang & Song 2003), the start",
                "mean gap %": f"{summary['mean_start_gap_percent']:.3f}",
                "worst %": f"{summary['max_start_gap_percent']:.3f}",
                "time an instance": "",
            },
        ]
    )
    return f"{body}\n\n## Side by side\n\nThe rival's figures are its authors'.\n\n{rivals}"


@dataclass(frozen=True)
class _Chain:
    """One instance: four stages, and the demand of the last."""

    lead_times: tuple[int, ...]
    shortage_cost: float
    world: World
    source: SteadyDemand

    @classmethod
    def of(cls, lead_time: int, shortage_cost: float) -> "_Chain":
        lead_times = (*UPSTREAM_LEAD_TIMES, lead_time)
        product = Product(id="item", shortage_cost=shortage_cost, lost_share=0.0)
        world = World.from_instance(Instance.serial(product, lead_times, HOLDING_COSTS))
        sold = torch.tensor([0.0, 0.0, 0.0, 1.0])
        process = NormalDemand(DEMAND.mean * sold, DEMAND.sd * sold)
        return cls(
            lead_times, shortage_cost, world, SteadyDemand(process, points=world.network.locations)
        )

    def newsvendor_levels(self) -> Tensor:
        """Return the echelon levels ``[1, 4]`` of Shang & Song's heuristic, eqs. 9–11.

        With h the local holding costs, h' that of the supplier (0 outside) and n the periods from
        a stage's order to the customer, the level lies between the quantiles of the demand of n
        periods at (p + h') / (p + h of the last stage) and (p + h') / (p + h), half-way.
        """
        levels = []
        for stage, holding in enumerate(HOLDING_COSTS):
            supplier = HOLDING_COSTS[stage - 1] if stage else 0.0
            periods = sum(self.lead_times[stage:]) + 1
            above = self.shortage_cost + supplier
            ratios = [
                above / (self.shortage_cost + charged) for charged in (HOLDING_COSTS[-1], holding)
            ]
            deviations = float(np.mean(norm.ppf(ratios)))
            levels.append(DEMAND.mean * periods + DEMAND.sd * math.sqrt(periods) * deviations)
        return torch.tensor([levels])


@cache
def _optimum(lead_time: int, shortage_cost: float) -> EchelonBaseStock:
    return clark_scarf(
        SerialSystem.periodic(
            normal_on_grid(DEMAND, clipped=True),
            lead_times=(*UPSTREAM_LEAD_TIMES, lead_time),
            holding_costs=HOLDING_COSTS,
            shortage_cost=shortage_cost,
        )
    )


@torch.no_grad()
def _costs(world: World, rule: Policy, scenario: Scenario, warm_up: int) -> np.ndarray:
    """Return the average cost per period of each path, money."""
    return average_cost(world, rule, scenario, warm_up)[:, 0].double().numpy()


def _gap(costs: np.ndarray, optimal: np.ndarray, optimum: float) -> dict[str, float]:
    """Return the paired difference in percent of the exact optimum, with its 95 % interval."""
    difference = mean_difference(costs, optimal)
    return {
        "percent": 100 * difference.value / optimum,
        "low": 100 * difference.low / optimum,
        "high": 100 * difference.high / optimum,
    }


def _standard_error(costs: np.ndarray) -> float:
    return float(costs.std(ddof=1) / math.sqrt(len(costs)))


def _half_interval(row: Row) -> float:
    return float(row["learned_gap_high_percent"] - row["learned_gap_low_percent"]) / 2


def _printed(key: Row) -> float | None:
    costs = dict(zip(PRINTED_SHORTAGE_COSTS, PRINTED[key["lead_time"]], strict=True))
    return costs.get(key["shortage_cost"])


def _name(row: Row) -> str:
    return f"L={row['lead_time']} p={row['shortage_cost']}"


def _instance_line(rows: list[Row]) -> dict[str, object]:
    first, gaps = rows[0], [row["learned_gap_percent"] for row in rows]
    spread = seed_summary(gaps)
    return {
        "L": first["lead_time"],
        "p": first["shortage_cost"],
        "optimum": f"{first['optimum']:.4f}",
        "printed": f"{first['optimum_printed']:.2f}",
        "optimum simulated": f"{first['optimum_simulated']:.4f}"
        f" ± {1.96 * first['optimum_simulated_standard_error']:.4f}",
        "start, gap %": f"{first['start_gap_percent']:.3f}",
        "learned, gap %": f"{spread.interquartile_mean:.4f}",
        "95 % interval": f"{spread.low:.4f} to {spread.high:.4f}",
        "worst seed": f"{max(gaps):.4f}",
        "± of a seed": f"{max(_half_interval(row) for row in rows):.4f}",
        "train s": f"{max(row['train_seconds'] for row in rows):.1f}",
    }
