"""Sentry's search syntax over rows: documented examples, types, boolean structure, and messages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import SearchError, UsageError
from pytest_sentry_harness.model.monitored import Event
from pytest_sentry_harness.monitor.fields import (
    Kind,
    Row,
    fields_of_event,
    fields_of_issue,
    fields_of_session,
    fields_of_span,
    known_fields,
)
from pytest_sentry_harness.monitor.search import parse_search
from pytest_sentry_harness.protocol.spans import SpanTold
from tests.examples import examples

from ..fields.rows import T0, error, event, issue, raised, transaction

ROW = error(
    timestamp=T0,
    level="error",
    environment="prod",
    release="shop@1.10.0+77",
    transaction="/orders",
    message="first example error, then more",
    user={"id": 7, "username": "Jane Doe", "email": "jane@example.com"},
    tags={"server": "web-8", "browser": "Safari 11.0.2", "project_id": "tag_value", "a*b": "x"},
    exception=raised(
        "ConnectionTimeout", "no answer (twice)", mechanism={"handled": False, "type": "starlette"}
    ),
    request={"method": "POST", "url": "http://x/orders?q=1"},
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        'user.username:"Jane Doe" server:web-8 example error',
        "tags[project_id]:tag_value",
        'tags["server"]:web-8',
        'browser:"Safari 11*"',
        '!message:"*Timeout"',
        "!user.email:example@customer.com",
        "browser:Chrome OR browser:Safari*",
        "release:[12.0, shop@1.10.0+77]",
        'user.username:["Jane Doe", other]',
        "level:error AND environment:prod",
        "level:fatal and level:info OR level:error",
        "level:error (environment:dev OR environment:prod)",
        "(((level:error)))",
        "has:user !has:dist has:tags[server]",
        'dist:""',
        '!level:""',
        "level:!=fatal",
        "level:=error",
        "error.handled:false error.unhandled:1",
        "error.type:ConnectionTimeout error.mechanism:starlette handled:no",
        "timestamp:>2023-11-14T22:13:00Z timestamp:<=2023-11-14T22:13:20+00:00",
        "timestamp:2023-11-14",
        "timestamp:2023-11-14T22:16:00Z",
        "event.timestamp:>2023-09-28T00:00:00-07:00",
        "message:EXAMPLE",
        '"example error, then"',
        "example   error,",
        "exam*more",
        "release.version:>1.9 release.version:<1.10.1 release.version:>=1.10.0 release.package:shop",
        "release.version:>1.10.0-rc1",
        "user:id:7",
        "user.id:7",
        "http.method:POST http.url:http://x/orders",
        "*answer*",
        r"message:first\ example OR level:error",
        "or_not:1 OR level:error",
        '"level":error',
        "order OR level:error",
        "count():>5 level:error",
        "(count():>5 AND level:error)",
        "!is:resolved OR level:error",
        "stack.lineno:>5 OR level:error",
    ],
)
def test_matches(text: str) -> None:
    """Conditions that the row meets, most of them from Sentry's documentation."""
    assert parse_search(text).matches(ROW, now=T0)


@pytest.mark.parametrize(
    "text",
    [
        "level:fatal",
        "LEVEL:error",
        "level:Error",
        "level:[fatal, info]",
        "!level:[error]",
        "!has:user",
        "has:dist",
        'level:""',
        'browser:"Safari 12*"',
        "browser:Chrome OR browser:Opera",
        "level:error AND (environment:dev OR environment:test)",
        "level:error environment:dev OR level:fatal",
        "error.handled:true",
        "timestamp:>2023-11-15",
        "timestamp:2023-11-13",
        "timestamp:2023-11-14T22:00:00Z",
        "!timestamp:2023-11-14",
        "error example",
        "release.version:>1.10.0",
        "release.version:<1.9",
        "transaction.duration:>1",
        'transaction.op:"" level:fatal',
        "flags[x]:true",
        "no such text",
        "is:unresolved",
    ],
)
def test_does_not_match(text: str) -> None:
    """Conditions that the row does not meet."""
    assert not parse_search(text).matches(ROW, now=T0)


@pytest.mark.parametrize(
    "text, milliseconds, met",
    [
        ("transaction.duration:>5s", 5000.5, True),
        ("transaction.duration:>5s", 5000, False),
        ("transaction.duration:>=5s", 5000, True),
        ("transaction.duration:<250", 249, True),
        ("transaction.duration:<=0.25s", 250, True),
        ("transaction.duration:250ms", 250, True),
        ("transaction.duration:[250, 1s]", 1000, True),
        ("!transaction.duration:>1m", 59_000, True),
        ("transaction.duration:>1min", 61_000, True),
        ("transaction.duration:<1h", 61_000, True),
        ("transaction.duration:<1d transaction.duration:<1w transaction.duration:<1hr", 61_000, True),
        ("transaction.duration:>10k", 10_001, True),
        ("measurements.lcp:>2s", 2500, True),
        ("measurements.items:>2", 2500, True),
        ("measurements.none:>2", 2500, False),
        ('transaction.duration:""', 2500, False),
        ('measurements.none:""', 2500, True),
        ("spans.db:>10ms", 100, True),
        ("spans.total.time:>=30ms", 100, True),
        ("spans.http:>1", 100, False),
    ],
)
def test_numbers_and_durations(text: str, milliseconds: float, met: bool) -> None:
    """Numbers are compared strictly as written; durations in milliseconds unless a unit says otherwise."""
    row = transaction(
        milliseconds,
        measurements={"lcp": {"value": 2.5, "unit": "second"}, "items": {"value": 3}},
        spans=[
            {"op": "db.query", "start_timestamp": 1.0, "timestamp": 1.02},
            {"op": "db", "start_timestamp": 1.0, "timestamp": 1.01},
            {"op": "cache", "start_timestamp": 2.0, "timestamp": 1.01},
            {"op": 5},
        ],
    )
    assert parse_search(text, kind="transaction").matches(row) is met


@pytest.mark.parametrize(
    "text, met",
    [
        ("age:-24h", True),
        ("age:+30m", True),
        ("age:+12h", False),
        ("age:+30m age:-2h", True),
        ("lastSeen:-1d", True),
        ("firstSeen:-30m", False),
        ("is:unresolved", True),
        ("is:new is:for_review is:unassigned", True),
        ("!is:resolved", True),
        ("is:ignored", False),
        ("timesSeen:>10 timesSeen:<=12", True),
        ("firstRelease:shop@1.0.0 level:error issue:7", True),
        ("boom", True),
        ("error.type:ValueError environment:prod", True),
        ("has:assigned", False),
    ],
)
def test_issues(text: str, met: bool) -> None:
    """An issue has fields of its own and those of its events."""
    row = fields_of_issue(issue(), event(exception=raised("ValueError", "boom"), environment="prod"))
    assert parse_search(text, kind="issue").matches(row, now=T0) is met


def test_issue_states() -> None:
    """Each state of an issue is found by what Sentry calls it."""
    found = {
        state: [word for word in ("unresolved", "new", "ongoing", "regressed", "resolved", "archived") if
                parse_search(f"is:{word}").matches(fields_of_issue(issue(state)))]
        for state in ("new", "ongoing", "regressed", "resolved", "ignored")
    }  # fmt: skip
    assert found == {
        "new": ["unresolved", "new"],
        "ongoing": ["unresolved", "ongoing"],
        "regressed": ["unresolved", "regressed"],
        "resolved": ["resolved"],
        "ignored": ["archived"],
    }


def test_spans_compare_attributes() -> None:
    """Attributes of spans can be numbers, unlike tags."""
    span = SpanTold(
        trace_id="a", span_id="b", op="db", description="select 1", start=1.0, end=1.5, data={"rows": 12}
    )
    row = fields_of_span(span)
    assert parse_search("rows:>10 span.op:db span.duration:>=0.5s is_transaction:false", kind="span").matches(
        row
    )
    assert not parse_search("rows:>12", kind="span").matches(row)
    assert parse_search("tags[rows,number]:>10", kind="span").matches(row)


def test_relative_times_need_now() -> None:
    """A relative time cannot be told without the time."""
    search = parse_search("timestamp:-24h")
    assert search.relative
    assert search.matches(ROW, now=T0)
    with pytest.raises(UsageError, match="'timestamp:-24h' has a relative time: matches\\(\\) needs now"):
        search.matches(ROW)


@pytest.mark.parametrize(
    "text, message",
    [
        ("level:error OR", "character 13: there is no condition after OR"),
        ("AND level:error", "character 1: there is no condition before AND"),
        ("level:a OR OR level:b", "character 12: there is no condition before OR"),
        ("(level:a", "character 1: this ( is never closed"),
        ("level:a)", "character 8: there is no ( for this )"),
        ("a ( )", "character 3: the group is empty"),
        ("!(level:a)", "character 1: a group cannot be negated"),
        ("level:", "character 7: there is no value after 'level:'"),
        ("level: error", "character 7: there is no value after 'level:'"),
        ('level:"a', "character 7: this quote is never closed"),
        ("level:[a, b", "character 7: this list is never closed"),
        ("level:[a,, b]", "character 10: a list cannot have empty values"),
        ("level:[]", "character 8: a list cannot have empty values"),
        ('level:[a "b]', "character 8: this value of the list cannot be read"),
        ("level:>5", "character 1: 'level:>5': level is text, > compares numbers"),
        ("x:1 transaction.duration:>5x", "character 5: 'transaction.duration:>5x': '5x' is not a duration"),
        ("timesSeen:>many", "'many' is not a number"),
        ("timestamp:>yesterday", "'yesterday' is not a time"),
        ("timestamp:2023-13-40", "'2023-13-40' is not a time"),
        ("timestamp:[2023-01-01]", "timestamp is a time, which takes no list"),
        ("timestamp:>-24h", "'-24h' is not a time"),
        ("error.handled:maybe", "error.handled is true or false\n  hint: write true, false, 1 or 0"),
        ("is:unresolvd", "is: has no value 'unresolvd'\n  hint: did you mean 'unresolved'"),
        ("is:[new, old]", "is: takes one value, no list"),
        ("has:", "there is no value after 'has:'"),
        ("has:[a, b]", "has: takes the name of one field or tag"),
        ("level:[err*, x]", "a list cannot have wildcards\n  hint: write (level:err* OR level:x)"),
        ("custom:>abc", "'abc' is not a number or duration"),
        ("cuont():>5", "character 1: unknown function 'cuont'\n  hint: did you mean 'count'"),
        ("x:1 !p95(a,b):>5", "character 10: p95 takes up to 1 argument (column), got 2"),
        ("p95():>5q", "'5q' is not a duration"),
        ("failure_rate():>x", "'x' is not a percentage"),
        ("count():[1, 2]", "an aggregate is compared with one number"),
        ("user:a OR count():>5", "character 11: the aggregate 'count():>5' cannot be under OR"),
        ("(a:1 count():>5) OR b:1", "the aggregate 'count():>5' cannot be under OR"),
        ("(" * 60 + "a" + ")" * 60, "character 51: groups are nested more than 50 deep"),
        ("x" * 10_001, "the search has 10001 characters, 10000 are allowed"),
    ],
)  # fmt: skip
def test_messages(text: str, message: str) -> None:
    """What is wrong, at which character, and what is allowed."""
    with pytest.raises(SearchError) as caught:
        parse_search(text)
    assert message in str(caught.value)


def test_message_names_its_place() -> None:
    """The place that the caller gives stands before the character."""
    with pytest.raises(SearchError, match=r"^ops.json: widgets\[0\], character 3: ") as caught:
        parse_search("a )", where="ops.json: widgets[0]")
    assert caught.value.position == 3


def test_kinds() -> None:
    """What issues cannot be asked, and what only issues can."""
    with pytest.raises(SearchError, match="character 9: issues cannot be searched with OR"):
        parse_search("level:a OR level:b", kind="issue")
    with pytest.raises(SearchError, match="is: is for issues only, these are event rows"):
        parse_search("is:new", kind="event")


@pytest.mark.parametrize(
    "text, kind, doubt",
    [
        ("lvel:error", None, "lvel is no known field and is looked up as a tag; did you mean 'level'?"),
        ("transaction_duration:5", None, "did you mean 'transaction.duration'?"),
        ("custom:>5", "event", "as a tag it is text, which Sentry does not compare"),
        ("transaction:save(order)", None, "ends at the ( that follows"),
        ("count() level:a", None, "'count()' is taken as text to look for"),
        ("server:web", None, None),
        ("level:error", "event", None),
    ],
)
def test_doubts(text: str, kind: Kind | None, doubt: str | None) -> None:
    """What is allowed and hardly meant is said, not refused."""
    doubts = parse_search(text, kind=kind).doubts
    assert (doubt is None and doubts == ()) or (doubt is not None and doubt in doubts[0])


def test_free_text_with_parentheses() -> None:
    """Parentheses within free text belong to it."""
    row = error(message="save() failed (twice) today")
    assert parse_search("save() failed (twice)").matches(row)
    assert parse_search('"save() failed (twice) today"').matches(row)
    assert not parse_search("failed (thrice)").matches(row)
    assert [part.text for part in parse_search("failed (a OR b)").parts] == ["failed", "a OR b"]


def test_having() -> None:
    """Conditions on aggregates are kept apart from those on rows."""
    search = parse_search("count():>5 level:error !failure_rate():>=5% p95():<=2s last_seen():>2023-11-14")
    assert [part.text for part in search.parts] == ["level:error"]
    assert [(each.aggregate.text, each.operator, each.number) for each in search.having] == [
        ("count()", ">", 5),
        ("failure_rate()", ">=", 0.05),
        ("p95(transaction.duration)", "<=", 2000),
        ("last_seen()", ">", 1699920000),
    ]
    values = {"count()": 6.0, "failure_rate()": 0.01, "p95(transaction.duration)": 2000.0, "last_seen()": T0}
    assert search.holds(lambda aggregate: values[aggregate.text])
    for name, wrong in (("count()", 5.0), ("failure_rate()", 0.05), ("last_seen()", None)):
        assert not search.holds(lambda aggregate, given=values | {name: wrong}: given[aggregate.text])
    assert parse_search("count():5").having[0].holds(5)
    assert parse_search("avg(x):<1").having[0].holds(0.5)


def test_conditions_are_named() -> None:
    """Each condition keeps its text and place, so that a message can point to it."""
    search = parse_search("a:1 (b:2 OR !c:[3, 4]) text here")
    assert [(each.text, each.position, each.operator, each.negated) for each in search.conditions] == [
        ("a:1", 1, "=", False),
        ("b:2", 6, "=", False),
        ("!c:[3, 4]", 13, "in", True),
        ("text here", 24, "contains", False),
    ]
    assert [part.text for part in search.parts] == ["a:1", "b:2 OR !c:[3, 4]", "text here"]


@examples(300)
@given(st.text(alphabet='ab:()[]"!*<>=-.,1 \\ANDOR\n', max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever is written gives a search that can be asked, or an error with a place in the text."""
    position = 1
    try:
        assert parse_search(text).matches(ROW, now=T0) in (True, False)
    except SearchError as error:
        position = error.position
    assert 1 <= position <= len(text) + 1


WORDS = st.sampled_from(["level", "server", "error.type", "environment"])
VALUES = st.sampled_from(["error", "fatal", "web-8", "prod", "ConnectionTimeout"])
LEAVES = st.builds(lambda bang, key, value: f"{bang}{key}:{value}", st.sampled_from(["", "!"]), WORDS, VALUES)
TREES = st.recursive(
    LEAVES.map(lambda text: ("leaf", text)),
    lambda inner: st.tuples(st.sampled_from(["AND", "OR", " "]), inner, inner),
    max_leaves=8,
)


def written(tree: Any) -> str:
    if tree[0] == "leaf":
        return str(tree[1])
    return f"({written(tree[1])}) {tree[0]} ({written(tree[2])})"


def expected(tree: Any) -> bool:
    if tree[0] == "leaf":
        key, _, value = tree[1].removeprefix("!").partition(":")
        return (value in ROW(key)) != tree[1].startswith("!")
    if tree[0] == "OR":
        return expected(tree[1]) or expected(tree[2])
    return expected(tree[1]) and expected(tree[2])


@examples(200)
@given(TREES)
def test_boolean_structure(tree: Any) -> None:
    """Groups, AND and OR mean what they say, whatever way they are nested."""
    assert parse_search(written(tree)).matches(ROW) is expected(tree)


def test_and_binds_tighter() -> None:
    """``x AND y OR z`` is ``(x AND y) OR z``."""
    assert parse_search("level:fatal AND level:error OR level:error").matches(ROW)
    assert not parse_search("level:fatal AND (level:error OR level:error)").matches(ROW)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)
PAYLOADS = st.dictionaries(
    st.sampled_from(
        [
            "exception",
            "message",
            "logentry",
            "tags",
            "user",
            "request",
            "contexts",
            "timestamp",
            "level",
            "release",
            "environment",
            "sdk",
            "spans",
            "measurements",
            "transaction",
            "start_timestamp",
            "culprit",
            "type",
        ]
    ),
    JSON | st.fixed_dictionaries({"values": JSON}) | st.fixed_dictionaries({"trace": JSON, "data": JSON}),
    max_size=8,
)


@examples(150)
@given(PAYLOADS)
def test_hostile_payloads_never_raise(data: dict[str, Any]) -> None:
    """Whatever a payload holds, every field can be read and every search asked."""
    rows: list[Row] = [
        fields_of_event(Event(cursor=1, received_at=T0, project="1", event_id="a", data=data)),
        transaction(**data),
        fields_of_session(data),
        fields_of_issue(issue(), event(**data)),
    ]
    for row in rows:
        for name in (*known_fields(), "measurements.x", "spans.db", "tags[x]", "anything"):
            assert None not in row(name)
            row.unit(name)
        row.names()
        assert parse_search("x:1 OR boom* OR error.type:a OR stack.lineno:>5 OR is:new OR !has:user").matches(
            row, now=T0
        ) in (True, False)


def test_wildcards_take_linear_time() -> None:
    """Many asterisks over much text: no backtracking."""
    row = error(message="a" * 1_000_000)
    assert not parse_search("message:" + "*a" * 50 + "*b*").matches(row)
    assert parse_search("message:" + "*a" * 50 + "*").matches(row)


def test_wildcards_do_not_overlap() -> None:
    """What stands before and after an asterisk are different pieces of the text; an escaped one is itself."""
    row = error(tags={"t": "aba", "star": "a*c"})
    assert not parse_search("t:ab*ba").matches(row)
    assert parse_search("t:a*b*a t:*ab* t:ABA*").matches(row)
    assert parse_search(r"star:a\*c").matches(row)
    assert not parse_search(r"star:a\*d").matches(row)
    assert parse_search(r"star:*\*c").matches(row)
    assert not parse_search("t:*x*a").matches(row)
