"""What failing assertions say, where it is easily said wrong: equal ids, hooks of the test's own, the SDK, hostile text."""

from __future__ import annotations

from typing import Any

import pytest
import sentry_sdk

from pytest_sentry_harness.errors import InjectionError, TermError
from pytest_sentry_harness.pytest_plugin.harness import SentryHarness

from . import shop
from .project import INIT, run

CHARGE = "tests.pytest_plugin.shop:charge"


def same_id(event: Any, hint: Any) -> Any:
    """A hook that gives every event one id."""
    return {**event, "event_id": "c" * 32}


def test_events_of_one_id_are_one(sentry_harness: SentryHarness) -> None:
    """Sentry keeps one event for each id, so three of one id are not three captured."""
    sentry_sdk.init(before_send=same_id)
    fault = sentry_harness.inject(CHARGE, "raise(TimeoutError)")
    shop.checkout()
    sentry_harness.assert_captured(fault, times=1)
    shop.checkout()
    shop.checkout()
    with pytest.raises(AssertionError) as caught:
        sentry_harness.assert_captured(fault, times=3)
    text = str(caught.value)
    assert text.startswith(
        "fault 'charge' was not captured (2 of 3 firings): lost: same_event_id, before_send="
    )
    assert " (Sentry keeps one event for each id); 1 captured, 3 expected\n" in text
    assert "leave event_id alone in hooks" in text
    assert "3 events\n" in text
    with pytest.raises(AssertionError, match="same_event_id"):
        sentry_harness.assert_captured(fault)


def test_events_of_one_id_are_one_without_faults(sentry_harness: SentryHarness) -> None:
    """The same where no fault was injected, as soon as they are counted."""
    sentry_sdk.init(before_send=same_id)
    sentry_sdk.capture_message("one")
    sentry_sdk.capture_message("two")
    assert len(sentry_harness.assert_captured()) == 2
    with pytest.raises(
        AssertionError, match="2 events have the same event_id, c+: .*; 1 captured, 2 expected"
    ):
        sentry_harness.assert_captured(times=2)


@pytest.mark.slow
def test_a_hook_that_breaks_the_sdk_is_named(pytester: pytest.Pytester) -> None:
    """A test that tries a hook of its own overrides nothing by mistake; an application that does it is told so."""
    pytester.makepyfile(
        app=INIT
        + """
def without_id(event, hint):
    return {"message": "redacted"}

def again():
    sentry_sdk.init(before_send=without_id)
""",
        test_app="""
        import pytest, sentry_sdk
        import app

        def lost(sentry_harness):
            sentry_harness.inject("app:charge", "raise(TimeoutError)")
            app.checkout()
            return {each.reason for each in sentry_harness.outcomes()}

        def test_own(sentry_harness):
            sentry_sdk.init(before_send=app.without_id)
            assert lost(sentry_harness) == {"internal_sdk_error"}
            assert "return an event from every hook" in sentry_harness.explain()

        @pytest.fixture
        def other_set_up(sentry_harness):
            sentry_sdk.init(before_send=app.scrub)

        def test_fixture(sentry_harness, other_set_up):
            assert lost(sentry_harness) == {"before_send"}

        def test_of_the_application(sentry_harness):
            app.again()
            assert lost(sentry_harness) == {"overridden_init"}
        """,
    )
    run(pytester).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    "at", ["sentry_sdk:capture_exception", "sentry_sdk.client:_Client.flush", f"{__name__}:captured_by_name"]
)
def test_the_sdk_itself_is_no_fault_point(sentry_harness: SentryHarness, at: str) -> None:
    """What is judged is left whole, by whatever name it is called, and the error says why."""
    with pytest.raises(InjectionError, match="belongs to the Sentry SDK, whose work is what") as caught:
        sentry_harness.inject(at, "raise(TimeoutError)")
    assert "hint: choose a function of the application" in str(caught.value)
    assert sentry_harness.faults == ()
    sentry_sdk.init()
    captured_by_name(ValueError("kept"))
    assert len(sentry_harness.events) == 1


captured_by_name = sentry_sdk.capture_exception
HOSTILE = "\x1b[31mRED\x1b[0m \x07 \u202e"


def test_what_steers_a_terminal_is_not_shown(sentry_harness: SentryHarness) -> None:
    """Assertions, explanations and errors show a mark in place of such characters; lines stay lines."""
    fault = sentry_harness.inject(CHARGE, f"raise(ValueError('{HOSTILE}'))")
    with pytest.raises(ValueError, match="RED"):
        shop.charge(1)
    sentry_sdk.capture_message(HOSTILE)
    texts = [sentry_harness.explain()]
    for wrong in (
        lambda: sentry_harness.assert_captured(fault),
        lambda: sentry_harness.snapshot({"message": HOSTILE}),
        lambda: sentry_harness.assert_event({"message": HOSTILE}, {"message": "x"}),
    ):
        with pytest.raises(AssertionError) as caught:
            wrong()
        texts.append(str(caught.value))
    for at, do in ((f"{CHARGE}{HOSTILE}", "off"), (CHARGE, f"raise({HOSTILE})"), (CHARGE, HOSTILE)):
        with pytest.raises((InjectionError, TermError)) as refused:
            sentry_harness.inject(at, do)
        texts.append(str(refused.value))
    for text in texts:
        assert not {"\x1b", "\x07", "\u202e"} & set(text), text
    assert "raise(ValueError('\ufffd[31mRED\ufffd[0m" in texts[0]
    assert "\n" in texts[0]


@pytest.mark.slow
def test_what_steers_a_terminal_is_not_printed(pytester: pytest.Pytester) -> None:
    """Neither the report of a test, nor the summary, nor the JUnit file has such characters, escaped or not."""
    pytester.makepyfile(
        app=INIT,
        test_app=r"""
        import pytest
        import app

        BAD = ("app:charge", "raise(TimeoutError('\x1b[31mRED \x07'))", "n\x1b[32m")

        @pytest.mark.parametrize("sentry_harness", [BAD], indirect=True, ids=["bad"])
        def test_par(sentry_harness):
            app.hush()
            sentry_harness.assert_captured()

        @pytest.mark.parametrize("sentry_harness", [BAD], indirect=True, ids=["bad"])
        def test_other(sentry_harness):
            app.hush()
            raise AssertionError

        @pytest.mark.fault("app:charge\x1b[33m", "off")
        def test_point():
            pass
        """,
    )
    result = run(pytester, "--junitxml=junit.xml", "--tb=short")
    result.assert_outcomes(failed=2, errors=1)
    assert "\x1b" not in "\n".join(result.outlines)
    assert "\x07" not in "\n".join(result.outlines)
    junit = (pytester.path / "junit.xml").read_text(encoding="utf-8")
    assert "#x1B" not in junit
    assert "\x1b" not in junit
    assert "RED" in junit
