"""The checks that the parameters of a demand process pass when the process is built."""

from jaxtyping import Bool, Float
from torch import Tensor

from restock.errors import ConfigurationError, require

__all__ = ["check", "check_same_products", "check_vector"]


def check(
    name: str, values: Float[Tensor, "..."], holds: Bool[Tensor, "..."], rule: str, remedy: str
) -> None:
    """Raise :class:`ConfigurationError` unless ``holds`` everywhere (NaN holds nothing).

    ``values`` carry the product axis P last; the message names the first product that fails.
    """
    broken = (~holds).nonzero()
    if len(broken):
        where = tuple(broken[0].tolist())
        raise ConfigurationError(
            f"`{name}` must be {rule}; got {values[where].item():g} for product number"
            f" {where[-1]}. {remedy}"
        )


def check_vector(
    name: str,
    values: Float[Tensor, "..."],
    *,
    lowest: float = 0.0,
    remedy: str = "Give units per period.",
) -> None:
    """Require one floating number per product, finite and at least ``lowest``.

    >>> import torch
    >>> check_vector("mean", torch.tensor([2.0, float("nan")]))
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: `mean` must be finite and ≥ 0; got nan for product \
number 1. Give units per period.
    """
    require(
        values.ndim == 1 and len(values) > 0 and values.is_floating_point(),
        ConfigurationError,
        f"`{name}` must be a floating tensor with one number per product; got shape"
        f" {tuple(values.shape)} of {values.dtype}. Use torch.tensor([5.0]) for one product.",
    )
    holds = (values >= lowest) & values.isfinite()
    check(name, values, holds, f"finite and ≥ {lowest:g}", remedy)


def check_same_products(**parameters: Tensor) -> None:
    """Require that all parameters, by name, speak of the same number of products."""
    lengths = {name: len(values) for name, values in parameters.items()}
    require(
        len(set(lengths.values())) == 1,
        ConfigurationError,
        f"parameters of one process must have one number per product each; got lengths {lengths}."
        " Give all of them for the same products.",
    )
