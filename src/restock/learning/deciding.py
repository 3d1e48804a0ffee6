"""Modules that decide: what model-aware methods train."""

from torch import nn

from restock.errors import ConfigurationError
from restock.simulation import Policy

__all__ = ["deciding"]


def deciding(policy: nn.Module) -> Policy:
    """Return the module as a world sees it.

    Raises :class:`ConfigurationError` for what is no module with weights, and for a module that
    does not decide.
    """
    if not isinstance(policy, nn.Module) or not any(True for _ in policy.parameters()):
        raise ConfigurationError(
            f"training needs a policy with weights; {type(policy).__name__} has none. Take a"
            " network that departs from it (`NeuralDeparture`), or learned levels"
            " (`NetworkLevels`)."
        )
    if not isinstance(policy, Policy):
        raise ConfigurationError(
            f"a policy must have `decide(observation)`; {type(policy).__name__} has not."
            " Take one of `restock.policies`."
        )
    return policy
