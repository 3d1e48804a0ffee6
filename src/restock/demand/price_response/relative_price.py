"""Prices in units of the list price, and the checks that all families share."""

from jaxtyping import Float
from torch import Tensor

from restock.demand.processes.parameters import check, check_same_products, check_vector

__all__ = ["check_elasticity", "check_families", "price_change", "price_ratio"]

LEAST_RATIO = 1e-3
"""A price below a thousandth of the list price counts as that, so that demand stays finite."""


def price_ratio(
    price: Float[Tensor, "*#B P 1"], list_price: Float[Tensor, "P"]
) -> Float[Tensor, "*#B P 1"]:
    """Return price / list price, at least 0.001.

    >>> import torch
    >>> price_ratio(torch.tensor([[3.0], [0.0]]), torch.tensor([4.0, 4.0])).flatten().tolist()
    [0.75, 0.0010000000474974513]
    """
    return (price / list_price.unsqueeze(-1)).clamp_min(LEAST_RATIO)


def price_change(
    price: Float[Tensor, "*#B P 1"], list_price: Float[Tensor, "P"]
) -> Float[Tensor, "*#B P 1"]:
    """Return (price − list price) / list price: 0.1 for ten percent more."""
    known = list_price.unsqueeze(-1)
    return (price - known) / known


def check_families(list_price: Tensor, **parameters: Tensor) -> None:
    """Require list prices > 0 and parameters for the same products.

    Raises :class:`~restock.errors.ConfigurationError` naming the parameter and the product.
    """
    remedy = "Give money per unit."
    check_vector("list_price", list_price, remedy=remedy)
    check("list_price", list_price, list_price > 0, "> 0", remedy)
    check_same_products(list_price=list_price, **parameters)


def check_elasticity(values: Tensor) -> None:
    """Require one finite elasticity ≤ 0 per product.

    >>> import torch
    >>> check_elasticity(torch.tensor([-1.1, 0.4]))
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: `elasticity` must be finite and ≤ 0; got 0.4 for product \
number 1. Give the percent by which demand changes when the price rises by one percent.
    """
    remedy = "Give the percent by which demand changes when the price rises by one percent."
    check_vector("elasticity", values, lowest=float("-inf"), remedy=remedy)
    check("elasticity", values, values <= 0, "finite and ≤ 0", remedy)
