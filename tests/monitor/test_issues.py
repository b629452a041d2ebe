"""Issue states: new, ongoing, resolved, regressed, ignored."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import UsageError
from pytest_sentry_harness.model.monitored import Event, Seen
from pytest_sentry_harness.monitor.grouping import GroupingConfig
from pytest_sentry_harness.monitor.issues import ONGOING_AFTER, Issues
from tests.examples import examples

CONFIG = GroupingConfig.parse()
DAY = 86400.0


class Stream:
    """Issues that are fed by the second."""

    def __init__(self) -> None:
        self.issues = Issues(CONFIG)
        self.count = 0

    def see(self, what: Any = "a", at: float = 0.0, *, project: str = "1", **fields: Any) -> Seen:
        self.count += 1
        data = {"fingerprint": what if isinstance(what, list) else [what], "message": "lost", **fields}
        return self.issues.see(
            Event(
                cursor=self.count, received_at=at, project=project, event_id=f"{self.count:032x}", data=data
            )
        )


@pytest.fixture
def stream() -> Stream:
    return Stream()


def flags(seen: Seen) -> tuple[bool, bool, bool, str]:
    return seen.is_new, seen.is_regression, seen.has_reappeared, seen.issue.state


def test_the_first_event_makes_the_issue(stream: Stream) -> None:
    """Numbers follow the order of appearance; every project has issues of its own."""
    first = stream.see("a", 5.0, level="fatal", release="shop@1", transaction="/orders")
    assert flags(first) == (True, False, False, "new")
    issue = first.issue
    assert (issue.number, issue.project, issue.hash, issue.times_seen) == (
        1,
        "1",
        first.grouping.hashes[0],
        1,
    )
    assert (issue.title, issue.culprit, issue.level, issue.first_release) == (
        "lost",
        "/orders",
        "fatal",
        "shop@1",
    )
    again = stream.see("a", 9.0, message="lost again", level="nonsense", release="shop@2")
    assert flags(again) == (False, False, False, "new")
    assert (again.issue.first_seen, again.issue.last_seen, again.issue.times_seen) == (5.0, 9.0, 2)
    assert (again.issue.title, again.issue.level, again.issue.first_release) == (
        "lost again",
        "error",
        "shop@1",
    )
    assert stream.see("b", 9.0).issue.number == 2
    assert stream.see("a", 9.0, project="2").issue.number == 3
    assert [issue.number for issue in stream.issues.all(10.0)] == [1, 2, 3]
    assert len(stream.issues) == 3
    assert first.issue.times_seen == 1


def test_an_issue_is_ongoing_after_a_week(stream: Stream) -> None:
    """With or without events; the same holds after a regression."""
    stream.see("a", 0.0)
    assert stream.issues.issue(1, ONGOING_AFTER - 1).state == "new"
    assert stream.issues.issue(1, ONGOING_AFTER).state == "ongoing"
    assert stream.see("a", ONGOING_AFTER).issue.state == "ongoing"
    stream.issues.resolve(1, 8 * DAY)
    assert stream.see("a", 9 * DAY).issue.state == "regressed"
    assert stream.see("a", 9 * DAY + 60).issue.state == "regressed"
    assert stream.issues.issue(1, 16 * DAY).state == "ongoing"


def test_a_resolved_issue_regresses(stream: Stream) -> None:
    """Once per time it was resolved."""
    stream.see("a", 0.0)
    assert stream.issues.resolve(1, 1.0).state == "resolved"
    assert stream.issues.issue(1, 100 * DAY).state == "resolved"
    assert flags(stream.see("a", 2.0)) == (False, True, False, "regressed")
    assert flags(stream.see("a", 3.0)) == (False, False, False, "regressed")


@pytest.mark.parametrize(
    ("fixed_in", "of", "regresses"),
    [
        ("shop@1.2.0", "shop@1.2.0", True),
        ("shop@1.2.0", "shop@1.10.0", True),
        ("shop@1.2.0", "shop@1.1.9", False),
        ("shop@1.2.0", "shop@1.2.0-beta", False),
        ("shop@1.2.0-beta", "shop@1.2.0", True),
        ("shop@1.2", "shop@1.2.0.0", True),
        ("1.2.0", "1.2.0+build.7", True),
        ("shop@1.2.0", None, False),
        # No versions: the order in which they were first heard of.
        ("second", "first", False),
        ("second", "third", True),
        ("shop@1.0", "other@0.1", True),
    ],
)
def test_releases_before_the_fix_bring_nothing_back(
    stream: Stream, fixed_in: str, of: str | None, regresses: bool
) -> None:
    """An issue that is resolved in a release stays so for events of earlier ones."""
    stream.see("a", 0.0, release="first")
    stream.see("a", 0.0, release="second")
    stream.issues.resolve(1, 1.0, in_release=fixed_in)
    seen = stream.see("a", 2.0, release=of)
    assert seen.is_regression is regresses
    assert seen.issue.state == ("regressed" if regresses else "resolved")


def test_ignored_for_ever(stream: Stream) -> None:
    """Without a condition nothing but people ends it."""
    stream.see("a", 0.0)
    assert stream.issues.ignore(1, 0.0).state == "ignored"
    assert flags(stream.see("a", 400 * DAY)) == (False, False, False, "ignored")
    assert stream.issues.unignore(1, 401 * DAY).state == "ongoing"
    assert flags(stream.see("a", 402 * DAY)) == (False, False, False, "ongoing")


def test_ignored_until_a_time(stream: Stream) -> None:
    """The first event from then on has reappeared, once."""
    stream.see("a", 0.0)
    stream.issues.ignore(1, 0.0, until_time=10.0)
    assert flags(stream.see("a", 9.9)) == (False, False, False, "ignored")
    assert flags(stream.see("a", 10.0)) == (False, False, True, "ongoing")
    assert flags(stream.see("a", 11.0)) == (False, False, False, "ongoing")


def test_ignored_until_a_count(stream: Stream) -> None:
    """That many events after it was ignored."""
    for _ in range(5):
        stream.see("a")
    stream.issues.ignore(1, 0.0, until_count=3)
    assert [stream.see("a").has_reappeared for _ in range(4)] == [False, False, True, False]


def test_ignored_until_there_are_users(stream: Stream) -> None:
    """Only users who had not been seen before count; without a user nobody does."""
    users: list[Any] = [
        {"id": "1"},
        {"id": 1},
        None,
        "odd",
        {"id": None},
        {"email": "a@example.com"},
        {"username": "x"},
        {"ip_address": "::1"},
    ]
    stream.see("a", user={"id": "1"})
    stream.issues.ignore(1, 0.0, until_users=3)
    assert [stream.see("a", user=user).has_reappeared for user in users] == [False] * 7 + [True]


def test_ignored_until_a_rate(stream: Stream) -> None:
    """So many within a time; what is older does not count."""
    stream.see("a")
    stream.issues.ignore(1, 0.0, until_count=3, within=60.0)
    assert [stream.see("a", at).has_reappeared for at in (0.0, 30.0, 60.0, 89.0)] == [
        False,
        False,
        False,
        True,
    ]
    stream.issues.ignore(1, 100.0, until_users=2, within=60.0)
    seen = [(100.0, "u"), (110.0, "u"), (150.0, None), (171.0, "v"), (172.0, "u")]
    assert [stream.see("a", at, user={"id": who}).has_reappeared for at, who in seen] == [
        False,
        False,
        False,
        False,
        True,
    ]


def test_the_last_word_of_people_counts(stream: Stream) -> None:
    """Resolving ends ignoring, ignoring ends resolving, and ending nothing changes nothing."""
    stream.see("a")
    stream.issues.ignore(1, 0.0, until_count=1)
    stream.issues.resolve(1, 0.0)
    assert flags(stream.see("a")) == (False, True, False, "regressed")
    stream.issues.resolve(1, 0.0)
    stream.issues.ignore(1, 0.0)
    assert flags(stream.see("a")) == (False, False, False, "ignored")
    stream.issues.unignore(1, 0.0)
    assert stream.issues.unignore(1, 0.0).state == "ongoing"


def test_the_first_hash_that_is_known_decides(stream: Stream) -> None:
    """An event without in-app frames joins the issue that knows its whole stack; its hashes are known from then on."""

    def raised(*flags: bool) -> dict[str, Any]:
        frames = [
            {"function": name, "module": "shop", "in_app": flag}
            for name, flag in zip("ab", flags, strict=True)
        ]
        return {
            "exception": {"values": [{"type": "E", "stacktrace": {"frames": frames}}]},
            "platform": "python",
        }

    first = stream.see([], **raised(True, False))
    assert first.grouping.variant == "app"
    second = stream.see([], **raised(False, False))
    assert (second.grouping.variant, second.issue.number) == ("system", first.issue.number)
    third = stream.see([], **raised(False, True))
    assert (third.grouping.variant, third.issue.number) == ("app", first.issue.number)
    other = {
        "exception": {
            "values": [
                {"type": "E", "stacktrace": {"frames": [{"function": "b", "module": "shop", "in_app": True}]}}
            ]
        }
    }
    assert stream.see([], **other).issue.number == first.issue.number


@pytest.mark.parametrize(
    ("conditions", "text"),
    [
        ({"until_count": 0}, "issue 1: until_count = 0 is not above 0\n  hint: use 1 or more"),
        ({"until_users": -1}, "issue 1: until_users = -1 is not above 0\n  hint: use 1 or more"),
        ({"until_count": 1, "within": 0.0}, "issue 1: within = 0.0 is not above 0\n  hint: use 1 or more"),
        (
            {"within": 5.0},
            "issue 1: within says nothing alone\n  hint: give until_count or until_users with it",
        ),
    ],
)
def test_conditions_that_can_never_be_met(stream: Stream, conditions: dict[str, Any], text: str) -> None:
    """Each is refused with what is allowed."""
    stream.see("a")
    with pytest.raises(UsageError) as caught:
        stream.issues.ignore(1, 0.0, **conditions)
    assert str(caught.value) == text


def test_issues_that_are_not_there(stream: Stream) -> None:
    """The message says which there are."""
    with pytest.raises(UsageError, match="^there is no issue 1\n  hint: there is none yet$"):
        stream.issues.resolve(1, 0.0)
    stream.see("a")
    with pytest.raises(UsageError, match="^there is no issue 2\n  hint: there are 1 to 1$"):
        stream.issues.issue(2, 0.0)
    with pytest.raises(UsageError, match="there is no issue 0"):
        stream.issues.unignore(0, 0.0)


@pytest.mark.parametrize(
    "data", [None, [], {"user": [], "level": {}, "release": 7, "exception": {"values": "x"}}, {"level": 40}]
)
def test_odd_events_are_seen(data: Any) -> None:
    """Nothing in a payload raises."""
    issues = Issues()
    seen = issues.see(Event(cursor=1, received_at=0.0, project="1", event_id="0" * 32, data=data))
    assert (seen.is_new, seen.issue.level) == (True, "error")


ACTIONS = st.tuples(
    st.sampled_from(["see", "resolve", "ignore", "count", "unignore"]),
    st.sampled_from("abc"),
    st.floats(0, 5 * DAY),
)


@examples(100)
@given(st.lists(ACTIONS, max_size=30))
def test_states_hold_together(actions: list[tuple[str, str, float]]) -> None:
    """Whatever people do: an event is new once, regresses only what was resolved, and counts always."""
    stream, now = Stream(), 0.0
    numbers: dict[str, int] = {}
    counts: dict[str, int] = {}
    for action, what, pause in actions:
        now += pause
        if action == "see":
            before = stream.issues.issue(numbers[what], now).state if what in numbers else None
            seen = stream.see(what, now)
            numbers.setdefault(what, seen.issue.number)
            counts[what] = counts.get(what, 0) + 1
            assert seen.is_new is (before is None)
            assert seen.is_regression is (before == "resolved")
            assert not seen.has_reappeared or before == "ignored"
            assert seen.issue.state != "resolved"
            assert (seen.issue.number, seen.issue.times_seen) == (numbers[what], counts[what])
        elif what in numbers:
            number = numbers[what]
            if action == "resolve":
                assert stream.issues.resolve(number, now).state == "resolved"
            elif action == "unignore":
                assert stream.issues.unignore(number, now).state != "ignored"
            else:
                assert (
                    stream.issues.ignore(number, now, until_count=2 if action == "count" else None).state
                    == "ignored"
                )
