"""Who asks whom: many askers on the last axis, each at one of a few sources.

Askers are lanes and their sources the locations that they leave, or regions and the locations
that they ask. ``total`` sums over the askers of a source, ``each`` hands a source's value to all
its askers.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from restock.errors import InstanceError, require

__all__ = ["FixedGroups", "Groups", "VaryingGroups"]


@runtime_checkable
class Groups(Protocol):
    """Askers E, each at one of O sources."""

    @property
    def member(self) -> Int[Tensor, "*#axes E"]:
        """The source that each asker asks, 0 … O − 1."""
        ...

    def total(self, values: Float[Tensor, "#B P E"]) -> Float[Tensor, "#B P O"]:
        """Sum the askers' values at their sources."""
        ...

    def each(self, values: Float[Tensor, "#B P O"]) -> Float[Tensor, "#B P E"]:
        """Hand each source's value to its askers."""
        ...


@dataclass(frozen=True, eq=False)
class FixedGroups:
    """The same sources on every path and for every product: sums are one small matrix product.

    Values have to be finite, since a matrix product multiplies them by 0. Build it with
    :meth:`of`.

    >>> lanes = FixedGroups.of(torch.tensor([0, 0, 1]), sources=2)
    >>> lanes.total(torch.tensor([[[1.0, 2.0, 5.0]]])).tolist()
    [[[3.0, 5.0]]]
    >>> lanes.each(torch.tensor([[[7.0, 8.0]]])).tolist()
    [[[7.0, 7.0, 8.0]]]
    """

    member: Int[Tensor, " E"]
    one_hot: Float[Tensor, "E O"] = field(repr=False)

    @classmethod
    def of(
        cls, member: Int[Tensor, " E"], sources: int, dtype: torch.dtype = torch.float32
    ) -> "FixedGroups":
        """Group askers by ``member``, the place of each asker's source among ``sources``.

        Raises :class:`InstanceError` for a source that is not there.
        """
        bad = member[(member < 0) | (member >= sources)]
        require(
            len(bad) == 0,
            InstanceError,
            f"`member` must lie in 0 … {sources - 1}; got {bad[:1].tolist()}. Leave out the lanes"
            " from outside suppliers, which never run out.",
        )
        eye = torch.eye(sources, dtype=dtype, device=member.device)
        return cls(member, eye[member])

    def total(self, values: Float[Tensor, "#B P E"]) -> Float[Tensor, "#B P O"]:
        """Sum the askers' values at their sources."""
        return values @ self.one_hot

    def each(self, values: Float[Tensor, "#B P O"]) -> Float[Tensor, "#B P E"]:
        """Hand each source's value to its askers."""
        return values @ self.one_hot.T

    @cached_property
    def table(self) -> tuple[Int[Tensor, "O K"], Bool[Tensor, "O K"]]:
        """The askers of each source, padded to the largest group, and which are not padding."""
        counts = torch.bincount(self.member, minlength=self.one_hot.shape[-1])
        order = torch.argsort(self.member, stable=True)
        rank = torch.arange(len(self.member), device=self.member.device)
        rank = rank - (counts.cumsum(0) - counts)[self.member[order]]
        shape = (len(counts), int(counts.max()) if len(order) else 0)
        table = torch.zeros(shape, dtype=torch.long, device=self.member.device)
        present = torch.zeros(shape, dtype=torch.bool, device=self.member.device)
        table[self.member[order], rank] = order
        present[self.member[order], rank] = True
        return table, present


@dataclass(frozen=True, slots=True, eq=False)
class VaryingGroups:
    """Sources that differ by path or product; ``member`` ``[#B, #P, E]`` among ``sources``.

    >>> asked = VaryingGroups(torch.tensor([[[0, 0]], [[0, 1]]]), sources=2)
    >>> asked.total(torch.ones(2, 1, 2)).tolist()
    [[[2.0, 0.0]], [[1.0, 1.0]]]
    """

    member: Int[Tensor, "#B #P E"]
    sources: int

    def total(self, values: Float[Tensor, "#B P E"]) -> Float[Tensor, "#B P O"]:
        """Sum the askers' values at their sources."""
        empty = values.new_zeros(*values.shape[:-1], self.sources)
        return empty.scatter_add(-1, self.member.expand(values.shape), values)

    def each(self, values: Float[Tensor, "#B P O"]) -> Float[Tensor, "#B P E"]:
        """Hand each source's value to its askers."""
        return torch.take_along_dim(values, self.member, dim=-1)
