"""A service whose every request spends its time in another way, for the timing scenarios."""
