"""Fingerprints of the SDK, and the variables in them."""

from __future__ import annotations

from typing import Any

import pytest

from .building import contributing, error, event, frame, grouped, library, together, why

FULL = event(
    error(type="KeyError", value="'a'"),
    error(
        frame("handle"),
        frame("save", package="/usr/lib/libshop.so", filename="shop/o.py"),
        library(),
        value="order 7 is lost",
    ),
    transaction="/orders",
    level="warning",
    logger="shop",
    tags={"team": "core", "empty": ""},
)
VARIABLES = [
    ("transaction", "/orders", "<no-transaction>"),
    ("message", "order <int> is lost", "<no-message>"),
    ("error.type", "ShopError", "<no-type>"),
    ("type", "ShopError", "<no-type>"),
    ("error.value", "order 7 is lost", "<no-value>"),
    ("value", "order 7 is lost", "<no-value>"),
    ("stack.function", "save", "<no-function>"),
    ("function", "save", "<no-function>"),
    ("stack.abs_path", "/app/shop/orders.py", "<no-abs-path>"),
    ("path", "/app/shop/orders.py", "<no-abs-path>"),
    ("stack.filename", "shop/o.py", "<no-filename>"),
    ("stack.module", "shop.orders", "<no-module>"),
    ("module", "shop.orders", "<no-module>"),
    ("stack.package", "libshop.so", "<no-package>"),
    ("package", "libshop.so", "<no-package>"),
    ("level", "warning", "<no-level>"),
    ("logger", "shop", "<no-logger>"),
    ("tags.team", "core", "<no-value-for-tag-team>"),
    ("unheard", "<unrecognized-variable-unheard>", "<unrecognized-variable-unheard>"),
]


@pytest.mark.parametrize(("name", "value", "missing"), VARIABLES)
def test_variables_are_filled_in(name: str, value: str, missing: str) -> None:
    """Each has its value, and its own text when the event has none."""
    for data, expected in ((FULL, value), (event(), missing)):
        for written in (f"{{{{ {name} }}}}", f"{{{{{name}}}}}", f"{{{{   {name}  }}}}"):
            found = grouped({**data, "fingerprint": ["x", written]})
            assert contributing(found, "fingerprint") == ["x", expected]
            assert why(found, "fingerprint") == ["", f"from {written}"]
            assert found.variant == "custom-fingerprint"


def test_an_empty_tag_is_missing() -> None:
    """What is there but empty counts as missing."""
    assert contributing(grouped({**FULL, "fingerprint": ["{{ tags.empty }}"]}), "fingerprint") == [
        "<no-value-for-tag-empty>"
    ]


def test_a_frame_outside_of_the_application_when_there_is_no_other() -> None:
    """The crashing frame is the newest in-app one, else the newest."""
    data = event(error(library("connect"), library("send")), fingerprint=["{{ function }}"])
    assert contributing(grouped(data), "fingerprint") == ["send"]


@pytest.mark.parametrize(
    "fingerprint", [[], None, "text", {"a": 1}, ["{{ default }}"], ["{{default}}"], [None]]
)
def test_no_fingerprint_and_the_default_are_the_same(fingerprint: Any) -> None:
    """A fingerprint that is none, or only the default, changes nothing."""
    data = event(error(frame()))
    assert grouped({**data, "fingerprint": fingerprint}) == grouped(data)


def test_the_default_can_be_refined() -> None:
    """With the default among the parts, both count, for each variant of the stack trace."""
    one = event(error(frame(), library()), fingerprint=["{{ default }}", "tenant-1"])
    assert len(grouped(one).hashes) == 2
    assert contributing(grouped(one), "type") == ["ShopError"]
    assert not together(one, {**one, "fingerprint": ["{{ default }}", "tenant-2"]})
    assert not together(one, event(error(frame("other")), fingerprint=["{{ default }}", "tenant-1"]))
    assert together(one, event(error(frame(), library("other")), fingerprint=["{{ default }}", "tenant-1"]))
    assert (
        grouped(event(fingerprint=["{{ default }}", "alone"])).hashes
        == grouped(event(fingerprint=["alone"])).hashes
    )


def test_the_text_of_the_error_means_its_kind() -> None:
    """A part that is the text of the event is parameterised; an id in any other text is not."""
    lost = [event(error(value=f"order {n} is lost"), fingerprint=[f"order {n} is lost"]) for n in (1, 2)]
    assert together(*lost)
    assert why(grouped(lost[0]), "fingerprint") == ["the text of the event, parameterised"]
    assert not together(*(event(error(), fingerprint=[f"order-{n}"]) for n in (1, 2)))


def test_numbers_in_a_fingerprint_count_as_text() -> None:
    """SDKs may send primitive values."""
    assert together(event(fingerprint=["a", 5]), event(fingerprint=["a", "5"]))
