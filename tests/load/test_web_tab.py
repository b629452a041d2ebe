"""The tab in Locust's web page: the same figures, over HTTP, from a page that is really served."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.targets.command import free_port

from ..harness.programs import job, run_folder
from .recording import arm, driven_environment, two_workers
from .test_alone import quotes, run, scenario

pytestmark = [pytest.mark.locust, pytest.mark.slow]

# Imported in a process of its own: Locust replaces parts of the standard library.
HOSTILE = """
from locust.env import Environment
from locust import User
import json, types
from pytest_sentry_harness.locust_ext.tab import add_tab
from pytest_sentry_harness.model.live import Live

losses = tuple((f"<script>alert({n})</script>\\x1b[2J" + "x" * 5000, 1) for n in range(500))
options = types.SimpleNamespace(web_base_path=BASE, num_users=1, spawn_rate=1, stats_history_enabled=False, run_time=None, class_picker=False, headless=False, stop_timeout=0)
environment = Environment(user_classes=[], parsed_options=options)
environment.create_local_runner()
web = environment.create_web_ui("127.0.0.1", 0, web_base_path=BASE or None, delayed_start=True)
web.template_args["extended_tabs"] = [{"title": "Another", "key": "another"}]
add_tab(web, lambda: Live(seconds=1.0, losses=losses))
client = web.app.test_client()
page, rows, statistics = (client.get((BASE or "") + path) for path in ("/", "/sentry-harness/live", "/stats/requests"))
assert [each.status_code for each in (page, rows, statistics)] == [200, 200, 200]
print(json.dumps([each.get_data(as_text=True) for each in (page, rows, statistics)]))
"""


@pytest.mark.parametrize("base", ["", "/locust"])
def test_nothing_in_it_can_be_markup_and_it_stays_small(tmp_path: Path, base: str) -> None:
    """Reasons come from the application under test: escaped, cut, and not too many. Others' tabs stay."""
    done = run([sys.executable, "-W", "ignore", "-c", HOSTILE.replace("BASE", repr(base))], tmp_path)
    assert done.returncode == 0, done.stderr
    page, rows, statistics = json.loads(done.stdout.splitlines()[-1])
    assert '"title": "Another"' in page
    assert '{"key": "sentry", "title": "Sentry"}' in page
    for text in (rows, statistics):
        assert "<" not in text
        assert "\\u001b" not in text
        assert len(text) < 40_000
    shown = json.loads(rows)["rows"]
    assert len(shown) < 70
    assert shown[0].keys() == {"figure", "value"}
    assert any(row["figure"].startswith("lost: <script>alert(0)</script>") for row in shown)
    (extended,) = json.loads(statistics)["extended_stats"]
    assert extended == {"key": "sentry", "data": shown}


class Page:
    """A Locust with its web page."""

    def __init__(self, folder: Path, *more: str, env: Mapping[str, str] | None = None) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "locust.log"
        command = [
            *(sys.executable, "-m", "locust", "-f", str(quotes(folder)), "--web-host", "127.0.0.1"),
            *("--web-port", str(port), "--stop-timeout", "10"),
            *("--sentry-harness-scenario", str(scenario(folder, faults=100))),
            *("--sentry-harness-folder", str(folder / "runs"), *more),
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def get(self, path: str, data: bytes | None = None) -> str:
        with urllib.request.urlopen(self.url + path, data, timeout=30) as answer:
            text: str = answer.read().decode()
        return text

    def figures(self) -> dict[str, str]:
        """The rows of the tab, as the page asks for them."""
        document: dict[str, Any] = json.loads(self.get("/stats/requests"))
        (ours,) = [each for each in document["extended_stats"] if each["key"] == "sentry"]
        return {row["figure"]: row["value"] for row in ours["data"]}

    def until(self, condition: Any) -> None:
        deadline = time.monotonic() + 90
        while True:
            try:
                if condition():
                    return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.2)


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("workers", [False, True])
def test_the_tab_of_a_real_page_shows_the_run(tmp_path: Path, workers: bool) -> None:
    """Started from the page, watched in the tab until every fault is captured, judged when Locust ends."""
    page = Page(tmp_path, *(two_workers() if workers else ()))
    try:
        page.until(lambda: page.get("/"))
        if workers:
            page.until(lambda: '"worker_count": 2' in page.get("/"))
        assert '"extended_tabs": [{"key": "sentry", "title": "Sentry"}]' in page.get("/")
        assert page.figures()["captured"] == "0 of 0"
        started = json.loads(page.get("/swarm", b"user_count=4&spawn_rate=50"))
        assert started["success"], started

        def captured() -> bool:
            fired = page.figures()["faults"].partition(" ")[0]
            return int(fired) >= 100 and page.figures()["captured"].startswith(f"{fired} of {fired} (100.0 %")

        page.until(captured)
        assert json.loads(page.get("/sentry-harness/live"))["rows"]
        assert "p95" in page.figures()["latency"]
        page.process.send_signal(signal.SIGTERM)
        assert page.process.wait(120) == 0, page.log.read_text()
    finally:
        page.process.kill()
        page.process.wait()
    assert "PASS" in page.log.read_text()


def test_the_tab_of_a_run_that_somebody_else_leads(tmp_path: Path) -> None:
    """Its folder has all that is shown: journals, the store, and what the scenario expects."""
    job(tmp_path, times=30)
    folder = run_folder(tmp_path)
    arm(folder)
    page = Page(tmp_path, env=driven_environment(folder))
    try:
        page.until(lambda: page.get("/"))
        page.until(lambda: page.figures()["captured"] == "30 of 30 (100.0 % of those settled)")
    finally:
        page.process.send_signal(signal.SIGTERM)
        page.process.wait(60)
    assert "shown without what the scenario expects" not in page.log.read_text()
