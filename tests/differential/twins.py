"""Customers told twice: as the batched simulator wants them, and as the ledger does."""

from collections.abc import Callable

import numpy as np
import torch
from random_runs import Run
from torch import Tensor

from restock.demand import (
    AdditiveNoise,
    CombinedResponse,
    ConstantElasticity,
    CrossElasticity,
    LinearGoodwill,
    LinearResponse,
    LogitResponse,
    PowerGoodwill,
    PricePairs,
    PriceResponse,
    PromotionLift,
    ReferencePrice,
    Retention,
    Satisfaction,
    ServiceWeights,
)
from restock.simulation.ledger import (
    Answer,
    Goodwill,
    constant_elasticity,
    cross_elasticity,
    linear,
    logit,
    promotion,
    reference_price,
)

Responses = tuple[PriceResponse, Answer]


def answers(run: Run) -> tuple[PriceResponse | None, Answer | None]:
    """Return how customers answer prices, twice; nothing where they do not."""
    if not run.on.answer:
        return None, None
    return Customers(run).respond(run.on.answer)


class Customers:
    """Random numbers for each product, as vectors and by name."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.names = [product.id for product in run.instance.products]
        self.random = np.random.default_rng([run.on.seed, 11])
        self.list_price = self.told([product.list_price for product in run.instance.products])
        self.elasticity = self.told(-3 * self.random.random(len(self.names)))

    def told(self, values: object) -> tuple[Tensor, dict[str, float]]:
        vector = torch.as_tensor(np.array(values), dtype=torch.float64)
        return vector, dict(zip(self.names, vector.tolist(), strict=True))

    def drawn(self, most: float) -> tuple[Tensor, dict[str, float]]:
        return self.told(most * self.random.random(len(self.names)))

    def respond(self, name: str) -> Responses:
        responses: dict[str, Callable[[], Responses]] = {
            "elasticity": self.elastic,
            "linear": self.linear,
            "logit": self.logit,
            "promotion": self.promotion,
            "cross": self.cross,
            "reference": self.reference,
            "additive": self.additive,
        }
        return responses[name]()

    def elastic(self) -> Responses:
        (prices, by_price), (power, by_power) = self.list_price, self.elasticity
        response = ConstantElasticity(prices, power)
        return response, Answer((constant_elasticity(by_price, by_power),))

    def linear(self) -> Responses:
        (prices, by_price), (slope, by_slope) = self.list_price, self.elasticity
        return LinearResponse(prices, slope), Answer((linear(by_price, by_slope),))

    def logit(self) -> Responses:
        prices, by_price = self.list_price
        (beta, by_beta), (share, by_share) = self.drawn(4), self.drawn(0.9 / len(self.names))
        group = self.random.integers(0, 2, len(self.names))
        response = LogitResponse(prices, beta, share, torch.as_tensor(group))
        groups = dict(zip(self.names, group.tolist(), strict=True))
        return response, Answer((logit(by_price, by_beta, by_share, groups),))

    def promotion(self) -> Responses:
        """Beside a linear response, which a factor follows."""
        linear_response, linear_answer = self.linear()
        prices, by_price = self.list_price
        lift, by_lift = self.drawn(3)
        response = CombinedResponse((linear_response, PromotionLift(prices, lift)))
        return response, Answer((*linear_answer.factors, promotion(by_price, by_lift)))

    def cross(self) -> Responses:
        (prices, by_price), (power, by_power) = self.list_price, self.elasticity
        count = len(self.names)
        chosen = [
            (n, m, float(self.random.normal(0, 0.7)))
            for n in range(count)
            for m in range(count)
            if n != m and self.random.random() < 0.6
        ]
        affected = torch.tensor([n for n, _, _ in chosen], dtype=torch.long)
        changed = torch.tensor([m for _, m, _ in chosen], dtype=torch.long)
        powers = torch.tensor([value for _, _, value in chosen], dtype=torch.float64)
        pairs = {(self.names[n], self.names[m]): value for n, m, value in chosen}
        response = CrossElasticity(prices, power, PricePairs(affected, changed, powers))
        return response, Answer((cross_elasticity(by_price, by_power, pairs),))

    def reference(self) -> Responses:
        prices, by_price = self.list_price
        (gain, by_gain), (loss, by_loss) = self.drawn(1), self.drawn(2)
        memory, by_memory = self.drawn(1)
        response = ReferencePrice(prices, gain, loss, memory)
        return response, Answer((reference_price(by_price, by_gain, by_loss),), by_memory)

    def additive(self) -> Responses:
        linear_response, linear_answer = self.linear()
        points = self.run.points
        means = 4 * self.random.random((len(self.names), len(points)))
        by_point = {
            (product, point): float(means[n, d])
            for n, product in enumerate(self.names)
            for d, point in enumerate(points)
        }
        response = AdditiveNoise(linear_response, torch.from_numpy(means))
        return response, Answer(linear_answer.factors, means=by_point)


def memories(run: Run) -> tuple[Satisfaction | None, Goodwill | None]:
    """Return how customers remember service, twice; nothing where they do not."""
    if not run.on.satisfaction:
        return None, None
    random = np.random.default_rng([run.on.seed, 13])
    weights = random.dirichlet(np.ones(4))
    fill_rate, punctuality, whole_orders = (float(each) for each in weights[:3])
    judged = {
        "fill_rate": fill_rate,
        "punctuality": punctuality,
        "whole_orders": whole_orders,
        "fair_price": 1 - fill_rate - punctuality - whole_orders,
    }
    judged["fair_price"] = max(judged["fair_price"], 0.0)
    told = {
        "smoothing": float(random.random()),
        "initial": float(0.4 + 0.6 * random.random()),
        "lateness_tolerance_periods": float(0.5 + 3 * random.random()),
        "price_tolerance": float(0.05 + random.random()),
    }
    strength = float(2 * random.random())
    is_power, stays = random.random() < 0.5, random.random() < 0.3
    worst, best, newcomers = 0.6, float(0.8 + 0.2 * random.random()), float(0.1 * random.random())
    satisfaction = Satisfaction(
        weights=ServiceWeights(**judged),
        effect=PowerGoodwill(strength) if is_power else LinearGoodwill(strength),
        retention=None if stays else Retention(at_worst=worst, at_best=best, newcomers=newcomers),
        **told,
    )
    coming = {} if stays else {"stay_at_worst": worst, "stay_at_best": best, "newcomers": newcomers}
    effect = {"exponent" if is_power else "slope": strength}
    return satisfaction, Goodwill(**judged, **told, **effect, **coming)
