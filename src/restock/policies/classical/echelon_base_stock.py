"""Echelon base stock: each stage watches everything that lies below it."""

from dataclasses import dataclass

from restock.shapes import StockValues
from restock.simulation import Decision, Observation

__all__ = ["EchelonBaseStock"]


@dataclass(frozen=True)
class EchelonBaseStock:
    """Raise each location's echelon position to its level; ``level`` is units ``[#B, P, L]``.

    The echelon position of a location is its own inventory position and that of all locations
    that it supplies. Optimal for stages in a row with backorders (Clark and Scarf, Optimal
    policies for a multi-echelon inventory problem, Management Science 6, 1960); in a world of one
    location it is base stock. Where several lanes lead to a location each wishes for the whole.

    >>> import torch
    >>> from restock.problem import Instance, Product
    >>> from restock.simulation import World
    >>> tea = Product(id="tea", lost_share=0.0, shortage_cost=9.0)
    >>> world = World.from_instance(Instance.serial(tea, (2, 1), (0.5, 1.0)))
    >>> policy = EchelonBaseStock(torch.tensor([[[9.0, 4.0]]]))
    >>> state = world.empty_state(1)
    >>> from restock.simulation.period import observe
    >>> from restock.simulation import Scenario
    >>> seen = observe(world, state, Scenario(torch.zeros(1, 1, 1, 2)), 0)
    >>> policy.decide(seen).target.tolist()
    [[[9.0, 4.0]]]
    """

    level: StockValues

    def decide(self, observation: Observation) -> Decision:
        """Wish for what the echelon lacks, on top of the lane's own position."""
        lacking = self.level - observation.echelon_position
        if observation.network is not None:
            lacking = observation.network.at_destination(lacking)
        return Decision(observation.lane_position + lacking)
