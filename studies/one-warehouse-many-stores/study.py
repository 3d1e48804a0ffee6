"""One warehouse and many stores with lost sales: the graph policy against every classical rule."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from restock.evaluation import StudySettings, gap_percent, markdown_table, seed_summary
from restock.learning import PathwiseConfig, pathwise
from restock.policies.neural.graph import GraphLevels, GraphLevelsConfig
from restock.seeds import Seeds

# mypy knows no package around a folder with a hyphen
from .measuring import Ruler  # type: ignore[import-not-found]
from .relaxation import decoupled_bound  # type: ignore[import-not-found]
from .rules import Tuned, classical_rules, tuned_rule  # type: ignore[import-not-found]
from .stores import Stores, published  # type: ignore[import-not-found]

Row = dict[str, Any]


def keys(settings: StudySettings) -> list[Row]:
    """Return one key per instance and seed; the longest first."""
    return [
        {"stores": stores, "seed": seed}
        for stores in sorted(settings.parameters["stores"], reverse=True)
        for seed in range(settings.seeds)
    ]


def run_row(key: Row, settings: StudySettings) -> Row:
    """Tune the classical rules, train one policy, and measure all on the same paths."""
    parameters, seeds = settings.parameters, Seeds(key["seed"])
    torch.set_num_threads(parameters["threads"])
    stores = published(settings)[key["stores"]]
    chains = _for(key, settings, "chains")
    tuning = PathwiseConfig(**dict(parameters["tuning"]), chains=chains)
    start = tuned_rule(stores, tuning, seeds, capped=True)
    world = start.world
    policy = GraphLevels(
        GraphLevelsConfig(
            pipeline_slots=world.arrivals.slots - 1,
            width=parameters["width"],
            rounds=parameters["rounds"],
            bound=parameters["bound"],
        ),
        start.rule,
        world,
        seeds.torch("network"),
    )
    config = PathwiseConfig(
        **dict(parameters["pathwise"]), chains=chains, updates=_for(key, settings, "updates")
    )
    run = pathwise.fit(policy, world, stores.source(), config, seeds)
    ruler = _ruler(key, stores, settings)
    costs = ruler.costs(world, policy, stores.number)
    learned = ruler.adjusted(costs)
    gain = ruler.adjusted(costs - ruler.costs(world, start.rule, stores.number))
    classical = _classical(key, stores, tuning, ruler, costs) if key["seed"] == 0 else {}
    bound = {"bound": decoupled_bound(stores, parameters["bound_step"])} if key["seed"] == 0 else {}
    return {
        "published_cost": stores.published_cost,
        "learned_cost": learned.value,
        "learned_standard_error": learned.standard_error,
        "learned_cost_plain": float(costs.mean()),
        "explained_share": learned.explained_share,
        "excess_over_published_percent": gap_percent(learned.value, stores.published_cost),
        "start_cost": learned.value - gain.value,
        "difference_to_start": gain.value,
        "difference_to_start_standard_error": gain.standard_error,
        **classical,
        **bound,
        "updates": run.updates,
        "best_update": run.best_update,
        "tuning_seconds": start.seconds,
        "train_seconds": start.seconds + run.seconds,
    }


def _for(key: Row, settings: StudySettings, name: str) -> int:
    """Return a parameter that is given for each number of stores."""
    parameters = settings.parameters
    return int(dict(zip(parameters["stores"], parameters[name], strict=True))[key["stores"]])


def _ruler(key: Row, stores: Stores, settings: StudySettings) -> Ruler:
    parameters = settings.parameters
    return Ruler(
        stores.source(),
        # the same paths for every seed
        Seeds(0).torch(f"one-warehouse-many-stores/{key['stores']}"),
        paths=_for(key, settings, "test_paths"),
        periods=parameters["test_periods"],
        warm_up=parameters["test_warm_up"],
        demand_paths=parameters["demand_paths"],
    )


def _classical(
    key: Row, stores: Stores, tuning: PathwiseConfig, ruler: Ruler, learned: np.ndarray
) -> Row:
    """Return what every tuned rule costs, and how far the learned policy is from the best."""
    rules: list[Tuned] = list(classical_rules(stores, tuning, Seeds(key["seed"])))
    costs = {tuned.name: ruler.costs(tuned.world, tuned.rule, stores.number) for tuned in rules}
    best = min(rules, key=lambda tuned: tuned.validation_cost)
    difference = ruler.adjusted(learned - costs[best.name])
    cost = ruler.adjusted(costs[best.name]).value
    return {
        "classical_costs": {name: ruler.adjusted(each).value for name, each in costs.items()},
        "best_classical": best.name,
        "best_classical_cost": cost,
        "gain_on_best_classical_percent": -100 * difference.value / cost,
        "gain_on_best_classical_low_percent": -100 * (difference.value + _reach(difference)) / cost,
        "gain_on_best_classical_high_percent": -100
        * (difference.value - _reach(difference))
        / cost,
        "classical_seconds": sum(tuned.seconds for tuned in rules),
    }


def _reach(estimate: Any) -> float:  # noqa: ANN401 - of a module beside this one
    """Return half of the 95 % interval."""
    return 1.96 * float(estimate.standard_error)


def summarise(rows: Sequence[Row], settings: StudySettings) -> Row:
    """Return the figures that the study is for."""
    del settings
    instances = _instances(rows)
    lines = [_instance(rows, stores) for stores in instances]
    with_rival = [line for line in lines if line["best_classical_cost"] is not None]
    with_bound = [line for line in lines if line["gap_to_bound_percent"] is not None]
    seeds = sorted({row["seed"] for row in rows})
    by_seed = [
        float(np.mean([r["excess_over_published_percent"] for r in rows if r["seed"] == seed]))
        for seed in seeds
    ]
    spread = seed_summary(by_seed)
    return {
        "mean_excess_over_published_percent": float(
            np.mean([row["excess_over_published_percent"] for row in rows])
        ),
        "mean_excess_over_published_percent_iqm": spread.interquartile_mean,
        "mean_excess_over_published_percent_low": spread.low,
        "mean_excess_over_published_percent_high": spread.high,
        "max_excess_over_published_percent": max(
            row["excess_over_published_percent"] for row in rows
        ),
        "at_or_below_published_on_every_instance_and_seed": all(
            row["learned_cost"] <= row["published_cost"] for row in rows
        ),
        "min_gain_on_best_classical_percent": min(
            (line["gain_on_best_classical_percent"] for line in with_rival), default=None
        ),
        "mean_gain_on_best_classical_percent": _mean_or_none(
            [line["gain_on_best_classical_percent"] for line in with_rival]
        ),
        # of the relaxation, which is no optimum
        "mean_gap_percent": _mean_or_none([line["gap_to_bound_percent"] for line in with_bound]),
        "max_gap_percent": max((line["gap_to_bound_percent"] for line in with_bound), default=None),
        "max_standard_error_percent": max(
            100 * row["learned_standard_error"] / row["learned_cost"] for row in rows
        ),
        "max_train_seconds": max(row["train_seconds"] for row in rows),
        "mean_train_seconds": float(np.mean([row["train_seconds"] for row in rows])),
        "instances": len(instances),
        "seeds": len(seeds),
    }


def _instances(rows: Sequence[Row]) -> list[int]:
    return sorted({row["stores"] for row in rows})


def _mean_or_none(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _instance(rows: Sequence[Row], stores: int) -> Row:
    """Return one instance over its seeds; what only seed 0 knows is ``None`` without it."""
    own = [row for row in rows if row["stores"] == stores]
    told: Row = next((row for row in own if "best_classical" in row), {})
    spread = seed_summary([row["learned_cost"] for row in own])
    rival, bound = told.get("best_classical_cost"), told.get("bound")
    return {
        "stores": stores,
        "published_cost": own[0]["published_cost"],
        "learned_cost": spread.interquartile_mean,
        "learned_low": spread.low,
        "learned_high": spread.high,
        "learned_worst": max(row["learned_cost"] for row in own),
        "standard_error": max(row["learned_standard_error"] for row in own),
        "best_classical": told.get("best_classical", ""),
        "best_classical_cost": rival,
        # all seeds were measured on the rival's paths
        "gain_on_best_classical_percent": None
        if rival is None
        else -gap_percent(spread.interquartile_mean, rival),
        "bound": bound,
        "gap_to_bound_percent": None
        if bound is None
        else gap_percent(spread.interquartile_mean, bound),
        "train_seconds": max(row["train_seconds"] for row in own),
        "classical_costs": told.get("classical_costs", {}),
    }


def tables(rows: Sequence[Row], summary: Row, settings: StudySettings) -> str:
    """Return the instances with rival and bound, and every classical rule."""
    del summary, settings
    lines = [_instance(rows, stores) for stores in _instances(rows)]
    body = markdown_table([_told(line) for line in lines])
    names = sorted({name for line in lines for name in line["classical_costs"]})
    rules = markdown_table(
        [
            {
                "rule": name,
                **{
                    f"{line['stores']} stores": _money(line["classical_costs"].get(name))
                    for line in lines
                },
            }
            for name in names
        ]
    )
    return (
        f"{body}\n\nCost per store and period. The bound gives the warehouse unlimited stock for"
        " free.\n\n## Every tuned classical rule (seed 0)\n\n"
        f"{rules}"
    )


def _told(line: Row) -> dict[str, object]:
    return {
        "stores": line["stores"],
        "published (HDPO, graph network, GPU)": f"{line['published_cost']:.2f}",
        "restock, graph policy": f"{line['learned_cost']:.4f}",
        "95 % interval over seeds": f"{line['learned_low']:.4f} to {line['learned_high']:.4f}",
        "± of the paths": f"{1.96 * line['standard_error']:.4f}",
        "worst seed": f"{line['learned_worst']:.4f}",
        "best tuned classical rule": line["best_classical"],
        "its cost": _money(line["best_classical_cost"]),
        "gain on it %": _money(line["gain_on_best_classical_percent"], 2),
        "bound": _money(line["bound"]),
        "gap to bound %": _money(line["gap_to_bound_percent"], 2),
        "train s": f"{line['train_seconds']:.0f}",
    }


def _money(value: float | None, digits: int = 4) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.{digits}f}"
