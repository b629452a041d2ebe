"""Reports of browsers."""

from __future__ import annotations

import json

import pytest

from pytest_sentry_harness.protocol.security import MEDIA_TYPES, parse_nel, parse_security

CSP = b'{"csp-report":{"document-uri":"http://x"}}'


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_media_types(media_type: str) -> None:
    """Each documented media type, with parameters and in any case."""
    (item,) = parse_security(CSP, media_type.upper() + "; charset=utf-8")
    assert item.type == "raw_security"
    assert json.loads(item.payload) == json.loads(CSP)


@pytest.mark.parametrize(
    "body",
    [
        b'{"expect-ct-report":{}}',
        b'{"expect-staple-report":{}}',
        b'{"known-pins":[],"hostname":"x"}',
        b'{"type":"csp-violation","body":{}}',
    ],
)
def test_kinds(body: bytes) -> None:
    """Every kind of report is taken."""
    assert len(parse_security(body, "application/json")) == 1


def test_several_reports_and_query() -> None:
    """The Reporting API sends lists; release and environment of the query are in every item's headers."""
    items = parse_security(
        b'[{"type":"csp-violation","body":{"a":1}},{"type":"csp-violation","body":{"a":2}}]',
        "application/reports+json",
        "sentry_key=k&sentry_release=shop%401&sentry_environment=test&other=x",
    )
    assert [json.loads(item.payload)["body"]["a"] for item in items] == [1, 2]
    assert all(item.headers == {"sentry_release": "shop@1", "sentry_environment": "test"} for item in items)


def test_network_errors() -> None:
    """Network error logging has an endpoint of its own."""
    items = parse_nel(b'[{"type":"network-error","body":{}}]', "application/reports+json")
    assert [item.type for item in items] == ["nel"]


def test_numbers_beyond_64_bits() -> None:
    """A report is passed on whatever numbers it holds."""
    (item,) = parse_security(b'{"csp-report":{"n":%d}}' % (2**70), "application/json")
    assert json.loads(item.payload) == {"csp-report": {"n": 2**70}}
