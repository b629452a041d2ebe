"""What is wrong with faults that did arrive: twice, attempt by attempt, in the wrong trace, with foreign data."""

from __future__ import annotations

from typing import Any

from pytest_sentry_harness.criteria.capture import measure
from pytest_sentry_harness.model.account import Account, Finding
from pytest_sentry_harness.model.ledger import Fired, Logged, Place, SdkDiscarded, SdkInit, SdkSaw
from pytest_sentry_harness.reconcile.reconcile import reconcile
from pytest_sentry_harness.testing.builders import Story, event_id_of

LINE = Place(file="/srv/shop/orders.py", line=14)
HOOK = Place(file="/srv/shop/hooks.py", line=7)


def story(**options: Any) -> Story:
    told = Story()
    told.process()
    place = Place(file="/srv/shop/app.py", line=3)
    told.add(SdkInit, version="2.75.0", active=True, dsn="http://***@h/1", options=options, place=place)
    return told


def account_of(told: Story) -> Account:
    told.goodbye()
    return reconcile(told.records(), told.arrivals(), {}).account


def only(account: Account) -> Finding:
    (finding,) = account.findings
    return finding


def reported(told: Story, number: int, event: int, **changes: Any) -> None:
    """Fault ``number`` is reported as event ``event``, which arrives in the trace of the fault."""
    told.add(SdkSaw, fault_ids=(told.fault_id(number),), event_id=event_id_of(event), **changes)
    told.arrives(event, trace_id=event_id_of(number))


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    """One event a fault, in its trace."""
    told = story()
    for number in range(3):
        told.captured(number)
    assert account_of(told).findings == ()


def test_reported_twice_names_who_reported() -> None:
    """Logger and mechanism, in order, and the type where another exception held the fault; the line that logs."""
    told = story()
    for number in (1, 2):
        told.fired(number)
        told.add(
            Logged,
            fault_ids=(told.fault_id(number),),
            logger="shop",
            level="ERROR",
            with_exception=True,
            place=LINE,
        )
        reported(told, number, number, mechanism="logging", logger="shop", exception="TimeoutError")
        reported(told, number, number + 10, mechanism="starlette", exception="RequestFailed")
    account = account_of(told)
    finding = only(account)
    assert (finding.metric, finding.reason, finding.count) == ("capture.duplicates", "reported_twice", 2)
    assert finding.culprit == "logger shop and mechanism starlette (as RequestFailed)"
    assert finding.place == LINE
    assert finding.fault_ids == (told.fault_id(1), told.fault_id(2))
    assert account.duplicates == 2


def test_the_same_reporter_twice() -> None:
    """Counted, and without a line, since no logger had to do with it."""
    told = story()
    told.fired(1)
    reported(told, 1, 1, mechanism="generic")
    reported(told, 1, 11, mechanism="generic")
    finding = only(account_of(told))
    assert (finding.culprit, finding.place) == ("mechanism generic 2 times", None)


def again(told: Story, number: int, *, trace: int) -> None:
    told.add(
        Fired,
        fault_id=told.fault_id(number),
        fault=told.fault,
        point="shop:fetch",
        effect="raise",
        term="raise(TimeoutError)",
        trace_id=event_id_of(trace),
        exception_type="TimeoutError",
    )


def test_attempts_that_are_reported_one_by_one() -> None:
    """Every event beyond the first, for one point in one request, is noise."""
    told = story()
    for number in (1, 2, 3):
        again(told, number, trace=7)
        told.seen(number)
        told.arrives(number, trace_id=event_id_of(7))
    again(told, 4, trace=8)
    told.seen(4)
    told.arrives(4, trace_id=event_id_of(8))
    account = account_of(told)
    finding = only(account)
    assert (finding.metric, finding.reason, finding.count) == ("capture.retried", "retried", 2)
    assert finding.culprit == "shop:fetch failed several times in one request, and each time was reported"
    assert measure(account)["capture.retried"].value == 2
    assert measure(account)["capture.duplicates"].value == 0


def test_attempts_in_one_event_are_none() -> None:
    """An exception group holds them all: one report."""
    told = story()
    for number in (1, 2, 3):
        again(told, number, trace=7)
    told.seen(1, 2, 3)
    told.arrives(1, trace_id=event_id_of(7))
    assert account_of(told).findings == ()


def test_a_trace_of_its_own() -> None:
    """The context stayed behind: the event's trace is one nobody knows."""
    told = story()
    told.intent(1)
    told.fired(1)
    told.seen(1)
    told.arrives(1, trace_id=event_id_of(99))
    account = account_of(told)
    finding = only(account)
    assert (finding.metric, finding.reason) == ("capture.wrong_trace", "trace_lost")
    assert finding.culprit == "app:save, in a thread, reported by mechanism unknown"
    assert (account.captured, measure(account)["capture.wrong_trace"].value) == (1, 1)


def test_the_trace_of_another_request() -> None:
    """It is one that the load generator gave out."""
    told = story()
    told.intent(1)
    told.intent(2)
    told.fired(1)
    told.seen(1)
    told.arrives(1, trace_id=event_id_of(2))
    assert only(account_of(told)).reason == "trace_of_another_request"


def test_data_of_another_request() -> None:
    """Parts of the event that hold the trace id of another request; ids of nobody do not count."""
    told = story()
    for number in (1, 2):
        told.intent(number)
    told.captured(2)
    told.fired(1)
    told.seen(1)
    mentions = (("tags", event_id_of(2)), ("breadcrumbs", event_id_of(2)), ("extra", "f" * 32))
    told.arrives(1, mentions=mentions)
    account = account_of(told)
    finding = only(account)
    assert (finding.metric, finding.reason) == ("capture.foreign_data", "data_of_another_request")
    assert finding.culprit == "breadcrumbs, tags of the event for app:save"
    assert measure(account)["capture.foreign_data"].value == 1


def test_mentions_of_nobodys_ids_are_nothing() -> None:
    """Checksums and keys have 32 digits, too."""
    told = story()
    told.intent(1)
    told.fired(1)
    told.seen(1)
    told.arrives(1, mentions=(("extra", "f" * 32),))
    assert account_of(told).findings == ()


def discarded(told: Story, category: str, reason: str, quantity: int = 1) -> None:
    told.add(SdkDiscarded, event_id=None, reason=reason, category=category, quantity=quantity)


def test_other_telemetry_that_was_dropped() -> None:
    """Transactions by the hook that decides; their spans are not counted beside, spans that did not fit are."""
    told = story(before_send_transaction="shop.scrub (/srv/shop/hooks.py:7)", traces_sample_rate=0.5)
    discarded(told, "transaction", "callback_error")
    discarded(told, "span", "callback_error", 4)
    discarded(told, "transaction", "sample_rate", 2)
    discarded(told, "span", "buffer_overflow", 100)
    discarded(told, "log_item", "queue_overflow")
    discarded(told, "error", "before_send")
    account = account_of(told)
    told_of = {(finding.reason, finding.culprit): finding for finding in account.findings}
    hook = told_of["callback_error", "transaction: before_send_transaction=shop.scrub"]
    assert (hook.count, hook.place) == (1, HOOK)
    rate = told_of["sample_rate", "transaction: traces_sample_rate=0.5"]
    assert (rate.count, rate.place) == (2, Place(file="/srv/shop/app.py", line=3))
    assert (
        told_of["buffer_overflow", "span: more than a transaction keeps (max_spans, 1000 by default)"].count
        == 100
    )
    assert told_of["queue_overflow", "log_item"].count == 1
    assert measure(account)["capture.other_dropped"].value == 104


def test_drops_of_a_process_whose_sdk_nobody_saw() -> None:
    """Counted all the same, without an option."""
    told = Story()
    told.process()
    discarded(told, "transaction", "before_send")
    finding = only(account_of(told))
    assert (finding.culprit, finding.place) == ("transaction", None)
