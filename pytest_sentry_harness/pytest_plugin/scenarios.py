"""Scenario files as tests: one test item for each criterion. The run happens once a file, when the first one starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..errors import HarnessError, UsageError

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from ..model.scenario import Scenario
    from ..model.verdict import CriterionResult
    from ..report.document import RunDocument

_INSTALL = "pip install 'pytest-sentry-harness[gate]'"
_MOST_LOSSES = 20


class CriterionNotMetError(Exception):
    """A criterion's verdict is not *pass*; ``str`` tells everything people need."""


class ScenarioFile(pytest.File):
    """A scenario file."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._document: RunDocument | None = None
        self._failure: BaseException | None = None
        self._scenario: Scenario | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """One item for each criterion that is judged."""
        from ..criteria.own import asked_for
        from ..plan.gates import criteria_of

        scenario = self.scenario()
        own = asked_for(scenario.extensions.criteria, scenario.gates)
        for criterion in (*criteria_of(scenario), *(each.name for each in own)):
            yield ScenarioItem.from_parent(self, name=criterion)

    def scenario(self) -> Scenario:
        """The scenario, with the seed of the command line if one is given."""
        from ..plan.scenario import load_scenario
        from ..report.lines import printable
        from .extend import extensions_of

        if self._scenario is None:
            try:
                scenario = load_scenario(self.path, extensions=extensions_of(self.config))
            except UsageError as error:
                raise self.CollectError(printable(str(error))) from error
            seed = self.config.getoption("sentry_harness_seed")
            self._scenario = scenario if seed is None else replace(scenario, seed=seed)
        return self._scenario

    def document(self) -> RunDocument:
        """The judged run, made at the first call. Raises what kept it from being made, each time."""
        from .shared import run_once

        if self._document is None and self._failure is None:
            try:
                self._document = run_once(self.config, self.path, lambda: _run(self.scenario()))
            except (HarnessError, pytest.fail.Exception) as error:
                self._failure = error
        if self._failure is not None:
            raise self._failure
        assert self._document is not None
        return self._document


class ScenarioItem(pytest.Item):
    """One criterion of a scenario.

    A criterion that is not met fails the test. One that could not be judged is an *error* at its set-up, as is a run
    that did not come about: pytest shows the two apart, and so does JUnit.
    """

    parent: ScenarioFile

    def setup(self) -> None:
        """Run the scenario, unless another criterion of the file did."""
        wrong = self._judge()
        if wrong:  # outside of any handler, and without our own traceback, which people have no use for
            pytest.fail(wrong, pytrace=False)

    def _judge(self) -> str:
        """Why there is no verdict; empty when there is one."""
        from ..model.verdict import Verdict
        from ..report.lines import printable

        try:
            document = self.parent.document()
        except HarnessError as error:
            return printable(str(error))
        result = self._result(document)
        self.user_properties += _properties(document, result)
        allowed = result.verdict is Verdict.INCONCLUSIVE and document.exit_code == 0
        judged = result.verdict in (Verdict.PASS, Verdict.FAIL) or allowed
        return "" if judged else _told(document, result)

    def runtest(self) -> None:
        """Judge."""
        from ..model.verdict import Verdict

        document = self.parent.document()
        result = self._result(document)
        if result.verdict is Verdict.FAIL:
            raise CriterionNotMetError(_told(document, result))

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> str | TerminalRepr:
        """What people need, without our own traceback."""
        from ..report.lines import printable

        if isinstance(excinfo.value, CriterionNotMetError | HarnessError):
            return printable(str(excinfo.value))
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the test stands, and what it is called."""
        return self.path, None, f"{self.parent.scenario().name}: {self.name}"

    def _result(self, document: RunDocument) -> CriterionResult:
        return next(result for result in document.criteria if result.criterion == self.name)


def _run(scenario: Scenario) -> RunDocument:
    # Asked beforehand: a run of minutes must not end in a missing package.
    locust = scenario.load is not None and scenario.load.locustfile is not None
    needed = ("uvicorn", "scipy", *(("locust",) if locust else ()))
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        names = " and ".join(missing)
        pytest.fail(f"running a scenario needs {names}, which is not installed: {_INSTALL}", pytrace=False)
    from ..harness.run import run_scenario

    document = run_scenario(scenario)
    if document.run.stop_reason == "interrupted":
        raise KeyboardInterrupt
    return document


def _told(document: RunDocument, result: CriterionResult) -> str:
    """The verdict, why, what was lost, and how to see it again."""
    from ..harness.folder import RUNS
    from ..model.verdict import Verdict
    from ..report.lines import advice, loss_line, point_line, printable

    lines = [f"{str(result.verdict).upper()}: {document.scenario.name}: {result.promise}"]
    lines += [f"  {gate.metric}: {gate.why}" for gate in result.gates if gate.verdict is not Verdict.PASS]
    lines += [f"  ! {note}" for note in result.notes]
    lines += [f"  ! {text}" for text in map(point_line, document.points) if text is not None]
    for loss in document.losses[:_MOST_LOSSES]:
        hint = advice(loss.reason)
        lines.append(f"  {loss_line(loss)}" + (f"\n    what to do: {hint}" if hint else ""))
    if len(document.losses) > _MOST_LOSSES:
        lines.append(f"  and {len(document.losses) - _MOST_LOSSES} other kinds of loss in run.json")
    lines += [f"run folder: {RUNS / document.run.id}", f"reproduce: {document.reproduce}"]
    return printable("\n".join(lines))


def _properties(document: RunDocument, result: CriterionResult) -> list[tuple[str, object]]:
    from ..criteria.verdict import show
    from ..report.lines import loss_line, printable

    account = document.account
    values = {
        "verdict": str(result.verdict),
        "run": document.run.id,
        "seed": document.scenario.seed,
        "injected": account.injected,
        "fired": account.fired,
        "captured": account.captured,
        "lost": account.expected - account.captured,
    }
    for gate in result.gates:
        measured = gate.measurement
        values[gate.metric] = f"{show(measured.value, measured.unit)} ({gate.gate}): {gate.verdict}"
    return [
        *((f"sentry_harness.{name}", str(value)) for name, value in values.items()),
        *(("sentry_harness.loss", printable(loss_line(loss))) for loss in document.losses[:_MOST_LOSSES]),
    ]
