"""The part of the plugin that is at work only once something of it is used."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from inspect import unwrap
from typing import Any

import pytest

from ..errors import HarnessError, UsageError
from .harness import SentryHarness, TestIdentity
from .reporting import properties_of

FIXTURE = "sentry_harness"
MARKER = "fault"
SIGNATURE = 'fault("package.module:function", "raise(TimeoutError)", name=None)'
_HARNESS = pytest.StashKey[SentryHarness]()
_UNDONE = pytest.StashKey[str]()


class Runtime:
    """Arms the faults of markers, and puts evidence into the reports of tests that failed."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Arm last, when all fixtures are set up: faults are for the test, not for what prepares it."""
        result = yield
        harness = item.stash.get(_HARNESS, None)
        if harness is not None:
            for marker in reversed(list(item.iter_markers(MARKER))):
                _arm(harness, marker, item.nodeid)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Say what became of the faults, where the assertion itself does not."""
        report = yield
        harness = item.stash.get(_HARNESS, None)
        if harness is not None and report.failed and call.excinfo is not None:
            error = call.excinfo.value
            harness.left_application(error)
            if not harness.explained(error) and (call.when == "call" or harness.faults):
                report.sections.append(("sentry-harness", harness.explain()))
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
    harness = SentryHarness(
        TestIdentity(item.nodeid, _frame_of(item)),
        seed=config.getoption("sentry_harness_seed") or 0,
        undone=config.stash.get(_UNDONE, ""),
    )
    harness.start()
    item.stash[_HARNESS] = harness
    try:
        yield harness
    finally:
        del item.stash[_HARNESS]
        findings = harness.stop()
        item.user_properties += properties_of(findings, len(harness.faults))
        if harness.undone:
            config.stash[_UNDONE] = harness.undone


def _arm(harness: SentryHarness, marker: pytest.Mark, nodeid: str) -> None:
    """Inject what ``marker`` asks for; the test's set-up fails with a sentence when that cannot be."""
    wrong = None
    try:
        at, do, name = _arguments(marker, nodeid)
        harness.inject(at, do, name=name)
    except HarnessError as error:
        wrong = str(error)
    if wrong is not None:  # outside of the handler, or pytest would show the same text twice
        pytest.fail(wrong, pytrace=False)


def _arguments(marker: pytest.Mark, nodeid: str) -> tuple[str, str, str | None]:
    known = dict(zip(("at", "do"), marker.args, strict=False))
    extra = len(marker.args) - len(known)
    unknown = sorted(set(marker.kwargs) - {"at", "do", "name"})
    twice = sorted(set(marker.kwargs) & set(known))
    values: dict[str, Any] = {"name": None, **known, **marker.kwargs}
    missing = [name for name in ("at", "do") if name not in values]
    wrong = [
        name
        for name, value in values.items()
        if not isinstance(value, str) and (name, value) != ("name", None)
    ]
    for found, what in (
        (extra, f"takes two positional arguments, got {len(marker.args)}"),
        (unknown, f"does not know {', '.join(unknown)}"),
        (twice, f"got {', '.join(twice)} twice"),
        (missing, f"lacks {' and '.join(missing)}"),
        (wrong, f"needs text for {', '.join(wrong)}"),
    ):
        if found:
            raise UsageError(
                f"the marker {MARKER!r} {what}", where=nodeid, hint=f"write @pytest.mark.{SIGNATURE}"
            )
    return values["at"], values["do"], values["name"]


def _frame_of(item: pytest.Item) -> str:
    function = getattr(item, "function", None)
    code = getattr(unwrap(function), "__code__", None) if function is not None else None
    return f"{code.co_filename}:{code.co_qualname}" if code is not None else ""
