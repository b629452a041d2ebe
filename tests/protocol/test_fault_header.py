"""The fault header: signed, bounded, and readable with the standard library alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import ProtocolError
from pytest_sentry_harness.protocol.fault_header import Selected, Selection, decode, encode

KEY = "run-key"
SELECTION = Selection("run-1", "ab" * 16, (Selected("db-timeout", "f-1", 0), Selected("slow", "f-2", 3)))


def signed(body: bytes, version: str = "1") -> str:
    """A header with a right signature over any body."""
    text = f"{version};{base64.urlsafe_b64encode(body).decode()}"
    return f"{text};{hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()}"


def test_round_trip() -> None:
    """What was encoded comes back."""
    assert decode(encode(SELECTION, KEY), KEY) == SELECTION


@given(
    run=st.text(max_size=20),
    trace=st.text(max_size=40),
    faults=st.lists(
        st.builds(Selected, st.text(max_size=9), st.text(max_size=9), st.integers(0, 99)), max_size=5
    ),
)
def test_any_selection_round_trips(run: str, trace: str, faults: list[Selected]) -> None:
    """Names of any characters survive, and the value is plain ASCII as a header must be."""
    selection = Selection(run, trace, tuple(faults))
    value = encode(selection, KEY)
    assert value.isascii()
    assert decode(value, KEY) == selection


@pytest.mark.parametrize(
    "value",
    [
        "",
        ";",
        "1;e30=;",
        encode(SELECTION, "another key"),
        encode(SELECTION, KEY)[:-1] + "x",
        "2" + encode(SELECTION, KEY)[1:],
        encode(SELECTION, KEY) + "\udcff",
    ],
)
def test_unsigned_is_refused(value: str) -> None:
    """Nothing is read before the signature fits."""
    with pytest.raises(ProtocolError, match="^fault header is not signed with the key of this run$"):
        decode(value, KEY)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (signed(b'{"r":"a","t":"b","f":[]}', version="2"), "version '2'"),
        (signed(b"not json"), "Expecting value"),
        (signed(b"{}"), "'f'"),
        (signed(b'{"r":"a","t":"b","f":[["x","y"]]}'), "not enough values"),
        (signed(b'{"r":"a","t":"b","f":[["x","y","z"]]}'), "invalid literal"),
        (signed(b'{"r":"a","t":"b","f":5}'), "not iterable"),
    ],
)
def test_malformed_is_refused(value: str, why: str) -> None:
    """A signed header of another shape names what is wrong."""
    with pytest.raises(ProtocolError, match="fault header is not well formed: .*" + why):
        decode(value, KEY)


def test_too_long_is_refused() -> None:
    """A header is bounded before it is hashed."""
    with pytest.raises(ProtocolError, match="fault header is too long"):
        decode("x" * 8193, KEY)


@given(st.text(max_size=200))
def test_random_text_never_passes(text: str) -> None:
    """Random text raises the one documented error."""
    with pytest.raises(ProtocolError):
        decode(text, KEY)


def test_needs_the_standard_library_only() -> None:
    """The agent in a target can import it where nothing else is installed."""
    code = (
        "import sys; import pytest_sentry_harness.protocol.fault_header;"
        "print(sorted({n.partition('.')[0] for n in sys.modules} - set(sys.stdlib_module_names)"
        " - set(sys.builtin_module_names) - before))"
    )
    code = "import sys; before = {n.partition('.')[0] for n in sys.modules};" + code
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "['pytest_sentry_harness']"
