"""A monitored world on a virtual clock: faults fire, events arrive, and the library's own parts make of them what they make."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pytest_sentry_harness.criteria.alerting_account import Alerted, Truth, account_of
from pytest_sentry_harness.criteria.alerting_replay import Item
from pytest_sentry_harness.criteria.alerting_why import Monitored
from pytest_sentry_harness.model.account import Account, LossClass, Outcome, State
from pytest_sentry_harness.model.alerting import Ending, Put
from pytest_sentry_harness.model.delays import Delays
from pytest_sentry_harness.model.monitored import Alert, Event
from pytest_sentry_harness.model.notified import Delivery, Receipt
from pytest_sentry_harness.model.notified import Outcome as Sent
from pytest_sentry_harness.model.scenario import Expect, Fault
from pytest_sentry_harness.monitor.alerts.evaluator import Evaluator
from pytest_sentry_harness.monitor.alerts.read import read_rules
from pytest_sentry_harness.monitor.grouping import GroupingConfig
from pytest_sentry_harness.monitor.issues import Issues
from pytest_sentry_harness.monitor.notifications import Policy, parse_notifications
from pytest_sentry_harness.reconcile.origins import FiredAt, Origin

EPOCH = 1_700_000_000.0
CONFIG = GroupingConfig.parse()
CHANNELS = """
[[channel]]
name = "ops"
kind = "webhook"
url = "http://127.0.0.1:1/hook"
secret = "s3cret"
retry = { tries = 2, first = "1s", longest = "1s" }
[[channel]]
name = "mail"
kind = "email"
host = "127.0.0.1"
sender = "sentry@example.com"
recipients = ["ops@example.com"]
retry = { tries = 2, first = "1s", longest = "1s" }
[[channel]]
name = "pager"
kind = "pagerduty"
secret = "routing-key"
"""
ROUTE = '[[route]]\nchannels = ["ops"]\n'
FIRST_SEEN = {"id": "sentry.rules.conditions.first_seen_event.FirstSeenEventCondition"}
EVERY_EVENT = {"id": "sentry.rules.conditions.every_event.EveryEventCondition"}
LEVEL = {"id": "sentry.rules.filters.level.LevelFilter", "match": "gte", "level": "40"}


def frequency(value: int, interval: str = "1h") -> dict[str, Any]:
    """More than ``value`` events of one issue."""
    return {
        "id": "sentry.rules.conditions.event_frequency.EventFrequencyCondition",
        "comparisonType": "count",
        "value": value,
        "interval": interval,
    }


def tagged(key: str, value: str) -> dict[str, Any]:
    """A filter."""
    return {
        "id": "sentry.rules.filters.tagged_event.TaggedEventFilter",
        "key": key,
        "match": "eq",
        "value": value,
    }


def rule(name: str, *conditions: Any, filters: tuple[Any, ...] = (), **more: Any) -> dict[str, Any]:
    """A rule of ``/rules/``."""
    return {
        "name": name,
        "actionMatch": "all",
        "conditions": list(conditions),
        "filterMatch": "all",
        "filters": list(filters),
        "actions": [{"id": "sentry.mail.actions.NotifyEmailAction"}],
        "frequency": 30,
        **more,
    }


def metric(name: str, above: float, *, query: str = "", minutes: int = 1, **more: Any) -> dict[str, Any]:
    """A rule of ``/alert-rules/`` over the number of errors."""
    actions = [{"type": "email", "targetType": "team", "targetIdentifier": "2"}]
    return {
        "name": name,
        "dataset": "events",
        "aggregate": "count()",
        "query": query,
        "timeWindow": minutes,
        "thresholdType": 0,
        "triggers": [{"label": "critical", "alertThreshold": above, "actions": actions}],
        **more,
    }


def raised(function: str = "save", **fields: Any) -> dict[str, Any]:
    """An event with an exception."""
    frame = {"function": function, "module": "shop", "in_app": True, "context_line": f"{function}()"}
    problem = {"type": "ShopError", "value": "no", "stacktrace": {"frames": [frame]}}
    return {"platform": "python", "level": "error", "exception": {"values": [problem]}, **fields}


Answer = Callable[[Delivery], tuple[int, float]]
"""Of a delivery the status it is answered and the seconds until its last byte is there; status 0: refused connection."""


def takes(_: Delivery) -> tuple[int, float]:
    """All is well."""
    return 200, 0.25


class World:
    """Seconds are those since ``EPOCH``."""

    def __init__(
        self,
        *rules: Mapping[str, Any],
        notify: str = CHANNELS + ROUTE,
        delays: Delays | None = None,
        answer: Answer = takes,
        archived: tuple[str, ...] = (),
        within: float = 30.0,
        **expect: Expect | tuple[str, ...],
    ) -> None:
        """``expect``: of each fault what it expects, or only the rules. ``archived``: functions whose issues are."""
        self.now, self.within, self.answer, self.archived = EPOCH, within, answer, archived
        self.rules = read_rules(json.dumps(list(rules)), "alerts.json")
        self.delays = delays or Delays()
        self.evaluator = Evaluator(self.rules, delays=self.delays)
        self.policy = Policy(parse_notifications(notify, "notify.toml"), seed="world", needs_actions=True)
        self.issues = Issues(CONFIG)
        self.faults = [
            Fault(name=name, expect=each if isinstance(each, Expect) else Expect(alerts=each))
            for name, each in expect.items()
        ]
        self.firings: list[FiredAt] = []
        self.origins: dict[str, tuple[Origin, ...]] = {}
        self.items: list[Item] = []
        self.puts: list[Put] = []
        self.receipts: dict[str, list[Receipt]] = {name: [] for name in self.policy.settings.channels}
        self.losses: list[LossClass] = []
        self.ended = True
        self.pending: tuple[str, ...] = ()

    def fire(self, *names: str) -> tuple[Origin, ...]:
        """Faults fire now."""
        found = []
        for name in names:
            fault_id = f"{name}-{len(self.firings)}"
            self.firings.append(FiredAt(name, fault_id, self.now))
            found.append(Origin(name, fault_id, fault_id))
        return tuple(found)

    def fault(self, *names: str, times: int = 1, every: float = 0.0, **event: Any) -> None:
        """Faults fire, and an event of them arrives half a second later; so often."""
        for number in range(times):
            if number:
                self.wait(every)
            origins = self.fire(*names)
            self.wait(0.5)
            self.event(raised(**event), origins)

    def event(self, data: dict[str, Any], origins: tuple[Origin, ...] = (), *, put: bool = True) -> str:
        """An event arrives now, and is put to its issue a quarter of a second later."""
        cursor = len(self.items) + 1
        event_id = f"{cursor:032x}"
        self.items.append(Item(cursor, "event", self.now, "1", event_id, data))
        if origins:
            self.origins[event_id] = origins
        if put:
            received_at = self.now
            self.wait(0.25)
            event = Event(cursor=cursor, received_at=self.now, project="1", event_id=event_id, data=data)
            self._put(event, received_at)
        return event_id

    def _put(self, event: Event, received_at: float) -> None:
        seen = self.issues.see(event)
        functions = [
            frame["function"] for frame in event.data["exception"]["values"][0]["stacktrace"]["frames"]
        ]
        if seen.is_new and functions[0] in self.archived:
            seen = replace(seen, issue=self.issues.ignore(seen.issue.number, self.now))
        self.puts.append(
            Put(
                cursor=event.cursor,
                event_id=event.event_id,
                received_at=received_at,
                at=self.now,
                issue=seen.issue.number,
                title=seen.issue.title,
                state=seen.issue.state,
                is_new=seen.is_new,
                is_regression=seen.is_regression,
                has_reappeared=seen.has_reappeared,
            )
        )
        self.submit(self.evaluator.see(seen))
        self.wait(1 / 64)  # metric rules look again after each event

    def transaction(self, **data: Any) -> None:
        """One arrives now."""
        self.items.append(Item(len(self.items) + 1, "transaction", self.now, "1", "", data))
        self.submit(self.evaluator.see_transaction(data, at=self.now, project="1"))

    def session(self, **data: Any) -> None:
        """One arrives now."""
        self.items.append(Item(len(self.items) + 1, "session", self.now, "1", "", data))
        self.submit(self.evaluator.see_session(data, at=self.now, project="1"))

    def submit(self, alerts: list[Alert]) -> None:
        """Hand them to the policy, and send what is due."""
        for alert in alerts:
            self.policy.submit(alert, self.now)
        self.send()

    def wait(self, seconds: float, step: float = 0.25) -> None:
        """Time goes by; everything that is due in it happens."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + step, end)
            self.submit(self.evaluator.tick(self.now))

    def send(self) -> None:
        """All that is due is tried at once; a try takes no time on this clock."""
        for delivery in self.policy.due(self.now):
            status, seconds = self.answer(delivery)
            if status:
                self.receive(delivery, status, self.now + seconds)
            taken = 200 <= status < 300
            outcome = Sent(
                delivered=taken,
                status=status or None,
                error="" if taken else f"answered {status}",
                seconds=seconds,
            )
            self.policy.report(delivery.delivery_id, outcome, self.now + seconds)

    def receive(self, delivery: Delivery, status: int, at: float, **changes: Any) -> None:
        """A receiver writes down what it took."""
        values: dict[str, Any] = {
            "at": at,
            "mono": at - EPOCH,
            "receiver": delivery.channel,
            "protocol": "http",
            "path": "/hook",
            "delivery_id": delivery.delivery_id,
            "alert_id": delivery.alert_id,
            "in_header": True,
            "in_body": True,
            "signature": "valid",
            "resource": "event_alert",
            "status": status,
            "size": 100,
            "title": delivery.notice.title,
            **changes,
        }
        self.receipts[delivery.channel].append(Receipt(**values))

    def lose(self, name: str, reason: str) -> None:
        """A fault fires, and nothing of it arrives."""
        (origin,) = self.fire(name)
        outcome = Outcome(fault_id=origin.fault_id, fault=name, state=State.EXPLAINED, reason=reason)
        self.losses.append(
            LossClass(
                fault=name,
                state=State.EXPLAINED,
                reason=reason,
                source="sdk",
                culprit="shop.before_send",
                place=None,
                count=1,
                example=outcome,
                fault_ids=(origin.fault_id,),
            )
        )

    def judged(self, *, interrupted: bool = False) -> Alerted:
        """The account."""
        return account_of(
            Truth(self.faults, self.firings, self.origins),
            self.policy.trail,
            self.receipts,
            Monitored(
                rules=self.rules,
                delays=self.delays,
                puts=tuple(self.puts),
                ending=Ending(at=self.now, followed=len(self.items), pending=self.pending)
                if self.ended
                else None,
                items=self._items,
                account=Account(
                    injected=0,
                    fired=0,
                    expected=0,
                    captured=0,
                    states={},
                    by_fault={},
                    losses=tuple(self.losses),
                    duplicates=0,
                    unexpected=0,
                    wrong_level=0,
                ),
            ),
            config=str(CONFIG),
            within=self.within,
            interrupted=interrupted,
        )

    def _items(self) -> Iterator[Item]:
        return iter(self.items)
