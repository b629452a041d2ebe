"""Append-only journals of what was injected, one file per process, readable after a crash."""
