"""Methods that learn the policy itself, from sampled rewards."""
