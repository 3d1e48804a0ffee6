"""What the numbers of an observation or an action are, field by field."""

from dataclasses import dataclass

from restock.errors import ConfigurationError, did_you_mean

__all__ = ["Field", "field_named"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """The numbers ``start`` (included) to ``stop`` (excluded) of an observation or an action.

    ``labels`` name each of them (product, location, lane, region), ``low`` and ``high`` bound them
    all, ``unit`` is what they count and ``meaning`` what they say, in words.

    >>> stock = Field(name="stock", start=0, stop=2, unit="units", meaning="", labels=("a", "b"))
    >>> stock.where, stock.size
    (slice(0, 2, None), 2)
    """

    name: str
    start: int
    stop: int
    unit: str
    meaning: str
    labels: tuple[str, ...]
    low: float = -1.0
    high: float = 1.0

    @property
    def where(self) -> slice:
        """The field's place, to index an observation or an action with."""
        return slice(self.start, self.stop)

    @property
    def size(self) -> int:
        """How many numbers the field has."""
        return self.stop - self.start


def field_named(fields: tuple[Field, ...], name: str) -> Field:
    """Return the field called ``name``.

    Raises :class:`ConfigurationError` for a field that is not there.

    >>> field_named((), "stock")
    Traceback (most recent call last):
    ...
    restock.errors.ConfigurationError: field 'stock' is not here. Known: .
    """
    for field in fields:
        if field.name == name:
            return field
    known = did_you_mean(name, [field.name for field in fields])
    raise ConfigurationError(f"field '{name}' is not here.{known}")
