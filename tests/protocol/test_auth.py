"""Credentials of a request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import ProtocolError
from pytest_sentry_harness.protocol.auth import Credentials, parse_auth

from .outcome import refusal

KEY = "0123456789abcdef0123456789abcdef"
SDK = (f"Sentry sentry_key={KEY}, sentry_version=7, sentry_client=sentry.python/2.75.0").encode()


@pytest.mark.parametrize(
    ("value", "version", "client"),
    [
        (SDK, "7", "sentry.python/2.75.0"),
        (f"Sentry sentry_version=7,sentry_key={KEY}".encode(), "7", None),
        (f"sentry  sentry_key = {KEY} ,  sentry_version = 5".encode(), "5", None),
        (f"SENTRY SENTRY_KEY={KEY}".encode(), "7", None),
        (
            f"Sentry sentry_key={KEY}, sentry_secret=abc, sentry_timestamp=1.5, other=x, flag".encode(),
            "7",
            None,
        ),
        (
            f"  Sentry sentry_client=my client (x; y)/1=2,sentry_key={KEY},".encode(),
            "7",
            "my client (x; y)/1=2",
        ),
        (f"Sentry sentry_key={KEY},sentry_client=,sentry_version=".encode(), "7", None),
    ],
)
@pytest.mark.parametrize("name", [b"X-Sentry-Auth", b"x-sentry-auth", b"authorization"])
def test_header(name: bytes, value: bytes, version: str, client: str | None) -> None:
    """Both headers take the pairs in any order and spacing; secret, timestamp and unknown keys are ignored."""
    found = parse_auth([(b"host", b"h"), (name, value)], "")
    assert found == Credentials(KEY, version, client, name.decode().lower())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "version", "client"),
    [
        (f"sentry_key={KEY}", "7", None),
        (
            f"sentry_version=7&sentry_key={KEY}&sentry_client=sentry.javascript.browser%2F9.1",
            "7",
            "sentry.javascript.browser/9.1",
        ),
        (f"a=b&sentry_key={KEY}&sentry_secret=x&sentry_release=1", "7", None),
    ],
)
def test_query(query: str, version: str, client: str | None) -> None:
    """Browsers send the pairs in the query, percent-encoded."""
    assert parse_auth([], query) == Credentials(KEY, version, client, "query")


def test_mapping() -> None:
    """A mapping of text, as tests and clients have it, is taken as well."""
    found = parse_auth({"X-Sentry-Auth": SDK.decode(), "Accept": "*/*"}, "")
    assert found is not None
    assert found.key == KEY


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ([], ""),
        ([(b"authorization", b"Bearer abc")], ""),
        ([(b"authorization", b"Basic YTpi")], "sentry_version=7&x_sentry_key=1"),
        ([(b"authorization", b"")], "&&=&sentry_data=abc"),
    ],
)
def test_none(headers: list[tuple[bytes, bytes]], query: str) -> None:
    """No credential is not an error here: the envelope may bring a DSN."""
    assert parse_auth(headers, query) is None


@pytest.mark.parametrize(
    ("headers", "query", "sources"),
    [
        ([(b"x-sentry-auth", SDK), (b"authorization", SDK)], "", ("x-sentry-auth", "authorization")),
        ([(b"x-sentry-auth", SDK), (b"X-Sentry-Auth", SDK)], "", ("x-sentry-auth", "x-sentry-auth")),
        ([(b"x-sentry-auth", SDK)], f"sentry_key={KEY}", ("x-sentry-auth", "query")),
        ([], f"sentry_key={KEY}&sentry_key={KEY}", ("query", "query")),
    ],
)
def test_two_credentials(headers: list[tuple[bytes, bytes]], query: str, sources: tuple[str, ...]) -> None:
    """Two credentials are refused with 401 even when they are equal, and the causes name where they stood."""
    with pytest.raises(ProtocolError) as caught:
        parse_auth(headers, query)
    assert caught.value.status == 401
    assert caught.value.what == "multiple authorization payloads"
    assert caught.value.causes == tuple(f"credentials came from {source}" for source in sources)


@given(
    value=st.binary(max_size=80), query=st.text(max_size=40).map("sentry_key".__add__) | st.text(max_size=40)
)
def test_any_bytes(value: bytes, query: str) -> None:
    """Any header and query give credentials, None, or a 401."""
    for headers in ([(b"x-sentry-auth", value)], [(b"authorization", b"Sentry " + value)], []):
        error = refusal(lambda headers=headers: parse_auth(headers, query))  # type: ignore[misc]
        assert error is None or error.status == 401
