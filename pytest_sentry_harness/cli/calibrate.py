"""``calibrate``: scenarios and their twins, held against what must be found."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ..errors import HarnessError, UsageError
from ..harness.calibrate import calibrate
from ..harness.target import check_target
from ..model.calibration import Calibration
from ..model.scenario import Scenario
from ..model.verdict import EXIT_CODES, EXIT_INTERRUPTED, EXIT_USAGE, Verdict
from ..plan.scenario import load_scenario
from ..plan.stories import load_stories
from ..plan.twins import twin_of
from ..report.calibration import stories_table, twins_table
from .gate import find_scenarios, stoppable

Job = tuple[Scenario, str]


def calibrate_paths(
    paths: Sequence[Path],
    *,
    only: str | None,
    healthy_runs: int,
    jobs: int,
    runs: Path | None,
    markdown: Path | None,
    stories: tuple[Path, Path] | None,
) -> int:
    """Run all scenarios of ``paths`` and their twins; 0 when each came out as it has to."""
    errors = Console(stderr=True)
    try:
        scenarios = [load_scenario(path) for path in find_scenarios(paths)]
        work = list(_jobs(scenarios, only, healthy_runs))
        if not work:
            raise UsageError("there is nothing to run", hint="the scenarios have no such [[twin]]")
        known = load_stories(stories[0]) if stories else ()
    except UsageError as error:
        errors.print(Text(f"sentry-harness: {error}"), soft_wrap=True)
        return EXIT_USAGE
    results: list[Calibration] = []
    broken = 0
    try:
        with stoppable():
            for (scenario, twin), outcome in _run_all(work, jobs, runs):
                if isinstance(outcome, HarnessError):
                    broken += 1
                    errors.print(Text(f"{_label(scenario.name, twin)}: {outcome}"), soft_wrap=True)
                    continue
                results.append(outcome)
                print(line(outcome), flush=True)
    except KeyboardInterrupt:
        # No tables: those of an earlier, whole calibration are worth more.
        good, ended = sum(result.good for result in results), len(results) + broken
        print(f"interrupted: {ended} of {len(work)} runs ended, {good} of them came out as they have to")
        return EXIT_INTERRUPTED
    order = {(scenario.name, twin): number for number, (scenario, twin) in enumerate(work)}
    results.sort(key=lambda result: order[result.scenario, result.twin])
    if markdown is not None:
        markdown.write_text(twins_table(results), encoding="utf-8")
    if stories is not None:
        stories[1].write_text(stories_table(known, results), encoding="utf-8")
    good = sum(result.good for result in results)
    print(f"{good} of {len(work)} runs came out as they have to")
    if broken:
        return EXIT_CODES[Verdict.ERROR]
    return EXIT_CODES[Verdict.PASS if good == len(work) else Verdict.FAIL]


def line(result: Calibration) -> str:
    """One run in one line."""
    head = "ok  " if result.good else "BAD "
    counts = f"{result.fired} fired, {result.lost} lost"
    if result.twin:
        counts += f", {result.attributed} for the planted cause"
    causes = "; ".join(f"{count} x {cause}" for cause, count in result.causes[:3])
    size = "" if result.why else result.size
    parts = [
        f"{head}{_label(result.scenario, result.twin)}: {result.verdict}, {counts}",
        causes,
        size,
        result.why,
    ]
    return ": ".join(part for part in parts if part) + f" ({result.seconds:.1f} s, run {result.run_id})"


def _jobs(scenarios: Iterable[Scenario], only: str | None, healthy_runs: int) -> Iterator[Job]:
    for scenario in scenarios:
        check_target(scenario)
        if only is None:
            yield from [(scenario, "")] * healthy_runs
        for twin in scenario.twins:
            if only in (None, twin.name):
                check_target(twin_of(scenario, twin.name))
                yield scenario, twin.name


def _run_all(
    work: Sequence[Job], jobs: int, runs: Path | None
) -> Iterator[tuple[Job, Calibration | HarnessError]]:
    # Only the main thread is told of signals; runs in threads look at this.
    stop = threading.Event()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            futures: dict[Future[Calibration], Job] = {
                pool.submit(calibrate, scenario, twin, runs=runs, stop=stop): (scenario, twin)
                for scenario, twin in work
            }
            for future in as_completed(futures):
                try:
                    yield futures[future], future.result()
                except HarnessError as error:
                    yield futures[future], error
        except BaseException:
            # Ctrl-C: what has not begun never will; what has begun ends at once, and in order.
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _label(scenario: str, twin: str) -> str:
    return f"{scenario}/{twin}" if twin else scenario
