"""Spans made by hand, whichever way the SDK sends them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sentry_sdk

STREAM = os.environ.get("SPANS") == "stream"


@contextmanager
def span(name: str) -> Iterator[None]:
    """A span around the block."""
    if STREAM:
        with sentry_sdk.traces.start_span(name=name, attributes={"sentry.op": "function"}):
            yield
    else:
        with sentry_sdk.start_span(op="function", name=name):
            yield


@contextmanager
def span_told_in_milliseconds(name: str) -> Iterator[None]:
    """A span with times of its own, of which the end is wrong: milliseconds were added to seconds."""
    begun = time.time()
    made = sentry_sdk.start_span(op="function", name=name, start_timestamp=begun)
    yield
    milliseconds = (time.time() - begun) * 1000
    made.finish(end_timestamp=begun + milliseconds)
