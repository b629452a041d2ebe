"""What is over-represented in an issue: planted patterns are found with their numbers, chance alone is not."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.model.monitored import Event, Grouping, Issue, Seen
from pytest_sentry_harness.monitor.patterns import (
    MOST_FACETS,
    MOST_TEXT,
    Row,
    facets_of,
    find_patterns,
    issue_patterns,
)
from tests.examples import examples


def noise(events: int, issues: int, draw: random.Random) -> list[Row]:
    return [
        (draw.randrange(issues), [(f"k{key}", str(draw.randrange(6))) for key in range(8)])
        for _ in range(events)
    ]


def test_a_planted_pattern_with_its_numbers() -> None:
    """One issue comes from one release: it is found, with all four counts and a sentence."""
    rows: list[Row] = [(1, [("release", "2.0"), ("environment", "production")])] * 45
    rows += [(1, [("release", "1.9"), ("environment", "production")])] * 5
    rows += [(2, [("release", "2.0"), ("environment", "production")])] * 20
    rows += [(3, [("release", "1.9"), ("environment", "production")])] * 180
    found = find_patterns(rows)
    assert (found.rows, found.compared, found.left_out) == (250, 9, 0)
    first = next(each for each in found.findings if each.issue == 1)
    assert (first.key, first.value) == ("release", "2.0")
    assert (first.hits, first.events, first.others_hits, first.others) == (45, 50, 20, 200)
    assert first.low < first.odds_ratio < first.high
    assert first.chance < first.q < 1e-20
    assert first.because.startswith(
        "release 2.0: 45 of 50 events of issue 1 (90 %), 20 of 200 events of other issues (10 %); odds 72.8 times as high, "
        "95 % bounds 26.9 to 197; of findings as clear as this, a share of at most "
    )
    # Issue 2 has nothing but 2.0: its odds are higher still, and its bounds wider.
    assert {(each.issue, each.value) for each in found.findings} == {(1, "2.0"), (2, "2.0"), (3, "1.9")}
    assert not any(each.key == "environment" for each in found.findings)


@pytest.mark.slow
def test_chance_alone_is_seldom_a_pattern() -> None:
    """Of 60 data sets in which nothing goes together, hardly any has a finding, though 1920 pairs are compared in each."""
    with_findings = sum(
        bool(find_patterns(noise(1500, 40, random.Random(seed))).findings) for seed in range(60)
    )
    assert with_findings <= 6  # 3 are expected at most


@pytest.mark.slow
def test_false_findings_beside_true_ones_are_as_rare_as_stated() -> None:
    """With 20 planted patterns among many pairs, at most about 5 % of what is found is not planted."""
    false = true = 0
    for seed in range(10):
        draw = random.Random(seed)
        rows = noise(3000, 40, draw)
        rows = [
            (
                issue,
                [
                    *facets,
                    ("release", "2" if issue < 20 and draw.random() < 0.7 else str(3 + draw.randrange(8))),
                ],
            )
            for issue, facets in rows
        ]
        found = find_patterns(rows, most=1000).findings
        true += sum(each.issue < 20 and each.value == "2" for each in found)
        # A release that the planted ones lack is more frequent in the others: that is no mistake.
        false += sum(each.key != "release" for each in found)
    assert true >= 195
    assert false <= 0.08 * (true + false)


def test_against_transactions() -> None:
    """A route that fails more often than it is called is found; keys that transactions never have are not compared."""
    rows: list[Row] = [(7, [("transaction", "/pay"), ("logger", "shop")])] * 30 + [
        (7, [("transaction", "/list")])
    ] * 10
    calls = [[("transaction", "/pay")]] * 50 + [[("transaction", "/list")]] * 950
    found = find_patterns(rows, compared_with=calls)
    assert [(each.key, each.value, each.hits, each.others_hits, each.others) for each in found.findings] == [
        ("transaction", "/pay", 30, 50, 1000)
    ]
    assert "50 of 1000 transactions (5 %)" in found.findings[0].because


def test_few_events_say_nothing() -> None:
    """Fewer than five events, a single issue, or no rows at all: nothing is compared and nothing found."""
    few: list[Row] = [(1, [("release", "2")])] * 4 + [(2, [("release", "1")])] * 100
    assert all(each.issue != 1 for each in find_patterns(few).findings)
    alone: list[Row] = [(1, [("release", "2")])] * 100
    assert find_patterns(alone).compared == 0
    assert find_patterns([]).findings == ()


def test_the_most_telling_come_first_and_the_rest_is_counted() -> None:
    """By the lower bound, so that a certain large effect goes before an uncertain one."""
    draw = random.Random(4)
    rows = noise(4000, 10, draw)
    rows = [(issue, [*facets, ("host", str(issue))]) for issue, facets in rows]
    found = find_patterns(rows, most=3)
    assert len(found.findings) == 3
    assert found.left_out >= 7
    assert [each.low for each in found.findings] == sorted(
        (each.low for each in found.findings), reverse=True
    )
    assert all(each.key == "host" for each in found.findings)


def test_a_chance_too_small_for_a_number() -> None:
    """The sentence says so instead of showing zero."""
    rows: list[Row] = [(1, [("release", "2")])] * 3000 + [(2, [("release", "1")])] * 3000
    assert "a share of at most 1e-300 is expected" in find_patterns(rows).findings[0].because


def test_a_facet_given_twice_counts_once() -> None:
    """An event has a value or has it not."""
    rows: list[Row] = [(1, [("a", "b")] * 3)] * 10 + [(2, [("a", "c")])] * 10
    assert {(each.hits, each.events) for each in find_patterns(rows).findings} == {(10, 10)}


@pytest.mark.parametrize("wrong", [{"q": 0.0}, {"q": 1.0}, {"fewest": 0}, {"most": -1}])
def test_settings_that_cannot_be(wrong: dict[str, Any]) -> None:
    """A share that is none, or counts below nothing."""
    with pytest.raises(ValueError, match="fewest"):
        find_patterns([], **wrong)


def test_facets_of_an_event() -> None:
    """Release, environment, route and tags, whether tags come as an object or as pairs."""
    event = {
        "release": "1.0",
        "transaction": "/a",
        "tags": [["browser", "Firefox"], ["n", 3], "odd"],
        "level": 40,
    }
    assert facets_of(event) == {
        ("release", "1.0"),
        ("environment", "production"),
        ("transaction", "/a"),
        ("tags[browser]", "Firefox"),
        ("tags[n]", "3"),
    }
    assert ("tags[b]", "True") in facets_of({"tags": {"b": True}, "environment": "staging"})


def test_facets_are_cut() -> None:
    """Megabytes of tags cost no more than a few."""
    event = {"release": "r" * 10**6, "tags": {f"{n}{'k' * 10**4}": "v" * 10**4 for n in range(1000)}}
    found = facets_of(event)
    assert len(found) <= MOST_FACETS + 2
    assert all(len(key) <= MOST_TEXT + 6 and len(value) <= MOST_TEXT for key, value in found)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@examples(200)
@given(
    ANYTHING
    | st.fixed_dictionaries(
        {},
        optional={
            "tags": ANYTHING | st.lists(st.lists(ANYTHING, min_size=2, max_size=2), max_size=3),
            "release": ANYTHING,
            "environment": ANYTHING,
            "transaction": ANYTHING,
        },
    )
)
def test_any_payload_has_facets(data: Any) -> None:
    """Whatever arrives, facets are pairs of text."""
    assert all(isinstance(key, str) and isinstance(value, str) for key, value in facets_of(data))


def test_over_events_as_they_were_put_to_issues() -> None:
    """The number of the issue and the payload of the event are what counts."""

    def seen(number: int, cursor: int, **data: Any) -> Seen:
        issue = Issue(
            number=number,
            project="1",
            hash="0" * 32,
            title="t",
            culprit="c",
            level="error",
            state="new",
            first_seen=0.0,
            last_seen=0.0,
            times_seen=1,
        )
        event = Event(cursor=cursor, received_at=0.0, project="1", event_id="e", data=data)
        grouping = Grouping(hashes=("0" * 32,), variant="app", title="t", culprit="c", components=())
        return Seen(event=event, issue=issue, grouping=grouping)

    given_ = [seen(4, number, tags={"host": "b7"}) for number in range(20)]
    given_ += [seen(5, number, tags={"host": f"a{number % 5}"}) for number in range(20, 80)]
    found = issue_patterns(given_)
    assert (found.findings[0].issue, found.findings[0].key, found.findings[0].value) == (
        4,
        "tags[host]",
        "b7",
    )
    calls = [{"tags": {"host": f"a{number % 5}"}} for number in range(100)]
    assert issue_patterns(given_, transactions=calls).findings[0].others == 100
