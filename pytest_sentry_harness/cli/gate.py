"""``gate`` and ``judge``: run scenarios, show the verdicts, give the exit code."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.text import Text

from ..errors import HarnessError, UsageError
from ..harness.folder import RunFolder
from ..harness.judge import judge_folder
from ..harness.overhead.counters import choose_counter
from ..harness.run import run_scenario
from ..harness.target import check_target
from ..model.scenario import Scenario
from ..model.verdict import EXIT_CODES, EXIT_USAGE, Verdict
from ..plan.scenario import load_scenario
from ..plan.twins import twin_of
from ..report.document import RunDocument
from ..report.junit import to_junit
from ..report.markdown import to_markdown
from ..report.terminal import print_report
from .progress import shown_progress

_ORDER = (EXIT_CODES[Verdict.ERROR], EXIT_CODES[Verdict.FAIL], EXIT_CODES[Verdict.INCONCLUSIVE], 0)


def gate_paths(
    paths: Sequence[Path],
    *,
    seed: int | None,
    runs: Path | None,
    junit: Path | None,
    markdown: Path | None,
    twin: str | None = None,
    counting: bool = False,
) -> int:
    """Run all scenarios of ``paths``; every one of them is checked before the first one starts."""
    console, errors = report_console(), Console(stderr=True)
    try:
        scenarios = [_seeded(load_scenario(path), seed) for path in find_scenarios(paths)]
        if twin is not None:
            scenarios = [twin_of(scenario, twin) for scenario in scenarios]
        if counting:
            scenarios = [_counted(scenario) for scenario in scenarios]
        for scenario in scenarios:
            check_target(scenario)
        for output in (junit, markdown):
            if output is not None and not output.absolute().parent.is_dir():
                raise UsageError("the report cannot be written: its folder does not exist", where=str(output))
    except UsageError as error:
        return _complain(errors, error, EXIT_USAGE)
    documents: list[RunDocument] = []
    codes: list[int] = []
    for scenario in scenarios:
        try:
            with stoppable(), shown_progress(errors) as progress:
                document = run_scenario(scenario, progress=progress, runs=runs)
        except UsageError as error:
            codes.append(_complain(errors, error, EXIT_USAGE))
            continue
        except HarnessError as error:
            codes.append(_complain(errors, error, EXIT_CODES[Verdict.ERROR]))
            continue
        print_report(document, console)
        documents.append(document)
        codes.append(document.exit_code)
        if document.run.stop_reason == "interrupted":
            break
    if junit is not None:
        junit.write_bytes(to_junit(documents))
    if markdown is not None:
        markdown.write_bytes(to_markdown(documents))
    return worst_code(codes)


def judge_run_folder(path: Path) -> int:
    """Judge the run in ``path`` again."""
    try:
        document = judge_folder(RunFolder.open(path))
    except HarnessError as error:
        code = EXIT_USAGE if isinstance(error, UsageError) else EXIT_CODES[Verdict.ERROR]
        return _complain(Console(stderr=True), error, code)
    print_report(document, report_console())
    return document.exit_code


def find_scenarios(paths: Sequence[Path]) -> list[Path]:
    """The scenario files that ``paths`` name. Raises ``UsageError`` where there is none."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.glob("*.toml"))
            if not inside:
                raise UsageError(
                    "there is no scenario in this folder", where=str(path), hint="scenarios are *.toml"
                )
            found += inside
        elif path.is_file():
            found.append(path)
        elif path.exists():
            raise UsageError(
                "this is neither a regular file nor a folder",
                where=str(path),
                hint="name a scenario's *.toml, or a folder of them",
            )
        else:
            raise UsageError("there is no such file or folder", where=str(path))
    return found


def worst_code(codes: Sequence[int]) -> int:
    """The gravest exit code; a usage error comes first, since it kept something from running."""
    if EXIT_USAGE in codes:
        return EXIT_USAGE
    return next((code for code in _ORDER if code in codes), EXIT_CODES[Verdict.INCONCLUSIVE])


def report_console() -> Console:
    """Standard output; a log, which has no width of its own, gets one that a table needs."""
    console = Console()
    return console if console.is_terminal else Console(width=120)


@contextmanager
def stoppable() -> Iterator[None]:
    """End a run on SIGTERM and SIGHUP as on Ctrl-C: in order, judged, with a report. CI cancels jobs so."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _counted(scenario: Scenario) -> Scenario:
    """``scenario``, counting instructions instead of measuring time. Raises ``UsageError``."""
    if scenario.overhead is None:
        raise UsageError(
            "instructions are counted where the cost of Sentry is asked for, and this scenario does not ask",
            where=str(scenario.path),
            hint="leave --count out, or give scenarios with an [overhead] table only",
        )
    choose_counter()
    return replace(scenario, overhead=replace(scenario.overhead, count="instructions"))


def _seeded(scenario: Scenario, seed: int | None) -> Scenario:
    return scenario if seed is None else replace(scenario, seed=seed)


def _complain(console: Console, error: HarnessError, code: int) -> int:
    console.print(Text(f"sentry-harness: {error}"), soft_wrap=True)
    return code
