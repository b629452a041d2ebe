"""A shop that is slow in every way there is, for ``profiling.toml``."""
