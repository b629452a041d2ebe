"""The part of the plugin that is at work only once something of it is used."""

from __future__ import annotations

import os
import shlex
from collections.abc import Generator, Iterator
from inspect import unwrap

import pytest

from ..errors import HarnessError, UsageError
from ..report.lines import printable
from .asked import FIXTURE, MARKER, AskedFault, of_marker, of_parameter
from .bench import Bench, TestIdentity
from .extend import effects_of
from .faults import Switch
from .harness import SentryHarness
from .reporting import PREFIX, properties_of
from .unittest_cases import running_test, test_case_of

_BENCH = pytest.StashKey[Bench]()
_SWITCH = pytest.StashKey[Switch]()
_PARAMETER = pytest.StashKey[object]()
_UNDONE = pytest.StashKey[str]()


class Runtime:
    """Arms the faults of markers, and puts evidence into the reports of tests that failed."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Arm last, when all fixtures are set up: faults are for the test, not for what prepares it."""
        result = yield
        bench = item.stash.get(_BENCH, None)
        if bench is not None:
            # What unittest does in setUp and tearDown is pytest's call of the test: the switch is off meanwhile.
            switch = item.stash[_SWITCH] = Switch(on=test_case_of(item) is None)
            wrong = _arm(bench, item, switch)
            if wrong is not None:
                pytest.fail(wrong, pytrace=False)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Let the faults of markers act while the test method of a ``TestCase`` runs."""
        switch = item.stash.get(_SWITCH, None)
        case = test_case_of(item)
        bench = item.stash.get(_BENCH, None)
        if bench is None:
            return (yield)
        with bench.running():
            if switch is None or case is None:
                return (yield)
            with running_test(item, case, switch, bench.left_application):
                return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """Stop the faults of markers before anything is torn down."""
        switch = item.stash.get(_SWITCH, None)
        if switch is not None:
            switch.on = False
            del item.stash[_SWITCH]
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Say what became of the faults, where the assertion itself does not."""
        report = yield
        bench = item.stash.get(_BENCH, None)
        if bench is not None and report.failed and call.excinfo is not None:
            error = call.excinfo.value
            bench.failed_with(error)
            if not bench.explained(error) and (call.when == "call" or bench.faults):
                report.sections.append(("sentry-harness", f"{bench.text('')}\n{bench.reproduce}"))
        return report


def use(config: pytest.Config) -> None:
    """Register the runtime, once."""
    if not config.pluginmanager.has_plugin("sentry_harness_runtime"):
        config.pluginmanager.register(Runtime(), "sentry_harness_runtime")


def add_fixture(item: pytest.Item) -> None:
    """Make a marked test use the fixture, as if it had asked for it last."""
    names = getattr(item, "fixturenames", None)
    if names is None:
        raise pytest.UsageError(
            f"{item.nodeid}: the marker {MARKER!r} works for test functions only, not for {type(item).__name__}"
        )
    if FIXTURE not in names:
        # A list of its own: pytest shares one among all parametrisations of a function.
        item.fixturenames = [*names, FIXTURE]  # type: ignore[attr-defined]


def harness_for(request: pytest.FixtureRequest) -> Iterator[SentryHarness]:
    """The fixture: a harness at work, then everything undone and the counts written to the test's properties."""
    item, config = request.node, request.config
    use(config)
    # A test that is run again (pytest-rerunfailures) tells of its last run only.
    item.user_properties[:] = [each for each in item.user_properties if not str(each[0]).startswith(PREFIX)]
    wrong = None
    try:
        effects = effects_of(config)
    except UsageError as error:
        wrong = printable(str(error))
    if wrong is not None:
        pytest.fail(wrong, pytrace=False)
    bench = Bench(
        _identity_of(item),
        effects=effects,
        seed=config.getoption("sentry_harness_seed") or 0,
        undone=config.stash.get(_UNDONE, ""),
        update_snapshots=config.getoption("sentry_harness_update_snapshots"),
    )
    bench.start()
    item.stash[_BENCH] = bench
    if hasattr(request, "param"):
        item.stash[_PARAMETER] = request.param
    harness = SentryHarness(bench)
    case = test_case_of(item)
    given = case is not None and not hasattr(case, FIXTURE)
    if given:
        setattr(case, FIXTURE, harness)
    try:
        yield harness
    finally:
        if given:
            delattr(case, FIXTURE)
        del item.stash[_BENCH]
        findings = bench.stop()
        item.user_properties += properties_of(findings, len(bench.faults), bench.snapshots_written)
        if bench.undone:
            config.stash[_UNDONE] = bench.undone


def _arm(bench: Bench, item: pytest.Item, switch: Switch) -> str | None:
    """Inject what markers and the parameter ask for; what is wrong with them, if that cannot be."""
    asked: list[AskedFault] = []
    try:
        for marker in reversed(list(item.iter_markers(MARKER))):
            asked.append(of_marker(marker, item.nodeid))
        if _PARAMETER in item.stash:
            asked += of_parameter(item.stash[_PARAMETER], item.nodeid)
        for fault in asked:
            bench.inject(fault.at, fault.do, fault.name, switch)
    except HarnessError as error:
        return printable(str(error))  # failing here would make pytest show the same text twice
    return None


def _identity_of(item: pytest.Item) -> TestIdentity:
    config = item.config
    # Not from the node id: pytest-xdist appends groups to it.
    names = [
        node.name
        for node in item.listchain()
        if not isinstance(node, pytest.Session | pytest.Dir | pytest.File)
    ]
    where = "::".join([os.path.relpath(item.path, config.invocation_params.dir), *names])
    return TestIdentity(
        nodeid=item.nodeid,
        frame=_frame_of(item),
        command=f"pytest {shlex.quote(where)}",
        file=item.path,
        name=".".join(names),
        root=str(config.rootpath),
    )


def _frame_of(item: pytest.Item) -> str:
    function = getattr(item, "function", None)
    code = getattr(unwrap(function), "__code__", None) if function is not None else None
    return f"{code.co_filename}:{code.co_qualname}" if code is not None else ""
