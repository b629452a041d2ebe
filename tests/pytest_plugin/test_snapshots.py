"""Snapshots of events: written, compared, and told apart from what is volatile."""

from __future__ import annotations

import json
import os
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.errors import UsageError
from pytest_sentry_harness.pytest_plugin.normalise import Normaliser
from pytest_sentry_harness.pytest_plugin.snapshots import Snapshots, safe_name

from .project import APP, run

APPLICATION = (
    APP + '\nsentry_sdk.init("https://abc@o12.ingest.sentry.io/42", auto_enabling_integrations=False)\n'
)
TESTS = """
import sentry_sdk
import app

def test_order(sentry_harness):
    sentry_harness.inject("app:charge", "raise(TimeoutError('{message}'))")
    with sentry_sdk.start_transaction(name="buy"), sentry_sdk.new_scope() as scope:
        scope.set_tag("colour", "{colour}")
        scope.set_extra("where", f"<Cart object at {{hex(id(scope))}}>")
        app.checkout()
    (event,) = sentry_harness.events
    sentry_harness.snapshot(event, drop=["breadcrumbs"])

class TestClass:
    def test_two(self, sentry_harness):
        sentry_sdk.capture_message("one")
        sentry_sdk.capture_message("two")
        for event in sentry_harness.events:
            sentry_harness.snapshot(event, drop=["breadcrumbs"])
"""


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_a_snapshot_is_made_kept_and_compared(pytester: pytest.Pytester) -> None:
    """Missing fails with the command that makes it; the same passes, also in parallel; a change is shown place by place."""
    pytester.makepyfile(app=APPLICATION, test_app=TESTS.format(message="late", colour="red"))
    result = run(pytester)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "E *AssertionError: there is no snapshot __snapshots__/test_app/test_order.json yet",
            "E * to make it: pytest test_app.py::test_order --sentry-harness-update-snapshots",
            "E * then look at the file, and commit it with the test",
        ]
    )
    assert not (pytester.path / "__snapshots__").exists()
    result = run(pytester, "--sentry-harness-update-snapshots")
    result.assert_outcomes(passed=2)
    files = sorted(str(path.relative_to(pytester.path)) for path in pytester.path.glob("__snapshots__/*/*"))
    assert files == [
        f"__snapshots__/test_app/{name}.json"
        for name in ("TestClass.test_two.2", "TestClass.test_two", "test_order")
    ]
    result.stdout.fnmatch_lines([f"snapshot written: {name}" for name in sorted(files)])
    event = json.loads((pytester.path / "__snapshots__/test_app/test_order.json").read_text(encoding="utf-8"))
    frame = event["exception"]["values"][0]["stacktrace"]["frames"][-1]
    assert (frame["abs_path"], frame["lineno"], frame["function"]) == ("<root>/app.py", "<line>", "charge")
    assert "pre_context" not in frame
    assert event["event_id"] == "<event-1>"
    assert event["contexts"]["trace"]["trace_id"] == "<trace-1>"
    assert "<address>" in event["extra"]["where"]
    run(pytester).assert_outcomes(passed=2)
    # Lines added above move every line number.
    pytester.makepyfile(app="\n\n" + APPLICATION, test_app=TESTS.format(message="later", colour="blue"))
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *AssertionError: the event differs from the snapshot __snapshots__/test_app/test_order.json in 2 places:",
            'E * exception.values[[]0].value: "late" in the snapshot, "later" in the event',
            'E * tags.colour: "red" in the snapshot, "blue" in the event',
            "E * --- snapshot",
            "E * +++ event",
            'E * -        "value": "late"',
            'E * +        "value": "later"',
            "E * if the event is right: pytest test_app.py::test_order --sentry-harness-update-snapshots",
        ]
    )
    run(pytester, "--sentry-harness-update-snapshots").assert_outcomes(passed=2)
    pytest.importorskip("xdist")
    run(pytester, "-n", "2", "--dist=each", plugins=("xdist",)).assert_outcomes(passed=4)


TRACE = "0123456789abcdef0123456789abcdef"
SPAN = "fedcba9876543210"


def normal(event: Any, **options: Any) -> Any:
    return Normaliser(root="/srv/project", **options).normalise(event)


def test_equal_ids_become_equal_marks() -> None:
    """An id is renamed the same wherever it stands, with dashes or within text."""
    event = {
        "event_id": "a" * 32,
        "contexts": {"trace": {"trace_id": TRACE, "span_id": SPAN, "parent_span_id": None}},
        "spans": [{"trace_id": TRACE, "span_id": "1" * 16, "parent_span_id": SPAN}],
        "request": {"headers": {"Sentry-Trace": f"{TRACE}-{SPAN}-1"}},
        "extra": {
            "same": "01234567-89ab-cdef-0123-456789abcdef",
            "other": f"id {'b' * 32}, {'b' * 32}, {'c' * 32}",
        },
    }
    assert normal(event) == {
        "event_id": "<event-1>",
        "contexts": {"trace": {"trace_id": "<trace-1>", "span_id": "<span-1>", "parent_span_id": None}},
        "spans": [{"trace_id": "<trace-1>", "span_id": "<span-2>", "parent_span_id": "<span-1>"}],
        "request": {"headers": {"Sentry-Trace": "<trace-1>-<span-1>-1"}},
        "extra": {"same": "<trace-1>", "other": "id <id-1>, <id-1>, <id-2>"},
    }


def test_what_differs_between_runs_and_machines_is_taken_out() -> None:
    """Times, paths, versions, names of machines, addresses, ports and process ids; nothing else."""
    python = sysconfig.get_paths()["stdlib"]
    event = {
        "timestamp": 1700000000.5,
        "start_timestamp": "2026-01-02T03:04:05.678Z",
        "server_name": "ci-7",
        "release": "c" * 40,
        "environment": "production",
        "modules": {"sentry-sdk": "2.75.0"},
        "sdk": {"name": "sentry.python", "version": "2.75.0", "packages": [{"name": "p", "version": "2"}]},
        "contexts": {"runtime": {"name": "CPython", "version": "3.11.7", "build": "3.11.7 (main)"}},
        "threads": {"values": [{"id": 1234, "name": "main"}, {"id": 99}, {"id": 1234}]},
        "extra": {
            "sys.argv": ["/usr/bin/pytest", "-q"],
            "pid": 77,
            "text": "<Cart at 0x7f00aa11> pid=991 of 127.0.0.1:51234 and localhost:8000 at 2026-01-02 03:04:05,678",
            "sha": f"commit {'d' * 40}",
            "number": 5,
            "flag": True,
        },
        "exception": {
            "values": [
                {
                    "stacktrace": {
                        "frames": [
                            {
                                "abs_path": "/srv/project/app.py",
                                "lineno": 7,
                                "pre_context": ["x"],
                                "context_line": "y",
                            },
                            {"abs_path": f"{python}/json/decoder.py", "lineno": 8},
                            {"abs_path": "/srv/projects/other.py", "lineno": 9},
                        ]
                    }
                }
            ]
        },
        "breadcrumbs": {"values": [{"message": "git rev-parse HEAD"}, {"message": "own", "timestamp": "x"}]},
    }
    found = normal(event, drop=["contexts.runtime.name", "exception.values.*.stacktrace.frames.2"])
    frames = found["exception"]["values"][0]["stacktrace"]["frames"]
    assert found["extra"] == {
        "sys.argv": "<argv>",
        "pid": "<pid>",
        "text": "<Cart at <address>> pid=<pid> of 127.0.0.1:<port> and localhost:<port> at <time>",
        "sha": "commit <sha>",
        "number": 5,
        "flag": True,
    }
    assert frames[0] == {"abs_path": "<root>/app.py", "lineno": "<line>", "context_line": "y"}
    assert frames[1] == {"abs_path": "<python>/json/decoder.py", "lineno": "<line>"}
    assert len(frames) == 2
    assert found["contexts"] == {"runtime": {"version": "<version>", "build": "<version>"}}
    assert found["sdk"] == {"name": "<sdk>", "version": "<version>", "packages": "<packages>"}
    assert [each["id"] for each in found["threads"]["values"]] == ["<thread-1>", "<thread-2>", "<thread-1>"]
    assert found["breadcrumbs"] == {"values": [{"message": "own", "timestamp": "<time>"}]}
    assert (found["timestamp"], found["start_timestamp"]) == ("<time>", "<time>")
    assert (found["server_name"], found["release"], found["environment"]) == (
        "<server>",
        "<release>",
        "production",
    )
    assert found["modules"] == "<modules>"
    kept = normal(event, lines=True)["exception"]["values"][0]["stacktrace"]["frames"]
    assert kept[0] == {"abs_path": "<root>/app.py", "lineno": 7, "pre_context": ["x"], "context_line": "y"}
    assert kept[2]["abs_path"] == "/srv/projects/other.py"


def test_names_of_files_are_safe_and_unique() -> None:
    """Whatever a test is called, its file stays in its folder, and no two tests share one."""
    assert safe_name("test_it.2") == "test_it.2"
    odd = [
        safe_name(name)
        for name in ("test[a/b]", "test[a b]", "../../etc/passwd", "", "ü", "x" * 300, "..", "a\nb")
    ]
    assert len(set(odd)) == len(odd)
    assert all(os.sep not in name and not name.startswith(".") and len(name) < 120 for name in odd)


def snapshots(tmp_path: Path, *, update: bool = False) -> Snapshots:
    return Snapshots(tmp_path / "test_x.py", "test_it", str(tmp_path), update, "pytest x")


def test_snapshots_may_have_names(tmp_path: Path) -> None:
    """A name tells them apart, and may be used once."""
    taking = snapshots(tmp_path, update=True)
    assert taking.problem({}, name="first", lines=False, drop=()) == ""
    with pytest.raises(UsageError, match="two snapshots of the test are named 'first'"):
        taking.problem({}, name="first", lines=False, drop=())
    assert taking.written == ["__snapshots__/test_x/test_it.first.json"]
    assert snapshots(tmp_path, update=True).problem({}, name="first", lines=False, drop=()) == ""


def test_large_differences_are_cut_short(tmp_path: Path) -> None:
    """The places and the lines that are shown fit on a screen."""
    snapshots(tmp_path, update=True).problem({f"k{n}": n for n in range(60)}, name=None, lines=False, drop=())
    text = snapshots(tmp_path).problem({f"k{n}": n + 1 for n in range(60)}, name=None, lines=False, drop=())
    assert "in 60 places:" in text
    assert "  and 48 other places\n" in text
    assert " other lines\n" in text
    assert len(text.splitlines()) < 60
    path = tmp_path / "__snapshots__" / "test_x" / "test_it.json"
    path.write_text("{", encoding="utf-8")
    text = snapshots(tmp_path).problem({}, name=None, lines=False, drop=())
    assert "is not JSON" in text
    assert "to write it anew: pytest x --sentry-harness-update-snapshots" in text
    path.write_text('{"a":1}', encoding="utf-8")
    assert snapshots(tmp_path).problem({"a": 1}, name=None, lines=False, drop=()) == ""


def test_what_else_is_installed_does_not_matter() -> None:
    """Name, integrations and packages of the SDK are the same whatever libraries it found; other names stay."""
    found = normal(
        {
            "sdk": {
                "name": "sentry.python.flask",
                "integrations": ["flask", "redis"],
                "packages": [{"name": "p"}],
            },
            "modules": {"flask": "3"},
            "user": {"name": "Ann"},
            "extra": {"sdk": {"name": "own"}},
        }
    )
    assert found == {
        "sdk": {"name": "<sdk>", "integrations": "<integrations>", "packages": "<packages>"},
        "modules": "<modules>",
        "user": {"name": "Ann"},
        "extra": {"sdk": {"name": "own"}},
    }


class Cart:
    """Its ``repr`` holds an address."""


def test_what_json_does_not_know_is_made_text(tmp_path: Path) -> None:
    """Keys become text as in JSON, values their ``repr`` without addresses, and the same twice is the same."""
    odd = {
        3: "x",
        None: 1,
        True: 2,
        (1, 2): 3,
        "a": Cart(),
        "b": {"y", "x"},
        "c": b"\xff",
        "t": (1, [Cart()]),
        "none": None,
    }
    assert normal(odd) == {
        "3": "x",
        "null": 1,
        "true": 2,
        "(1, 2)": 3,
        "b": ["x", "y"],
        "c": "b'\\xff'",
        "a": f"<{Cart.__module__}.Cart object at <address>>",
        "t": [1, [f"<{Cart.__module__}.Cart object at <address>>"]],
        "none": None,
    }
    assert snapshots(tmp_path, update=True).problem(odd, name=None, lines=False, drop=()) == ""
    assert snapshots(tmp_path).problem({**odd, "a": Cart()}, name=None, lines=False, drop=()) == ""
    text = snapshots(tmp_path).problem({**odd, 3: "z"}, name=None, lines=False, drop=())
    assert '["3"]: "x" in the snapshot, "z" in the event' in text
    with pytest.raises(UsageError, match=r"two keys of extra are '3' in a snapshot, where keys are text"):
        normal({"extra": {3: 1, "3": 2}})
    with pytest.raises(UsageError, match="two keys of the event are"):
        normal({3: 1, "3": 2})
