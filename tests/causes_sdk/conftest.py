"""One server for all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..injection.tools import Sink
from .bench import Bench, benched


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    """A server that accepts everything."""
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def bench(sink: Sink) -> Iterator[Bench]:
    """A function that fails, and the watch."""
    with benched(sink) as bench:
        yield bench
