"""Methods that differentiate, or replay, the world that they learn in."""
