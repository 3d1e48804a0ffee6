"""Where stock is held."""

from dataclasses import dataclass

from restock.errors import InstanceError, require

__all__ = ["Location"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place: a warehouse that holds stock, or an outside supplier that never runs out."""

    id: str
    name: str = ""
    holds_stock: bool = True

    def __post_init__(self) -> None:
        """Refuse a nameless place."""
        require(bool(self.id), InstanceError, "`id` of a location is empty. Give it a name.")
