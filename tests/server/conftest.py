"""One server for the tests of a module, a project for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_sentry_harness.server.client import EmbeddedServer

from .wire import Bench


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer.start(tmp_path_factory.mktemp("server") / "store") as running:
        yield running
        assert "Traceback" not in running.log()
        assert "internal error" not in running.log()


@pytest.fixture
def bench(server: EmbeddedServer, request: pytest.FixtureRequest) -> Iterator[Bench]:
    with server.client() as client:
        yield Bench(server, client, client.create_project(request.node.name[:100]))
