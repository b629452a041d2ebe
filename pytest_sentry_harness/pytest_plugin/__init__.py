"""The pytest plugin: a thin, lazy edge."""
