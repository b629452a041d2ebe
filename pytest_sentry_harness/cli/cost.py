"""``cost``: what Sentry costs, option by option."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
from rich.console import Console

from ..errors import HarnessError, UsageError, did_you_mean
from ..harness.overhead.cost import CostPlan, measure_cost, plan_cost
from ..model.scenario import Scenario
from ..model.verdict import EXIT_CODES, EXIT_USAGE, Verdict
from ..plan.scenario import load_scenario
from ..report.cost import cost_markdown, print_cost
from ..report.lines import printable
from .gate import stoppable

BEGIN, END = "<!-- cost -->", "<!-- /cost -->"
"""Between these lines of a Markdown file the tables stand."""


def cost_of(
    path: Path,
    *,
    minutes: float,
    launches: int,
    only: Sequence[str] = (),
    as_json: bool = False,
    markdown: Path | None = None,
) -> int:
    """Measure, print, write, and give the exit code."""
    try:
        scenario = chosen(load_scenario(path), only)
        plan = plan_cost(scenario, budget=60 * minutes, launches=launches)
        frame = _frame(markdown) if markdown is not None else ("", "")
        _say(budget(plan))
        with stoppable():
            table = measure_cost(scenario, plan, say=_say)
    except UsageError as error:
        return _complain(error, EXIT_USAGE)
    except HarnessError as error:
        return _complain(error, EXIT_CODES[Verdict.ERROR])
    except KeyboardInterrupt:
        print(
            "sentry-harness: interrupted before the first launch was complete: nothing is known",
            file=sys.stderr,
        )
        return EXIT_CODES[Verdict.INCONCLUSIVE]
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(table), indent=1).decode() + "\n")
    else:
        print_cost(table, Console())
    if markdown is not None:
        markdown.write_text(frame[0] + cost_markdown(table) + frame[1], encoding="utf-8")
    return EXIT_CODES[Verdict.PASS]


def chosen(scenario: Scenario, only: Sequence[str]) -> Scenario:
    """``scenario`` with the options named in ``only``; with all of them when none is named. Raises ``UsageError``."""
    if not only or scenario.overhead is None:
        return scenario
    names = [option.name for option in scenario.overhead.options]
    for name in only:
        if name not in names:
            raise UsageError(
                f"the scenario has no option {name!r}",
                where=str(scenario.path),
                hint=did_you_mean(name, names),
            )
    options = tuple(option for option in scenario.overhead.options if option.name in only)
    return replace(scenario, overhead=replace(scenario.overhead, options=options))


def budget(plan: CostPlan) -> str:
    """What is about to happen, and how long it takes."""
    return (
        f"{plan.launches} launches of {plan.arms} arms side by side, {plan.kinds} kinds of request, "
        f"{plan.measure:.1f} s for each in each arm: about {plan.seconds / 60:.0f} min; Ctrl-C prints what is known so far"
    )


def _frame(markdown: Path) -> tuple[str, str]:
    """What stands before and after the tables in a file that has a place for them; else nothing. Raises ``UsageError``."""
    if not markdown.absolute().parent.is_dir():
        raise UsageError("the tables cannot be written: the folder does not exist", where=str(markdown))
    text = markdown.read_text(encoding="utf-8") if markdown.exists() else ""
    before, begin, rest = text.partition(BEGIN + "\n")
    _, end, after = rest.partition(END)
    if text and not (begin and end):
        raise UsageError(
            "the file holds something else than these tables, and has no place for them",
            where=str(markdown),
            hint=f"write the lines {BEGIN} and {END} where the tables shall stand, or name a new file",
        )
    return (before + begin + "\n", "\n" + end + after) if text else ("", "")


def _say(line: str) -> None:
    print(printable(f"… {line}"), file=sys.stderr, flush=True)


def _complain(error: HarnessError, code: int) -> int:
    print(printable(f"sentry-harness: {error}"), file=sys.stderr)
    return code
