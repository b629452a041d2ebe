"""Other plugins at work in the same test run: pytest-asyncio, pytest-cov, pytest-rerunfailures, pytest-sentry, Locust's."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from pytest_sentry_harness.protocol.encodings import decompress
from pytest_sentry_harness.protocol.envelope import parse_envelope

from .project import APP, run

QUIET = APP + '\nsentry_sdk.init("https://abc@o12.ingest.sentry.io/42", auto_enabling_integrations=False)\n'


# pytest-cov in a run of its own must not find, and erase, the data of the coverage around it.
pytestmark = pytest.mark.usefixtures("unmeasured")


@pytest.mark.slow
def test_a_rerun_starts_afresh(pytester: pytest.Pytester) -> None:
    """An empty inbox, another DSN, the same firings; the summary counts the last run, JUnit never mixes two."""
    pytest.importorskip("pytest_rerunfailures")
    pytester.makepyfile(
        app=QUIET,
        test_app="""
        import os
        import pytest
        import app

        RUNS = []

        @pytest.fixture
        def prepared(sentry_harness):
            sentry_harness.inject("app:charge", "50%raise(TimeoutError)", name="often")

        @pytest.mark.fault("app:acharge", "raise(KeyError)")
        def test_second_time(sentry_harness, prepared):
            assert sentry_harness.events == []
            assert sentry_harness.outcomes() == ()
            for _ in range(20):
                app.checkout()
            RUNS.append((os.environ["SENTRY_DSN"], [each.fault_id for each in sentry_harness.outcomes()]))
            assert len(RUNS) == 2, "not yet"
            assert RUNS[0][0] != RUNS[1][0]
            assert RUNS[0][1] == RUNS[1][1] != []

        def test_other_error(sentry_harness):
            sentry_harness.inject("app:charge", "raise(TimeoutError)")
            app.charge(1)

        def test_lost(sentry_harness):
            sentry_harness.inject("app:charge", "raise(TimeoutError)")
            app.hush()
            sentry_harness.assert_captured()
        """,
    )
    result = run(
        pytester,
        *("--reruns=2", "--only-rerun=AssertionError", "--junitxml=report.xml"),
        plugins=("rerunfailures",),
    )
    text = result.stdout.str()
    assert "2 failed, 1 passed, 3 rerun" in text
    result.stdout.fnmatch_lines(
        ["3 tests; faults: 4 injected, * seed 0", "test_app.py::test_lost: 1 x charge: lost: swallowed, *"]
    )
    assert text.count("::test_lost: 1 x charge") == 1
    for case in ET.parse(pytester.path / "report.xml").iter("testcase"):
        names = Counter(entry.get("name") for entry in case.iter("property"))
        assert set(names.values()) == {1}


@pytest.mark.parametrize("mode", ["strict", "auto"])
@pytest.mark.slow
def test_coroutines_and_tasks(pytester: pytest.Pytester, mode: str) -> None:
    """Faults fire in tasks, task groups and threads of the loop, and each is captured, or its loss explained."""
    pytester.makepyfile(
        app=QUIET,
        test_app=f"""
        import asyncio
        import pytest, sentry_sdk
        import app

        if {mode == "strict"}:
            pytestmark = pytest.mark.asyncio

        async def work():
            try:
                return await app.acharge(1)
            except TimeoutError:
                sentry_sdk.capture_exception()

        async def test_tasks(sentry_harness):
            fault = sentry_harness.inject("app:acharge", "raise(TimeoutError)")
            await asyncio.gather(work(), work(), asyncio.create_task(work()))
            async with asyncio.TaskGroup() as group:
                group.create_task(work())
            sentry_harness.assert_captured(fault, times=4)

        async def test_groups_leave(sentry_harness):
            sentry_harness.inject("app:acharge", "raise(TimeoutError)")
            with pytest.raises(ExceptionGroup):
                async with asyncio.TaskGroup() as group:
                    group.create_task(app.acharge(1))
            assert [each.reason for each in sentry_harness.outcomes()] == ["integration_off"]

        @pytest.mark.fault("app:charge", "raise(TimeoutError)")
        async def test_threads(sentry_harness):
            await asyncio.to_thread(app.checkout)
            sentry_harness.assert_captured(times=1)

        @pytest.mark.fault("app:acharge", "1*sleep(1ms)->raise(TimeoutError)")
        async def test_failing():
            assert await app.acharge(1) == 1
            await app.acharge(1)
        """,
    )
    options = ("-o", f"asyncio_mode={mode}", "-o", "asyncio_default_fixture_loop_scope=function")
    result = run(pytester, *options, plugins=("asyncio",))
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*- sentry-harness -*", "*the exception left the application*"])


COVERED = """
def branchy(number):
    if number:
        number = twice(number)
    else:
        number = 7
    return number

def twice(number):
    return (
        number
        * 2
    )

def unused():
    return 1

def outer(number):
    def inner():
        for each in range(number):
            yield each
    return list(inner())

async def coroutine():
    return 1
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "core",
    [
        "ctrace",
        "pytrace",
        pytest.param(
            "sysmon",
            marks=pytest.mark.skipif(
                sys.version_info < (3, 12), reason="sys.monitoring is new in Python 3.12"
            ),
        ),
    ],
)
def test_coverage_is_what_it_is_without(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, core: str
) -> None:
    """Armed functions, with faults that let them go on, are measured line by line and branch by branch as ever."""
    pytest.importorskip("pytest_cov")
    monkeypatch.setenv("COVERAGE_CORE", core)
    body = """
        import asyncio
        import covered
        {imports}
        def test_it({fixture}):
            {arm}
            assert covered.branchy(2) == 4
            assert covered.outer(2) == [0, 1]
            assert asyncio.run(covered.coroutine()) == 1
    """
    arm = "; ".join(
        f'sentry_harness.inject("covered:{name}", "1*sleep(1us)")'
        for name in ("branchy", "twice", "outer", "coroutine")
    )
    found = []
    for fixture, imports, given in (("", "", "pass"), ("sentry_harness", "", arm)):
        pytester.makepyfile(covered=COVERED, test_it=body.format(fixture=fixture, imports=imports, arm=given))
        options = ("--cov=covered", "--cov-branch", "--cov-report=json")
        run(pytester, *options, plugins=("pytest_cov",)).assert_outcomes(passed=1)
        files = json.loads((pytester.path / "coverage.json").read_text(encoding="utf-8"))["files"]
        found.append(
            {
                name: files["covered.py"][name]
                for name in ("executed_lines", "missing_lines", "executed_branches")
            }
        )
    assert found[0] == found[1]
    assert found[0]["executed_branches"]
    assert found[0]["missing_lines"] == [5, 15]


@pytest.fixture
def their_sentry() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A Sentry that pytest-sentry reports to: its DSN, and the items it got."""
    items: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            data = decompress(body, self.headers.get("Content-Encoding", ""), 10**7)
            items.extend(json.loads(item.payload) for item in parse_envelope(data).items)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://key@127.0.0.1:{server.server_port}/1", items
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_pytest_sentry_goes_on_reporting(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    their_sentry: tuple[str, list[dict[str, Any]]],
) -> None:
    """Its reports about tests reach its own DSN, and none of the application's events do; the test sees only the latter."""
    pytest.importorskip("pytest_sentry")
    dsn, items = their_sentry
    monkeypatch.setenv("PYTEST_SENTRY_DSN", dsn)
    monkeypatch.setenv("PYTEST_SENTRY_ALWAYS_REPORT", "1")
    pytester.makepyfile(
        app=QUIET,
        test_app="""
        import pytest, sentry_sdk
        import app

        @pytest.mark.fault("app:charge", "raise(TimeoutError('of the application'))")
        def test_captured(sentry_harness, sentry_test_scope):
            app.checkout()
            (event,) = sentry_harness.assert_captured(times=1)
            assert sentry_harness.transactions == []
            assert "pytest" not in event["sdk"]["integrations"]

        @pytest.mark.sentry_client(None)
        @pytest.mark.fault("app:charge", "raise(TimeoutError('of the application'))")
        def test_of_their_marker():
            app.checkout()

        def test_failing(sentry_harness):
            sentry_harness.inject("app:charge", "raise(TimeoutError('of the application'))")
            app.hush()
            raise ValueError("of the test")

        def test_failing_by_the_fault(sentry_harness):
            sentry_harness.inject("app:charge", "raise(TimeoutError('of the fault'))")
            app.charge(1)
        """,
    )
    result = run(
        pytester,
        *("-W", "ignore::DeprecationWarning"),
        plugins=("sentry",),
    )
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        [
            "4 tests; faults: 4 injected, 4 fired, 2 captured, 2 lost; seed 0",
            "*test_failing_by_the_fault: 1 x charge: lost: not_seen_by_sdk*",
        ]
    )
    names = [item.get("transaction") for item in items if item.get("type") == "transaction"]
    assert "pytest.fixture.setup sentry_harness" in names
    assert any(str(name).startswith("pytest.runtest.call") for name in names)
    values = [each["value"] for item in items for each in item.get("exception", {}).get("values", [])]
    assert values == ["of the test", "of the fault"]


@pytest.mark.slow
@pytest.mark.locust
def test_locusts_own_plugin_works_beside(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its option and its session do what they do; Locust is imported by its fixture, never by the harness."""
    pytest.importorskip("pytest_locust")
    # gevent cannot patch ssl once urllib3 is imported, as the SDK does; that is so without the harness too.
    monkeypatch.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
    pytester.makepyfile(
        app=QUIET,
        test_app="""
        import sys
        import threading
        from http.server import BaseHTTPRequestHandler, HTTPServer
        import pytest
        import app

        @pytest.mark.fault("app:charge", "raise(TimeoutError)")
        def test_before(sentry_harness):
            app.checkout()
            sentry_harness.assert_captured(times=1)
            assert "locust" not in sys.modules

        def test_theirs(session, pytestconfig):
            assert pytestconfig.getoption("--host") == "http://127.0.0.1:1"
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(200); self.end_headers(); self.wfile.write(b"hello")
                def log_message(self, *args): pass
            server = HTTPServer(("127.0.0.1", 0), Handler)
            thread = threading.Thread(target=server.serve_forever); thread.start()
            assert session.get(f"http://127.0.0.1:{server.server_port}/").text == "hello"
            server.shutdown(); thread.join(); server.server_close()

        def test_both(session, sentry_harness):
            fault = sentry_harness.inject("app:charge", "raise(TimeoutError)")
            thread = threading.Thread(target=app.checkout); thread.start()
            sentry_harness.wait_for(fault=fault, timeout=20)
            thread.join()
            sentry_harness.assert_captured(times=1)
        """,
    )
    run(pytester, "--host=http://127.0.0.1:1", plugins=("locust",)).assert_outcomes(passed=3)


@pytest.mark.slow
def test_all_work_at_once(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loaded as installed: no option, marker or fixture is taken twice."""
    for module in (
        "pytest_asyncio",
        "pytest_cov",
        "pytest_rerunfailures",
        "pytest_sentry",
        "pytest_locust",
        "xdist",
    ):
        pytest.importorskip(module)
    pytester.makepyfile(
        app=QUIET,
        test_app="""
        import pytest, app

        @pytest.mark.asyncio
        @pytest.mark.fault("app:charge", "raise(TimeoutError)")
        async def test_it(sentry_harness, sentry_test_scope):
            app.checkout()
            sentry_harness.assert_captured()
        """,
    )
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    options = ("-o", "asyncio_default_fixture_loop_scope=function", "--strict-markers", "--reruns=1")
    own = ("--sentry-harness-seed=4", "--host=http://127.0.0.1:1", "--cov=app", "--cov-report=")
    result = pytester.runpytest_subprocess("-W", "error", "-W", "ignore::DeprecationWarning", *options, *own)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["1 test; faults: 1 injected, 1 fired, 1 captured, 0 lost; seed 4"])
