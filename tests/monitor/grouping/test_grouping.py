"""The documented order, hashes, title and culprit; and payloads that are none."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.monitor.grouping import CONFIG_ID, GroupingConfig, group
from tests.examples import examples

from .building import contributing, error, event, frame, grouped, library, together, why

CONFIG = GroupingConfig.parse()


def thread(*frames: dict[str, Any], **flags: bool) -> dict[str, Any]:
    return {"stacktrace": {"frames": list(frames)}, **flags}


def md5(*values: str) -> str:
    return hashlib.md5("".join(values).encode()).hexdigest()


def test_the_order() -> None:
    """What is documented first decides as long as it is there."""
    data = event(
        error(frame()),
        checksum="a" * 32,
        fingerprint=["own"],
        threads={"values": [thread(frame("t"))]},
        stacktrace={"frames": [frame("s")]},
        logentry={"message": "order %s is lost", "params": [7], "formatted": "order 7 is lost"},
    )
    expected = [
        ("checksum", "a" * 32, "checksum"),
        ("fingerprint", md5("own"), "custom-fingerprint"),
        ("exception", md5("ShopError", "shop.orders", "save", "save(order)"), "app"),
        ("threads", md5("shop.orders", "t", "t(order)"), "app"),
        ("stacktrace", md5("shop.orders", "s", "s(order)"), "app"),
        ("logentry", md5("order %s is lost"), "message"),
    ]
    for key, hashed, variant in expected:
        found = group(data, CONFIG)
        assert (found.hashes[0], found.variant) == (hashed, variant)
        del data[key]
    assert (group(data, CONFIG).hashes, group(data, CONFIG).variant) == ((md5(),), "fallback")
    assert why(group(data, CONFIG), "message") == ["nothing is known that could tell it from others"]


def test_hashes_as_sentry_publishes_them() -> None:
    """The hashes of small events under the pinned configuration, from the expectations of Sentry's own test-suite."""
    inner = {"filename": "foo/baz.py", "lineno": 1}
    chain = [
        error({**inner, "in_app": flag}, type="ValueError", value="hello world") for flag in (True, False)
    ]
    aggregate = {
        "type": "System.AggregateException",
        "value": "One or more errors occurred.",
        "is_exception_group": True,
    }
    nested = [
        error(type="MyApp.BeansException", value="Test 2", exception_id=3, parent_id=1),
        error(type="MyApp.CoolException", value="Test 1", exception_id=2, parent_id=1),
        error(**aggregate, exception_id=1, parent_id=0),
        error(**aggregate, exception_id=0),
    ]
    expected: list[tuple[Any, tuple[str, ...]]] = [
        (
            {"platform": "python", "exception": chain},
            ("beb01c07d991f36b9da1e90fc7169ad8", "8c527d091797ca91a535be7b461e5059"),
        ),
        (event(*nested), ("fca0fd23f09e8da4481304ef2a531100",)),
        (event(error(type=None, value="hello world")), ("5eb63bbbe01eeed093cb22bb8f5acdc3",)),
        ({"logentry": {"formatted": "Hello there world!"}}, ("329b29efcf1f77067a063e34f56e7791",)),
    ]
    for data, hashes in expected:
        assert grouped(data).hashes == hashes


def test_a_checksum_that_is_no_hash_is_hashed() -> None:
    """Only 32 hexadecimal digits are taken as they are."""
    found = grouped(event(checksum="release-7"))
    assert (found.hashes, found.variant) == ((md5("release-7"),), "checksum")
    assert why(found, "fingerprint") == ["checksum, hashed: it is not 32 hex digits"]


def test_the_thread_that_decides() -> None:
    """The one that crashed, the one that was running, or the only one; else none does."""
    a, b = thread(frame("a")), thread(frame("b"))
    of_a = grouped(event(threads=[a])).hashes
    assert grouped(event(threads={"values": [{**a, "crashed": True}, b]})).hashes == of_a
    assert grouped(event(threads={"values": [{**a, "current": True}, b]})).hashes == of_a
    assert grouped(event(threads={"values": [a, b]}, message="m")).variant == "message"
    assert grouped(event(threads={"values": [{"current": True}]}, message="m")).variant == "message"


def test_messages() -> None:
    """The template decides where there is one; otherwise the text, parameterised."""
    assert together(
        *(
            event(logentry={"message": "user %s", "params": [name], "formatted": f"user {name}"})
            for name in ("Ann", "Bob")
        )
    )
    assert together(*(event(message=f"order {n} is lost") for n in (1, 2)))
    assert not together(*(event(message=f"user {name}") for name in ("Ann", "Bob")))
    found = grouped(event(message={"message": "user {}", "params": ["Ann"]}))
    assert (found.title, contributing(found, "message")) == ("user Ann", ["user {}"])
    assert why(found, "message") == ["the template of the message"]
    assert grouped(event(message="order 7")).components[0].why == "parameterised"
    assert contributing(grouped(event(message="  \n ")), "message") == ["..."]


TITLES: list[tuple[dict[str, Any], str, str]] = [
    (event(error(frame(), library())), "ShopError: order 7 is lost", "shop.orders in save"),
    (event(error(library())), "ShopError: order 7 is lost", "sqlalchemy.engine in execute"),
    (event(error(frame(), value="one\ntwo")), "ShopError: one", "shop.orders in save"),
    (event(error(frame(), value=""), transaction="/orders"), "ShopError", "/orders"),
    (event(error(type=None, value="lost"), culprit="x"), "Error: lost", "x"),
    (event(error(frame(module=None))), "ShopError: order 7 is lost", "shop/orders.py in save"),
    (event(error(frame(module=None, filename=None))), "ShopError: order 7 is lost", ""),
    (
        event(error(frame(), platform=None), platform="javascript"),
        "ShopError: order 7 is lost",
        "save(shop.orders)",
    ),
    (event(error(frame(platform="native"))), "ShopError: order 7 is lost", "save"),
    (
        event(error(), request={"url": "https://example.com/a"}),
        "ShopError: order 7 is lost",
        "https://example.com/a",
    ),
    (event(message="one\ntwo"), "one", ""),
    (event(message="x" * 300), "x" * 253 + "...", ""),
    (event(), "<unlabeled event>", ""),
    (event(error(frame(module="m" * 300))), "ShopError: order 7 is lost", "m" * 197 + "..."),
]


@pytest.mark.parametrize(("data", "title", "culprit"), TITLES)
def test_title_and_culprit(data: dict[str, Any], title: str, culprit: str) -> None:
    """As Sentry shows them in its list of issues."""
    found = grouped(data)
    assert (found.title, found.culprit) == (title, culprit)


def test_the_configuration_names_itself() -> None:
    """Every report can say what was followed."""
    assert CONFIG.id == CONFIG_ID == "newstyle:2026-01-20"
    assert str(CONFIG) == "newstyle:2026-01-20 (subset)"
    ruled = GroupingConfig.parse("error.type:A -> a\nerror.type:B -> b", "function:a -app")
    assert str(ruled) == "newstyle:2026-01-20 (subset) with 2 fingerprint rules and 1 stack trace rule"


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
_KEYS = (
    "exception values type value mechanism exception_id parent_id is_exception_group synthetic stacktrace frames function "
    "module filename abs_path context_line in_app lineno platform threads crashed current logentry message formatted params "
    "tags fingerprint checksum level logger transaction culprit request url sdk name release user id"
)
KEYS = st.sampled_from(_KEYS.split())
HOSTILE = st.recursive(
    LEAVES | st.just("{{ default }}") | st.just("javascript"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "exception": HOSTILE
        | st.fixed_dictionaries({"values": st.lists(st.dictionaries(KEYS, HOSTILE, max_size=6), max_size=4)}),
        "threads": HOSTILE,
        "stacktrace": HOSTILE
        | st.fixed_dictionaries({"frames": st.lists(st.dictionaries(KEYS, HOSTILE, max_size=6))}),
        "logentry": HOSTILE,
        "message": HOSTILE,
        "tags": HOSTILE,
        "fingerprint": HOSTILE | st.lists(LEAVES | st.just("{{ tags.a }}") | st.just("{{ default }}")),
        "checksum": HOSTILE,
        "platform": HOSTILE,
        "level": HOSTILE,
        "logger": HOSTILE,
        "transaction": HOSTILE,
        "request": HOSTILE,
        "sdk": HOSTILE,
        "release": HOSTILE,
    },
)
RULED = GroupingConfig.parse(
    'error.type:a* stack.function:* !tags.x:y -> {{ default }}, {{ message }} title="{{ stack.package }}"\n'
    "message:*b level:* release:** sdk:x,y -> {{ transaction }}",
    "error.value:*x path:** -app\nfunction:a | [ app:yes ] +group max-frames=2",
)


@examples(300)
@given(HOSTILE | FIELDS)
def test_any_payload_is_grouped(data: Any) -> None:
    """Whatever is in it, an event has hashes, always the same ones, and a title."""
    for config in (CONFIG, RULED):
        found = group(data, config)
        assert found.hashes
        assert all(len(one) == 32 and set(one) <= set("0123456789abcdef") for one in found.hashes)
        assert found.title
        assert group(data, config) == found


@pytest.mark.parametrize(
    "data", [None, [], "text", 7, {"exception": {"values": None}}, {"exception": {}}, {"exception": "x"}]
)
def test_what_is_no_event_falls_back(data: Any) -> None:
    """Not even an object is needed."""
    assert grouped(data).variant == "fallback"


def test_lone_surrogates_are_hashed() -> None:
    """Text that is not Unicode comes out of lenient decoders."""
    data = event(error(frame("\ud800", abs_path="\udfff"), type="\ud800"), tags={"a": "\udc00"})
    assert grouped(data, "tags.a:* -> x", "function:x -app").variant == "fingerprint-rule"
    assert grouped(data).variant == "app"


def test_megabytes_cost_little() -> None:
    """Only the newest frames and exceptions, and the beginning of texts, are looked at."""
    data = event(*[error(frame(f"f{n}"), value="x" * 1000) for n in range(2000)], message="y" * 5_000_000)
    found = grouped(data)
    assert len(contributing(found, "type")) == 200
    deep = grouped(event(error(*[frame(f"f{n}") for n in range(20_000)])))
    assert len([one for one in deep.components if one.what == "frame"]) == 1000
