"""An examination, stage by stage: start, survey and probe, a request, last words and the end, evidence.

Everything that is started is stopped on every way out.
"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import clock
from ..errors import TargetError
from ..server.behaviour import Rule
from ..targets.command import free_port
from ..targets.logfile import last_lines
from ..targets.process import Ending, ProcessGroup
from ..targets.readiness import wait_ready
from . import requests
from .evidence import Evidence, Shutdown
from .gather import gather, last_words
from .inside import questions
from .inside.notebook import read_notes
from .observation import Observation, fill_known, mentions, observe
from .subject import Subject, faults

Say = Callable[[str], None]

_ANSWER_SECONDS = 0.25
"""How long the server takes for each answer while the command ends: last words then wait in the queue."""
_LOOK = 0.05
_INIT_SECONDS = 3.0
"""How long after it is ready a service may take to initialise the SDK."""
_PROBE_SECONDS = 90.0
_QUIET = 1.0
_MOST_QUIET = 20.0
_LAST_LINES = 6
_MOST_SAID = 800


def check_up(subject: Subject, folder: Path, say: Say) -> Evidence:
    """Examine ``subject``, writing to ``folder``; ``say`` is told each stage.

    Raises ``TargetError`` when the command does not start or a service is not ready in time, ``UsageError``
    and ``ServerError`` as ``observe``.
    """
    name = shlex.join(subject.command)
    with observe(folder, name=name, faults=faults(), redirect=True, examine=True) as observation:
        examination = _Examination(subject, observation, say)
        try:
            return examination.run()
        finally:
            examination.stop()


class _Examination:
    """One examination under way."""

    def __init__(self, subject: Subject, observation: Observation, say: Say) -> None:
        self._subject = subject
        self._observation = observation
        self._say = say
        self._pause = threading.Event()
        self._port = subject.port or free_port()
        self._group: ProcessGroup | None = None

    def run(self) -> Evidence:
        """All stages, in order."""
        self._say("starting the command")
        group = self._start()
        if self._subject.service:
            self._await_service(group)
        else:
            self._await_script(group)
        shutdown: Shutdown | None = None
        if self._initialised() and group.running:
            self._say("sending one harmless fault of each kind")
            self._probe(group)
            self._say("handing over some errors, and ending the command")
            shutdown = self._end_after_last_words(group)
        self._ask(questions.END)
        broken_off = self._end(group)
        self._settle()
        return gather(self._observation, self._subject, shutdown, broken_off)

    def _end(self, group: ProcessGroup) -> str:
        """End what runs still. How a script ended badly by itself, in words; otherwise empty."""
        itself = not group.running or any(note["pid"] == group.pid for note in self._notes("ending"))
        if not itself:
            group.stop(self._subject.stop_signal, self._subject.stop_timeout)
            return ""
        ending = group.wait(self._subject.stop_timeout)
        if self._subject.service or ending.exit_code == 0 or ending.killed:
            return ""
        said = " ".join(line.strip() for line in last_lines(self._observation.log, _LAST_LINES).splitlines())
        return f"the command {str(ending).partition(' after ')[0]}; its last lines: {said[-_MOST_SAID:]}"

    def stop(self) -> None:
        """Leave nothing running."""
        if self._group is not None:
            self._group.__exit__()

    def _start(self) -> ProcessGroup:
        if self._subject.service:
            requests.check_free(self._port)
        values = self._observation.values(self._port)
        self._group = ProcessGroup(
            shlex.join(fill_known(word, values) for word in self._subject.command),
            env=self._observation.environment(values, self._subject.env),
            cwd=self._subject.cwd,
            log=self._observation.log,
        )
        return self._group

    def _await_service(self, group: ProcessGroup) -> None:
        url = f"http://127.0.0.1:{self._port}"
        if self._subject.ready is not None:
            wait_ready(url, self._subject.ready, timeout=self._subject.timeout, check=group.check_alive)
        elif not self._until(lambda: requests.listens(self._port), self._subject.timeout, group):
            raise TargetError(
                f"the service does not listen on port {self._port} after {self._subject.timeout:g} s; "
                f"its last lines:\n{last_lines(self._observation.log)}",
                where=f"command {group.command!r}",
                hint=self._not_listening(),
            )
        requests.not_found(self._port)
        self._until(self._initialised, _INIT_SECONDS, group)

    def _not_listening(self) -> str:
        still = f"the command is still running after {self._subject.timeout:g} s: raise --timeout if it starts slowly"
        if self._subject.port is None and mentions(self._subject.command, "port"):
            return f"{still}; see that it takes the port {{port}} stands for"
        return f"{still}, or write {{port}} where the command takes its port, or give --port"

    def _await_script(self, group: ProcessGroup) -> None:
        """Until the script is at its end, has ended, or has taken its time."""
        deadline = clock.monotonic() + self._subject.timeout
        while clock.monotonic() < deadline and group.running and not self._notes("ending"):
            self._pause.wait(_LOOK)

    def _probe(self, group: ProcessGroup) -> None:
        self._ask(questions.PROBES)
        self._await_answers(questions.PROBES, group)
        if self._subject.service and group.running:
            requests.with_fault(self._port, self._observation.arming)
        self._settle()

    def _end_after_last_words(self, group: ProcessGroup) -> Shutdown | None:
        self._observation.client.behave(self._observation.project.project_id, [Rule(delay=_ANSWER_SECONDS)])
        itself = bool(self._notes("ending"))
        self._ask(questions.LAST_WORDS)
        self._await_answers(questions.LAST_WORDS, group)
        begun = clock.monotonic()
        if itself:
            ending = group.wait(self._subject.stop_timeout)
        else:
            ending = group.stop(self._subject.stop_signal, self._subject.stop_timeout)
        self._observation.client.behave_well(self._observation.project.project_id)
        self._settle()
        return self._shutdown(ending, "its own end" if itself else self._subject.stop_signal, begun)

    def _shutdown(self, ending: Ending, how: str, begun: float) -> Shutdown | None:
        if not self._notes("handed_over"):
            return None
        handed, arrived = last_words(self._observation)
        return Shutdown(
            how=how,
            handed=handed,
            arrived=arrived,
            seconds=clock.monotonic() - begun,
            ending=str(ending),
            killed=ending.killed,
            answer_seconds=_ANSWER_SECONDS,
        )

    def _await_answers(self, question: str, group: ProcessGroup) -> None:
        """Until every process that took the question on has answered it."""

        def answered() -> bool:
            done = {note["pid"] for note in self._notes("answered") if note["question"] == question}
            begun = {note["pid"] for note in self._notes("survey")}
            return bool(done) and begun <= done

        self._until(answered, _PROBE_SECONDS, group)

    def _settle(self) -> None:
        """Until nothing has arrived for a moment."""
        begun = changed = clock.monotonic()
        seen = -1
        while (now := clock.monotonic()) < begun + _MOST_QUIET and now < changed + _QUIET:
            requests_seen = self._observation.client.stats().requests
            if requests_seen != seen:
                seen, changed = requests_seen, now
            self._pause.wait(_LOOK)

    def _initialised(self) -> bool:
        return bool(self._notes("init"))

    def _notes(self, name: str) -> list[dict[str, Any]]:
        return [note for note in read_notes(self._observation.notes) if note["note"] == name]

    def _ask(self, question: str) -> None:
        (self._observation.notes / question).touch()

    def _until(self, condition: Callable[[], bool], seconds: float, group: ProcessGroup) -> bool:
        """Wait until ``condition``; False after ``seconds`` or when a script has ended. Raises for a dead service."""
        deadline = clock.monotonic() + seconds
        while clock.monotonic() < deadline:
            if condition():
                return True
            if not group.running:
                if self._subject.service:
                    group.check_alive()
                return False
            self._pause.wait(_LOOK)
        return False
