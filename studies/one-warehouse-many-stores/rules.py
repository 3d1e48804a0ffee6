"""The classical rules, each with its levels (and caps) tuned by the pathwise gradient."""

from collections.abc import Iterator
from dataclasses import dataclass

from restock.learning import PathwiseConfig, pathwise
from restock.policies.neural.network_levels import NetworkLevels, Position
from restock.seeds import Seeds
from restock.simulation import World
from restock.simulation.supply import Rationing

from .stores import Stores  # type: ignore[import-not-found]

__all__ = ["Tuned", "classical_rules", "tuned_rule"]

POSITIONS: tuple[Position, ...] = ("echelon", "local")
SHARING: tuple[Rationing, ...] = ("proportional", "least_cover")


@dataclass(frozen=True)
class Tuned:
    """A tuned rule, the world that it was tuned in, and what it cost on held-out paths."""

    name: str
    rule: NetworkLevels
    world: World
    validation_cost: float
    seconds: float


def tuned_rule(
    stores: Stores,
    config: PathwiseConfig,
    seeds: Seeds,
    *,
    position: Position = "echelon",
    rationing: Rationing = "proportional",
    capped: bool = False,
) -> Tuned:
    """Tune the levels of one rule, started at demand until the next delivery and a deviation."""
    world = stores.world(rationing)
    levels = stores.start_levels() if position == "echelon" else stores.start_local_levels()
    rule = NetworkLevels(levels, position, stores.start_caps() if capped else None)
    run = pathwise.fit(rule, world, stores.source(), config, seeds)
    name = f"{'capped ' if capped else ''}{position} base stock, {rationing.replace('_', ' ')}"
    return Tuned(name, rule, world, run.best_validation_cost / stores.number, run.seconds)


def classical_rules(stores: Stores, config: PathwiseConfig, seeds: Seeds) -> Iterator[Tuned]:
    """Tune every rule: echelon and local levels, both ways of sharing, with and without caps."""
    for capped in (False, True):
        for position in POSITIONS:
            for rationing in SHARING:
                yield tuned_rule(
                    stores, config, seeds, position=position, rationing=rationing, capped=capped
                )
