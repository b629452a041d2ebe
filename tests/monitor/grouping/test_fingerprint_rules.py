"""Fingerprint rules: Sentry's documented examples, and what is refused."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import RulesError, UsageError
from pytest_sentry_harness.monitor.grouping import GroupingConfig, group, rule_index
from tests.examples import examples

from .building import error, event, frame, grouped, library, together, why

MATCHES: list[tuple[str, dict[str, Any], bool]] = [
    ("error.type:ZeroDivisionError", event(error(type="ZeroDivisionError")), True),
    ("error.type:zerodivisionerror", event(error(type="ZeroDivisionError")), False),
    ("type:Zero*", event(error(type="ZeroDivisionError"), error(type="ShopError")), True),
    ('error.value:"connection error (code: *)"', event(error(value="Connection Error (code: 7)")), True),
    ('error.value:"could not connect (*)"', event(error(value="could connect")), False),
    (
        'message:"system encountered a fatal problem: *"',
        event(message="System encountered a fatal problem: fire"),
        True,
    ),
    ('message:"*lost"', event(error(value="order is lost")), True),
    ('message:"*lost"', event(logentry={"message": "%s", "formatted": "two\nlines lost"}), True),
    ('logger:"com.myapp.mypackage.*"', event(logger="com.myapp.mypackage.io"), True),
    ('logger:"com.myapp.*"', event(logger="COM.myapp.io"), False),
    ('logger:"shop" level:"error"', event(logger="shop", level="ERROR"), True),
    ('logger:"shop" level:"error"', event(logger="shop", level="info"), False),
    ("level:WARN*", event(logger="shop", level="warning"), True),
    (
        'tags.server_name:"canary-*.mycompany.internal"',
        event(tags={"server_name": "canary-1.mycompany.internal"}),
        True,
    ),
    ("tags.server_name:canary-*", event(tags=[["server_name", "canary-1"]]), True),
    ('"tags.server name":canary', event(tags={"server name": "canary"}), True),
    ("tags.server_name:canary", event(tags={}), False),
    ("!tags.server_name:canary", event(tags={}), True),
    ('stack.abs_path:"**/my-utils/*.js"', event(error(frame(abs_path="/a/My-Utils/x.js"))), True),
    ('stack.abs_path:"**/my-utils/*.js"', event(error(frame(abs_path="/a/my-utils/b/x.js"))), False),
    ("path:**/orders.py", event(error(frame(abs_path=None, filename="orders.py"))), True),
    ("path:**/late.py", event(error(frame(abs_path="/a/early.py", filename="late.py"))), True),
    ("stack.module:shop.*", event(error(frame())), True),
    ("stack.module:Shop.*", event(error(frame())), False),
    ('stack.function:"my_assertion_failed"', event(error(frame("my_assertion_failed"))), True),
    (
        "stack.function:my_*",
        event(threads={"values": [{"stacktrace": {"frames": [frame("my_thing")]}}]}),
        True,
    ),
    ("stack.function:my_*", event(stacktrace={"frames": [frame("my_thing")]}), True),
    ("function:<unknown>", event(error(frame(function=""))), True),
    ('stack.package:"**/libcurl.so"', event(error(frame(package="/usr/lib/libcurl.so"))), True),
    ("family:other", event(), True),
    ("family:javascript,other", event(), True),
    ("family:all", event(), True),
    ("family:native", event(platform="cocoa"), True),
    ("family:javascript", event(platform="node"), True),
    ("family:native", event(), False),
    ("app:yes stack.function:assert", event(error(frame("assert"))), True),
    ("app:yes stack.function:assert", event(error(frame("assert", in_app=False))), False),
    ("app:no stack.function:assert", event(error(frame("assert", in_app=None))), True),
    ("sdk:sentry.python", event(sdk={"name": "sentry.python.fastapi"}), True),
    ("sdk:sentry.python.fastapi", event(sdk={"name": "sentry.python.fastapi"}), True),
    ("sdk:sentry.javascript", event(sdk={"name": "sentry.python"}), False),
    ("release:shop@1.*", event(release="shop@1.2.3"), True),
    ("!error.type:ShopError", event(error(type="ShopError")), False),
    ("!error.type:ShopError", event(error(type="OtherError")), True),
    ("!error.type:ShopError", event(message="no exception at all"), False),
    # Frame matchers must hit the same frame, exception matchers the same exception.
    ("stack.function:connect stack.module:bot", event(error(frame("connect", module="bot"))), True),
    (
        "stack.function:connect stack.module:bot",
        event(error(frame("connect"), frame("x", module="bot"))),
        False,
    ),
    ("error.type:A error.value:b", event(error(type="A", value="a"), error(type="B", value="b")), False),
    (
        "stack.function:connect error.type:ConnectionError",
        event(error(frame("connect"), type="ConnectionError")),
        True,
    ),
    (
        "stack.function:connect error.type:ConnectionError",
        event(error(frame(), type="ConnectionError")),
        False,
    ),
    ("stack.function:save !stack.module:shop.*", event(error(frame(), library("save"))), True),
    (r"error.value:\[a\]\*", event(error(value="[a]*")), True),
    (r'error.value:"say \"hi\" \{x\}"', event(error(value='say "hi" {x}')), True),
    ("error.value:" + "a" * 300, event(error(value="a" * 300)), True),
]


@pytest.mark.parametrize(("matchers", "data", "expected"), MATCHES)
def test_matchers(matchers: str, data: dict[str, Any], expected: bool) -> None:
    """Every matcher as documented: case, globs, negation, aliases, and what must hold together."""
    found = grouped(data, f"{matchers} -> hit")
    assert (found.variant == "fingerprint-rule") is expected
    if expected:
        assert why(found, "rule") == ["line 1"]


def test_the_first_rule_decides() -> None:
    """Sentry's own example: two types are one group, and a value is one group per transaction."""
    rules = """
# everything that means the database is away
error.type:DatabaseUnavailable -> system-down
error.type:ConnectionError -> system-down
error.value:"connection error: *" -> connection-error, {{ transaction }}
"""
    away = event(error(frame("one"), type="DatabaseUnavailable"))
    gone = event(error(frame("two"), type="ConnectionError", value="connection error: x"))
    assert together(away, gone, fingerprint_rules=rules)
    at = [
        event(error(value="connection error: 5"), transaction=name)
        for name in ("/api/users/foo/", "/api/events/foo/")
    ]
    assert not together(*at, fingerprint_rules=rules)
    assert together(
        at[0],
        event(error(frame(), value="Connection error: 6"), transaction="/api/users/foo/"),
        fingerprint_rules=rules,
    )


def test_a_rule_overrides_the_sdk_and_names_the_title() -> None:
    """The fingerprint of the SDK is not looked at; the title is filled in."""
    rules = 'logger:my.package.* level:error -> error-logger, {{ logger }} title="Error from Logger {{ logger }}: {{ message }}"'
    found = grouped(
        event(logger="my.package.io", level="error", message="order 7", fingerprint=["own"]), rules
    )
    assert found.title == "Error from Logger my.package.io: order 7"
    assert found.hashes == grouped(event(fingerprint=["error-logger", "my.package.io"])).hashes
    assert [one.text for one in found.components] == [rules, "error-logger", "my.package.io"]


def test_parts_may_be_quoted_and_stand_without_commas() -> None:
    """Blanks separate as well as commas do; quotes keep blanks."""
    data = event(error())
    expected = grouped(event(fingerprint=["a b", "c", "ShopError"])).hashes
    written = ('"a b", c, {{ error.type }}', '"a b" c {{error.type}}', '"a b",c,{{type}}')
    for parts in written:
        found = grouped(event(error()), f"error.type:* -> {parts}")
        assert found.hashes == expected, parts
    assert grouped(data, "error.type:* -> {{ default }}").hashes == grouped(data).hashes
    assert grouped(data, 'error.type:* -> {{ default }} title="T"').title == "T"


REFUSED = [
    ("error.typ:A -> b", "'error.typ' is not a matcher", "did you mean 'error.type'"),
    ("error.type:A", "has no '->' with a fingerprint after it", "write: error.type:Timeout -> timeouts"),
    ("-> b", "has no matcher before '->'", "write: error.type"),
    ("error.type:A ->", "has no fingerprint after '->'", "write: error.type"),
    ("error.type: -> b", "error.type has no value", "right after the colon: error.type:value"),
    ('error.type:"A -> b', 'the value of error.type has no closing "', 'error.type:"two words"'),
    ("error.type -> b", "'error.type' is not a matcher: it has no ':'", "write: error.type"),
    ("tags.:x -> b", "'tags.' is not a matcher", "did you mean 'tags.NAME'"),
    ("app:maybe -> b", "app:maybe can never match", "allowed: yes, no"),
    (
        "level:waring -> b",
        "level:waring can never match",
        "allowed: fatal, error, warning, info, debug, sample",
    ),
    ("family:python -> b", "family:python can never match", "allowed: javascript, native, other, all"),
    ("[ function:a ] | function:b -> c", "looks at callers or callees", "stack trace rules"),
    ("error.type:A -> {{ transacton }}", "unknown variable 'transacton'", "did you mean 'transaction'"),
    ('error.type:A -> a title="{{ nme }}"', "unknown variable 'nme'", "known names"),
    ('error.type:A -> a color="red"', "unknown attribute 'color'", "allowed: title"),
    ("error.type:A -> {{ x", "cannot read the fingerprint from '{{ x' on", "{{ variables }}"),
]


@pytest.mark.parametrize(("rule", "what", "hint"), REFUSED)
def test_what_is_refused(rule: str, what: str, hint: str) -> None:
    """Each mistake is named with file, line, rule and what is allowed."""
    with pytest.raises(RulesError) as caught:
        GroupingConfig.parse(f"# comment\n\n{rule}", name="rules.txt")
    assert caught.value.where == "rules.txt: fingerprint rules, line 3"
    assert what in caught.value.what
    assert rule in caught.value.what
    assert hint in str(caught.value.hint)


def test_without_a_name_the_kind_of_rules_is_named() -> None:
    """Rules that come from no file are found all the same."""
    with pytest.raises(RulesError, match="^fingerprint rules, line 1: "):
        GroupingConfig.parse("x")


def test_without_the_extra_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library that evaluates Sentry's rules is an extra."""
    monkeypatch.setitem(sys.modules, "sentry_ophio", None)
    with pytest.raises(UsageError) as caught:
        GroupingConfig.parse()
    assert str(caught.value) == (
        "grouping needs sentry-ophio, which is not installed\n  hint: pip install 'pytest-sentry-harness[monitor]'"
    )


POOL = [f"{matchers} -> rule-{number}" for number, (matchers, _, _) in enumerate(MATCHES)]
EVENTS = [data for _, data, _ in MATCHES]


@examples(100)
@given(
    st.lists(st.sampled_from(POOL), max_size=12), st.lists(st.sampled_from(EVENTS), min_size=1, max_size=4)
)
def test_the_index_finds_what_asking_every_rule_finds(rules: list[str], events: list[dict[str, Any]]) -> None:
    """The first rule that matches decides, however it is found, also for events that come again."""
    config = GroupingConfig.parse("\n".join(rules))
    single = {rule: GroupingConfig.parse(rule) for rule in rules}
    for data in [*events, *events]:
        naive = next(
            (rule for rule in rules if group(data, single[rule]).variant == "fingerprint-rule"), None
        )
        found = [one.text for one in group(data, config).components if one.what == "rule"]
        assert found == ([] if naive is None else [naive])


def test_what_the_index_keeps_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound it begins anew."""
    monkeypatch.setattr(rule_index, "KEPT_FRAMES", 3)
    monkeypatch.setattr(rule_index, "KEPT_STACKS", 3)
    config = GroupingConfig.parse("stack.function:f7 -> seven")
    for _ in range(2):
        found = [group(event(error(frame(f"f{n}"))), config).variant for n in range(9)]
        assert [n for n, variant in enumerate(found) if variant == "fingerprint-rule"] == [7]
