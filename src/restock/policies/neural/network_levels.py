"""Levels of a network's locations that are learned themselves, as logarithms.

With s the logarithms of the levels, one for each product and location, the rule orders

    min(exp(c), (exp(s) − position)⁺)

where the position is that of the echelon (a location with all that it supplies) or the location's
own, and the cap, c its logarithm, is there if it is asked for. Trained by the pathwise gradient
this is how the best classical rule of a network is found; with a body on top
(:mod:`restock.policies.neural.graph`) it is what the body departs from.
"""

from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.shapes import StockValues
from restock.simulation import Decision, Observation

__all__ = ["NetworkLevels", "Position"]

Position = Literal["echelon", "local"]


class NetworkLevels(nn.Module):
    """Echelon or local base stock whose levels are weights; a fresh one is the classical rule.

    ``levels`` are units > 0, ``[P, L]``; ``position`` says what a level is compared with. ``caps``,
    likewise, are the most that a location orders at once. Where several lanes lead to a location
    each wishes for the whole.

    Raises :class:`ConfigurationError` for a level or cap that is not finite and > 0, or another
    position.

    Source: A. J. Clark & H. Scarf (1960), Management Science 6(4):475–490 (echelon levels); their
    gradient P. Glasserman & S. Tayur (1995), Management Science 41(2):263–281; caps L. Xin (2021),
    Operations Research 69(1):61–70.

    >>> import torch
    >>> rule = NetworkLevels(torch.tensor([[9.0, 4.0]]))
    >>> [round(level, 4) for level in rule.levels.flatten().tolist()]
    [9.0, 4.0]
    """

    def __init__(
        self,
        levels: Float[Tensor, "P L"],
        position: Position = "echelon",
        caps: Float[Tensor, "P L"] | None = None,
    ) -> None:
        super().__init__()
        for name, values in (("levels", levels), ("caps", levels if caps is None else caps)):
            require(
                bool(((values > 0) & values.isfinite()).all()),
                ConfigurationError,
                f"`{name}` must be finite and > 0; got {values.tolist()}. Give units for every"
                " product and location; one that should hold nothing has a small level.",
            )
        require(
            position in ("echelon", "local"),
            ConfigurationError,
            f"`position` must be 'echelon' or 'local'; got '{position}'.",
        )
        self.position = position
        self.log_levels = nn.Parameter(levels.log())
        self.log_caps = None if caps is None else nn.Parameter(caps.log())

    @property
    def config(self) -> str:
        """What tells this rule from others but for its weights."""
        return f"NetworkLevels({self.position}{'' if self.log_caps is None else ', capped'})"

    @property
    def levels(self) -> Float[Tensor, "P L"]:
        """The levels in units."""
        return self.log_levels.exp()

    def lacking(
        self, observation: Observation, departure: StockValues | None = None
    ) -> StockValues:
        """Return how many units each location is below its level × exp(``departure``)."""
        levels = _moved(self.log_levels, departure)
        if self.position == "echelon":
            return levels - observation.echelon_position
        return levels - observation.inventory_position

    def caps(self, departure: StockValues | None = None) -> StockValues | None:
        """Return each location's cap × exp(``departure``), ``None`` where there are no caps."""
        return None if self.log_caps is None else _moved(self.log_caps, departure)

    def decision(
        self,
        observation: Observation,
        lacking: StockValues,
        caps: StockValues | None,
        weight: StockValues | None = None,
    ) -> Decision:
        """Return the wish for what each location lacks, at most its cap, with its weight."""
        network = observation.network
        if network is not None:
            lacking = network.at_destination(lacking)
            caps = None if caps is None else network.at_destination(caps)
            weight = None if weight is None else network.at_destination(weight)
        return Decision(observation.lane_position + lacking, caps, lane_weight=weight)

    def decide(self, observation: Observation) -> Decision:
        """Wish for what each location lacks, at most its cap."""
        return self.decision(observation, self.lacking(observation), self.caps())


def _moved(logs: Float[Tensor, "P L"], departure: StockValues | None) -> StockValues:
    shaped = logs.unsqueeze(0)
    return (shaped if departure is None else shaped + departure).exp()
