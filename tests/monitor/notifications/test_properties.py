"""Whatever happens in whatever order: the account closes, and a restart loses nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import EvidenceError
from pytest_sentry_harness.model.notified import Queued, Raised, Throttled
from pytest_sentry_harness.monitor.notifications import Policy, books, decode_noted, encode_noted, notice_of

from .building import CHANNELS, DOWN, GONE, OK, alert, of_kind, settings

SETTINGS = settings(
    """
[[route]]
status = ["critical", "resolved"]
channels = ["pager"]
continue = true
[[route]]
rule = "a*"
channels = ["ops", "mail"]
deduplicate = "20s"
[[route]]
rule = "b"
channels = ["ops"]
[[escalation]]
after = "15s"
channels = ["pager"]
[[escalation]]
after = "40s"
rule = "a*"
channels = ["ops", "mail"]
[[suppression]]
name = "count"
issue = 2
until_count = 3
[[suppression]]
name = "release"
rule = "b"
until_release = true
[[suppression]]
quiet = "00:01-00:02"
zone = "UTC"
channels = ["mail"]
""",
    CHANNELS.replace('secret = "s3cret"', 'secret = "s3cret"\nthrottle = { most = 3, per = "10s" }').replace(
        'host = "127.0.0.1"', 'host = "127.0.0.1"\nretry = { tries = 2 }'
    ),
)
RULES = st.sampled_from(["a1", "a2", "b", "c"])
STEP = st.one_of(
    st.tuples(
        st.just("submit"),
        RULES,
        st.sampled_from([None, 1, 2]),
        st.sampled_from(["triggered", "critical", "warning", "resolved"]),
        st.sampled_from(["", "1", "2"]),
    ),
    st.tuples(st.just("tick"), st.floats(0.0, 30.0)),
    st.tuples(st.just("due")),
    st.tuples(st.just("report"), st.sampled_from([OK, DOWN, GONE]), st.integers(0, 50)),
    st.tuples(st.just("release"), st.integers(0, 50)),
    st.tuples(st.sampled_from(["acknowledge", "resolve"]), st.integers(0, 50)),
    st.tuples(st.just("restart")),
)


class World:
    """A policy, a clock, and what senders have in hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.hands: list[str] = []
        self.policy = Policy(SETTINGS, seed="p")

    def do(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("submit", rule, number, status, release):
                self.policy.submit(alert(rule, number=number, status=status, release=release), self.now)
            case ("tick", seconds):
                self.now += seconds
            case ("due",):
                self.hands += [delivery.delivery_id for delivery in self.policy.due(self.now)]
            case ("report", outcome, index) if self.hands:
                assert self.policy.report(self.hands.pop(index % len(self.hands)), outcome, self.now)
            case ("release", index) if self.hands:
                self.policy.release(self.hands.pop(index % len(self.hands)), self.now)
            case ("acknowledge" | "resolve" as what, index) if self.policy.incidents():
                keys = sorted(self.policy.incidents())
                getattr(self.policy, what)(keys[index % len(keys)], self.now)
            case ("restart",):
                trail = [decode_noted(encode_noted(record)) for record in self.policy.trail]
                before = self.policy
                self.policy = Policy(SETTINGS, seed="p", trail=trail)
                assert self.policy.trail == before.trail
                assert _standing(self.policy) == _standing(before)
                self.hands = []

    def check(self) -> None:
        account = books(self.policy.trail)
        assert account.closes, account
        assert account.notifications.pending + account.summaries.pending == len(self.policy.pending())
        assert account.alerts.total == len(of_kind(self.policy, Raised))


def _standing(policy: Policy) -> object:
    """What is pending and open, without what only the living process knows: who has what in hand."""
    pending = [(each.delivery_id, each.attempts, each.due_at) for each in policy.pending()]
    opened = [
        (each.key, each.alert_id, each.state, sorted(each.escalated), list(each.told))
        for each in policy.incidents().values()
    ]
    return pending, opened


@given(st.lists(STEP, max_size=60))
def test_every_alert_is_accounted_for(steps: list[tuple[Any, ...]]) -> None:
    """After each step the sums close; in the end, when all has been sent, nothing is pending."""
    world = World()
    for step in steps:
        world.do(step)
        world.check()
    for _ in range(400):
        for delivery_id in (
            *world.hands,
            *(delivery.delivery_id for delivery in world.policy.due(world.now)),
        ):
            world.policy.report(delivery_id, OK, world.now)
        world.hands = []
        at = world.policy.next_at()
        if at is None:
            break
        world.now = max(world.now, at)
    world.check()
    assert world.policy.pending() == ()
    assert books(world.policy.trail).notifications.pending == 0


@given(st.lists(STEP, max_size=60))
def test_the_throttle_holds(steps: list[tuple[Any, ...]]) -> None:
    """No window of a throttled channel has more than its share, follow-ups of PagerDuty aside."""
    world = World()
    for step in steps:
        world.do(step)
    times = [record.at for record in of_kind(world.policy, Queued) if record.channel == "ops"]
    for index, at in enumerate(times[3:]):
        assert times[index] + 10.0 <= at
    assert all(record.channel == "ops" for record in of_kind(world.policy, Throttled))


HOSTILE = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.just(10**400),
        st.floats(),
        st.text(alphabet=st.characters(), max_size=20),
        st.just("\ud800"),
        st.just("x" * 100_000),
        st.just("a\r\nBcc: evil@example.com"),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)
KEYS = [
    "event_id",
    "level",
    "tags",
    "exception",
    "message",
    "logentry",
    "release",
    "environment",
    "user",
    "extra",
]


@given(st.one_of(HOSTILE, st.dictionaries(st.sampled_from(KEYS), HOSTILE)))
def test_hostile_events(data: Any) -> None:
    """Whatever an event holds, its notice is bounded, one line where people see it, and can be written."""
    raised = alert(
        data=data if isinstance(data, dict) else {"extra": data}, title="t\ud800\r\nx" + "y" * 9999
    )
    notice = notice_of(raised)
    policy = Policy(SETTINGS, seed="p")
    policy.submit(raised, 0.0)
    for record in policy.trail:
        line = encode_noted(record)
        assert len(line) < 300_000
        assert line.count(b"\n") == 1
        assert decode_noted(line) == record
    for text in (notice.title, notice.environment, notice.release, notice.culprit):
        assert text.isprintable()
        assert len(text) <= 500


def test_depth_is_bounded() -> None:
    """A payload nested deeper than anybody looks costs nothing."""
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    notice = notice_of(alert(data={"extra": deep, "tags": {"a": deep}}))
    assert len(msgspec.json.encode(notice)) < 5000


def test_an_event_that_is_no_object() -> None:
    """Then there is just nothing to say of it."""
    assert notice_of(alert(data=["x"])).event == {}


@pytest.mark.parametrize(
    "line", [b"", b"{}", b'["raised",{}]', b'["rasied",{"at":1}]', b'["raised",{"at":"x"}]\xff']
)
def test_lines_that_are_none(line: bytes) -> None:
    """A broken line is named, with what to do."""
    with pytest.raises(
        EvidenceError, match=r"x.trail:3: a line of the audit trail cannot be read: .*\n.*append-only"
    ):
        decode_noted(line, "x.trail:3")


def test_contradictions_are_found() -> None:
    """A trail somebody changed does not close silently."""
    policy = Policy(SETTINGS, seed="p")
    policy.submit(alert("a1"), 0.0)
    for delivery in policy.due(0.0):
        policy.report(delivery.delivery_id, OK, 0.0)
    whole = policy.trail
    assert books(whole).closes
    assert books(whole[1:]).wrong
    assert books([*whole, whole[-1]]).wrong == (
        f"{whole[-1].delivery_id} ended twice: delivered, then delivered",
    )  # type: ignore[attr-defined]
    assert books(whole[:1]).wrong == (f"nothing became of alert {whole[0].alert_id}",)
    assert "raised twice" in books([whole[0], *whole]).wrong[0]
    assert "queued twice" in books([*whole[:2], *whole[1:]]).wrong[0]
    assert "never queued" in books([record for record in whole if not isinstance(record, Queued)]).wrong[0]
