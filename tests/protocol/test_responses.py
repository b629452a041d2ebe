"""Answers of the ingest endpoints."""

from __future__ import annotations

import json

import pytest

from pytest_sentry_harness.errors import ProtocolError
from pytest_sentry_harness.protocol import responses


def test_success() -> None:
    """The id, or an empty object."""
    assert responses.success_body("ab" * 16) == b'{"id":"' + b"ab" * 16 + b'"}'
    assert responses.success_body(None) == b"{}"


def test_error() -> None:
    """Detail, causes, and the same reason in a header of visible ASCII, however hostile the text."""
    error = ProtocolError("bad é \udcff\r\nx: y" + "z" * 999, causes=["one", "tw\udc00"])
    body = json.loads(responses.error_body(error))
    assert body["detail"].startswith("bad é \\udcff\r\nx: yzz")
    assert body["causes"] == ["one", "tw\\udc00"]
    headers = dict(responses.error_headers(error))
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"x-sentry-error"].startswith(b"bad \\xe9 \\udcff  x: yzz")
    assert len(headers[b"x-sentry-error"]) <= 400


def test_cors() -> None:
    """Browsers may send from anywhere, and read why they were refused."""
    preflight = dict(responses.PREFLIGHT_CORS)
    assert preflight[b"access-control-allow-origin"] == b"*"
    assert preflight[b"access-control-max-age"] == b"3600"
    assert set(preflight[b"access-control-allow-headers"].split(b", ")) == {
        b"x-sentry-auth", b"x-requested-with", b"x-forwarded-for", b"origin", b"referer", b"accept",
        b"content-type", b"authentication", b"authorization", b"content-encoding", b"transfer-encoding",
    }  # fmt: skip
    for headers in (preflight, dict(responses.ANSWER_CORS)):
        assert (
            headers[b"access-control-expose-headers"] == b"x-sentry-error, x-sentry-rate-limits, retry-after"
        )


def test_pixel() -> None:
    """The GIF is one of 1x1 pixels."""
    assert responses.GIF[:10] == b"GIF89a\x01\x00\x01\x00"
    assert responses.GIF[-1:] == b";"
    assert dict(responses.GIF_HEADERS)[b"content-type"] == b"image/gif"


@pytest.mark.parametrize("name", ["ANSWER_CORS", "PREFLIGHT_CORS", "GIF_HEADERS"])
def test_header_names_are_lower_case(name: str) -> None:
    """ASGI wants lower-case names."""
    assert all(key == key.lower() for key, _ in getattr(responses, name))
