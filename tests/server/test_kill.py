"""SIGKILL under load, again and again: what was acknowledged is in the store, always."""

from __future__ import annotations

import http.client
import random
import threading
import time
import uuid
from pathlib import Path

import pytest

from pytest_sentry_harness.server.client import EmbeddedServer
from pytest_sentry_harness.server.views import Project
from pytest_sentry_harness.store.reader import open_store

from .wire import event

KILLS = 50
SENDERS = 4


class Sender(threading.Thread):
    """Sends envelopes one after the other until the server is gone, and remembers what was acknowledged."""

    def __init__(self, port: int, project: Project, enough: threading.Event) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[str] = []
        self.sent = 0
        self._port = port
        self._path = f"/api/{project.project_id}/envelope/"
        self._headers = {"X-Sentry-Auth": f"Sentry sentry_key={project.public_key}"}
        self._enough = enough

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            while True:
                event_id, body = event(size=3000)
                self.sent += 1
                connection.request("POST", self._path, body=body, headers=self._headers)
                answer = connection.getresponse()
                assert event_id.encode() in answer.read()
                if answer.status == 200:
                    self.acknowledged.append(event_id)
                if len(self.acknowledged) == 3:
                    self._enough.set()
        except (OSError, http.client.HTTPException):
            return  # the server was killed: this request was not acknowledged
        finally:
            connection.close()


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """Fifty kills at random moments under load; the store opens each time and holds every acknowledged event."""
    random_ = random.Random(7)
    acknowledged: list[str] = []
    sent = 0
    project: Project | None = None
    port = 0
    for number in range(KILLS):
        server = EmbeddedServer.start(tmp_path, port=port if number % 2 else 0, timeout=60)
        port = server.port
        if project is None:
            with server.client() as client:
                project = client.create_project("kill")
        enough = threading.Event()
        senders = [Sender(server.port, project, enough) for _ in range(SENDERS)]
        for sender in senders:
            sender.start()
        assert enough.wait(60), server.log()
        time.sleep(random_.random() * 0.15)  # the moment of the kill is what is varied
        server.kill()
        for sender in senders:
            sender.join(60)
            acknowledged += sender.acknowledged
            sent += sender.sent
        if number % 10 == 9:
            with open_store(tmp_path) as store:
                assert store.count() >= len(acknowledged)
    with open_store(tmp_path) as store:
        stored = [arrival.event_id for arrival in store.arrivals(item_type="event", outcome="accepted")]
    assert len(acknowledged) >= KILLS * 3
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored)) <= sent


@pytest.mark.slow
def test_projects_survive_a_kill(tmp_path: Path) -> None:
    """A project is durable once its creation was answered."""
    made = []
    for _ in range(3):
        server = EmbeddedServer.start(tmp_path, timeout=60)
        with server.client() as client:
            made.append(client.create_project(uuid.uuid4().hex))
        server.kill()
    with EmbeddedServer.start(tmp_path) as server, server.client() as client:
        assert [project.public_key for project in client.projects()] == [
            project.public_key for project in made
        ]


def test_an_orderly_stop_under_load(tmp_path: Path) -> None:
    """SIGTERM in the middle of traffic: exit code 0, and all that was acknowledged is stored."""
    server = EmbeddedServer.start(tmp_path, timeout=60)
    with server.client() as client:
        project = client.create_project("stop")
    enough = threading.Event()
    senders = [Sender(server.port, project, enough) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    assert enough.wait(60), server.log()
    assert server.stop(timeout=60) == 0
    assert "Traceback" not in server.log()
    acknowledged = set()
    for sender in senders:
        sender.join(60)
        acknowledged |= set(sender.acknowledged)
    with open_store(tmp_path) as store:
        assert acknowledged <= {arrival.event_id for arrival in store.arrivals()}
