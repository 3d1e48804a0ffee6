"""Which substitutes are shown to a customer who finds nothing.

Candidates of each product are ranked by

    affinity × min(1, stock / enough stock) × margin⁺,

what a proposal may be expected to earn while it can be served; the best few are proposed.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from restock.errors import ConfigurationError, require
from restock.shapes import StockValues
from restock.simulation import Decision, Observation, Policy

__all__ = ["InStockRecommender", "Recommending"]


@dataclass(frozen=True, eq=False)
class InStockRecommender:
    """Proposes the candidates that go well with a product, are in stock and earn money.

    ``candidate`` ``[P, K]`` are numbers of products, −1 where there is none, ``affinity``
    ``[P, K]`` ≥ 0 how well they go with the product. ``enough_units`` ``[P]`` > 0 is the stock,
    over all locations, from which on a product can be proposed without a second thought.
    At most ``proposals`` candidates of a product are shown, none that scores 0.

    Raises :class:`ConfigurationError` for shapes that disagree, a candidate that is not a
    product, an affinity that is negative, NaN or infinite, or ``proposals`` < 1.

    >>> recommender = InStockRecommender(
    ...     candidate=torch.tensor([[1, 2], [0, 2], [-1, -1]]),
    ...     affinity=torch.tensor([[0.9, 0.5], [0.9, 0.1], [0.0, 0.0]]),
    ...     enough_units=torch.ones(3),
    ... )
    >>> no_pots = torch.tensor([[[4.0], [0.0], [7.0]]])
    >>> recommender.proposal(no_pots, torch.ones(3, 1)).tolist()
    [[[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]]
    """

    candidate: Int[Tensor, "P K"]
    affinity: Float[Tensor, "P K"]
    enough_units: Float[Tensor, "P"]
    proposals: int = 1

    def __post_init__(self) -> None:
        """Check every number; the conditions are written so that NaN fails them."""
        n_products = len(self.candidate)
        require(
            self.affinity.shape == self.candidate.shape and len(self.enough_units) == n_products,
            ConfigurationError,
            f"`affinity` must have the shape of `candidate`, {tuple(self.candidate.shape)}, and"
            f" `enough_units` one number per product; got {tuple(self.affinity.shape)} and"
            f" {tuple(self.enough_units.shape)}.",
        )
        outside = self.candidate[(self.candidate < -1) | (self.candidate >= n_products)]
        require(
            len(outside) == 0,
            ConfigurationError,
            f"`candidate` must name products 0 … {n_products - 1} or be −1; got"
            f" {outside[:3].tolist()}. Number products in the order of the instance.",
        )
        for name, holds, rule in (
            ("affinity", self.affinity >= 0, "≥ 0"),
            ("enough_units", self.enough_units > 0, "> 0"),
        ):
            values: Tensor = getattr(self, name)
            bad = values[~(holds & values.isfinite())]
            require(
                len(bad) == 0,
                ConfigurationError,
                f"`{name}` must be finite and {rule}; got {bad[:3].tolist()}. Correct them.",
            )
        require(
            self.proposals >= 1,
            ConfigurationError,
            f"`proposals` must be an integer ≥ 1; got {self.proposals}. Leave out the recommender"
            " where nothing is proposed.",
        )

    def score(
        self, on_hand: StockValues, margin: Float[Tensor, "*#B P 1"]
    ) -> Float[Tensor, "#B P K"]:
        """Return affinity × stock × margin of each candidate, in money; 0 where there is none.

        ``on_hand`` is in units, ``margin`` in money per unit.
        """
        stock = on_hand.sum(-1) / self.enough_units
        worth = stock.clamp(0, 1) * margin.squeeze(-1).clamp_min(0)
        there = self.candidate >= 0
        return torch.where(there, self.affinity * worth[:, self.candidate.clamp_min(0)], 0.0)

    def proposal(
        self, on_hand: StockValues, margin: Float[Tensor, "*#B P 1"]
    ) -> Float[Tensor, "#B P K"]:
        """Return 1 for each candidate that is shown, else 0; no gradient passes."""
        score = self.score(on_hand, margin).detach()
        shown = min(self.proposals, score.shape[-1])
        best = score.topk(shown, dim=-1).indices
        return torch.zeros_like(score).scatter_(-1, best, 1.0) * (score > 0)


@dataclass(frozen=True, eq=False)
class Recommending:
    """Any policy, with proposals of in-stock substitutes beside its decision.

    ``unit_cost`` ``[P, 1]`` and ``list_price`` ``[P, 1]`` are money per unit; the margin is
    reckoned at the price that the policy decides, else at the price of the last period, else at
    the list price.
    """

    policy: Policy
    recommender: InStockRecommender
    unit_cost: Float[Tensor, "P 1"]
    list_price: Float[Tensor, "P 1"]

    def decide(self, observation: Observation) -> Decision:
        """Return the policy's decision with proposals."""
        decision = self.policy.decide(observation)
        memory = observation.memory
        price: Tensor = self.list_price
        if decision.price is not None:
            price = decision.price
        elif memory is not None and memory.prices is not None:
            price = memory.prices.price
        margin = price - self.unit_cost
        return replace(decision, proposal=self.recommender.proposal(observation.on_hand, margin))
