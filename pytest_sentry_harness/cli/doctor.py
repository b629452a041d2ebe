"""``doctor``: what is risky in the SDK set-up of a command."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..doctor.checkup import check_up
from ..doctor.evidence import Evidence
from ..doctor.finding import Finding, Severity
from ..doctor.observation import mentions
from ..doctor.report import document, lines
from ..doctor.rules import findings
from ..doctor.subject import Subject
from ..errors import HarnessError, TargetError, UsageError
from ..model.verdict import EXIT_CODES, EXIT_USAGE, Verdict
from ..plan.scenario import load_scenario
from ..plan.twins import twin_of
from ..report.lines import printable
from .exec_ import folder_for
from .gate import stoppable


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorRequest:
    """What the command line asks for."""

    words: tuple[str, ...] = ()
    scenario: Path | None = None
    twin: str | None = None
    ready: str | None = None
    port: int | None = None
    env: tuple[str, ...] = ()
    burst: int = 1000
    timeout: float = 30.0
    keep: Path | None = None


def examine_command(request: DoctorRequest, *, strict: bool = False, as_json: bool = False) -> int:
    """Examine, print, and give the exit code."""
    try:
        subject = subject_of(request)
        with folder_for(request.keep) as folder, stoppable():
            evidence = check_up(subject, folder, _say)
    except UsageError as error:
        return _complain(error, EXIT_USAGE)
    except HarnessError as error:
        return _complain(error, EXIT_CODES[Verdict.ERROR])
    found = findings(evidence)
    code = exit_code(evidence, found, strict=strict)
    if as_json:
        print(json.dumps(document(evidence, found, code), indent=1, default=str))
    else:
        for line in lines(evidence, found):
            print(line)
    return code


def exit_code(evidence: Evidence, found: Sequence[Finding], *, strict: bool) -> int:
    """12 when the harness broke, 10 for what loses errors (``strict``: for warnings too), 11 when nothing was learnt."""
    if evidence.broken:
        return EXIT_CODES[Verdict.ERROR]
    risky = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    if any(finding.severity in risky for finding in found):
        return EXIT_CODES[Verdict.FAIL]
    if not evidence.processes or not evidence.errors_sent:
        return EXIT_CODES[Verdict.INCONCLUSIVE]
    return EXIT_CODES[Verdict.PASS]


def subject_of(request: DoctorRequest) -> Subject:
    """What is to be examined. Raises ``UsageError`` for what cannot be."""
    extra = dict(_variable(text) for text in request.env)
    if request.scenario is not None:
        return _of_scenario(request, extra)
    if not request.words:
        raise UsageError(
            "there is no command to examine",
            where="sentry-harness doctor",
            hint="sentry-harness doctor -- CMD, or --scenario FILE",
        )
    if request.twin is not None:
        raise UsageError("a twin belongs to a scenario", where="--twin", hint="give --scenario FILE as well")
    service = request.ready is not None or request.port is not None or mentions(request.words, "port")
    if request.ready is not None and request.port is None and not mentions(request.words, "port"):
        raise UsageError(
            "it is not known on which port the service listens",
            where="--ready",
            hint="write {port} where CMD takes its port, or give --port",
        )
    return Subject(
        command=request.words,
        env=extra,
        cwd=Path.cwd(),
        service=service,
        ready=_path(request.ready),
        port=request.port,
        burst=request.burst,
        timeout=request.timeout,
    )


def _of_scenario(request: DoctorRequest, extra: dict[str, str]) -> Subject:
    assert request.scenario is not None
    if request.words:
        raise UsageError(
            "a command and a scenario are two things to examine", where="--scenario", hint="give one of them"
        )
    scenario = load_scenario(request.scenario)
    if request.twin is not None:
        scenario = twin_of(scenario, request.twin)
    target = scenario.target
    if target.command is None:
        raise UsageError(
            "the scenario's target is not started by a command, so nobody can look inside",
            where=f"{request.scenario}: [target]",
            hint="examine a scenario with command = ...",
        )
    return Subject(
        command=tuple(shlex.split(target.command)),
        env={**target.env, **extra},
        cwd=target.cwd or scenario.path.parent,
        service=not target.wait and (target.ready is not None or "{port}" in target.command),
        ready=target.ready,
        port=request.port,
        burst=request.burst,
        timeout=request.timeout,
        stop_signal=target.stop_signal,
        stop_timeout=target.stop_timeout,
    )


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"{text!r} sets no variable", where="--env", hint="write NAME=VALUE")
    return name, value


def _path(ready: str | None) -> str | None:
    if ready is not None and not ready.startswith("/"):
        raise UsageError(f"{ready!r} is not a path", where="--ready", hint="write /health, for example")
    return ready


def _say(stage: str) -> None:
    print(f"... {stage}", file=sys.stderr, flush=True)


def _complain(error: HarnessError, code: int) -> int:
    print(printable(f"sentry-harness: {error}"), file=sys.stderr)
    if isinstance(error, TargetError):
        print("sentry-harness: nothing was examined", file=sys.stderr)
    return code
