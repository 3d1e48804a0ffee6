"""Methods that differentiate, or replay, the world that they learn in."""

__all__: list[str] = []
