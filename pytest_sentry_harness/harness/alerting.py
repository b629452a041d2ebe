"""The live monitor of a run and the receivers it sends to: checked, started, waited for, stopped."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

from .. import clock
from ..channels.receivers import HttpReceiver, Manner, SmtpReceiver
from ..channels.redirect import secrets_of
from ..errors import MonitorError, RulesError, ScenarioError, ServerError, did_you_mean
from ..model.scenario import Alerting, ReceiverManner, Scenario
from ..monitor.notifications import Channel, Notifications
from ..monitoring.config import MonitorConfig, write_config
from ..monitoring.inputs import Inputs, read_inputs
from ..monitoring.notes import ENDING, RECEIPTS, read_ending
from .folder import RunFolder, alerting_files, rule_files
from .progress import Progress

CONFIG, LOG = "monitor.json", "monitor.log"
_START = 30.0
"""Seconds a monitor may take to start."""
_MARGIN = 30.0
"""Seconds beyond its patience that a monitor may take to end: tries that are under way end first."""
_LOOK = 0.1


def check_alerting_files(scenario: Scenario) -> None:
    """Read the files that ``[alerting]`` names, and what is said about them, before anything starts.

    Raises ``RulesError`` naming file and key, ``ScenarioError``, and ``UsageError`` when the extra ``monitor`` is missing.
    """
    alerting = scenario.alerting
    if alerting is None:
        return
    inputs = inputs_of(scenario)
    names = inputs.names
    channels = inputs.notifications.channels
    routed = {name for route in inputs.notifications.routes for name in route.channels}
    for fault in scenario.faults:
        where = f"{scenario.path}: [[fault]] {fault.name!r} expect.alerts"
        for wanted in fault.expect.wanted:
            name, channel = wanted.rule, wanted.channel
            if name not in names:
                raise ScenarioError(
                    f"no rule is called {name!r}",
                    where=where,
                    hint=did_you_mean(name, names) if names else "the files of [alerting] rules hold none",
                )
            if channel and channel not in channels:
                raise ScenarioError(
                    f"no channel is called {channel!r}", where=where, hint=did_you_mean(channel, channels)
                )
            if channel and channel not in routed:
                raise ScenarioError(
                    f"no route names the channel {channel!r}, so that no rule tells it",
                    where=where,
                    hint="name a channel of a [[route]]: escalations are counted apart, and are not expected",
                )
    for manner in alerting.receivers:
        where = f"{scenario.path}: [[alerting.receiver]] {manner.channel!r}"
        if manner.channel not in channels:
            raise ScenarioError(
                f"no channel is called {manner.channel!r}",
                where=where,
                hint=did_you_mean(manner.channel, channels),
            )
        if manner.retry_after is not None and channels[manner.channel].kind == "email":
            raise ScenarioError(
                "retry_after is of HTTP, and this channel is for e-mails", where=where, hint="drop it"
            )


def inputs_of(scenario: Scenario) -> Inputs:
    """What users wrote about the alerting of ``scenario``, from the files it names. Raises ``UsageError``."""
    assert scenario.alerting is not None
    noise = rule_files(scenario.noise)
    try:
        return read_inputs(
            rules=scenario.alerting.rules,
            notify=scenario.alerting.notify,
            archived=scenario.alerting.archived,
            fingerprint_rules=noise.get("fingerprint_rules"),
            stack_rules=noise.get("stack_rules"),
            categories=noise.get("categories"),
        )
    except RulesError as error:
        if error.where and error.where.startswith("archived["):
            where = f"{scenario.path}: [alerting] {error.where}"
            raise RulesError(error.what, where=where, hint=error.hint) from error
        raise


class LiveAlerting:
    """Used as a context manager: receivers, then the monitor, start on entering. Without ``[alerting]`` it does nothing.

    ``finish`` waits for alerts under way; leaving stops whatever still runs.
    """

    def __init__(self, scenario: Scenario, folder: RunFolder, project: str, progress: Progress) -> None:
        self._scenario, self._folder = scenario, folder
        self._project, self._progress = project, progress
        self._receivers: list[HttpReceiver | SmtpReceiver] = []
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> LiveAlerting:
        alerting = self._scenario.alerting
        if alerting is None:
            return self
        self._progress.stage("starting the monitor")
        self._folder.alerting.mkdir()
        inputs = inputs_of(self._scenario)
        secrets = secrets_of(inputs.notifications, os.environ)
        try:
            ports = self._listen(inputs.notifications, secrets, alerting.receivers)
            write_config(self._config(alerting, ports, secrets), self._folder.alerting / CONFIG)
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._process = self._process, None
        if process is not None:
            if process.poll() is None:
                process.kill()
            _wait_for(process)
        (self._folder.alerting / CONFIG).unlink(missing_ok=True)
        receivers, self._receivers = self._receivers, []
        for receiver in receivers:
            receiver.close()

    def check(self) -> None:
        """Raises ``MonitorError``, once, when the monitor has ended by itself."""
        process = self._process
        if process is not None and process.poll() is not None:
            self._process = None
            _wait_for(process)
            self._judge(process.returncode)
            raise self._died(process.returncode)

    def finish(self, unless_stopped: Callable[[], None], *, at_once: bool) -> list[str]:
        """Wait until everything that is under way has been worked off; what went wrong, and was not told yet, a sentence each.

        The target has ended. ``unless_stopped`` raises ``KeyboardInterrupt`` when somebody wants the run to end;
        ``at_once``: that was so before. The receivers are closed in any case.
        """
        alerting = self._scenario.alerting
        if alerting is None:
            return []
        trouble: list[str] = []
        try:
            self.check()
            if self._process is not None:
                self._progress.stage("waiting for alerts under way")
                self._process.send_signal(signal.SIGINT if at_once else signal.SIGTERM)
                self._wait(self._process, alerting.patience + _MARGIN, unless_stopped)
                self._judge(self._process.returncode)
        except MonitorError as error:
            trouble.append(str(error))
        finally:
            try:
                self.__exit__(None, None, None)
            except ServerError as error:
                trouble.append(str(error))
        return trouble

    def _wait(
        self, process: subprocess.Popen[bytes], seconds: float, unless_stopped: Callable[[], None]
    ) -> None:
        deadline = clock.monotonic() + seconds
        try:
            while clock.monotonic() < deadline:
                unless_stopped()
                try:
                    process.wait(_LOOK)
                except subprocess.TimeoutExpired:
                    continue
                return
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):  # it is killed then
                process.wait(_MARGIN)
            raise
        process.kill()
        _wait_for(process)
        raise MonitorError(
            f"the monitor had not ended {seconds:g} s after it was told to",
            where=str(self._folder.alerting),
            hint=f"the end of its log:\n{_tail(self._folder.alerting / LOG)}",
        )

    def _judge(self, code: int) -> None:
        """Raise what its ending tells."""
        ending = read_ending(self._folder.alerting / ENDING)
        if ending is None:
            raise self._died(code)
        if ending.trouble:
            raise MonitorError(
                f"the monitor broke: {ending.trouble}",
                where=str(self._folder.alerting),
                hint=f"the end of its log:\n{_tail(self._folder.alerting / LOG)}",
            )

    def _died(self, code: int) -> MonitorError:
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return MonitorError(
            f"the monitor {how} before it was told to end",
            where=str(self._folder.alerting),
            hint=f"the end of its log:\n{_tail(self._folder.alerting / LOG)}",
        )

    def _listen(
        self, settings: Notifications, secrets: dict[str, str], manners: Iterable[ReceiverManner]
    ) -> dict[str, int]:
        """Start a receiver for each channel; their ports."""
        ports = {}
        for name, channel in settings.channels.items():
            receiver = self._receiver(channel, secrets)
            self._receivers.append(receiver)
            ports[name] = receiver.port
            _behave(receiver, [manner for manner in manners if manner.channel == name])
        return ports

    def _receiver(self, channel: Channel, secrets: dict[str, str]) -> HttpReceiver | SmtpReceiver:
        journal = self._folder.alerting / RECEIPTS / f"{channel.name}.jsonl"
        if channel.kind == "email":
            return SmtpReceiver(journal, name=channel.name)
        signed = secrets[channel.name] if channel.kind == "webhook" else ""
        return HttpReceiver(journal, name=channel.name, secret=signed)

    def _config(self, alerting: Alerting, ports: dict[str, int], secrets: dict[str, str]) -> MonitorConfig:
        copies = self._folder.rules
        named = {name: str(copies / name) for name in alerting_files(alerting)}
        noise = {name: str(copies / name) for name in rule_files(self._scenario.noise)}
        return MonitorConfig(
            store=str(self._folder.store),
            folder=str(self._folder.alerting),
            seed=self._folder.run_id,
            rules=tuple(path for name, path in named.items() if name != "notify.toml"),
            notify=named.get("notify.toml", ""),
            fingerprint_rules=noise.get("fingerprint_rules", ""),
            stack_rules=noise.get("stack_rules", ""),
            categories=noise.get("categories", ""),
            delays=alerting.delays,
            archived=alerting.archived,
            patience=alerting.patience,
            project=self._project,
            ports=ports,
            secrets=secrets,
        )

    def _start(self) -> None:
        """Start the monitor, and wait until it follows the store."""
        folder = self._folder.alerting
        command = [sys.executable, "-m", "pytest_sentry_harness.monitoring", str(folder / CONFIG)]
        with (folder / LOG).open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl+C is for the harness, which then stops the monitor in its own order
            )
        if not _is_ready(self._process, _START):
            raise MonitorError(
                f"the monitor did not start within {_START:g} s",
                where=" ".join(command),
                hint=f"the end of {folder / LOG}:\n{_tail(folder / LOG)}",
            )


def _behave(receiver: HttpReceiver | SmtpReceiver, manners: list[ReceiverManner]) -> None:
    """Have it answer as the scenario says, one entry after the other."""
    if len(manners) == 1 and manners[0].down and manners[0].times is None:
        receiver.refuse()
        return
    found = [
        itertools.repeat(
            Manner(
                status=manner.status or 0,
                reset=manner.down,
                takes=manner.takes,
                delay=manner.answers,
                hang=manner.hang,
                retry_after=manner.retry_after,
            ),
            manner.times or 1,
        )
        for manner in manners
    ]
    last = () if manners and manners[-1].times is None else (Manner(),)
    receiver.behave(*itertools.chain(*found, last))


def _is_ready(process: subprocess.Popen[bytes], timeout: float) -> bool:
    """Whether it prints its line in time."""
    assert process.stdout is not None
    output, lines = process.stdout, list[bytes]()
    reader = threading.Thread(target=lambda: lines.append(output.readline()), daemon=True)
    reader.start()
    reader.join(timeout)
    return bool(lines and lines[0]) and json.loads(lines[0])["event"] == "ready"


def _wait_for(process: subprocess.Popen[bytes]) -> None:
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _tail(path: Path, most: int = 4000) -> str:
    data = path.read_bytes()[-most:] if path.exists() else b""
    return data.decode("utf-8", "replace").strip() or "(nothing was written)"
