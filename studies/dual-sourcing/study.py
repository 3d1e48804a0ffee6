"""Two sources, one fast and dear: learned orders against the exact optimum."""

import time
from typing import Any

import numpy as np
import torch

from restock.demand.processes import UniformUnits
from restock.evaluation import StudySettings, gap_percent, markdown_table, seed_summary
from restock.learning import ImprovementConfig, improvement
from restock.optimality.dual_sourcing import (
    BestCappedDualIndex,
    DualSourcing,
    best_capped_dual_index,
    best_dual_index,
    evaluate,
    solve,
)
from restock.policies import CappedDualIndex, NeuralDeparture, NeuralDepartureConfig, TwoLanes
from restock.problem import Instance, Lane, Location, Product
from restock.seeds import Seeds
from restock.simulation import Observation, SteadyDemand, World
from restock.simulation.period import decide

Row = dict[str, Any]
LARGEST_DEMAND = 4
REGULAR_COST, HOLDING_COST, SHORTAGE_COST = 100.0, 5.0, 495.0
# [T], gap of A3C to the optimum in percent; see known_answers/README.md
A3C = {
    (2, 105): 0.52,
    (2, 110): 0.80,
    (3, 105): 0.82,
    (3, 110): 0.51,
    (4, 105): 1.85,
    (4, 110): 1.33,
}


def keys(settings: StudySettings) -> list[Row]:
    """Return one key per instance and seed."""
    return [
        {"lead_time": lead_time, "expedited_cost": cost, "seed": seed}
        for lead_time in settings.parameters["lead_times"]
        for cost in settings.parameters["expedited_costs"]
        for seed in range(settings.seeds)
    ]


def run_row(key: Row, settings: StudySettings) -> Row:
    """Solve one instance, start at the best capped dual index, improve, evaluate exactly."""
    torch.set_num_threads(settings.parameters["threads"])
    pmf = np.full(LARGEST_DEMAND + 1, 1 / (LARGEST_DEMAND + 1))
    problem = DualSourcing(
        pmf,
        key["lead_time"],
        REGULAR_COST,
        float(key["expedited_cost"]),
        HOLDING_COST,
        SHORTAGE_COST,
    )
    optimum = solve(problem).cost
    started = time.perf_counter()
    capped = best_capped_dual_index(problem)
    searched = time.perf_counter() - started
    world = _world(key["lead_time"], float(key["expedited_cost"]) - REGULAR_COST)
    policy = _policy(world, capped, settings, Seeds(key["seed"]))
    config = ImprovementConfig(**dict(settings.parameters["improvement"]))
    source = SteadyDemand(UniformUnits(LARGEST_DEMAND))
    run = improvement.fit(policy, world, source, config, Seeds(key["seed"]))
    learned = evaluate(problem, lambda states: _orders(policy, world, states)).cost
    return {
        "optimum": optimum,
        "capped_dual_index_gap_percent": gap_percent(capped.cost, optimum),
        "dual_index_gap_percent": gap_percent(best_dual_index(problem).cost, optimum),
        "a3c_gap_percent": A3C.get((key["lead_time"], key["expedited_cost"])),
        "learned": learned,
        "learned_gap_percent": gap_percent(learned, optimum),
        "worse_than_capped_dual_index": bool(learned > capped.cost + 1e-6),
        "best_round": run.best_update,
        "train_seconds": searched + run.seconds,
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
        "worse_than_capped_dual_index": sum(row["worse_than_capped_dual_index"] for row in rows),
        "mean_capped_dual_index_gap_percent": float(
            np.mean([row["capped_dual_index_gap_percent"] for row in rows])
        ),
        "seeds": len(seeds),
    }


def tables(rows: list[Row], summary: Row, settings: StudySettings) -> str:
    """Return the instances with their rivals."""
    del summary, settings
    lines = []
    for lead_time, cost in dict.fromkeys((r["lead_time"], r["expedited_cost"]) for r in rows):
        some = [r for r in rows if (r["lead_time"], r["expedited_cost"]) == (lead_time, cost)]
        gaps = [row["learned_gap_percent"] for row in some]
        spread = seed_summary(gaps)
        lines.append(
            {
                "regular lead time": lead_time,
                "expedited cost": cost,
                "optimum": f"{some[0]['optimum']:.5f}",
                "dual index, gap %": f"{some[0]['dual_index_gap_percent']:.4f}",
                "capped dual index, gap %": f"{some[0]['capped_dual_index_gap_percent']:.4f}",
                "A3C, gap % (printed)": some[0]["a3c_gap_percent"],
                "learned, gap %": f"{spread.interquartile_mean:.5f}",
                "95 % interval": f"{spread.low:.5f} to {spread.high:.5f}",
                "worst seed": f"{max(gaps):.5f}",
                "train s": f"{max(row['train_seconds'] for row in some):.1f}",
            }
        )
    return markdown_table(lines)


def _world(lead_time: int, premium: float) -> World:
    """Return the shop. Regular units cost nothing here: all demand is bought in the end."""
    product = Product(
        id="item", holding_cost=HOLDING_COST, shortage_cost=SHORTAGE_COST, lost_share=0.0
    )
    terms = {"fast": (0, premium), "slow": (lead_time, 0.0)}
    lanes = tuple(
        Lane(
            product_id="item",
            origin=origin,
            destination="shop",
            lead_time_periods=periods,
            unit_cost=cost,
            case_pack_units=1,
        )
        for origin, (periods, cost) in terms.items()
    )
    places = tuple(Location(id=place, holds_stock=False) for place in terms)
    return World.from_instance(
        Instance(
            name="two sources",
            products=(product,),
            locations=(*places, Location(id="shop")),
            lanes=lanes,
        )
    )


def _policy(
    world: World, capped: BestCappedDualIndex, settings: StudySettings, seeds: Seeds
) -> NeuralDeparture:
    sources = world.network.lanes
    lanes = TwoLanes(sources.index(("fast", "shop")), sources.index(("slow", "shop")))
    levels = (capped.expedited_level, capped.regular_level, capped.cap)
    anchor = CappedDualIndex(lanes, *(torch.full((1, 1, 1), float(level)) for level in levels))
    config = NeuralDepartureConfig(
        pipeline_slots=world.arrivals.slots - 1,
        lanes=2,
        owes=True,
        scale=LARGEST_DEMAND / 2,
        hidden=tuple(settings.parameters["hidden"]),
    )
    return NeuralDeparture(anchor, config, seeds.torch("network"))


def _seen(world: World, states: np.ndarray) -> Observation:
    """Return what is observed in the states ``[S, l]`` of the exact chain: net stock, then due."""
    units = torch.from_numpy(states.astype(np.float32))[:, None]
    net, due = units[..., :1], units[..., 1:]
    slow = world.network.lanes.index(("slow", "shop"))
    pipeline = []
    for column in due.unbind(-1):
        slot = torch.zeros(len(states), 1, 2)
        slot[..., slow] = column
        pipeline.append(slot)
    on_order = sum(pipeline, torch.zeros(len(states), 1, 2))
    return Observation(
        on_hand=net.clamp_min(0),
        on_order=on_order,
        pipeline=tuple(pipeline),
        lead_time=world.arrivals.lead_time,
        backlog=(-net).clamp_min(0),
        network=world.shown_network,
    )


@torch.no_grad()
def _orders(
    policy: NeuralDeparture, world: World, states: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    seen = _seen(world, states)
    order = decide(world, seen, policy.decide(seen))[:, 0].long().numpy()
    lanes = world.network.lanes
    fast, slow = lanes.index(("fast", "shop")), lanes.index(("slow", "shop"))
    return order[:, fast], order[:, slow]
