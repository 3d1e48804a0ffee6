"""Methods that learn the policy itself, from sampled rewards."""

__all__: list[str] = []
