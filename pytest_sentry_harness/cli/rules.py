"""``rules test``: read files, run their tests, show what came out, give the exit code."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.text import Text

from ..errors import HarnessError, RulesError, UsageError
from ..model.verdict import EXIT_CODES, EXIT_USAGE, Verdict
from ..monitor.alerts.model import Rules
from ..monitor.alerts.read import read_rule_files
from ..monitor.rule_tests.model import CaseFile, Outcome
from ..monitor.rule_tests.read import read_cases
from ..monitor.rule_tests.run import run_cases
from ..report.junit import xml_text

_FAIL = EXIT_CODES[Verdict.FAIL]
_MOST_GAPS = 50


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A file of tests, and the rules it names: each combination of files as one."""

    cases: CaseFile
    rules: dict[str, Rules]


def run_rule_tests(
    paths: Sequence[Path],
    *,
    only: str | None,
    coverage: bool,
    coverage_min: float | None,
    junit: Path | None,
    strict: bool,
) -> int:
    """Run the tests of all ``paths``; every file is checked before the first test runs."""
    console, errors = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
    began = time.perf_counter()
    try:
        if junit is not None and not junit.absolute().parent.is_dir():
            raise UsageError("the report cannot be written: its folder does not exist", where=str(junit))
        loaded = _load(paths, only)
        outcomes = [run_cases(one.cases, one.rules) for one in loaded]
    except HarnessError as error:
        errors.print(Text(f"sentry-harness: {error}"))
        return EXIT_USAGE
    seconds = time.perf_counter() - began
    warned = _show_warnings(errors, loaded)
    for outcome in outcomes:
        _show(console, outcome)
    low = [_show_coverage(console, outcome, gaps=coverage, least=coverage_min) for outcome in outcomes]
    failed = sum(len(outcome.failed) for outcome in outcomes)
    total = sum(len(outcome.results) for outcome in outcomes)
    console.print(Text(f"{total - failed} of {total} tests passed in {seconds:.2f} s"))
    if junit is not None:
        junit.write_bytes(to_junit(outcomes, seconds))
    return _FAIL if failed or any(low) or (strict and warned) else 0


def to_junit(outcomes: Sequence[Outcome], seconds: float) -> bytes:
    """One JUnit file: a suite for each file, a case for each test."""
    root = ET.Element("testsuites", name="sentry-harness rules", time=f"{seconds:.3f}")
    for outcome in outcomes:
        suite = ET.SubElement(
            root,
            "testsuite",
            name=xml_text(outcome.file),
            tests=str(len(outcome.results)),
            failures=str(len(outcome.failed)),
            errors="0",
            skipped="0",
        )
        for result in outcome.results:
            name = xml_text(result.case.name)
            case = ET.SubElement(suite, "testcase", classname=xml_text(outcome.file), name=name)
            if result.problems:
                message = xml_text(result.problems[0])
                ET.SubElement(case, "failure", message=message).text = xml_text("\n".join(result.problems))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _load(paths: Sequence[Path], only: str | None) -> list[_Loaded]:
    """Read everything. Raises ``UsageError``."""
    known: dict[tuple[Path, ...], Rules] = {}
    loaded = []
    for path in paths:
        cases = read_cases(_text(path, "the tests"), str(path))
        if only is not None:
            cases = replace(cases, cases=tuple(case for case in cases.cases if only in case.name))
        rules = {}
        for name, names in cases.rule_sets.items():
            files = tuple(path.parent / each for each in names)
            if files not in known:
                what = f"the rules that {path} names"
                known[files] = read_rule_files([(str(file), _text(file, what)) for file in files])
            rules[name] = known[files]
        loaded.append(_Loaded(cases, rules))
    if only is not None and not any(one.cases.cases for one in loaded):
        raise UsageError(f"no test has a name that contains {only!r}", hint="see the names in the files")
    return loaded


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise RulesError(f"{what} cannot be read: {why}", where=str(path)) from error


def _show_warnings(console: Console, loaded: Sequence[_Loaded]) -> int:
    """Print each warning once; how many there are that are more than a note."""
    warnings = dict.fromkeys(
        (str(warning), warning.note)
        for one in loaded
        for rules in one.rules.values()
        for warning in rules.warnings
    )
    for warning, note in warnings:
        console.print(Text(f"{'note' if note else 'warning'}: {warning}", style="" if note else "yellow"))
    return sum(not note for _, note in warnings)


def _show(console: Console, outcome: Outcome) -> None:
    for result in outcome.failed:
        console.print(Text(f"FAIL {result.case.where}: {result.case.name}", style="bold red"))
        for problem in result.problems:
            console.print(Text(f"  {problem}"))


def _show_coverage(console: Console, outcome: Outcome, *, gaps: bool, least: float | None) -> bool:
    """Print the coverage of each file of rules; whether one is below ``least``."""
    low = False
    for name, covered in outcome.coverage.items():
        (fired, rules), (seen, outcomes) = covered.rules_fired, covered.outcomes_seen
        percent = 100 * covered.share
        too_low = least is not None and percent < least
        low |= too_low
        said = f"{name}: {fired} of {rules} rules fired, {seen} of {outcomes} outcomes of conditions seen"
        if too_low:
            said += f": {percent:.1f} % is below --coverage-min {least:g}"
        console.print(Text(said, style="bold red" if too_low else ""))
        missing = covered.gaps() if gaps or too_low else ()
        for gap in missing[:_MOST_GAPS]:
            console.print(Text(f"  {gap}"))
        if len(missing) > _MOST_GAPS:
            console.print(Text(f"  and {len(missing) - _MOST_GAPS} more"))
    return low
