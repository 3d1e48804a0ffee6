"""What training minimises: cost, or cost less profit where prices are decided too."""

from typing import Final

from restock.errors import ConfigurationError, did_you_mean
from restock.simulation import CostTally, LossTally

__all__ = ["OBJECTIVES", "tally_of"]

OBJECTIVES: Final[dict[str, type[CostTally]]] = {"cost": CostTally, "loss": LossTally}


def tally_of(objective: str) -> type[CostTally]:
    """Return what sums an objective: "cost", or "loss" = cost + purchases − revenue.

    Raises :class:`ConfigurationError` for any other.

    >>> tally_of("loss").__name__
    'LossTally'
    """
    if objective not in OBJECTIVES:
        raise ConfigurationError(
            f"`objective` must be one of {', '.join(OBJECTIVES)}; got '{objective}'."
            f"{did_you_mean(objective, OBJECTIVES)}"
        )
    return OBJECTIVES[objective]
