"""Named random generators: the only source of randomness in restock.

A run has one root seed. Each use of randomness has a name (``"demand"``, ``"network"``, …) and
gets its own generator, derived from the root seed and the name alone, so that adding a draw in
one place changes nothing in another, and compared policies can face the same paths.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from restock.errors import ConfigurationError, require

if TYPE_CHECKING:
    import numpy as np
    import torch

__all__ = ["Seeds"]


@dataclass(frozen=True)
class Seeds:
    """Generators derived from one root seed.

    ``root`` is the run's seed, an integer ≥ 0.

    >>> Seeds(7).integer("demand") == Seeds(7).integer("demand")
    True
    >>> Seeds(7).integer("demand") == Seeds(7).integer("network")
    False
    """

    root: int

    def __post_init__(self) -> None:
        """Refuse a negative seed."""
        require(
            self.root >= 0,
            ConfigurationError,
            f"`seed` must be an integer ≥ 0; got {self.root}. Choose another seed.",
        )

    def integer(self, name: str) -> int:
        """Return the 63-bit seed that belongs to ``name``."""
        digest = hashlib.blake2b(f"{self.root}/{name}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") >> 1

    def torch(self, name: str, device: str = "cpu") -> torch.Generator:
        """Return a fresh torch generator for ``name``."""
        import torch

        return torch.Generator(device=device).manual_seed(self.integer(name))

    def numpy(self, name: str) -> np.random.Generator:
        """Return a fresh numpy generator for ``name``."""
        import numpy as np

        return np.random.default_rng(self.integer(name))
