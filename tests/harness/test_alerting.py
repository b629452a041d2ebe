"""Receivers and monitor of a run: checked before, started and ended with it, and never left behind."""

from __future__ import annotations

import json
import os
import resource
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.channels.lines import read_receipts
from pytest_sentry_harness.errors import HarnessError, MonitorError
from pytest_sentry_harness.harness.alerting import CONFIG, LiveAlerting, check_alerting_files
from pytest_sentry_harness.harness.folder import RunFolder
from pytest_sentry_harness.harness.judge import judge_run
from pytest_sentry_harness.harness.progress import Quiet
from pytest_sentry_harness.harness.run import ActiveRun, begin
from pytest_sentry_harness.model.scenario import Scenario
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.monitoring.notes import ENDING, read_ending
from pytest_sentry_harness.plan.scenario import load_scenario
from tests.monitoring.building import rule
from tests.store.build import event, write

CHANNELS = """
[[channel]]
name = "ops"
kind = "webhook"
url = "https://ops.example.com/hook"
secret_env = "NOBODY_SET_THIS"
[[channel]]
name = "mail"
kind = "email"
host = "mail.example.com"
sender = "sentry@example.com"
recipients = ["ops@example.com"]
[[route]]
channels = ["ops", "mail"]
"""
SCENARIO = """
[scenario]
name = "job"
settle = "20s"
[target]
command = "{{python}} job.py"
env = {{ SENTRY_DSN = "{{dsn}}" }}
wait = true
stop_timeout = "60s"
[alerting]
rules = ["alerts.json"]
notify = "channels.toml"
{more}
[[fault]]
name = "broken"
at = "__main__:work"
do = "raise(ValueError('broken'))"
select = "call"
expect = {{ alerts = [{alerts}] }}
[gates]
"capture.fired" = ">= 1"
"""
JOB = """
import os, sentry_sdk
sentry_sdk.init(os.environ["SENTRY_DSN"], shutdown_timeout=30)
def work(): pass
def main():
    try:
        work()
    except ValueError:
        sentry_sdk.capture_exception()
    {end}
if __name__ == "__main__":
    main()
"""


def scenario(
    folder: Path,
    more: str = "",
    *,
    alerts: str = '"new issue"',
    end: str = "pass",
    channels: str = CHANNELS,
    **rules: Any,
) -> Scenario:
    (folder / "alerts.json").write_text(json.dumps([rule(**rules)]), encoding="utf-8")
    (folder / "channels.toml").write_text(channels, encoding="utf-8")
    (folder / "job.py").write_text(JOB.format(end=end), encoding="utf-8")
    path = folder / "job.toml"
    path.write_text(SCENARIO.format(more=more, alerts=alerts), encoding="utf-8")
    return load_scenario(path)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"alerts": '"new isue"'},
            "job.toml: [[fault]] 'broken' expect.alerts: no rule is called 'new isue'\n  hint: did you mean 'new issue'?",
        ),
        (
            {"more": '[[alerting.receiver]]\nchannel = "opps"\ndown = true'},
            "job.toml: [[alerting.receiver]] 'opps': no channel is called 'opps'\n  hint: did you mean 'ops'?",
        ),
        (
            {"more": '[[alerting.receiver]]\nchannel = "mail"\nretry_after = 5'},
            "retry_after is of HTTP, and this channel is for e-mails",
        ),
        ({"more": 'archived = ["level:"]'}, "job.toml: [alerting] archived[0], character "),
        (
            {"alerts": '{ rule = "new issue", channel = "opps" }'},
            "job.toml: [[fault]] 'broken' expect.alerts: no channel is called 'opps'\n  hint: did you mean 'ops'?",
        ),
        (
            {
                "alerts": '{ rule = "new issue", channel = "next" }',
                "channels": CHANNELS
                + '[[channel]]\nname = "next"\nkind = "slack"\nurl = "http://127.0.0.1/"\n'
                + '[[escalation]]\nafter = "1m"\nchannels = ["next"]\n',
            },
            "no route names the channel 'next', so that no rule tells it",
        ),
        ({"frequency": "often"}, "alerts.json: [0].frequency: "),
    ],
)
def test_what_is_found_before_anything_starts(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    """By file and key, with a hint; no folder is made."""
    wrong = scenario(tmp_path, **change)
    with pytest.raises(HarnessError) as error:
        begin(wrong, runs=tmp_path / "runs")
    assert text in str(error.value)
    assert not (tmp_path / "runs").exists()


def test_a_scenario_without_alerting_has_nothing_to_check(tmp_path: Path) -> None:
    """And nothing is started for it."""
    scenario(tmp_path)
    path = tmp_path / "job.toml"
    text = path.read_text()
    plain = text[: text.index("[alerting]")] + text[text.index("[[fault]]") :].replace(
        'expect = { alerts = ["new issue"] }', ""
    )
    path.write_text(plain)
    plain_scenario = load_scenario(path)
    check_alerting_files(plain_scenario)
    folder = RunFolder.create(plain_scenario, tmp_path / "runs")
    with LiveAlerting(plain_scenario, folder, "1", Quiet()) as live:
        live.check()
        assert live.finish(lambda: None, at_once=False) == []
    assert not folder.alerting.exists()


def live(folder: Path, more: str = "") -> tuple[LiveAlerting, RunFolder]:
    """Receivers and a monitor over a store of its own, without a target."""
    told = scenario(folder, more)
    made = RunFolder.create(told, folder / "runs")
    write(made.store, [event(message="one")])
    return LiveAlerting(told, made, "1", Quiet()), made


def receipts(folder: RunFolder, channel: str) -> list[int]:
    return [each.status for each in read_receipts(folder.alerting / "receipts" / f"{channel}.jsonl")]


@pytest.mark.slow
def test_receivers_behave_as_told(tmp_path: Path) -> None:
    """One entry after the other: down, then slow to say no, then well; the other channel is down for good."""
    alerting, folder = live(
        tmp_path,
        '[[alerting.receiver]]\nchannel = "ops"\ntimes = 1\ndown = true\n'
        '[[alerting.receiver]]\nchannel = "ops"\ntimes = 1\nstatus = 503\nretry_after = 0\ntakes = "100ms"\n'
        '[[alerting.receiver]]\nchannel = "mail"\ndown = true\n',
    )
    notify = tmp_path / "channels.toml"
    for copy in (notify, folder.rules / "notify.toml"):
        copy.write_text(CHANNELS.replace("[[route]]", 'retry = { tries = 3, first = "100ms" }\n[[route]]'))
    with alerting:
        assert not (
            folder.alerting / CONFIG
        ).exists()  # it holds secrets: the monitor has read it, and removed it
        assert alerting.finish(lambda: None, at_once=False) == []
    assert receipts(folder, "ops") == [503, 200]
    assert receipts(folder, "mail") == []
    ending = read_ending(folder.alerting / ENDING)
    assert ending is not None
    assert ending.pending == ()
    assert "dead" in (folder.alerting / "trail.jsonl").read_text()


def test_no_secret_is_left_where_others_may_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the copies, nor in what the monitor is told: even if nobody lives to remove it."""
    monkeypatch.setenv("NOBODY_SET_THIS", "PLANTED-SECRET")
    alerting, folder = live(tmp_path)
    with alerting:
        assert holding(folder.path, "PLANTED-SECRET") == []
        assert alerting.finish(lambda: None, at_once=False) == []
    assert receipts(folder, "ops") == [200]
    signed = [each.signature for each in read_receipts(folder.alerting / "receipts" / "ops.jsonl")]
    assert signed == ["valid"]


def test_who_waits_may_be_stopped(tmp_path: Path) -> None:
    """The monitor ends at once and tells what was under way; nothing is left running."""
    alerting, folder = live(tmp_path, 'delays = { ingest = "500s" }')
    write(folder.store, [event(message="two")])

    def stop() -> None:
        raise KeyboardInterrupt

    with alerting, pytest.raises(KeyboardInterrupt):
        alerting.finish(stop, at_once=False)
    ending = read_ending(folder.alerting / ENDING)
    assert ending is not None


def test_a_monitor_that_does_not_start_is_told(tmp_path: Path) -> None:
    """With the end of its log; its receivers are closed."""
    alerting, folder = live(tmp_path)
    (folder.rules / "alerts-0.json").unlink()
    with pytest.raises(MonitorError) as error:
        alerting.__enter__()
    assert "the monitor did not start" in error.value.what
    assert "alerts-0.json" in str(error.value.hint)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("receive-")]


def test_a_killed_monitor_is_told_once(tmp_path: Path) -> None:
    """While the run goes on, or at its end; without an ending it is never taken for a good one."""
    alerting, folder = live(tmp_path)
    with alerting:
        process = alerting._process
        assert process is not None
        process.kill()
        process.wait(60)
        with pytest.raises(MonitorError, match="the monitor was killed by SIGKILL before it was told to end"):
            alerting.check()
        alerting.check()
        assert alerting.finish(lambda: None, at_once=False) == []
    assert read_ending(folder.alerting / ENDING) is None


def holding(folder: Path, text: str) -> list[str]:
    """The files that hold it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if text.encode() in path.read_bytes()]


@pytest.mark.slow
def test_a_run_with_alerts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault becomes an event, an alert and a delivery to each channel, all in the run's folder; and no secret is."""
    monkeypatch.setenv("NOBODY_SET_THIS", "PLANTED-SECRET-1")
    channels = CHANNELS.replace("/hook", "/PLANTED-SECRET-2").replace(
        'host = "mail', 'username = "PLANTED-SECRET-3"\nsecret = "PLANTED-SECRET-4"\nhost = "mail'
    )
    with begin(scenario(tmp_path, channels=channels), runs=tmp_path / "runs") as run:
        folder = run.folder
        run.drive()
        document = run.finish()
    assert document.run.stop_reason == "completed"
    assert document.verdict is not Verdict.ERROR
    assert receipts(folder, "ops") == [200]
    assert receipts(folder, "mail") == [250]
    assert sorted(path.name for path in folder.rules.iterdir()) == ["alerts-0.json", "notify.toml"]
    left = {"issues.jsonl", "trail.jsonl", "ending.json", "receipts", "monitor.log"}
    assert {path.name for path in folder.alerting.iterdir()} == left
    assert (folder.alerting / "monitor.log").read_text() == ""
    assert holding(folder.path, "PLANTED-SECRET") == []
    assert {path.stat().st_mode & 0o777 for path in folder.rules.iterdir()} == {0o600}
    assert judge_run(folder, folder.read_scenario(), folder.read_facts()) == document


def kill_monitor(run: ActiveRun) -> None:
    process = run.alerting._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_a_run_whose_monitor_dies_is_an_error(tmp_path: Path) -> None:
    """Found while the target still runs, and the run is over then."""
    waits = "import threading; threading.Event().wait(60)"
    with begin(scenario(tmp_path, end=waits), runs=tmp_path / "runs") as run:
        kill_monitor(run)
        run.drive()
        document = run.finish()
    assert (document.verdict, document.run.stop_reason) == (Verdict.ERROR, "monitor_died")
    assert "the monitor was killed by SIGKILL" in " ".join(document.criteria[0].notes)


def test_a_monitor_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some time after its patience; the run has trouble then."""
    monkeypatch.setattr("pytest_sentry_harness.harness.alerting._MARGIN", 0.2)
    alerting, _ = live(tmp_path, 'patience = "100ms"')
    with alerting:
        process = alerting._process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        (trouble,) = alerting.finish(lambda: None, at_once=False)
    assert "the monitor had not ended 0.3 s after it was told to" in trouble
    assert process.returncode == -signal.SIGKILL


def test_a_monitor_that_breaks_is_told(tmp_path: Path) -> None:
    """By what it says itself, with the end of its log."""
    alerting, folder = live(tmp_path, 'delays = { ingest = "500s" }')
    with alerting:
        process = alerting._process
        assert process is not None
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
        write(folder.store, [event(message=str(number)) for number in range(100)])
        process.wait(60)
        (trouble,) = alerting.finish(lambda: None, at_once=False)
    assert "the monitor broke: " in trouble
    assert "Traceback" in trouble
