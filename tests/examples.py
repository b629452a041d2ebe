"""How many examples a property is tried with: all of them in the whole suite, some in its fast part."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings

ORDINARY = 60
"""Where a test says nothing of its own."""
SHARE = 5
"""The fast tests try one in so many."""
FEWEST = 15


class _Run:
    fast = False


def begin(*, fast: bool) -> None:
    """Before any test is read: what is run now.

    Results are judged here, not speed: a busy machine must not fail a property.
    """
    _Run.fast = fast
    settings.register_profile(
        "ours",
        deadline=None,
        max_examples=_many(ORDINARY),
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("ours")


def examples(many: int, **more: Any) -> settings:
    """For a test that needs another number of them."""
    return settings(max_examples=_many(many), **more)


def _many(many: int) -> int:
    return max(min(many, FEWEST), many // SHARE) if _Run.fast else many
