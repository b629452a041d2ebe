"""What dropped a fault inside the SDK, and which of several initialisations brought that."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_sentry_harness.model.account import LossClass
from pytest_sentry_harness.model.ledger import Place, SdkDropped, SdkInit
from pytest_sentry_harness.reconcile.reconcile import reconcile
from pytest_sentry_harness.testing.builders import Story

INIT = Place(file="/srv/shop/app.py", line=3)
LIBRARY = Place(file="/srv/lib/telemetry.py", line=9)
HOOK = Place(file="/srv/shop/hooks.py", line=7, function="scrub")


def init(told: Story, place: Place = INIT, **changes: Any) -> None:
    fields = {"version": "2.75.0", "active": True, "dsn": "http://***@h/1", "key": "k", "place": place}
    told.add(SdkInit, **{**fields, **changes})


def drop(told: Story, **changes: Any) -> None:
    fields = {
        "fault_ids": (told.fault_id(1),),
        "event_id": None,
        "stage": "before_send",
        "reason": "before_send",
        "culprit": "before_send=shop.scrub",
        "place": HOOK,
    }
    told.add(SdkDropped, **{**fields, **changes})


def loss_of(told: Story) -> LossClass:
    told.goodbye()
    (loss,) = reconcile(told.records(), told.arrivals(), {}).account.losses
    return loss


@pytest.fixture
def told() -> Story:
    story = Story()
    story.process()
    return story


def test_deduplication_is_a_reason_of_its_own(told: Story) -> None:
    """The SDK counts it as an event processor, which would lead people astray."""
    init(told)
    told.fired(1)
    drop(told, stage="dedupe", reason="event_processor", culprit="DedupeIntegration", place=None)
    assert loss_of(told).reason == "dedupe"


def test_a_second_report_that_was_dropped_too(told: Story) -> None:
    """The first drop is the cause; that deduplication then took the second chance is said beside."""
    init(told)
    told.fired(1)
    drop(told, stage="event_processor", reason="event_processor", culprit="event_processor=shop.no_logs")
    drop(told, stage="dedupe", reason="event_processor", culprit="DedupeIntegration", place=None)
    loss = loss_of(told)
    assert (loss.reason, loss.place) == ("event_processor", HOOK)
    assert loss.culprit == "event_processor=shop.no_logs; then DedupeIntegration"


def test_the_same_drop_twice_is_one(told: Story) -> None:
    """An integration and a logger report the same error, and the same hook drops both."""
    init(told)
    told.fired(1)
    drop(told)
    drop(told)
    assert loss_of(told).culprit == "before_send=shop.scrub"


def test_options_without_a_callable_stand_where_init_was_called(told: Story) -> None:
    """A rate has no line of its own."""
    init(told)
    told.fired(1)
    drop(told, stage="sampling", reason="sample_rate", culprit="sample_rate=0.5", place=None)
    assert loss_of(told).place == INIT


def test_reported_by_hand_before_init(told: Story) -> None:
    """The report met a client that was not set up yet."""
    told.fired(1)
    drop(told, stage="inactive", reason="not_initialised", culprit="", place=None)
    init(told)
    loss = loss_of(told)
    assert (loss.reason, loss.place) == ("late_init", INIT)


def test_reported_by_hand_without_any_init(told: Story) -> None:
    """As for errors nobody reports by hand."""
    told.fired(1)
    drop(told, stage="inactive", reason="not_initialised", culprit="", place=None)
    loss = loss_of(told)
    assert (loss.reason, loss.culprit) == ("not_initialised", "sentry_sdk.init was never called")


def test_errors_are_named_by_type_only(told: Story) -> None:
    """Their messages may hold data of one event, and would make a class of losses for each."""
    init(told)
    told.fired(1)
    drop(told, reason="internal_sdk_error", culprit="the SDK failed", error="KeyError: 'order 17'")
    assert loss_of(told).culprit == "the SDK failed: KeyError"


# ---- another init --------------------------------------------------------------------------------


def test_another_init_that_brought_the_drop(told: Story) -> None:
    """What it changed, of whose call, and where the later call is."""
    init(told, options={"sample_rate": 1.0})
    init(told, LIBRARY, options={"sample_rate": 0.0})
    told.fired(1)
    drop(told, stage="sampling", reason="sample_rate", culprit="sample_rate=0.0", place=None)
    loss = loss_of(told)
    assert (loss.reason, loss.place) == ("overridden_init", LIBRARY)
    assert loss.culprit == (
        "another sentry_sdk.init put sample_rate=0.0 in place of 1.0 of shop/app.py:3: sample_rate=0.0"
    )


def test_another_init_with_the_same_options_is_not_to_blame(told: Story) -> None:
    """The hook would have dropped it anyhow."""
    init(told, options={"before_send": "shop.scrub (/srv/shop/hooks.py:7)"})
    init(told, LIBRARY, options={"before_send": "shop.scrub (/srv/shop/hooks.py:7)"})
    told.fired(1)
    drop(told)
    assert loss_of(told).reason == "before_send"


def test_another_init_after_the_fault_is_not_to_blame(told: Story) -> None:
    """The one in force counts."""
    init(told, options={"sample_rate": 0.5})
    told.fired(1)
    drop(told, stage="sampling", reason="sample_rate", culprit="sample_rate=0.5", place=None)
    init(told, LIBRARY, options={"sample_rate": 1.0})
    loss = loss_of(told)
    assert (loss.reason, loss.place) == ("sample_rate", INIT)


def test_another_init_that_replaced_one_without_a_dsn_is_not_to_blame(told: Story) -> None:
    """The first would have lost the fault as well."""
    init(told, active=False, dsn=None, key="")
    init(told, LIBRARY, active=False, dsn=None, key="")
    told.fired(1)
    told.caught(1)
    assert loss_of(told).reason == "no_dsn"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"active": False, "dsn": None, "key": ""}, "dsn='' in place of http://***@h/1"),
        ({"dsn": "http://***@h/2"}, "dsn=http://***@h/2 in place of http://***@h/1"),
        ({"key": "other"}, "another key into the dsn in place of that of shop/app.py:3"),
    ],
)
def test_another_init_with_another_dsn(told: Story, changes: dict[str, Any], words: str) -> None:
    """Without one, with another, with another key, which a DSN does not show here."""
    init(told)
    init(told, LIBRARY, **changes)
    told.fired(1)
    if changes.get("active", True):
        told.seen(1)
        told.arrives(1, "refused", reason="key_unknown")
    else:
        told.escaped(1)
    loss = loss_of(told)
    assert (loss.reason, loss.place) == ("overridden_init", LIBRARY)
    assert words in loss.culprit
