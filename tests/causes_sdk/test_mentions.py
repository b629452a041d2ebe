"""Ids that an event mentions: found where they tell whose data it is, and cheaply."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_sentry_harness.protocol.mentions import mentioned_ids

ID = "0af7651916cd43dd8448eb211c80319c"
OTHER = "b" * 32


def ids(**event: Any) -> tuple[tuple[str, str], ...]:
    return mentioned_ids(json.dumps(event).encode())


@pytest.mark.parametrize("part", ["tags", "user", "contexts", "extra", "request", "breadcrumbs"])
def test_each_part_is_looked_at(part: str) -> None:
    """However deep the id stands in it."""
    assert ids(**{part: {"deep": [{"text": f"visit {ID}-00f067aa0ba902b7-1"}]}}) == ((part, ID),)


def test_other_parts_are_not() -> None:
    """Stack traces hold program text, and the event its own ids."""
    assert ids(event_id=ID, exception={"values": [{"value": ID}]}, logentry={"message": ID}) == ()


def test_only_whole_ids_count() -> None:
    """Longer and shorter runs of hex digits are something else; capital letters do not matter."""
    assert ids(tags={"a": ID[:31], "b": ID + "0", "c": f"{ID}{OTHER}"}) == ()
    assert ids(tags={"a": ID.upper()}, user={"id": OTHER}) == (("tags", ID), ("user", OTHER))


def test_each_is_told_once() -> None:
    """By part."""
    assert ids(tags={"a": ID, "b": ID}, extra={"c": ID}) == (("tags", ID), ("extra", ID))


def test_a_raw_part_may_end_with_the_id() -> None:
    """There need not be anything behind it."""
    assert ids(tags=int("1" * 32)) == (("tags", "1" * 32),)


def test_it_is_bounded() -> None:
    """At most 20 ids, and 64 KiB of a part."""
    assert len(ids(tags={str(number): f"{number:032x}" for number in range(100)})) == 20
    assert ids(extra={"big": "-" * 70_000, "id": ID}) == ()


@pytest.mark.parametrize("payload", [b"", b"not json", b"[]", b'{"tags": ', b"\xff"])
def test_what_is_no_event_mentions_nothing(payload: bytes) -> None:
    """Whatever arrives is stored; here it is only looked at."""
    assert mentioned_ids(payload) == ()
