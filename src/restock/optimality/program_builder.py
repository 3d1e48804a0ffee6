"""Putting a linear program together from blocks of unknowns and rows."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array, csr_array

from restock.optimality.linear_program import LinearProgram

__all__ = ["ProgramBuilder", "RowBlock"]

Numbers = Float[np.ndarray, "..."] | float


@dataclass(slots=True)
class RowBlock:
    """Rows of one kind, equations or limits: right-hand sides and entries, appended in blocks."""

    right: list[Float[np.ndarray, " R"]] = field(default_factory=list)
    entries: list[tuple[Int[np.ndarray, " Z"], Int[np.ndarray, " Z"], Float[np.ndarray, " Z"]]] = (
        field(default_factory=list)
    )
    count: int = 0

    def add(self, right: Float[np.ndarray, "..."]) -> Int[np.ndarray, "..."]:
        """Append a row for each right-hand side and return their numbers, in the same shape."""
        numbers = self.count + np.arange(right.size).reshape(right.shape)
        self.right.append(np.asarray(right, dtype=np.float64).ravel())
        self.count += right.size
        return numbers

    def put(
        self, rows: Int[np.ndarray, "..."], columns: Int[np.ndarray, "..."], factor: Numbers = 1.0
    ) -> None:
        """Add ``factor`` times unknown ``columns`` to ``rows``; all three are broadcast."""
        parts = np.broadcast_arrays(rows, columns, factor)
        self.entries.append((parts[0].ravel(), parts[1].ravel(), parts[2].ravel().astype(float)))

    def matrix(self, n_columns: int) -> csr_array:
        """Return all rows as one sparse matrix; entries in one place add up."""
        shape = (self.count, n_columns)
        if not self.entries:
            return csr_array(shape)
        rows, columns, factors = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        return csr_array(coo_array((factors, (rows, columns)), shape=shape))

    def right_side(self) -> Float[np.ndarray, " R"]:
        """Return all right-hand sides."""
        return np.concatenate(self.right) if self.right else np.zeros(0)


@dataclass(slots=True)
class ProgramBuilder:
    """Blocks of unknowns, and the rows that tie them.

    >>> builder = ProgramBuilder()
    >>> bought = builder.unknown((2,), cost=3.0, most=9.0)
    >>> rows = builder.equations.add(np.array([4.0]))
    >>> builder.equations.put(rows, bought)  # bought[0] + bought[1] = 4
    >>> builder.program().equations.toarray().tolist()
    [[1.0, 1.0]]
    """

    equations: RowBlock = field(default_factory=RowBlock)
    limits: RowBlock = field(default_factory=RowBlock)
    cost: list[Float[np.ndarray, " N"]] = field(default_factory=list)
    most: list[Float[np.ndarray, " N"]] = field(default_factory=list)
    count: int = 0

    def unknown(
        self, shape: tuple[int, ...], *, cost: Numbers = 0.0, most: Numbers
    ) -> Int[np.ndarray, "..."]:
        """Append unknowns between 0 and ``most`` and return their numbers in this shape."""
        size = int(np.prod(shape))
        for name, values in {"cost": cost, "most": most}.items():
            filled = np.broadcast_to(np.asarray(values, dtype=np.float64), shape).ravel()
            getattr(self, name).append(filled)
        numbers = self.count + np.arange(size).reshape(shape)
        self.count += size
        return numbers

    def program(self) -> LinearProgram:
        """Return the program."""
        return LinearProgram(
            cost=np.concatenate(self.cost),
            most=np.concatenate(self.most),
            equations=self.equations.matrix(self.count),
            equal_to=self.equations.right_side(),
            limits=self.limits.matrix(self.count),
            at_most=self.limits.right_side(),
        )
