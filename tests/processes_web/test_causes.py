"""Causes that web servers and frameworks brought up."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import pytest

from pytest_sentry_harness.injection import fate
from pytest_sentry_harness.model.ledger import Place

from ..causes_sdk.test_unseen import APP, FLASK, UVICORN, Told

ABORTS = Place(file="/srv/shop/views.py", line=30, function="order")
DJANGO = Place(file="/venv/site-packages/django/http/response.py", line=336, function="close")


def told(*integrations: str) -> Told:
    """The SDK is initialised, and the fault fires."""
    story = Told()
    story.process()
    story.init(*integrations)
    story.fires()
    return story


def test_an_answer_that_is_an_exception_was_made_where_the_injected_one_was_caught() -> None:
    """``abort(500)`` has no handler: the place is that of the except around it."""
    story = told("flask")
    story.ends("caught", ABORTS, FLASK, ABORTS.file)
    story.handled(
        framework="flask", handler="", exception="InternalServerError", place=None, sdk="", status=500
    )
    loss = story.loss()
    assert (loss.reason, loss.place) == ("handled_by_framework", ABORTS)
    assert loss.culprit == "flask gave InternalServerError, which is an answer by itself"


def test_what_a_framework_stops_by_itself() -> None:
    """Django lets no error of a response's closers out, and its integration hears nothing."""
    story = told("django")
    story.ends("caught", DJANGO, DJANGO.file, APP.file)
    loss = story.loss()
    assert (loss.reason, loss.place) == ("handled_by_framework", DJANGO)
    assert loss.culprit == "django stopped it by itself and told nobody"


def test_what_got_away_was_logged_and_the_log_is_not_reported() -> None:
    """asyncio logs the errors of callbacks: with LoggingIntegration that is the report."""
    story = told("excepthook")
    story.ends("escaped", None, APP.file)
    story.logged(logger="asyncio", with_exception=True, unreported="LoggingIntegration(event_level=None)")
    loss = story.loss()
    assert (loss.reason, loss.culprit) == (
        "logged_not_reported",
        "logger asyncio, ERROR: LoggingIntegration(event_level=None)",
    )


def test_a_missing_middleware_comes_before_the_servers_log() -> None:
    """Servers log what they catch; what is missing is the SDK's middleware around the application."""
    story = told()
    story.ends("escaped", None, UVICORN, APP.file)
    story.logged(
        logger="uvicorn.error", with_exception=True, unreported="LoggingIntegration(event_level=None)"
    )
    loss = story.loss()
    assert loss.reason == "not_seen_by_sdk"
    assert loss.culprit.endswith("there is no SentryAsgiMiddleware around the application")


def test_a_process_forked_in_c_is_asked_for_no_frames_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python still lists threads there that stayed behind, and reading their frames crashes."""

    def crash() -> NoReturn:
        raise AssertionError("this would have crashed")

    def ending() -> fate.Ending:
        try:
            raise OSError("x")
        except OSError as error:
            return fate.read_ending(error)

    assert ending().handling == "caught"
    monkeypatch.setattr(fate._Home, "pid", os.getpid() + 1)
    monkeypatch.setattr(sys, "_current_frames", crash)
    assert ending().handling == "caught"
    fate._Home.moved()
    with pytest.raises(AssertionError, match="would have crashed"):
        ending()
