"""A policy that was learned in a Gymnasium environment, as a policy like any other."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.simulation import Decision, Observation
from restock.simulation.environments import Setup
from restock.simulation.environments.acting import Steering, refuse_action
from restock.simulation.environments.seeing import Sight, Today

__all__ = ["EnvironmentPolicy"]

NOT_SEEN = "orders_received"


class EnvironmentPolicy:
    """Decides as ``act`` does in the environment of ``setup``.

    ``act`` takes what the environment shows, float32 ``[B, F]``, and returns an action for each
    row: a tensor or an array ``[B, A]`` of continuous actions or ``[B]`` counts, inside the action
    space. The environment's own sight and steering stand between it and the world, so that an
    episode and a rollout on the same demand book the same cost. With it the policies of our
    model-free trainers (``run.policy.act``) and of any other library enter the same tables, on the
    same paths, as everybody else's.

    Raises :class:`ConfigurationError` for a setup that shows the last period's orders, which no
    policy observes, and, when it decides, for an action outside the action space.

    >>> from restock.simulation import SteadyDemand
    >>> from restock.simulation.environments import setup_for
    >>> setup = setup_for("LostSales", {"lead_time_periods": 2, "action": "quantity"})
    >>> policy = EnvironmentPolicy(setup, lambda rows: torch.zeros(len(rows), 1))
    >>> state = setup.world.empty_state(3)
    >>> seen = Observation(state.on_hand, state.on_order, (), torch.full((1, 1, 1), 2))
    >>> policy.decide(seen).target.flatten().tolist()  # the middle of 0 … 20
    [10.0, 10.0, 10.0]
    """

    def __init__(self, setup: Setup, act: Callable[[Float[Tensor, "B F"]], Any]) -> None:
        require(
            NOT_SEEN not in setup.shows,
            ConfigurationError,
            f"the environment '{setup.name}' shows '{NOT_SEEN}', the orders of the last period;"
            " a policy observes no demand but through signals. Learn in a setup without it:"
            f" dataclasses.replace(setup, shows=…) with some of {_without(setup)}.",
        )
        self.setup, self.act = setup, act
        self.sight, self.steering = Sight(setup), Steering(setup)

    @torch.no_grad()
    def decide(self, observation: Observation) -> Decision:
        """Return what the action of each path means."""
        paths = len(observation.on_hand)
        rows = torch.from_numpy(self.sight.read(Today(observation, torch.zeros(paths))))
        actions = torch.as_tensor(self.act(rows)).reshape(paths, -1)
        fits = self.steering.fits(actions.numpy())
        if not fits.all():
            wrong = actions[int((~fits).argmax())].numpy()
            refuse_action(wrong.reshape(self.steering.space.shape or ()), self.steering.space)
        return self.steering.decide(actions.float(), observation)


def _without(setup: Setup) -> str:
    return ", ".join(name for name in setup.shows if name != NOT_SEEN)
