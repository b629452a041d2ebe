"""sentry-cli, the program many shell scripts report with, as a client of the embedded server."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_sentry_harness.server.client import EmbeddedServer, ServerClient

from .node import installed

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unmeasured")]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[ServerClient]:
    with EmbeddedServer.start(tmp_path / "store") as server, server.client() as client:
        yield client


def send_event(home: Path, dsn: str, *options: str) -> subprocess.CompletedProcess[str]:
    program = installed(Path(__file__).parent / "cli") / ".bin" / "sentry-cli"
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "SENTRY_DSN": dsn}
    return subprocess.run(
        [str(program), "send-event", *options],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_event_arrives_readable_with_its_tags(client: ServerClient, tmp_path: Path) -> None:
    """Message, level, tags, release and environment are those of the command line."""
    project = client.create_project("shell scripts")
    options = (
        "-m",
        "backup of %s failed",
        "-a",
        "orders",
        "-t",
        "shop:north",
        "-t",
        "disk:sda",
        "-l",
        "fatal",
    )
    told = send_event(tmp_path, project.dsn, *options, "-r", "backup@1", "-E", "staging", "--no-environ")
    assert told.returncode == 0, told.stderr
    (event_id,) = re.findall(r"Event id: (\S+)", told.stdout)
    (found,) = client.wait_for(timeout=60, project=project.project_id, event_id=event_id)
    assert (found.item_type, found.outcome, found.level) == ("event", "accepted", "fatal")
    assert (found.release, found.environment) == ("backup@1", "staging")
    event = json.loads(client.request(found.request).body.splitlines()[2])
    assert event["logentry"] == {"message": "backup of %s failed", "params": ["orders"]}
    assert event["tags"] == {"shop": "north", "disk": "sda"}


def test_a_wrong_key_is_refused_and_the_script_hears_of_it(client: ServerClient, tmp_path: Path) -> None:
    """The command fails, and the refusal is on record."""
    project = client.create_project("shell scripts")
    wrong = project.dsn.replace(project.public_key, "0" * 32)
    told = send_event(tmp_path, wrong, "-m", "lost")
    (found,) = client.wait_for(timeout=60, outcome="refused")
    assert (found.status, found.reason) == (403, "key_unknown")
    assert told.returncode == 0 or "403" in told.stderr
