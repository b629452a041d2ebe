"""Targets that somebody else runs."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pytest_sentry_harness.errors import ScenarioError, TargetError
from pytest_sentry_harness.model.scenario import Safety, Target
from pytest_sentry_harness.targets.command import free_port
from pytest_sentry_harness.targets.readiness import probe
from pytest_sentry_harness.targets.url import check_host, reach_url


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost", "https://[::1]:8443/app"])
def test_this_machine_is_always_allowed(url: str) -> None:
    """Loopback needs no permission."""
    assert check_host(url, Safety())


def test_another_machine_must_be_named() -> None:
    """The error shows the line that allows it."""
    with pytest.raises(ScenarioError) as caught:
        check_host("https://staging.example.com", Safety())
    assert "is not this machine and the scenario does not allow it" in str(caught.value)
    assert '[safety] hosts = ["staging.example.com"]' in str(caught.value)
    assert check_host("https://staging.example.com", Safety(hosts=("staging.example.com",)))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:80", "http://", "/path"])
def test_what_is_no_service_is_refused(url: str) -> None:
    """Scheme and host are needed."""
    with pytest.raises(ScenarioError, match="is not the address of a service"):
        check_host(url, Safety())


def test_a_running_service_is_reached_below_its_path() -> None:
    """The ready path is asked for beneath the URL's own path."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/app/"
        reached = reach_url(Target(url=url, ready="/health"), Safety())
        server.shutdown()
        thread.join()
    assert asked == ["/app/health"]
    assert reached.base_url == url.rstrip("/")
    reached.check_alive()


def test_a_service_that_is_away_is_an_error() -> None:
    """Without a ready path nothing is asked; with one it must answer."""
    url = f"http://127.0.0.1:{free_port()}"
    assert reach_url(Target(url=url), Safety()).base_url == url
    with pytest.raises(TargetError, match="was not ready within"):
        reach_url(Target(url=url, ready="/", ready_timeout=0.1), Safety())
    with pytest.raises(TargetError, match="the target has no url"):
        reach_url(Target(command="x"), Safety())


def test_a_secure_address_is_asked_securely() -> None:
    """https speaks TLS, and says so when the other side does not."""
    assert "refused" in (probe(f"https://127.0.0.1:{free_port()}", "/") or "").lower()
