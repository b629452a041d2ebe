"""Tells pytest-sentry-harness of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_sentry_harness.injection.effects.effect import Effect
    from pytest_sentry_harness.model.extensions import Criterion


def pytest_sentry_harness_fault_kinds() -> Sequence[type[Effect]]:
    """Terms may say ``deadlock(orders)`` and ``crunch(20ms)``."""
    from .kinds import Crunch, Deadlock

    return [Deadlock, Crunch]


def pytest_sentry_harness_criteria() -> Sequence[Criterion]:
    """Gates may name ``tracing.transactions`` and ``tracing.share``."""
    from .criteria import TRACING

    return [TRACING]
