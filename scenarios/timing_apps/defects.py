"""What makes timings wrong: planted in the process, never in the machine."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, tzinfo
from typing import Any

import sentry_sdk.tracing

_RATE = 0.9
_dice = random.Random(3)


def throw_dice(context: dict[str, Any]) -> float:
    """A ``traces_sampler`` that decides by itself and never looks at the trace's own random number."""
    return 1.0 if _dice.random() < _RATE else 0.0


class _Stepped(datetime):
    """A wall clock that somebody has set back by 30 s."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> _Stepped:
        return super().now(tz) - timedelta(seconds=30)


def step_clock() -> None:
    """From now on the SDK reads a clock that is 30 s slow."""
    sentry_sdk.tracing.datetime = _Stepped  # type: ignore[attr-defined]
