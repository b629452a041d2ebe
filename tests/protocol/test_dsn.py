"""DSNs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import ProtocolError
from pytest_sentry_harness.protocol.dsn import Dsn, parse_dsn

CASES = [
    ("https://key@sentry.io/1", Dsn("https", "key", None, "sentry.io", None, "", "1")),
    ("http://key:secret@localhost:9000/2", Dsn("http", "key", "secret", "localhost", 9000, "", "2")),
    ("https://key@host/a/b/42", Dsn("https", "key", None, "host", None, "/a/b", "42")),
    ("http://key@[::1]:8000/3", Dsn("http", "key", None, "::1", 8000, "", "3")),
    ("http://key@[fe80::1]/3", Dsn("http", "key", None, "fe80::1", None, "", "3")),
    ("http://key@127.0.0.1:1/my-project", Dsn("http", "key", None, "127.0.0.1", 1, "", "my-project")),
]


@pytest.mark.parametrize(("text", "dsn"), CASES)
def test_parts(text: str, dsn: Dsn) -> None:
    """Each part is found, and writing gives the text back."""
    assert parse_dsn(text) == dsn
    assert str(dsn) == text


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://key@sentry.io/1", "https://sentry.io/api/1/envelope/"),
        ("http://key:secret@h:9/a/b/2", "http://h:9/a/b/api/2/envelope/"),
        ("http://key@[::1]:8000/3", "http://[::1]:8000/api/3/envelope/"),
    ],
)
def test_envelope_url(text: str, url: str) -> None:
    """Where envelopes go, without key and secret."""
    assert parse_dsn(text).envelope_url == url


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://0123456789abcdef:topsecret@h/1", "https://0123***:***@h/1"),
        ("https://shortkey@h:1/x/1", "https://***@h:1/x/1"),
    ],
)
def test_redacted(text: str, shown: str) -> None:
    """Logs never show a whole key, nor anything of a secret."""
    assert parse_dsn(text).redacted == shown


def test_forms_that_are_made_canonical() -> None:
    """White space around, an empty secret, and doubled slashes before the project are forgiven."""
    assert str(parse_dsn("  https://key:@h/1\n")) == "https://key@h/1"
    assert str(parse_dsn("https://key@h/a//1")) == "https://key@h/a/1"
    assert str(parse_dsn("HTTPS://key@HOST/1")) == "https://key@host/1"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the scheme must be http or https, got ''"),
        ("ftp://key@h/1", "the scheme must be http or https, got 'ftp'"),
        ("https://h/1", "the public key before the @ is missing"),
        ("https://@h/1", "the public key before the @ is missing"),
        ("https://:secret@h/1", "the public key before the @ is missing"),
        ("https://k:a:b@h/1", "key and secret must be visible ASCII characters without / : @"),
        ("https://kéy@h/1", "key and secret must be visible ASCII characters without / : @"),
        ("https://key@/1", "the host is missing"),
        ("https://key@h%20h/1", "the host 'h%20h' is not valid"),
        ("https://key@h:99999/1", "host or port cannot be read: Port out of range 0-65535"),
        ("https://key@[::1/1", "host or port cannot be read: Invalid IPv6 URL"),
        ("https://key@h", "the project id at the end of the path is missing"),
        ("https://key@h/1/", "the project id at the end of the path is missing"),
        ("https://key@h/a b", "the project id 'a b' is not valid"),
        ("https://key@h/a b/1", "the path must not contain white space"),
        ("https://key@h/1?x=1", "a query or fragment is not allowed"),
        ("https://key@h/1#", "a query or fragment is not allowed"),
    ],
)
def test_refusals(text: str, why: str) -> None:
    """Each wrong part has its own sentence, the expected form is the hint, the key is not repeated."""
    with pytest.raises(ProtocolError) as caught:
        parse_dsn(text)
    assert caught.value.what == f"the DSN is not valid: {why}"
    assert "hint: a DSN looks like http://PUBLIC_KEY@HOST[:PORT][/PATH]/PROJECT_ID" in str(caught.value)


NAMES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,12}", fullmatch=True)
HOSTS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,10}(\.[a-z]{2,5})?", fullmatch=True) | st.ip_addresses().map(str)


@given(
    dsn=st.builds(
        Dsn,
        st.sampled_from(["http", "https"]),
        st.from_regex(r"[!-.0-9;-?A-~]{1,32}", fullmatch=True).filter(lambda k: not set(k) & set("?#[]")),
        st.none() | NAMES,
        HOSTS,
        st.none() | st.integers(0, 65535),
        st.lists(NAMES, max_size=3).map(lambda parts: "".join(f"/{part}" for part in parts)),
        NAMES,
    )
)
def test_round_trip(dsn: Dsn) -> None:
    """Any DSN in canonical form survives writing and reading."""
    assert parse_dsn(str(dsn)) == dsn


@given(st.text(max_size=60) | st.text(max_size=30).map(lambda text: f"http://{text}@h/1"))
def test_any_text(text: str) -> None:
    """Any text is a DSN or a ``ProtocolError``."""
    try:
        dsn = parse_dsn(text)
    except ProtocolError:
        return
    assert parse_dsn(str(dsn)) == dsn
