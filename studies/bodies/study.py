"""Networks that read demand history, where only history tells what comes, against Bayes' filter."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import poisson
from torch import Tensor

from restock.evaluation import (
    Parameters,
    StudySettings,
    gap_percent,
    markdown_table,
    mean_difference,
    seed_summary,
)
from restock.learning import PathwiseConfig, pathwise
from restock.policies import BaseStock, NeuralOrderUpTo, NeuralOrderUpToConfig
from restock.policies.neural.bodies import HistoryConfig, hidden_for, parameter_count
from restock.policies.neural.features import feature_count
from restock.problem import Instance, Product
from restock.seeds import Seeds
from restock.simulation import (
    Decision,
    HistorySignals,
    Observation,
    Policy,
    Scenario,
    World,
    average_cost,
)
from restock.simulation.history_signals import observed_history

Row = dict[str, Any]

MOST_UNITS = 200
BELIEFS = 1001


@dataclass(frozen=True)
class Regimes:
    """Poisson demand whose mean is one of two, and stays with probability ``stay``."""

    means: tuple[float, float]
    stay: float

    def sample(self, paths: int, periods: int, generator: torch.Generator) -> Scenario:
        """Return paths that begin in either regime; the signal is the mean over both."""
        moves = torch.rand(periods, paths, generator=generator) >= self.stay
        begun = torch.rand(paths, generator=generator) < 0.5
        busy = (moves.long().cumsum(0) + begun.long()) % 2
        demand = torch.poisson(torch.tensor(self.means)[busy], generator=generator)
        scale = torch.full((1, periods, 1, 1), sum(self.means) / 2)
        return Scenario(demand.T[..., None, None], scale, ("scale",))


class FilteredNewsvendor:
    """The newsvendor level under what the last demands make one believe."""

    def __init__(
        self, regimes: Regimes, lead_time: int, shortage_cost: float, history_periods: int
    ) -> None:
        self.regimes, self.history_periods = regimes, history_periods
        ratio = shortage_cost / (shortage_cost + 1.0)
        quiet, busy = (_demand_of(regimes, start, lead_time + 1).cumsum() for start in (0, 1))
        beliefs = np.linspace(0, 1, BELIEFS)[:, None]
        levels = ((1 - beliefs) * quiet + beliefs * busy >= ratio).argmax(1)
        self.levels = torch.from_numpy(levels).float()

    def belief(self, history: Float[Tensor, "B P H"]) -> Float[Tensor, "B P"]:
        """Return the probability that today is busy, given the last demands."""
        quiet, busy = self.regimes.means
        # log of the likelihood ratio of each demand, busy to quiet
        told = history * np.log(busy / quiet) - (busy - quiet)
        belief = torch.full_like(told[..., 0], 0.5)
        for ratio in told.unbind(-1):
            known = torch.sigmoid(torch.logit(belief) + ratio)
            belief = known * self.regimes.stay + (1 - known) * (1 - self.regimes.stay)
        return belief

    def decide(self, observation: Observation) -> Decision:
        """Return the level of today's belief."""
        belief = self.belief(observed_history(observation, self.history_periods))
        nearest = (belief * (BELIEFS - 1)).round().long()
        return Decision(self.levels[nearest].unsqueeze(-1))


def keys(settings: StudySettings) -> list[Row]:
    """Return one key per body and seed."""
    parameters = settings.parameters
    bodies = [*parameters["kinds"], *(f"mlp of {size}" for size in parameters["sizes"])]
    return [{"body": body, "seed": seed} for body in bodies for seed in range(settings.seeds)]


def run_row(key: Row, settings: StudySettings) -> Row:
    """Train one body, and simulate it beside the yardstick and the start on the same paths."""
    torch.set_num_threads(1)
    parameters, seeds = settings.parameters, Seeds(key["seed"])
    case = Case.of(parameters)
    start = case.best_level(parameters["pathwise"]["validation_periods"])
    policy = _network(key["body"], case, start, parameters, seeds)
    config = PathwiseConfig(**_pathwise(key["body"], parameters))
    run = pathwise.fit(policy, case.world, case.source, config, seeds)
    rules: dict[str, Policy] = {
        "learned": run.policy,
        "filter": case.yardstick,
        "constant": BaseStock(torch.full((1, 1, 1), start)),
    }
    warm_up = parameters["test_warm_up"]
    scenario = case.source.sample(
        parameters["test_paths"], warm_up + parameters["test_periods"], seeds.torch("test")
    )
    costs = {
        name: average_cost(case.world, rule, scenario, warm_up).double().numpy()
        for name, rule in rules.items()
    }
    cost = {name: float(values.mean()) for name, values in costs.items()}
    behind = mean_difference(costs["learned"], costs["filter"])
    return {
        "weights": parameter_count(policy),
        "start_level": start,
        **{f"{name}_cost": value for name, value in cost.items()},
        "constant_gap_percent": gap_percent(cost["constant"], cost["filter"]),
        "gap_percent": gap_percent(cost["learned"], cost["filter"]),
        "gap_low_percent": 100 * behind.low / cost["filter"],
        "gap_high_percent": 100 * behind.high / cost["filter"],
        "train_seconds": run.seconds,
        "updates": run.updates,
    }


def summarise(rows: list[Row], settings: StudySettings) -> Row:
    """Return each body's mean gap to the yardstick."""
    del settings
    summary: Row = {
        "constant_gap_percent": float(np.mean([row["constant_gap_percent"] for row in rows]))
    }
    for body, group in _groups(rows):
        name = body.replace(" ", "_")
        summary[f"{name}_gap_percent"] = float(np.mean([row["gap_percent"] for row in group]))
    return summary


def tables(rows: list[Row], summary: Row, settings: StudySettings) -> str:
    """Return one line per body."""
    del summary, settings
    return markdown_table([_line(body, group) for body, group in _groups(rows)])


@dataclass(frozen=True)
class Case:
    """The shop, its demand with its past among the signals, and the yardstick."""

    world: World
    source: HistorySignals
    yardstick: FilteredNewsvendor

    @classmethod
    def of(cls, parameters: Parameters) -> "Case":
        """Return the case that the parameters tell."""
        lead_time, shortage = parameters["lead_time"], parameters["shortage_cost"]
        product = Product(id="item", holding_cost=1.0, shortage_cost=shortage, lost_share=0.0)
        world = World.from_instance(Instance.single_location([product], lead_time))
        low, high = parameters["means"]
        regimes, past = Regimes((low, high), parameters["stay"]), parameters["history_periods"]
        return cls(
            world,
            HistorySignals(regimes, past),
            FilteredNewsvendor(regimes, lead_time, shortage, past),
        )

    def best_level(self, periods: int) -> float:
        """Return the constant level that costs least on paths of its own."""
        scenario = self.source.sample(512, periods, Seeds(2026).torch("levels"))
        levels = self.yardstick.levels
        grid = range(int(levels.min()), int(levels.max()) + 1)
        return float(min(grid, key=lambda level: self._cost_of(level, scenario)))

    def _cost_of(self, level: float, scenario: Scenario) -> float:
        rule = BaseStock(torch.full((1, 1, 1), float(level)))
        return float(average_cost(self.world, rule, scenario, 30).mean())


def _demand_of(regimes: Regimes, start: int, periods: int) -> np.ndarray:
    """Return the probabilities of 0 … units in so many periods that begin in a regime."""
    ways = np.zeros((2, MOST_UNITS))
    ways[start, 0] = 1.0
    units = np.arange(MOST_UNITS)
    for _ in range(periods):
        asked = [
            np.convolve(way, poisson.pmf(units, mean))[:MOST_UNITS]
            for way, mean in zip(ways, regimes.means, strict=True)
        ]
        stay, leave = regimes.stay, 1 - regimes.stay
        ways = np.stack([stay * asked[0] + leave * asked[1], leave * asked[0] + stay * asked[1]])
    total: np.ndarray = ways.sum(0)
    return total


def _network(
    body: str, case: Case, start: float, parameters: Parameters, seeds: Seeds
) -> NeuralOrderUpTo:
    kind, _, size = body.partition(" of ")
    past, hidden = parameters["history_periods"], tuple(parameters["hidden"])
    slots = case.world.arrivals.slots - 1
    history = None
    if kind != "none":
        widths = tuple(parameters["widths"][kind])
        history = HistoryConfig(kind=kind, periods=past, widths=widths)
    config = NeuralOrderUpToConfig(
        pipeline_slots=slots, owes=True, history=history, hidden=hidden, limit=parameters["limit"]
    )
    if size:
        inputs = feature_count(config, torch.zeros(1, 1, 0))
        config = replace(config, hidden=hidden_for(int(size), inputs, NeuralOrderUpTo.outputs))
    periods_of_demand = start / (sum(parameters["means"]) / 2)
    return NeuralOrderUpTo(
        config,
        torch.tensor(periods_of_demand),
        # no cap that binds: unmet demand waits
        torch.tensor(100.0),
        seeds.torch("network"),
    )


def _pathwise(body: str, parameters: Parameters) -> Row:
    given: Row = parameters["pathwise"].as_dict()
    _, _, size = body.partition(" of ")
    if not size:
        return given
    place = parameters["sizes"].index(int(size))
    own = {"chains": "size_chains", "learning_rate": "size_learning_rates"}
    return given | {name: parameters[own[name]][place] for name in own}


def _groups(rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    for body in dict.fromkeys(row["body"] for row in rows):
        yield body, [row for row in rows if row["body"] == body]


def _line(body: str, group: list[Row]) -> Row:
    spread = seed_summary([row["gap_percent"] for row in group])
    interval = "" if np.isnan(spread.low) else f" [{spread.low:.2f}, {spread.high:.2f}]"
    return {
        "body": body,
        "weights": group[0]["weights"],
        "gap to the filter %": f"{spread.interquartile_mean:.2f}{interval}",
        "constant level %": f"{np.mean([row['constant_gap_percent'] for row in group]):.2f}",
        "seconds": f"{np.mean([row['train_seconds'] for row in group]):.1f}",
    }
