"""Builders and helpers for people who extend or test the harness."""
