"""Plugins of the test suite. ``pytester`` can be asked for in the top-level conftest only."""

pytest_plugins = ["pytester"]
