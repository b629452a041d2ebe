"""Of which fault each event is: by identity, by trace, and not at all where that cannot be said."""

from __future__ import annotations

import pytest

from pytest_sentry_harness.model.ledger import Fired, SdkSaw
from pytest_sentry_harness.model.scenario import Expect
from pytest_sentry_harness.reconcile.origins import Origin
from pytest_sentry_harness.reconcile.reconcile import reconcile
from pytest_sentry_harness.testing.builders import Story, event_id_of


def story() -> Story:
    told = Story()
    told.process()
    told.sdk()
    return told


def origins(told: Story, level: str | None = None) -> dict[str, Origin]:
    expectations = {told.fault: Expect(level=level)}
    found = reconcile(told.records(), told.arrivals(), expectations, with_origins=True)
    return dict(found.origins)


def message(told: Story, number: int, trace: int, **changes: object) -> None:
    """An event without an exception arrives, of the trace of fault ``trace``."""
    told.arrives(number, trace_id=event_id_of(trace), exceptions=(), **changes)


def test_nobody_pays_for_what_nobody_asks() -> None:
    """Without being asked for, there are none."""
    told = story()
    told.captured(1)
    assert reconcile(told.records(), told.arrivals(), {}).origins == {}


def test_every_event_of_a_fault_is_of_it() -> None:
    """The event, a log line of the same exception, and not what was refused or never arrived."""
    told = story()
    told.captured(1)
    told.add(SdkSaw, fault_ids=(told.fault_id(1),), event_id=event_id_of(71))
    told.arrives(71)
    told.fired(2)
    told.seen(2)
    told.arrives(2, "invalid")
    told.fired(3)
    told.seen(3)
    mine = Origin("db-timeout", "db-timeout-000001", "db-timeout-000001")
    assert origins(told) == {event_id_of(1): mine, event_id_of(71): mine}


def test_an_event_sent_twice_is_one_event() -> None:
    """Sentry keeps one event of an id, and so does the table."""
    told = story()
    told.captured(1)
    told.arrives(1, "duplicate")
    assert list(origins(told)) == [event_id_of(1)]


def test_occurrences_are_requests_where_there_are_any() -> None:
    """A fault that a request met occurred with that request: another of its faults is of the same occurrence."""
    told = story()
    told.captured(1)
    told.process("load")
    told.intent(1)
    assert origins(told)[event_id_of(1)].occurrence == event_id_of(1)


def test_a_message_of_the_same_request_is_of_its_fault() -> None:
    """Nobody saw the fault in it, but there is none else it could be of."""
    told = story()
    told.captured(1)
    message(told, 80, trace=1)
    message(told, 81, trace=99)
    found = origins(told)
    assert found[event_id_of(80)] == Origin("db-timeout", "db-timeout-000001", event_id_of(1), by_trace=True)
    assert event_id_of(81) not in found


@pytest.mark.parametrize(
    ("level", "wanted", "is_of_it"),
    [
        ("error", None, True),
        (None, None, True),
        ("fatal", None, True),
        ("info", None, False),
        ("warning", None, False),
        ("warning", "warning", True),
        ("info", "warning", False),
    ],
)
def test_a_message_has_to_have_the_level_of_an_error(
    level: str | None, wanted: str | None, is_of_it: bool
) -> None:
    """Or the one that the scenario expects: a request may tell of other things, too."""
    told = story()
    told.captured(1)
    message(told, 80, trace=1, level=level)
    assert (event_id_of(80) in origins(told, wanted)) is is_of_it


def test_what_could_be_of_two_faults_is_of_none() -> None:
    """A message of a request that met two of them, and an event that holds two of them."""
    told = story()
    told.captured(1)
    told.fault = "no-quote"
    told.add(
        Fired,
        fault_id="no-quote-000001",
        fault="no-quote",
        point="app:ask",
        effect="raise",
        term="raise(TimeoutError)",
        trace_id=event_id_of(1),
        exception_type="TimeoutError",
        exception_message="late",
    )
    told.add(SdkSaw, fault_ids=("no-quote-000001", "db-timeout-000001"), event_id=event_id_of(50))
    told.arrives(50)
    message(told, 80, trace=1)
    assert set(origins(told)) == {event_id_of(1)}


def test_an_event_with_several_faults_of_one_name_is_of_that() -> None:
    """As a group of failed attempts is."""
    told = story()
    told.fired(1)
    told.fired(2)
    told.seen(2, 1)
    told.arrives(2)
    assert origins(told)[event_id_of(2)].fault_id == "db-timeout-000002"


def test_events_of_several_faults_and_all_that_fired_are_told_when_asked_for() -> None:
    """Alerting asks: an alert about both of them is about each."""
    told = story()
    told.captured(1)
    told.add(
        Fired, fault_id="other-1", fault="other", point="app:pay", effect="raise", term="raise(ValueError)"
    )
    told.add(SdkSaw, fault_ids=(told.fault_id(1), "other-1"), event_id=event_id_of(71))
    told.arrives(71)
    found = reconcile(told.records(), told.arrivals(), {}, with_origins=True, with_firings=True)
    assert [origin.fault for origin in found.several[event_id_of(71)]] == ["db-timeout", "other"]
    assert list(found.origins) == [event_id_of(1)]
    assert [(fired.fault, fired.fault_id) for fired in found.firings] == [
        ("db-timeout", "db-timeout-000001"),
        ("other", "other-1"),
    ]
    assert found.firings[0].at <= found.firings[1].at
    without = reconcile(told.records(), told.arrivals(), {}, with_origins=True)
    assert (without.several, without.firings) == (found.several, ())


def test_a_message_of_a_request_that_met_two_faults_is_unclear() -> None:
    """It may be of either; a warning is of none."""
    told = story()
    told.fired(5)
    told.add(
        Fired,
        fault_id="other-1",
        fault="other",
        point="app:pay",
        effect="raise",
        term="raise(ValueError)",
        trace_id=event_id_of(5),
    )
    message(told, 71, 5, level="error")
    message(told, 72, 5, level="warning")
    found = reconcile(told.records(), told.arrivals(), {}, with_origins=True)
    assert (found.origins, found.several) == ({}, {})
    assert {event: [each.fault for each in of] for event, of in found.unclear.items()} == {
        event_id_of(71): ["db-timeout", "other"]
    }
