"""``sentry-harness doctor`` on real programs: what it finds, what it does not, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from . import programs

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.slow


def doctor(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("SENTRY_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest_sentry_harness.cli", "doctor", *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def examined(folder: Path, source: str, *arguments: str, words: tuple[str, ...] = ()) -> dict[str, Any]:
    """The JSON document of an examination of the program ``source``."""
    (folder / "app.py").write_text(source)
    done = doctor(folder, "--json", *arguments, "--", "{python}", "app.py", *words)
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode
    return document


def rules(document: dict[str, Any], *severities: str) -> list[str]:
    return [f["rule"] for f in document["findings"] if f["severity"] in (severities or ("error", "warning"))]


def finding(document: dict[str, Any], rule: str) -> dict[str, Any]:
    (found,) = (entry for entry in document["findings"] if entry["rule"] == rule)
    return dict(found)


def test_a_good_script_is_healthy(tmp_path: Path) -> None:
    """All probes arrive, the last words too; nothing risky, exit code 0."""
    document = examined(tmp_path, programs.GOOD_SCRIPT, "--strict")
    assert rules(document) == []
    assert document["exit_code"] == 0
    arrived = {probe["kind"]: (probe["arrived"], probe["sent"]) for probe in document["probes"]}
    assert arrived["handled"] == arrived["in_thread"] == arrived["logged"] == arrived["message"] == (1, 1)
    assert arrived["burst"] == (50, 50)
    assert arrived["session"] == arrived["check_in"] == (1, 1)
    assert document["shutdown"]["how"] == "its own end"
    assert (document["shutdown"]["arrived"], document["shutdown"]["handed"]) == (5, 5)


def test_a_hook_that_raises_is_found_with_its_place(tmp_path: Path) -> None:
    """``before_send`` reads a key that events outside of requests do not have."""
    document = examined(tmp_path, programs.RAISING_HOOK)
    found = finding(document, "hook-raises")
    assert "trusting" in found["what"]
    assert found["place"].endswith("app.py:5")
    assert "53 probes" in found["evidence"]
    assert document["exit_code"] == 10


@pytest.mark.usefixtures("unmeasured")
def test_a_service_that_does_not_flush_loses_its_last_words(tmp_path: Path) -> None:
    """SIGTERM ends it at once: what it was handed over just before is gone, and that is the evidence."""
    document = examined(tmp_path, programs.NO_FLUSH_SERVICE, "--ready", "/health", words=("{port}",))
    assert rules(document, "error") == ["lost-at-shutdown"]
    assert "SIGTERM followed at once" in finding(document, "lost-at-shutdown")["evidence"]
    (request,) = (probe for probe in document["probes"] if probe["kind"] == "request")
    assert (request["arrived"], request["sent"]) == (1, 1)


def test_a_service_that_flushes_is_healthy(tmp_path: Path) -> None:
    """The same with a handler for SIGTERM; the port is found by the placeholder alone."""
    document = examined(tmp_path, programs.GOOD_SERVICE, words=("{port}",))
    assert rules(document) == []
    assert document["shutdown"]["how"] == "SIGTERM"
    assert document["exit_code"] == 0


@pytest.mark.usefixtures("unmeasured")
def test_a_dsn_in_the_code_is_answered_here(tmp_path: Path) -> None:
    """Nothing goes to it; where it stands is said."""
    document = examined(tmp_path, programs.OWN_DSN)
    found = finding(document, "own-dsn")
    assert "o1.ingest.sentry.invalid" in found["what"]
    assert found["place"].endswith("app.py:3")
    assert document["shutdown"]["arrived"] == 5


def test_a_tangled_set_up(tmp_path: Path) -> None:
    """Several defects at once, each named."""
    document = examined(tmp_path, programs.TANGLED, "--burst", "100")
    found = set(rules(document, "error", "warning", "info"))
    assert found >= {
        *("init-repeated", "init-late", "release-missing", "environment-missing", "integration-off"),
        *("excepthook-replaced", "items-lost", "hooks", "sends-local-variables", "backpressure"),
    }
    assert "everything-traced" not in found  # it is no service
    assert "before_send_transaction" in finding(document, "items-lost")["evidence"]
    assert "keep" in finding(document, "hooks")["what"]
    assert "disabled_integrations names it" in finding(document, "integration-off")["evidence"]
    (log,) = (probe for probe in document["probes"] if probe["kind"] == "log")
    assert (log["arrived"], log["sent"]) == (1, 1)


@pytest.mark.usefixtures("unmeasured")
def test_a_worker_that_never_ends_is_examined_after_the_timeout(tmp_path: Path) -> None:
    """Neither a service nor a script that ends: probed while it runs, and stopped."""
    document = examined(tmp_path, programs.NEVER_ENDS, "--timeout", "10")
    assert rules(document) == []
    assert document["shutdown"]["how"] == "SIGTERM"


@pytest.mark.usefixtures("unmeasured")
def test_what_cannot_be_learnt_is_said(tmp_path: Path) -> None:
    """``os._exit`` leaves no time for probes: inconclusive, not healthy."""
    document = examined(tmp_path, programs.ENDS_AT_ONCE)
    assert document["exit_code"] == 11
    assert any("no probe was sent" in text for text in document["unknown"])
    assert any("shutdown" in text for text in document["unknown"])


@pytest.mark.usefixtures("unmeasured")
def test_a_program_without_the_sdk(tmp_path: Path) -> None:
    """The SDK is never initialised: everything is lost."""
    document = examined(tmp_path, "print('worked')")
    assert rules(document) == ["sdk-not-initialised"]
    assert document["exit_code"] == 10


def test_a_program_that_is_not_python(tmp_path: Path) -> None:
    """Nobody can look inside: inconclusive, with the reason."""
    done = doctor(tmp_path, "--", "true")
    assert done.returncode == 11
    assert "the agent was in no process" in done.stdout
    assert "nothing risky was found" in done.stdout


@pytest.mark.usefixtures("unmeasured")
def test_strict_makes_warnings_count(tmp_path: Path) -> None:
    """The text report on a set-up with warnings alone: 0, and 10 with --strict."""
    (tmp_path / "app.py").write_text(
        programs.GOOD_SCRIPT.replace("release='shop@1.2.3'", "release='unknown'")
    )
    done = doctor(tmp_path, "--", "{python}", "app.py")
    assert done.returncode == 0
    assert "WARNING  release='unknown' is a placeholder  [release-placeholder]" in done.stdout
    assert "1 of   1 errors handed to capture_exception" in done.stdout
    strict = doctor(tmp_path, "--strict", "--keep", "kept", "--", "{python}", "app.py")
    assert strict.returncode == 10
    assert (tmp_path / "kept" / "output.log").read_text().startswith("worked\n")
    assert not (tmp_path / "kept" / "arming.json").exists()


@pytest.mark.usefixtures("unmeasured")
def test_a_scenario_and_its_target_can_be_examined() -> None:
    """A planted defect of the shipped twins, found by look and probe."""
    done = doctor(
        ROOT,
        *("--json", "--env", "PLANTED={run_dir}/planted.jsonl"),
        *("--scenario", "scenarios/twins/capture-wrong-key.toml"),
    )
    document = json.loads(done.stdout)
    assert rules(document, "error") == ["refused-by-server"]
    assert "403" in finding(document, "refused-by-server")["evidence"]


# (arguments, exit code, words on stderr)
BAD: list[tuple[list[str], int, str]] = [
    ([], 2, "there is no command to examine"),
    (["--twin", "x", "--", "true"], 2, "a twin belongs to a scenario"),
    (["--ready", "/x", "--", "true"], 2, "it is not known on which port the service listens"),
    (["--ready", "x", "--port", "1", "--", "true"], 2, "'x' is not a path"),
    (["--env", "x", "--", "true"], 2, "'x' sets no variable"),
    (["--scenario", "s.toml", "--", "true"], 2, "a command and a scenario are two things"),
    (["--scenario", "url.toml"], 2, "is not started by a command"),
    (["--keep", ".", "--", "true"], 2, "the folder is not empty"),
    (["--", "no-such-program"], 12, "No such file or directory"),
    (["--timeout", "1", "--", "sleep", "60", "{port}"], 12, "nothing was examined"),
    (["--", "sh", "-c", "echo oh no; exit 3", "{port}"], 12, "oh no"),
]


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("arguments,code,words", BAD, ids=[" ".join(row[0])[:40] or "nothing" for row in BAD])
def test_bad_command_lines(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    """Each says what is wrong, and ends with the documented code."""
    (tmp_path / "s.toml").write_text("")
    (tmp_path / "url.toml").write_text(
        '[scenario]\nname = "x"\n[target]\nurl = "http://127.0.0.1:1"\ndsn = "http://k@127.0.0.1:2/1"\n'
        '[load]\n[[load.request]]\nsend = "GET /"\n[[fault]]\nname = "f"\non = ["GET /"]\n'
    )
    done = doctor(tmp_path, *arguments)
    assert done.returncode == code, done.stderr
    assert words in done.stderr


@pytest.mark.usefixtures("unmeasured")
def test_a_port_in_use_is_not_taken_for_the_command(tmp_path: Path) -> None:
    """Else somebody else's service would be examined."""
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = doctor(tmp_path, "--port", str(other.getsockname()[1]), "--", "sleep", "60")
    assert done.returncode == 12
    assert "something listens on this port already" in done.stderr


def test_one_id_for_all_errors_is_found(tmp_path: Path) -> None:
    """Sentry would keep one of them: the others count as lost, and the last words are told apart all the same."""
    document = examined(tmp_path, programs.ONE_ID)
    found = finding(document, "same-event-id")
    assert found["severity"] == "error"
    assert "came under the id of an earlier one" in found["evidence"]
    (burst,) = (probe for probe in document["probes"] if probe["kind"] == "burst")
    assert (burst["arrived"], burst["sent"]) in [(0, 50), (1, 50)]
    assert document["shutdown"]["handed"] == 5
    assert document["exit_code"] == 10


@pytest.mark.usefixtures("unmeasured")
def test_a_script_that_crashes_at_once_is_shown(tmp_path: Path) -> None:
    """Its exit code and its last lines are what is known."""
    document = examined(tmp_path, "import nothing_of_that_name\n")
    said = " ".join(document["unknown"])
    assert "the command ended with exit code 1; its last lines: " in said
    assert "No module named 'nothing_of_that_name'" in said


@pytest.mark.usefixtures("unmeasured")
def test_a_slow_service_is_told_of_timeout(tmp_path: Path) -> None:
    """With {port} in the command, the hint is to wait longer."""
    (tmp_path / "app.py").write_text("import time\ntime.sleep(60)\n")
    done = doctor(tmp_path, "--timeout", "1", "--", "{python}", "app.py", "{port}")
    assert done.returncode == 12
    assert "the command is still running after 1 s: raise --timeout if it starts slowly" in done.stderr
    assert "give --port" not in done.stderr
