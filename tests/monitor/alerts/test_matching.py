"""Match operators, attributes and tags."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.monitor.alerts.attributes import (
    environment_of,
    is_attribute,
    level_of,
    names_of_attributes,
    pairs,
    release_of,
    tag_values,
    user_of,
    values_of,
)
from pytest_sentry_harness.monitor.alerts.checks import MATCHES
from pytest_sentry_harness.monitor.alerts.matching import matcher

TABLE: list[tuple[str, str, list[str], bool]] = [
    ("eq", "Prod", ["prod"], True),
    ("eq", "prod", ["product", "prod"], True),
    ("eq", "prod", [], False),
    ("ne", "prod", ["dev"], True),
    ("ne", "prod", ["dev", "prod"], False),
    ("ne", "prod", [], True),
    ("sw", "PR", ["prod"], True),
    ("nsw", "pr", ["prod"], False),
    ("nsw", "pr", ["dev"], True),
    ("ew", "OD", ["prod"], True),
    ("new", "od", ["prod"], False),
    ("co", "ro", ["prod"], True),
    ("nc", "ro", ["prod"], False),
    ("nc", "ro", ["dev"], True),
    ("in", "a, B,c", ["b"], True),
    ("in", "a,b", ["ab"], False),
    ("nin", "a,b", ["c"], True),
    ("nin", "a,b", ["b"], False),
    ("is", "", [""], True),
    ("is", "", [], False),
    ("ns", "", [], True),
    ("ns", "", ["x"], False),
    ("eq", "", [""], False),
    ("ne", "", ["x"], False),
    ("gt", "1", ["2"], False),
    ("lte", "3", ["2"], False),
]


@pytest.mark.parametrize("match,value,values,expected", TABLE)
def test_operators(match: str, value: str, values: list[str], expected: bool) -> None:
    """Case does not count; negations are true without any value; an empty wish is never met."""
    assert matcher(match, value)(values) is expected


@given(st.sampled_from(["eq", "sw", "ew", "co", "in"]), st.text(min_size=1), st.lists(st.text()))
def test_negations_are_negations(match: str, value: str, values: list[str]) -> None:
    """Each negated operator says the opposite of the plain one."""
    opposite = {"eq": "ne", "sw": "nsw", "ew": "new", "co": "nc", "in": "nin"}[match]
    assert matcher(match, value)(values) is not matcher(opposite, value)(values)


FRAME = {
    "filename": "a.py",
    "module": "shop",
    "abs_path": "/a.py",
    "package": "p",
    "pre_context": ["x = 1"],
    "context_line": "raise X",
}
EVENT: dict[str, Any] = {
    "platform": "python",
    "environment": "Prod",
    "release": "shop@1.0",
    "level": "Warning",
    "logentry": {"formatted": "Out of stock", "message": "%s"},
    "exception": {
        "values": [
            {"type": "KeyError", "value": "x"},
            {
                "type": "ValueError",
                "value": "Bad",
                "mechanism": {"handled": False},
                "stacktrace": {"frames": [FRAME, {"post_context": ["y"]}]},
            },
        ]
    },
    "user": {"id": 7, "email": "A@B.c", "data": {"plan": "gold"}, "geo": "eu"},
    "request": {"method": "POST", "url": "http://x/Pay"},
    "contexts": {
        "response": {"status_code": 502},
        "device": {"screen_dpi": 300},
        "app": {"in_foreground": True},
        "os": {"name": "Linux"},
        "unreal": {"crash_type": "Assert"},
    },
    "sdk": {"name": "sentry.python"},
    "extra": {"cart": {"items": [1, 2]}},
    "tags": [["Region", "EU"], ["n", 5], ["gone", None]],
    "transaction": "/pay",
    "server_name": "web-1",
}
VALUES: list[tuple[str, list[str]]] = [
    ("message", ["out of stock", "out of stock valueerror bad /pay"]),
    ("platform", ["python"]),
    ("environment", ["prod"]),
    ("type", ["error"]),
    ("error.handled", ["false"]),
    ("error.unhandled", ["true"]),
    ("error.main_thread", []),
    ("exception.type", ["keyerror", "valueerror"]),
    ("exception.value", ["x", "bad"]),
    ("user.id", ["7"]),
    ("user.email", ["a@b.c"]),
    ("user.username", []),
    ("user.plan", ["gold"]),
    ("user.geo", ["eu"]),
    ("http.method", ["post"]),
    ("http.url", ["http://x/pay"]),
    ("http.status_code", ["502"]),
    ("sdk.name", ["sentry.python"]),
    ("stacktrace.module", ["shop"]),
    ("stacktrace.filename", ["a.py"]),
    ("stacktrace.abs_path", ["/a.py"]),
    ("stacktrace.package", ["p"]),
    ("stacktrace.code", ["x = 1", "raise x", "y"]),
    ("device.screen_dpi", ["300"]),
    ("app.in_foreground", ["true"]),
    ("os.name", ["linux"]),
    ("unreal.crash_type", ["assert"]),
    ("unreal.crashtype", ["assert"]),
    ("extra.cart.items", ["1", "2"]),
    ("extra.nothing.there", []),
]


@pytest.mark.parametrize("name,expected", VALUES)
def test_attributes(name: str, expected: list[str]) -> None:
    """Each attribute that rules can name is found where SDKs put it."""
    assert is_attribute(name)
    assert values_of(EVENT, name) == expected


def test_messages_and_plain_stack_traces() -> None:
    """Events without an exception, and stack traces without one."""
    data = {"message": "Hi", "stacktrace": {"frames": [FRAME]}}
    assert values_of(data, "type") == ["default"]
    assert values_of({"type": "csp"}, "type") == ["csp"]
    assert values_of(data, "message") == ["hi", "hi"]
    assert values_of(data, "stacktrace.module") == ["shop"]
    assert values_of({"exception": {"type": "E", "value": "v"}}, "exception.type") == ["e"]
    assert values_of({"exception": [{"type": "E"}]}, "exception.type") == ["e"]
    assert not is_attribute("exception.kind")


@pytest.mark.parametrize(
    "key,expected",
    [
        ("region", ["eu"]),
        ("n", ["5"]),
        ("gone", []),
        ("environment", ["prod"]),
        ("release", ["shop@1.0"]),
        ("sentry:release", ["shop@1.0"]),
        ("level", ["warning"]),
        ("transaction", ["/pay"]),
        ("server_name", ["web-1"]),
        ("sentry:user", ["id:7"]),
        ("logger", []),
    ],
)
def test_tags(key: str, expected: list[str]) -> None:
    """Tags of the event, and those Sentry makes itself."""
    assert tag_values(EVENT, key) == expected


def test_where_there_is_nothing() -> None:
    """Without a field there is no value; the level is error."""
    assert (environment_of({}), release_of({}), level_of({}), user_of({})) == ("", "", "error", "")
    assert environment_of({"tags": {"environment": "dev"}}) == "dev"
    assert user_of({"user": {"username": "ann"}}) == "username:ann"
    assert user_of({"user": {"id": "", "ip_address": "::1"}}) == "ip_address:::1"
    assert list(pairs({"a": 1})) == [("a", 1)]


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "values",
                    "frames",
                    "type",
                    "value",
                    "mechanism",
                    "handled",
                    "stacktrace",
                    "id",
                    "formatted",
                    "url",
                ]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*EVENT, "message", "stacktrace", "type", "logger", "dist"]), HOSTILE))
def test_hostile_payloads_have_no_values(data: dict[str, Any]) -> None:
    """Whatever stands where, reading never raises and gives text."""
    for name in (*names_of_attributes(), "extra.a.b", "user.plan", "device.x", "app.in_foreground"):
        assert all(isinstance(value, str) for value in values_of(data, name))
    for key in ("environment", "release", "level", "transaction", "logger", "user", "a", ""):
        assert all(isinstance(value, str) for value in tag_values(data, key))
    assert isinstance(user_of(data), str)


def test_every_operator_has_words() -> None:
    """What is shown to people knows all operators."""
    assert {row[0] for row in TABLE} <= set(MATCHES)
