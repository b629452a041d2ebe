"""One server for the tests of a module, a bench for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_sentry_harness.server.client import EmbeddedServer

from .bench import Bench, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer.start(tmp_path_factory.mktemp("server") / "store") as started:
        yield started
        assert "Traceback" not in started.log()


@pytest.fixture
def bench(server: EmbeddedServer, request: pytest.FixtureRequest) -> Iterator[Bench]:
    with running(server, request.node.name) as bench:
        yield bench
