"""Modules that decide: what model-aware methods train."""

from torch import nn

from restock.errors import ConfigurationError
from restock.simulation import Policy

__all__ = ["deciding"]


def deciding(policy: nn.Module) -> Policy:
    """Return the module as a world sees it.

    Raises :class:`ConfigurationError` for a module that does not decide.
    """
    if not isinstance(policy, Policy):
        raise ConfigurationError(
            f"a policy must have `decide(observation)`; {type(policy).__name__} has not."
            " Take one of `restock.policies`."
        )
    return policy
