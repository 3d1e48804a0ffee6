r"""Short windows with a learned terminal value: the pathwise gradient as an actor with a critic.

The pathwise gradient of a window sees no cost beyond it. What is on the shelf or on its way when
the window ends then looks worthless, and what was paid for it looks wasted. Short-horizon
actor-critic (Xu, Makoviychuk, Narang, Ramos, Matusik, Garg and Macklin, Accelerated policy
learning with parallel differentiable simulation, ICLR 2022, arXiv 2204.07137,
algorithm 1) adds a learned value of the last state, through which gradients flow as well. Ours is
for average cost. With g the average cost, the relative value

    v(s) = E Σ_{k≥0} γ^k (c_{t+k} − g),   s_t = s,

is what a state costs beyond the average (γ = 1: the relative value of average-cost dynamic
programming, Puterman, Markov decision processes, 1994, §8.2). The actor descends

    L(θ) = 1/(B·T·P) [Σ_b Σ_{t<T} Σ_p c(s_t, a_t, d_t)  +  Σ_b Σ_p v̄(s_T)],

the critic v the mean square of v(s_t) − G_t^λ, with λ-returns of the costs c − ḡ,

    G_t^λ = c_t − ḡ + γ [(1 − λ) v̄(s_{t+1}) + λ G_{t+1}^λ],   G_{T−1}^λ = c_{T−1} − ḡ + γ v̄(s_T).

v̄ is the target critic, v̄ ← (1 − τ) v̄ + τ v after each update, and ḡ follows the window's mean
cost likewise. Returns are centred in each batch: v is known up to a constant only, which no
gradient sees. Within the window nothing is discounted, so that all its decisions count alike; γ
shortens the critic's memory only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restock.errors import ConfigurationError, require
from restock.learning.chains import Episodes, state_from_tree, state_tree
from restock.learning.deciding import deciding
from restock.learning.descent import DivergenceError, descend
from restock.learning.fingerprint import fingerprint_of
from restock.learning.loop import LoopConfig, Update, train
from restock.learning.model_aware.playing import check_playing, held_out_paths, played_chains
from restock.learning.model_aware.state_value import StateValue
from restock.learning.objective import tally_of
from restock.learning.off_policy import follow
from restock.learning.returns import lambda_returns
from restock.learning.run import Listener, TrainingRun
from restock.seeds import Seeds
from restock.simulation import Scenario, ScenarioSource, State, World, average_cost
from restock.simulation.period import arrive, conclude, observe

__all__ = ["TerminalValueConfig", "TerminalValueLearner", "fit"]

P = TypeVar("P", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalValueConfig(LoopConfig):
    """How the gradient of a short window is followed, and how its end is valued.

    ``updates``, ``chains`` (B), ``warm_up``, ``episode_windows``, ``learning_rate``,
    ``gradient_clip``, validation and ``objective`` are as in
    :class:`~restock.learning.PathwiseConfig`; ``window`` (T) may be as short as one period.
    ``discount`` is γ in (0, 1], ``decay`` λ in [0, 1]. The critic has layers of ``critic_hidden``
    and takes ``critic_steps`` steps of Adam an update, of size ``critic_learning_rate``;
    ``target_rate`` is τ in (0, 1]. In the first ``critic_only`` updates the policy stays as it is.

    Raises :class:`ConfigurationError` for numbers out of range.
    """

    chains: int = 512
    warm_up: int = 10
    window: int = 8
    episode_windows: int = 4
    learning_rate: float = 1e-2
    gradient_clip: float = 1.0
    discount: float = 0.98
    decay: float = 0.95
    critic_hidden: tuple[int, ...] = (32, 32)
    critic_learning_rate: float = 5e-3
    critic_steps: int = 2
    critic_only: int = 20
    target_rate: float = 0.1
    validation_paths: int = 1024
    validation_periods: int = 200
    validation_warm_up: int = 50
    objective: str = "cost"

    def __post_init__(self) -> None:
        """Check ranges; the conditions are written so that NaN fails them."""
        LoopConfig.__post_init__(self)
        check_playing(self)
        self.require_counts("window", "episode_windows", "critic_steps")
        self.require_counts("critic_only", least=0)
        self.require_positive(critic_learning_rate=5e-3, discount=0.98, target_rate=0.1)
        self.require_shares(discount=0.98, decay=0.95, target_rate=0.1)
        require(
            all(width >= 1 for width in self.critic_hidden),
            ConfigurationError,
            f"`critic_hidden` widths must be ≥ 1; got {self.critic_hidden}. Try (32, 32).",
        )
        tally_of(self.objective)


def fit(
    policy: P,
    world: World,
    source: ScenarioSource,
    config: TerminalValueConfig,
    seeds: Seeds,
    *,
    validation: Scenario | None = None,
    folder: Path | None = None,
    listeners: Sequence[Listener] = (),
    evaluate: Callable[[P], float] | None = None,
) -> TrainingRun[P]:
    """Minimise the average cost of ``policy`` in a differentiable ``world``, window by window.

    Arguments and errors are those of :func:`restock.learning.pathwise.fit`, but windows may end
    before the first order arrives. The log's ``value_loss`` is the critic's mean square error, in
    squares of the first window's cost.
    """
    learner = TerminalValueLearner(policy, world, source, config, seeds, validation)
    fingerprint = fingerprint_of(policy, world, source, learner.validation, config, seeds)
    return train(
        learner, config, fingerprint, folder=folder, listeners=listeners, evaluate=evaluate
    )


class _Window(NamedTuple):
    """A window that was played: costs in units of the first window's, and what was seen.

    ``cost`` ``[T, B, P]`` and ``value`` ``[B, P]``, of the last state, carry gradients; ``seen``
    ``[T + 1, B, P, F]`` are the critic's features, without.
    """

    cost: Float[Tensor, "T B P"]
    value: Float[Tensor, "B P"]
    seen: Float[Tensor, "T+1 B P F"]
    chains: State


class TerminalValueLearner(Generic[P]):
    """Actor and critic on short windows of chains that are never reset."""

    def __init__(
        self,
        policy: P,
        world: World,
        source: ScenarioSource,
        config: TerminalValueConfig,
        seeds: Seeds,
        validation: Scenario | None = None,
    ) -> None:
        self.policy, self.world, self.config = policy, world, config
        self.actor = deciding(policy)
        periods = config.validation_warm_up + config.validation_periods
        self.validation = held_out_paths(
            source, seeds, config.validation_paths, periods, validation
        )
        self.episodes = Episodes(
            source,
            seeds,
            config.chains,
            config.window,
            config.episode_windows,
            beyond=1,
        )
        self.chains = played_chains(world, self.actor, source, seeds, config.chains, config.warm_up)
        self.critic, self.target = (
            StateValue(world, self.validation, config.critic_hidden, seeds.torch("critic"))
            for _ in range(2)
        )
        self.target.requires_grad_(requires_grad=False)
        self.optimizer = torch.optim.Adam(policy.parameters(), lr=config.learning_rate)
        self.critic_optimizer = torch.optim.Adam(
            self.critic.parameters(), lr=config.critic_learning_rate
        )
        self.tally = tally_of(config.objective)
        self.cost_unit = torch.zeros(world.n_products)
        self.mean_cost = torch.zeros(world.n_products)

    def update(self, number: int) -> Update:
        """Play one window; let the critic learn from it, then take one step with the policy."""
        config = self.config
        scenario = self.episodes.window(number)
        if number == 0:
            self._measure(scenario)
        window = self._play(scenario)
        loss = ((window.cost.sum(0) + window.value) * self._weight()).mean() / config.window
        require(
            window.cost.requires_grad or window.value.requires_grad,
            ConfigurationError,
            "the cost of a window does not depend on the policy's weights: this world or this"
            " policy is not differentiable. Train it with a model-free method, or give the policy"
            " outputs that carry a gradient.",
        )
        size = config.learning_rate * config.cosine(number)
        returns = self._returns(window)
        if not bool(returns.isfinite().all()):
            raise DivergenceError.of_loss(loss.item(), float("nan"), size)
        norm = 0.0
        if number >= config.critic_only:
            norm = descend(loss, self.optimizer, clip=config.gradient_clip, learning_rate=size)
        value_loss = self._fit_critic(window.seen[:-1], returns)
        self.chains = window.chains.detach()
        return Update(
            loss=window.cost.mean().item(),
            gradient_norm=norm,
            learning_rate=size,
            steps=scenario.paths * config.window,
            value_loss=value_loss,
        )

    @torch.no_grad()
    def _measure(self, scenario: Scenario) -> None:
        """Let the first window's cost be the unit, for each product."""
        self.cost_unit = torch.ones_like(self.cost_unit)
        cost = self._play(scenario).cost.abs().mean((0, 1))
        self.cost_unit = torch.where(cost > 0, cost, 1)
        self.mean_cost = torch.ones_like(cost)

    def _weight(self) -> Float[Tensor, " P"]:
        """Return each product's share in the unit of cost: the loss counts money, not units."""
        return self.cost_unit / self.cost_unit.mean()

    def _play(self, scenario: Scenario) -> _Window:
        world, state = self.world, self.chains
        costs, seen_by_critic = [], []
        for period in range(self.config.window):
            state = arrive(world, state)
            seen = observe(world, state, scenario, period)
            seen_by_critic.append(self.critic.features(seen).detach())
            decision = self.actor.decide(seen)
            state, flows = conclude(world, state, seen, decision, scenario, period)
            tally = self.tally()
            tally.add(world, flows)
            costs.append(flows.cost if tally.total is None else tally.total)
        last = observe(world, arrive(world, state), scenario, self.config.window)
        features = self.critic.features(last)
        cost = torch.stack(costs).squeeze(-1) / self.cost_unit
        seen_in_all = torch.stack([*seen_by_critic, features.detach()])
        return _Window(cost, self.target(features), seen_in_all, state)

    @torch.no_grad()
    def _returns(self, window: _Window) -> Float[Tensor, "T B P"]:
        """Return G^λ, centred, and let the mean cost follow."""
        config, cost = self.config, window.cost.detach()
        self.mean_cost = self.mean_cost.lerp(cost.mean((0, 1)), config.target_rate)
        never = torch.zeros_like(cost, dtype=torch.bool).flatten(1)
        returns = lambda_returns(
            (cost - self.mean_cost).flatten(1),
            self.target(window.seen[1:]).flatten(1),
            never,
            never,
            discount=config.discount,
            decay=config.decay,
        ).view_as(cost)
        return returns - returns.mean((0, 1))

    def _fit_critic(self, seen: Float[Tensor, "T B P F"], returns: Float[Tensor, "T B P"]) -> float:
        """Take the critic's steps, then let the target follow; return the first mean square."""
        config, first = self.config, 0.0
        for step in range(config.critic_steps):
            loss = (self.critic(seen) - returns).square().mean()
            first = loss.item() if step == 0 else first
            descend(loss, self.critic_optimizer, clip=config.gradient_clip)
        follow(self.target.parameters(), self.critic.parameters(), config.target_rate)
        return first

    def validate(self) -> float:
        """Return the average cost on the held-out paths."""
        warm_up = self.config.validation_warm_up
        costs = average_cost(self.world, self.actor, self.validation, warm_up, tally=self.tally)
        return float(costs.mean())

    def begin(self, update: int) -> None:
        """Go on: chains are part of the state."""

    def state_dict(self) -> dict[str, Any]:
        """Return optimizers, critics, chains, and the costs that were measured."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "critic_optimizer": self.critic_optimizer.state_dict(),
            "critic": self.critic.state_dict(),
            "target": self.target.state_dict(),
            "chains": state_tree(self.chains),
            "costs": torch.stack([self.cost_unit, self.mean_cost]),
        }

    def load_state_dict(self, tree: dict[str, Any]) -> None:
        """Take them back."""
        self.optimizer.load_state_dict(tree["optimizer"])
        self.critic_optimizer.load_state_dict(tree["critic_optimizer"])
        self.critic.load_state_dict(tree["critic"])
        self.target.load_state_dict(tree["target"])
        self.chains = state_from_tree(tree["chains"])
        self.cost_unit, self.mean_cost = tree["costs"]

    def evidence(self) -> dict[str, Tensor]:
        """Return the demand of the last windows and the stock that the last one began with."""
        return {**self.episodes.evidence(), "on_hand": self.chains.on_hand}
