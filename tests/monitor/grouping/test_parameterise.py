"""Messages without what differs from event to event."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.monitor.grouping.parameterise import KINDS, for_grouping, parameterise

CASES = [
    ("mail to jane.doe+shop@example.co.uk bounced", "mail to <email> bounced"),
    ("GET https://api.example.com/v1/orders?id=7#top failed", "GET <url> failed"),
    ("ws://10.0.0.1:8000/socket closed", "<url> closed"),
    ("no address for db.internal.example.com", "no address for <hostname>"),
    ("shop.orders.save failed", "shop.orders.save failed"),
    ("peer 192.168.0.12:5432 gone", "peer <ip>:<int> gone"),
    ("peer fe80::1ff:fe23:4567:890a gone", "peer <ip> gone"),
    ("peer 2001:0db8:0000:0000:0000:ff00:0042:8329 gone", "peer <ip> gone"),
    ("net fd00::/8, mapped ::ffff:10.1.2.3", "net <ip>, mapped <ip>"),
    ("Order::save and Fee::pay", "Order::save and Fee::pay"),
    ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "<traceparent>"),
    ("order 8F14E45F-CEEA-467F-9C3D-1C6A2B8A9F10 lost", "order <uuid> lost"),
    ("blob da39a3ee5e6b4b0d3255bfef95601890afd80709", "blob <sha1>"),
    ("etag d41d8cd98f00b204e9800998ecf8427e", "etag <md5>"),
    ("commit a1b2c3d reverted", "commit <git_sha> reverted"),
    ("<Order object at 0x7f3a2c1b9e80>", "<Order object at <hex>>"),
    ("key deadbeef01 and 12345678 and -12345678", "key <hex> and <hex> and <hex>"),
    ("code 9af8 but not 9af, face or cafe", "code <hex> but not 9af, face or cafe"),
    ("since 2026-01-20T10:11:12.345+01:00 or 2026-01-20", "since <date> or <date>"),
    ("at Tue, 20 Jan 2026 10:11:12 GMT", "at <date>"),
    ("at Tue Jan 20 2026 10:11:12 GMT+0100 (CET)", "at <date>"),
    ("at Tue Jan 20 10:11:12 2026, due Feb 03, 2026", "at <date>, due <date>"),
    ("between 9:30 AM and 23:59:59", "between <date> and <date>"),
    ("datetime.datetime(2026, 1, 20, 10, 11)", "<date>"),
    ("2026-13-40 is none", "<int>-<int>-<int> is none"),
    ("took 250ms, then 1.5s", "took <duration>, then <duration>"),
    ("mac 00:1A:2b:3c:4D:5e", "mac <mac>"),
    ("ratio -0.25 of 3.0", "ratio <float> of <float>"),
    ("order 42, row -7, ORD-3001, http2", "order <int>, row <int>, ORD-<int>, http2"),
    ("name='Jane Doe' note=\"x y\" said 'no'", "name=<quoted_str> note=<quoted_str> said 'no'"),
    ("retry=True dry=false it is true", "retry=<bool> dry=<bool> it is true"),
    ("nothing to see", "nothing to see"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_values_become_their_kind(text: str, expected: str) -> None:
    """Each kind is found, alone and within a sentence."""
    assert parameterise(text) == expected
    assert parameterise(f"well: {text} (sic)") == f"well: {expected} (sic)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one", "one"),
        ("one\ntwo", "one\ntwo"),
        ("one\n\n  \ntwo\nthree", "one\ntwo..."),
        ("one 1\ntwo 2\n", "one <int>\ntwo <int>..."),
        ("", ""),
        ("x" * 9000, "x" * 8192 + "..."),
    ],
)
def test_two_lines_count(text: str, expected: str) -> None:
    """Blank lines are left out, two lines are kept, and what is cut off leaves dots."""
    assert for_grouping(text)[:8192] == expected[:8192]


@pytest.mark.parametrize(
    "hostile",
    [
        "a",
        "a.",
        "1:",
        "::",
        "a@",
        "-1",
        "='",
        "0x",
        "f:",
        "1.1.",
        "2024-01-01T",
        "datetime.datetime(",
        "http://",
        "1 Jan ",
    ],
)
def test_long_texts_cost_little(hostile: str) -> None:
    """No text makes the expressions run away: processor time, as the machine may be busy."""
    began = time.process_time()
    for_grouping(hostile * (200_000 // len(hostile)))
    assert time.process_time() - began < 2


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    """Nothing raises, and what is put in is one of the kinds."""
    added = set(re.findall(r"<[a-z0-9_]+>", parameterise(text))) - set(re.findall(r"<[a-z0-9_]+>", text))
    assert added <= {f"<{kind}>" for kind in KINDS}
