"""Content encodings: every one undone, whole and in pieces; broken and hostile streams refused in bounds."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from functools import cache

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import ProtocolError
from pytest_sentry_harness.protocol import encodings
from pytest_sentry_harness.protocol.encodings import Decompressor, codings, decompress

from .outcome import refusal

LIMIT = 1 << 20
TEXT = b'{"message":"hello"}' * 100


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def identity(data: bytes) -> bytes:
    return data


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "DEFLATE ": raw_deflate,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "": identity,
    "identity": identity,
    "UTF-8": identity,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
    "zstd,identity , gzip": lambda data: gzip.compress(zstandard.compress(data)),
}
COMPRESSED = ("gzip", "deflate", "br", "zstd")


@pytest.fixture(params=["isal", "zlib"])
def _each_inflater(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both the fast library and the standard one, which stands in where it is not installed."""
    if request.param == "zlib":
        monkeypatch.setattr(encodings, "_zlib", zlib)


def in_pieces(body: bytes, encoding: str, size: int, limit: int = LIMIT) -> bytes:
    """The streamed result for pieces of ``size`` bytes."""
    decompressor = Decompressor(encoding, limit)
    output = b"".join(decompressor.feed(body[i : i + size]) for i in range(0, len(body), size))
    decompressor.finish()
    return output


@pytest.mark.usefixtures("_each_inflater")
@pytest.mark.parametrize("data", [b"", b"x", TEXT, bytes(range(256)) * 300], ids=len)
@pytest.mark.parametrize("encoding", PACKERS)
def test_round_trip(encoding: str, data: bytes) -> None:
    """Whole, byte by byte, and in uneven pieces: the same bytes come out."""
    body = PACKERS[encoding](data)
    assert decompress(body, encoding, LIMIT) == data
    assert in_pieces(body, encoding, 1) == data
    assert in_pieces(body, encoding, 777) == data


def test_identity_is_no_copy() -> None:
    """A body without encoding is handed through."""
    assert decompress(TEXT, "", LIMIT) is TEXT


@given(data=st.binary(max_size=3000), encoding=st.sampled_from(sorted(PACKERS)), size=st.integers(1, 500))
def test_any_data(data: bytes, encoding: str, size: int) -> None:
    """What was compressed comes back, however it is cut."""
    assert in_pieces(PACKERS[encoding](data), encoding, size) == data


@pytest.mark.usefixtures("_each_inflater")
@pytest.mark.parametrize("encoding", PACKERS)
def test_limit_is_inclusive(encoding: str) -> None:
    """Exactly the limit passes; one byte more is a 413, whole or streamed."""
    body = PACKERS[encoding](TEXT)
    # In lists the limit holds for the inner layer as well, which is never larger here.
    assert decompress(body, encoding, len(TEXT)) == TEXT
    for run in (decompress, lambda b, e, n: in_pieces(b, e, 7, n)):
        with pytest.raises(ProtocolError) as caught:
            run(body, encoding, len(TEXT) - 1)
        assert caught.value.status == 413
        assert caught.value.what == f"the body is larger than {len(TEXT) - 1} bytes after decompression"


@pytest.mark.usefixtures("_each_inflater")
def test_gzip_members_and_padding() -> None:
    """Members one after another are one body, zero padding is ignored, also when cut inside a member's start."""
    body = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0" * 5
    for size in (1, 2, 3, len(body)):
        assert in_pieces(body, "gzip", size) == b"one two"
    assert decompress(body, "gzip", LIMIT) == b"one two"
    with pytest.raises(ProtocolError) as caught:
        decompress(gzip.compress(b"x" * 600) * 2, "gzip", 1000)
    assert caught.value.status == 413


def test_zstd_frames() -> None:
    """zstd frames one after another are one body."""
    body = zstandard.compress(b"one ") + zstandard.compress(b"two")
    assert decompress(body, "zstd", LIMIT) == b"one two"
    assert in_pieces(body, "zstd", 1) == b"one two"


@pytest.mark.usefixtures("_each_inflater")
@pytest.mark.parametrize("encoding", COMPRESSED)
def test_truncated(encoding: str) -> None:
    """A body cut anywhere is a 400 that says so, never a shorter body."""
    body = PACKERS[encoding](TEXT)
    for length in range(len(body)):
        with pytest.raises(ProtocolError) as caught:
            decompress(body[:length], encoding, LIMIT)
        assert caught.value.status == 400
        assert caught.value.what == f"the {encoding} body cannot be decompressed: the stream ends early"


@pytest.mark.usefixtures("_each_inflater")
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
@pytest.mark.parametrize("size", [1, 1000])
def test_trailing_garbage(encoding: str, size: int) -> None:
    """Bytes after the end are refused, not dropped in silence."""
    with pytest.raises(ProtocolError, match=f"the {encoding} body cannot be decompressed: "):
        in_pieces(PACKERS[encoding](TEXT) + b"garbage", encoding, size)


def test_trailing_garbage_is_counted() -> None:
    """The message says how much follows."""
    with pytest.raises(
        ProtocolError, match="gzip body cannot be decompressed: 7 bytes follow the end of the stream"
    ):
        decompress(gzip.compress(TEXT) + b"garbage", "gzip", LIMIT)
    with pytest.raises(ProtocolError, match="the stream ends early"):
        decompress(gzip.compress(TEXT) + b"\x1f", "gzip", LIMIT)
    with pytest.raises(ProtocolError, match="zstd body cannot be decompressed"):
        decompress(zstandard.compress(TEXT) + b"garbage", "zstd", LIMIT)


@pytest.mark.usefixtures("_each_inflater")
@pytest.mark.parametrize("encoding", COMPRESSED)
def test_not_compressed_at_all(encoding: str) -> None:
    """Plain JSON under a compressed name is a 400."""
    with pytest.raises(ProtocolError, match=f"the {encoding} body cannot be decompressed") as caught:
        decompress(TEXT, encoding, LIMIT)
    assert caught.value.status == 400


@pytest.mark.usefixtures("_each_inflater")
def test_wrong_checksum() -> None:
    """A gzip body whose check sum does not fit is refused."""
    body = bytearray(gzip.compress(TEXT))
    body[-6] ^= 0xFF
    with pytest.raises(ProtocolError, match="the gzip body cannot be decompressed"):
        decompress(bytes(body), "gzip", LIMIT)


@pytest.mark.usefixtures("_each_inflater")
@pytest.mark.parametrize("encoding", COMPRESSED)
@pytest.mark.parametrize("streamed", [False, True])
def test_bomb_never_materialises(encoding: str, streamed: bool) -> None:
    """64 MB of zeros behind some kB: refused with 413 while memory stays near the limit."""
    bomb = bombs(encoding)
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError) as caught:
            in_pieces(bomb, encoding, 65536) if streamed else decompress(bomb, encoding, LIMIT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.status == 413
    assert peak < 8 * LIMIT


@cache
def bombs(encoding: str, size: int = 64 << 20) -> bytes:
    """``size`` zeros, compressed in pieces so that the test stays small as well."""
    piece = bytes(1 << 20)
    if encoding in ("gzip", "deflate"):
        packer = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
        return b"".join(packer.compress(piece) for _ in range(size >> 20)) + packer.flush()
    if encoding == "br":
        brotli_packer = brotli.Compressor(quality=1)
        return b"".join(brotli_packer.process(piece) for _ in range(size >> 20)) + brotli_packer.finish()
    zstd_packer = zstandard.ZstdCompressor().compressobj()
    return b"".join(zstd_packer.compress(piece) for _ in range(size >> 20)) + zstd_packer.flush()


def test_layered_bomb() -> None:
    """A bomb inside of another stops at the limit of the layer it explodes in."""
    bomb = gzip.compress(bombs("gzip"))
    with pytest.raises(ProtocolError) as caught:
        decompress(bomb, "gzip, gzip", LIMIT)
    assert caught.value.status == 413


def test_codings() -> None:
    """Names are lower-cased, identities vanish, order stays."""
    assert codings("GZIP , utf-8, Br") == ("gzip", "br")
    assert codings(" , ") == ("identity",)
    assert codings("x-gzip") == ("gzip",)


@pytest.mark.parametrize(
    ("encoding", "status", "message"),
    [
        (
            "lzma",
            415,
            "content encoding 'lzma' is not supported; known are br, deflate, gzip, identity, zstd",
        ),
        (
            "gzip, foo",
            415,
            "content encoding 'foo' is not supported; known are br, deflate, gzip, identity, zstd",
        ),
        ("gzip,gzip,gzip,gzip,gzip", 400, "5 content encodings on top of each other; at most 4"),
    ],
)
def test_unknown(encoding: str, status: int, message: str) -> None:
    """An encoding nobody knows is a 415 that lists the known ones."""
    with pytest.raises(ProtocolError) as caught:
        decompress(b"", encoding, LIMIT)
    assert (caught.value.status, caught.value.what) == (status, message)


@pytest.mark.parametrize(
    ("attribute", "encoding", "package"), [("_brotli", "br", "brotli"), ("_zstandard", "zstd", "zstandard")]
)
def test_missing_package(
    monkeypatch: pytest.MonkeyPatch, attribute: str, encoding: str, package: str
) -> None:
    """Without its package an encoding is refused with the package's name."""
    monkeypatch.setattr(encodings, attribute, None)
    with pytest.raises(ProtocolError) as caught:
        Decompressor(encoding, LIMIT)
    assert caught.value.status == 415
    assert caught.value.what == (
        f"content encoding '{encoding}' needs the package {package}, which is not installed"
    )


def test_optional_module() -> None:
    """What is not installed is None instead of an error at import."""
    assert encodings._optional("no_such_module_at_all") is None


@given(data=st.binary(max_size=300), encoding=st.sampled_from([*COMPRESSED, "gzip, br", ""]))
def test_random_bytes(data: bytes, encoding: str) -> None:
    """Random bytes raise nothing but ``ProtocolError``."""
    error = refusal(lambda: decompress(data, encoding, 10_000))
    assert error is None or error.status in (400, 413)


@given(
    data=st.binary(min_size=1, max_size=2000),
    encoding=st.sampled_from(COMPRESSED),
    place=st.floats(0, 1, exclude_max=True),
    value=st.integers(0, 255),
)
def test_one_changed_byte(data: bytes, encoding: str, place: float, value: int) -> None:
    """A damaged stream raises nothing but ``ProtocolError``."""
    body = bytearray(PACKERS[encoding](data))
    body[int(place * len(body))] = value
    error = refusal(lambda: decompress(bytes(body), encoding, 1 << 16))
    assert error is None or error.status in (400, 413)
