"""The plugin in other people's projects: marker, isolation, reports, pytest-xdist, and nothing while unused."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from .project import APP, INIT, run

# The tests of this project use the plugin themselves: its lines are covered by them.
pytestmark = pytest.mark.usefixtures("unmeasured")

MARKED = """
    import pytest
    import app

    @pytest.mark.fault("app:charge", "raise(TimeoutError)")
    def test_captured(sentry_harness):
        app.checkout()
        sentry_harness.assert_captured(times=1)

    @pytest.mark.fault("app:charge", "raise(TimeoutError)")
    def test_lost(sentry_harness):
        app.hush()
        sentry_harness.assert_captured()
"""


@pytest.mark.slow
def test_the_marker_works_without_the_fixture(pytester: pytest.Pytester) -> None:
    """A marked test gets the fixture by itself; markers stack, classes and parameters carry them; others get nothing."""
    pytester.makepyfile(
        app=INIT,
        test_app="""
        import pytest
        import app

        @pytest.mark.fault("app:charge", "raise(TimeoutError)")
        def test_function():
            with pytest.raises(TimeoutError):
                app.charge(1)

        @pytest.mark.fault("app:charge", "1*return(5)", name="outer")
        class TestClass:
            @pytest.mark.fault("app:charge", "raise(TimeoutError)", name="inner")
            def test_method(self, request):
                assert app.charge(1) == 5
                with pytest.raises(TimeoutError):
                    app.charge(1)
                assert request.fixturenames[-1] == "sentry_harness"

        @pytest.mark.parametrize("amount", [
            pytest.param(1, marks=pytest.mark.fault("app:charge", "return(7)")), 2,
        ])
        def test_parameter(amount, request):
            assert app.charge(amount) == (7 if amount == 1 else 2)
            assert ("sentry_harness" in request.fixturenames) == (amount == 1)

        def test_unmarked():
            assert app.charge(1) == 1
        """,
    )
    result = run(pytester)
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(
        ["*= sentry-harness =*", "3 tests; faults: 4 injected, 4 fired, 0 captured, 2 lost; seed 0"]
    )


@pytest.mark.slow
def test_faults_do_not_touch_fixtures(pytester: pytest.Pytester) -> None:
    """A marker's fault is for the test: what other fixtures call is left alone, whatever their order."""
    pytester.makepyfile(
        app=INIT,
        test_app="""
        import pytest
        import app

        @pytest.fixture
        def prepared():
            yield app.charge(3)

        @pytest.mark.fault("app:charge", "raise(TimeoutError)")
        def test_it(sentry_harness, prepared):
            assert prepared == 3
            with pytest.raises(TimeoutError):
                app.charge(1)
        """,
    )
    run(pytester).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ('"app:charg", "raise"', "app has no 'charg'*did you mean app:charge"),
        ('"app:charge", "rise(TimeoutError)"', "unknown fault kind 'rise'*did you mean 'raise'"),
        ('"app:charge"', "the marker 'fault' lacks do*write @pytest.mark.fault("),
        ('"a", "b", "c"', "takes two positional arguments, got 3"),
        ('"app:charge", 3', "needs text for do"),
        ('"app:charge", "raise", nam="x"', "does not know nam"),
        ('"app:charge", "raise", at="x"', "got at twice"),
    ],
)
@pytest.mark.slow
def test_a_wrong_marker_is_an_error_at_setup(pytester: pytest.Pytester, marker: str, told: str) -> None:
    """The error names test, point and nearest name, and shows no traceback of ours."""
    pytester.makepyfile(
        app=INIT,
        test_app=f"""
        import pytest
        @pytest.mark.fault({marker})
        def test_it():
            raise AssertionError("must not run")
        """,
    )
    result = run(pytester)
    result.assert_outcomes(errors=1)
    text = result.stdout.str()
    assert "test_app.py::test_it: " in text
    for part in told.split("*"):
        assert part in text
    assert "Traceback" not in text
    assert "runtime.py" not in text


@pytest.mark.slow
def test_the_marker_is_refused_where_it_cannot_work(pytester: pytest.Pytester) -> None:
    """An item that is no test function is named."""
    pytester.makepyfile(APP)
    pytester.makeconftest(
        """
        import pytest
        class Item(pytest.Item):
            def runtest(self): ...
        class File(pytest.File):
            def collect(self):
                item = Item.from_parent(self, name="it")
                item.add_marker(pytest.mark.fault("app:charge", "raise"))
                yield item
        def pytest_collect_file(file_path, parent):
            if file_path.suffix == ".txt":
                return File.from_parent(parent, path=file_path)
        """
    )
    pytester.maketxtfile("x")
    result = run(pytester)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*::it: the marker 'fault' works for test functions only, not for Item"])


@pytest.mark.slow
def test_everything_is_undone(pytester: pytest.Pytester) -> None:
    """Code, clients, transports, DSN and environment are the same objects after the test as before it."""
    pytester.makepyfile(
        app=INIT,
        test_app="""
        import os
        import sentry_sdk
        from sentry_sdk.scope import Scope
        from sentry_sdk.spotlight import SpotlightClient
        from sentry_sdk.transport import BaseHttpTransport
        import app

        def state():
            client = sentry_sdk.get_client()
            return [
                app.charge.__code__, client, client.transport, client.monitor.transport, client.options["dsn"],
                dict(client.options), dict(os.environ) | {"PYTEST_CURRENT_TEST": ""}, vars(sentry_sdk.client)["make_transport"],
                dict(vars(sentry_sdk.client._Client)), dict(vars(Scope)), dict(vars(BaseHttpTransport)),
                dict(vars(SpotlightClient)),
            ]

        before = state()

        def test_harness(sentry_harness):
            sentry_harness.inject("app:charge", "raise(TimeoutError)")
            app.checkout()
            assert sentry_harness.assert_captured()
            assert state() != before
            sentry_sdk.init()
            sentry_sdk.get_isolation_scope().set_client(sentry_sdk.Client())

        def test_after():
            assert state() == before
            assert not sentry_sdk.get_isolation_scope().client.is_active()
        """,
    )
    run(pytester).assert_outcomes(passed=2)


@pytest.mark.slow
def test_a_module_imported_in_a_test_keeps_its_client(pytester: pytest.Pytester) -> None:
    """An init at import belongs to the module and stays; one made by the test goes with it, and that is told."""
    pytester.makepyfile(
        app=INIT,
        late='import sentry_sdk\nsentry_sdk.init("https://abc@o12.ingest.sentry.io/42")\n',
        test_app="""
        import sentry_sdk

        def test_own_init(sentry_harness):
            sentry_sdk.init()

        def test_without(sentry_harness):
            assert not sentry_sdk.get_client().is_active()
            text = sentry_harness.explain()
            assert "sentry_sdk.init was never called in this test; the one at test_app.py:4 in test_own_init" in text
            assert "was undone with the test that made it, test_app.py::test_own_init" in text

        def test_import(sentry_harness):
            import late

        def test_after_import(sentry_harness):
            assert sentry_sdk.get_client().is_active()
            sentry_sdk.capture_message("x")
            assert len(sentry_harness.events) == 1

        def test_without_harness():
            client = sentry_sdk.get_client()
            assert client.dsn == "https://abc@o12.ingest.sentry.io/42"
            assert client.transport.parsed_dsn.host == "o12.ingest.sentry.io"
        """,
    )
    run(pytester).assert_outcomes(passed=5)


@pytest.mark.slow
def test_what_comes_late_counts_for_the_test_it_belongs_to(pytester: pytest.Pytester) -> None:
    """An event still in the queue when its test ends does not turn up in the next one, nor on the network."""
    pytester.makepyfile(
        app=INIT,
        test_app="""
        import socket, threading
        import sentry_sdk
        from pytest_sentry_harness.pytest_plugin.inbox import Inbox
        import app

        begun, gate, arrived = threading.Event(), threading.Event(), threading.Event()

        def test_first(sentry_harness, monkeypatch):
            receive = Inbox.receive
            def slow(self, headers, body):
                begun.set()
                gate.wait(30)
                arrived.set()
                return receive(self, headers, body)
            monkeypatch.setattr(Inbox, "receive", slow)
            sentry_sdk.capture_message("late")
            assert begun.wait(30)

        def test_second(sentry_harness, monkeypatch):
            asked = []
            monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: asked.append(a))
            gate.set()
            assert arrived.wait(30)
            sentry_sdk.capture_message("own")
            assert [event["message"] for event in sentry_harness.events] == ["own"]
            assert asked == []
        """,
    )
    run(pytester).assert_outcomes(passed=2)


@pytest.mark.slow
def test_a_failing_test_shows_the_evidence(pytester: pytest.Pytester) -> None:
    """A failure that is not ours gets a section; an assertion of ours explains itself and gets none."""
    pytester.makepyfile(
        app=INIT,
        test_app="""
        import pytest
        import app

        @pytest.mark.fault("app:charge", "raise(TimeoutError)")
        def test_theirs():
            app.hush()
            assert 1 == 2

        @pytest.mark.fault("app:charge", "raise(TimeoutError)")
        def test_escaped():
            app.charge(1)

        @pytest.mark.fault("app:charge", "raise(TimeoutError)")
        def test_ours(sentry_harness):
            app.hush()
            sentry_harness.assert_captured()
        """,
    )
    result = run(pytester)
    result.assert_outcomes(failed=3)
    text = result.stdout.str()
    assert text.count("- sentry-harness -") == 2
    theirs, escaped, ours = (
        text.index(f"_ {name} _") for name in ("test_theirs", "test_escaped", "test_ours")
    )
    assert "swallowed, caught and never reported, at app.py:" in text[theirs:escaped]
    assert "the exception left the application" in text[escaped:ours]
    result.stdout.fnmatch_lines(
        [
            "E   *AssertionError: fault 'charge' was not captured: lost: swallowed*at app.py:* in hush",
            "*= sentry-harness =*",
            "3 tests; faults: 3 injected, 3 fired, 0 captured, 3 lost; seed 0",
            "test_app.py::test_theirs: 1 x charge: lost: swallowed, * at app.py:* in hush",
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_properties_reach_junit_and_the_summary(pytester: pytest.Pytester, workers: int) -> None:
    """Counts and losses are text in the XML and totals on the screen, with pytest-xdist as without."""
    pytester.makepyfile(app=INIT, test_app=MARKED)
    if workers:
        pytest.importorskip("xdist")
        result = run(pytester, "--junitxml=report.xml", "-n", str(workers), plugins=("xdist",))
    else:
        result = run(pytester, "--junitxml=report.xml")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*= sentry-harness =*",
            "2 tests; faults: 2 injected, 2 fired, 1 captured, 1 lost; seed 0",
            "test_app.py::test_lost: 1 x charge: lost: swallowed, *",
        ]
    )
    cases = {case.get("name"): case for case in ET.parse(pytester.path / "report.xml").iter("testcase")}
    found = {
        name: {(entry.get("name"), entry.get("value")) for entry in case.iter("property")}
        for name, case in cases.items()
    }
    assert found["test_captured"] == {
        ("sentry_harness.injected", "1"),
        ("sentry_harness.fired", "1"),
        ("sentry_harness.captured", "1"),
        ("sentry_harness.lost", "0"),
    }
    assert ("sentry_harness.lost", "1") in found["test_lost"]
    assert any(
        name == "sentry_harness.loss" and "swallowed" in str(value) for name, value in found["test_lost"]
    )


@pytest.mark.slow
def test_async_tests_work_with_pytest_asyncio(pytester: pytest.Pytester) -> None:
    """Marker and fixture serve coroutines."""
    pytester.makepyfile(
        app=INIT,
        test_app="""
        import pytest, sentry_sdk
        import app

        @pytest.mark.asyncio
        @pytest.mark.fault("app:acharge", "raise(TimeoutError)")
        async def test_captured(sentry_harness):
            try:
                await app.acharge(1)
            except TimeoutError:
                sentry_sdk.capture_exception()
            sentry_harness.assert_captured(times=1)

        @pytest.mark.asyncio
        @pytest.mark.fault("app:acharge", "raise(TimeoutError)")
        async def test_escaped(sentry_harness):
            with pytest.raises(TimeoutError):
                await app.acharge(1)
            assert sentry_harness.outcomes()[0].reason == "not_seen_by_sdk"
        """,
    )
    options = ("-o", "asyncio_default_fixture_loop_scope=function")
    run(pytester, *options, plugins=("asyncio",)).assert_outcomes(passed=2)


@pytest.mark.slow
def test_the_seed_decides_and_is_shown(pytester: pytest.Pytester) -> None:
    """The same seed fires at the same calls; the header names it when it was asked for."""
    pytester.makepyfile(
        app=INIT,
        test_app="""
        import app
        def test_it(sentry_harness):
            sentry_harness.inject("app:charge", "50%return('x')")
            print("fired", "".join(str(app.charge(0)) for _ in range(40)))
        """,
    )
    lines = []
    for seed in (["--sentry-harness-seed=1"], ["--sentry-harness-seed=1"], ["--sentry-harness-seed=2"], []):
        result = run(pytester, "-s", *seed)
        result.assert_outcomes(passed=1)
        lines.append(next(line for line in result.outlines if "fired" in line and "faults" not in line))
        assert ("sentry-harness: seed" in result.stdout.str()) == bool(seed)
    assert lines[0] == lines[1] != lines[2]


def test_unused_it_imports_nothing_and_says_nothing(pytester: pytest.Pytester) -> None:
    """A project that does not use it pays for pytest alone."""
    pytester.makepyfile(
        """
        import sys
        HEAVY = {"sentry_sdk", "msgspec", "wrapt", "locust", "rich", "click", "uvicorn", "scipy", "httpx"}
        def test_nothing():
            assert HEAVY & set(sys.modules) == set()
            ours = {name.partition("pytest_sentry_harness.")[2] for name in sys.modules}
            used = {"pytest_plugin", "pytest_plugin.plugin", "pytest_plugin.recognise", "pytest_plugin.hookspecs"}
            assert ours - {""} == used
        """
    )
    (pytester.path / "data.toml").write_text("[other]\nkey = 1\n", encoding="utf-8")
    result = run(pytester)
    result.assert_outcomes(passed=1)
    assert "= sentry-harness =" not in result.stdout.str()
    assert "sentry-harness: " not in result.stdout.str()


@pytest.mark.slow
def test_using_it_imports_only_what_the_base_install_has(pytester: pytest.Pytester) -> None:
    """Unit tests need pytest, sentry-sdk, wrapt and msgspec."""
    pytester.makepyfile(
        app=APP + "sentry_sdk.init(auto_enabling_integrations=False)\n",
        test_app=MARKED
        + """
    def test_imports(sentry_harness):
        import sys
        extras = {"locust", "rich", "click", "uvicorn", "scipy", "faker", "hypothesis", "psutil"}
        assert extras & set(sys.modules) == set()
""",
    )
    run(pytester).assert_outcomes(passed=2, failed=1)


@pytest.mark.slow
def test_it_can_be_turned_off(pytester: pytest.Pytester) -> None:
    """With -p no:sentry_harness the marker and the option are unknown."""
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest_subprocess("-p", "no:sentry_harness", "--sentry-harness-seed=1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*unrecognized arguments: --sentry-harness-seed=1*"])


@pytest.mark.slow
def test_an_sdk_that_is_not_understood_is_refused(pytester: pytest.Pytester) -> None:
    """Where the way out cannot be closed, no test runs."""
    pytester.makepyfile(
        app=APP,
        test_app="""
        import sentry_sdk.transport
        import app
        del sentry_sdk.transport.HttpTransport._request
        def test_it(sentry_harness):
            raise AssertionError("must not run")
        """,
    )
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*is not built as expected: '_request'", "*use sentry-sdk 2.20 or newer*"])


@pytest.mark.slow
def test_a_long_summary_is_cut_short(pytester: pytest.Pytester) -> None:
    """Twenty losses of failing tests are listed, the others counted."""
    pytester.makepyfile(
        app=INIT,
        test_app="""
        import pytest, app

        @pytest.mark.parametrize("number", range(23))
        @pytest.mark.fault("app:charge", "raise(TimeoutError)")
        def test_it(number, sentry_harness):
            app.hush()
            sentry_harness.assert_captured()
        """,
    )
    run(pytester, "--tb=no").stdout.fnmatch_lines(["*1 x charge: lost: swallowed*", "and 3 other losses"])
