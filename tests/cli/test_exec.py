"""``sentry-harness exec``: the command is in the foreground, and what its SDK sends and drops is seen."""

from __future__ import annotations

import http.client
import json
import os
import pty
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.targets.command import free_port

REPORTING = """
import logging, sys, sentry_sdk

def scrub(event, hint):
    return None if "secret" in str(event.get("exception")) else event

sentry_sdk.init(release="shop@1", environment="test", before_send=scrub, traces_sample_rate=1.0,
                include_local_variables=False, include_source_context=False, max_breadcrumbs=0,
                auto_enabling_integrations=False)
for message in ("plain", "secret", "hostile \\x1b[31m\\u202e"):
    try:
        raise ValueError(message)
    except ValueError:
        sentry_sdk.capture_exception()
with sentry_sdk.start_transaction(name="nightly"):
    pass
"""


def start(folder: Path, *arguments: str, **more: Any) -> subprocess.Popen[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("SENTRY_")}
    return subprocess.Popen(
        [sys.executable, "-m", "pytest_sentry_harness.cli", "exec", *arguments],
        cwd=folder,
        env={**env, **more.pop("env", {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def run(
    folder: Path, *arguments: str, stdin: str = "", env: dict[str, str] | None = None
) -> tuple[int, str, str]:
    process = start(folder, *arguments, env=env or {})
    out, err = process.communicate(stdin, timeout=120)
    return process.returncode, out, err


def program(folder: Path, source: str) -> str:
    path = folder / "app.py"
    path.write_text(textwrap.dedent(source))
    return str(path)


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.mark.slow
def test_what_arrives_and_what_is_dropped_is_streamed(tmp_path: Path) -> None:
    """One line for the SDK, each item and each drop, and an account at the end; hostile text is made harmless."""
    code, out, err = run(tmp_path, "--", sys.executable, program(tmp_path, REPORTING))
    assert (code, out) == (0, "")
    lines = err.splitlines()
    (sdk,) = (line for line in lines if "  initialised" in line or " initialised in process " in line)
    assert "app.py:7" in sdk
    assert "release=shop@1" in sdk
    assert "before_send=__main__.scrub" in sdk
    assert any("event  error  ValueError: plain  trace " in line and "shop@1/test" in line for line in lines)
    assert any("transaction  in nightly" in line for line in lines)
    (dropped,) = (line for line in lines if "DROPPED" in line)
    assert "by before_send=__main__.scrub at app.py:4 (before_send)" in dropped
    assert any("the SDK says it dropped 1 error (before_send)" in line for line in lines)
    assert "\x1b" not in err
    assert "\u202e" not in err
    assert "[sentry] the command: exit code 0" in lines
    assert "[sentry] arrived: 2 event, 1 transaction, 1 client_report" in lines
    assert "[sentry] events dropped: 1 by before_send=__main__.scrub (before_send)" in lines
    assert not any("still queued" in line for line in lines)


@pytest.mark.slow
def test_the_stream_as_json_in_a_file(tmp_path: Path) -> None:
    """One object per line, the account last; nothing of ours on stderr."""
    app = program(tmp_path, REPORTING)
    code, _, err = run(
        tmp_path, "--json", "--to", "stream.jsonl", "--keep", "kept", "--", sys.executable, app
    )
    assert (code, "sentry-harness" in err) == (0, False), (
        err
    )  # the SDK may say that it is sending its last events
    news = documents((tmp_path / "stream.jsonl").read_text())
    assert [entry["what"] for entry in news].count("item") == 3
    assert news[-1]["what"] == "account"
    assert news[-1]["arrived"] == {"event": 2, "transaction": 1, "client_report": 1}
    assert sorted(entry.name for entry in (tmp_path / "kept").iterdir()) == [
        "inside.json",
        "ledger",
        "notes",
        "store",
    ]


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_quiet_leaves_the_account(tmp_path: Path) -> None:
    """Only the end is shown."""
    _, _, err = run(tmp_path, "--quiet", "--", sys.executable, program(tmp_path, REPORTING))
    assert [line for line in err.splitlines() if not line.startswith("[sentry] ")] == []
    assert "[sentry] arrived: 2 event" in err


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_the_command_has_the_terminal_and_decides_the_exit_code(tmp_path: Path) -> None:
    """Standard input, output and exit code are the command's; placeholders are filled, other braces left."""
    source = "import sys; print({1: sys.stdin.read()}, sys.argv[1]); sys.exit(7)"
    code, out, err = run(tmp_path, "--port", "4711", "--", "{python}", "-c", source, "{port}", stdin="hello")
    assert (code, out) == (7, "{1: 'hello'} 4711\n")
    assert "[sentry] no process initialised sentry_sdk" in err
    assert "[sentry] arrived: nothing" in err


@pytest.mark.slow
def test_a_command_that_is_not_python(tmp_path: Path) -> None:
    """Nobody can look inside, which is said; a signal's exit code is as shells have it."""
    code, _, err = run(tmp_path, "--", "sh", "-c", "kill -TERM $$")
    assert code == 128 + signal.SIGTERM
    assert "the agent was in no process" in err
    assert "the command: ended by SIGTERM" in err


WAITING = """
import signal, sys, time, sentry_sdk
sentry_sdk.init(release="shop@1", auto_enabling_integrations=False)

def end(number, _frame):
    sentry_sdk.capture_message(f"ended by {number}")
    sys.exit(number)

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
    signal.signal(number, end)
print("ready", flush=True)
while True:
    time.sleep(0.05)
"""


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
@pytest.mark.slow
def test_signals_are_for_the_command(tmp_path: Path, number: signal.Signals) -> None:
    """It ends in its own way, and what it says last is still seen."""
    process = start(tmp_path, "--", sys.executable, program(tmp_path, WAITING), start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == number
    assert "[sentry] arrived: 1 event" in err


COUNTING = """
import signal, time
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
print("ready", flush=True)
deadline = time.monotonic() + 60
while not seen and time.monotonic() < deadline:
    time.sleep(0.05)
time.sleep(0.5)  # for a second one, which must not come
print(f"{len(seen)} interrupts", flush=True)
"""


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_a_terminals_interrupt_comes_once(tmp_path: Path) -> None:
    """Ctrl-C reaches the command from the terminal itself; it is not forwarded on top of that."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pytest_sentry_harness.cli", "exec", "--", sys.executable, "app.py"]
    program(tmp_path, COUNTING)
    # A shell would do this: a session of its own, with this terminal.
    wrapper = (
        "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", wrapper, *command], cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    try:
        said = read_until(ours, b"ready")
        os.write(ours, b"\x03")
        said += read_until(ours, b"the agent", b"no process initialised")
        assert b"1 interrupts" in said
        assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def read_until(descriptor: int, *words: bytes) -> bytes:
    """What a terminal shows, until one of ``words`` is in it."""
    said = b""
    while not any(word in said for word in words):
        piece = os.read(descriptor, 4096)
        assert piece, said
        said += piece
    return said


@pytest.mark.slow
def test_children_are_seen_and_sudden_ends_are_told(tmp_path: Path) -> None:
    """A child that ends by ``os._exit`` leaves what it held; nobody knows how much, and that is said."""
    source = """
    import os, subprocess, sys, sentry_sdk
    if len(sys.argv) > 1:
        sentry_sdk.init(release="child@1", auto_enabling_integrations=False)
        sentry_sdk.capture_message("from the child")
        sentry_sdk.flush()
        os._exit(0)
    subprocess.run([sys.executable, __file__, "child"])
    """
    _, _, err = run(tmp_path, "--", sys.executable, program(tmp_path, source))
    assert "child@1" in err
    assert "ended without running its exit handlers" in err


OWN_DSN = """
import sentry_sdk
sentry_sdk.init("https://abc@o1.ingest.sentry.invalid/4", release="shop@1", auto_enabling_integrations=False)
sentry_sdk.capture_message("hello")
"""


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_a_dsn_in_the_code_is_cut_off(tmp_path: Path) -> None:
    """Nothing leaves for it; the stream says where it stands and what helps."""
    _, _, err = run(tmp_path, "--", sys.executable, program(tmp_path, OWN_DSN))
    (line,) = (line for line in err.splitlines() if "cut off" in line)
    assert "'o1.ingest.sentry.invalid'" in line
    assert "--redirect lets its events come here at app.py:3" in line
    assert "[sentry] arrived: nothing" in err


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_a_dsn_in_the_code_can_be_redirected(tmp_path: Path) -> None:
    """Its events come here; the stream says from where."""
    _, _, err = run(tmp_path, "--redirect", "--", sys.executable, program(tmp_path, OWN_DSN))
    (line,) = (line for line in err.splitlines() if "redirected" in line)
    assert "https://***@o1.ingest.sentry.invalid/4, set at app.py:3, is answered here" in line
    assert "[sentry] arrived: 1 event" in err


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_production_is_watched_and_kept_apart_too(tmp_path: Path) -> None:
    """Nothing is armed, so there is nothing to refuse; without the watch the DSN in the code would be sent to."""
    app = program(tmp_path, OWN_DSN)
    _, _, err = run(tmp_path, "--", sys.executable, app, env={"SENTRY_ENVIRONMENT": "production"})
    assert "cut off" in err


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_a_test_run_can_be_watched(tmp_path: Path) -> None:
    """pytest under the agent, with what its tests report."""
    (tmp_path / "test_app.py").write_text(
        "import sentry_sdk\n\n"
        "def test_reports():\n"
        "    sentry_sdk.init(release='tested@1', auto_enabling_integrations=False)\n"
        "    sentry_sdk.capture_message('from a test')\n"
        "    sentry_sdk.flush()\n"
    )
    code, out, err = run(
        tmp_path, "--", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_app.py"
    )
    assert code == 0
    assert "1 passed" in out
    assert "tested@1" in err


# (arguments, exit code, words on stderr)
BAD: list[tuple[list[str], int, str]] = [
    ([], 2, "Missing argument '-- CMD...'"),
    (["--", "pythonn3"], 2, "command 'pythonn3': there is no such program"),
    (["--", "zzqqxxyy"], 2, "a shell's built-ins and aliases need sh -c"),
    (["--", "./gone"], 2, "name a file that exists"),
    (["--", "./plain.txt"], 2, "Permission denied"),
    (["--to", "gone/x", "--", "true"], 2, "its folder does not exist"),
    (["--keep", ".", "--", "true"], 2, "the folder is not empty"),
    (["--port", "0", "--", "true"], 2, "0 is not in the range"),
]


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("arguments,code,words", BAD, ids=[" ".join(row[0])[:40] or "nothing" for row in BAD])
@pytest.mark.slow
def test_bad_command_lines(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    """Each says what is wrong, and ends with the documented code."""
    (tmp_path / "plain.txt").write_text("text")
    done, _, err = run(tmp_path, *arguments)
    assert done == code
    assert words in err


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_a_server_with_workers_is_watched(tmp_path: Path) -> None:
    """uvicorn with two workers: both are initialised, each error of a request is a line, SIGTERM ends all."""
    (tmp_path / "web.py").write_text(
        "import os, sentry_sdk\n"
        "from starlette.applications import Starlette\n"
        "from starlette.routing import Route\n"
        "sentry_sdk.init(release='web@1')\n"
        "def fail(request):\n"
        "    raise RuntimeError('no more work')\n"
        "app = Starlette(routes=[Route('/fail', fail)])\n"
    )
    port = free_port()
    command = ["{python}", "-m", "uvicorn", "web:app", "--workers", "2", "--port", "{port}"]
    process = start(tmp_path, "--to", "stream", "--port", str(port), "--", *command, start_new_session=True)
    try:
        status = None
        deadline = time.monotonic() + 60
        while status is None and time.monotonic() < deadline:
            try:
                with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
                    connection.request("GET", "/fail")
                    status = connection.getresponse().status
            except OSError:
                time.sleep(0.1)
        assert status == 500
        stream = tmp_path / "stream"
        while "RuntimeError: no more work" not in stream.read_text() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    text = stream.read_text()
    assert "RuntimeError: no more work  in /fail" in text.replace("in web.fail", "in /fail")
    assert text.count(" initialised in process ") >= 2


@pytest.mark.slow
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """The command runs, the account is lost: one error with the file's name, exit code 12."""
    code, out, err = run(tmp_path, "--to", "/dev/full", "--", sys.executable, "-c", "print('worked')")
    assert (code, out) == (12, "worked\n")
    assert err.startswith(
        "sentry-harness: /dev/full: the stream cannot be written: No space left on device\n  hint: "
    )
    assert err.count("No space left") == 1
