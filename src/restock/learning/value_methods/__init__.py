"""Methods that learn what a state or an action is worth and act on it."""

__all__: list[str] = []
