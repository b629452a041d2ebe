"""Content encodings of request bodies. Sentry developer docs, "Envelopes: Ingestion" and RFC 9110, section 8.4.

``gzip``, ``deflate`` (zlib-wrapped; raw deflate is tolerated), ``br`` and ``zstd``; an empty value,
``identity`` and the stray ``UTF-8`` mean none. Lists are undone from right to left. The size limit is
enforced while decompressing, so a bomb never comes into being: memory stays near the limit.
"""

from __future__ import annotations

import importlib
import zlib as _stdlib_zlib
from types import ModuleType
from typing import Any, Protocol

from ..errors import ProtocolError

_MOST_CODINGS = 4
_IDENTITY = frozenset({"", "identity", "utf-8"})
_ALIASES = {"x-gzip": "gzip"}
_SUPPORTED = ("br", "deflate", "gzip", "identity", "zstd")
_PIECE = 1 << 20
"""Output is taken in pieces of at most this many bytes by decoders that keep their input."""
_ZSTD_EXPANSION = 1 << 15
"""A zstd block of 4 bytes can stand for 128 KiB, no more (RFC 8878, section 3.1.1.2)."""
_ZSTD_WINDOW = 8 << 20
"""What RFC 8878 recommends every decoder to support; a larger window would only cost memory."""


def _optional(name: str) -> Any:
    """The module, or None when it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


_isal = _optional("isal.isal_zlib")
_zlib: ModuleType = _isal or _stdlib_zlib
_ZLIB_ERRORS: tuple[type[Exception], ...] = (
    (_stdlib_zlib.error, _isal.error) if _isal else (_stdlib_zlib.error,)
)
_brotli = _optional("brotli")
_zstandard = _optional("zstandard")


class Coding(Protocol):
    """One layer of encoding. ``room`` is how many bytes the caller still takes; more is a 413 there."""

    def feed(self, data: bytes, room: int) -> bytes:
        """Output for ``data``: all of it, or at least ``room`` + 1 bytes of it."""
        ...

    def finish(self) -> None:
        """Raises ``ProtocolError`` when the stream is not complete."""
        ...


class _Identity:
    def feed(self, data: bytes, room: int) -> bytes:
        return data

    def finish(self) -> None:
        return None


class _Deflate:
    """gzip and deflate; gzip members may follow each other, zero padding after the last is ignored."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._wbits = 31
        self._decoder: Any = _zlib.decompressobj(31) if name == "gzip" else None
        self._held = b""
        self._touched = False

    def feed(self, data: bytes, room: int) -> bytes:
        if not data:
            return b""
        if self._decoder is None:  # whether the zlib header is there shows in the first two bytes
            data = self._held + data
            if len(data) < 2:
                self._held = data
                return b""
            self._held = b""
            wrapped = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
            self._wbits = 15 if wrapped else -15
            self._decoder = _zlib.decompressobj(self._wbits)
        self._touched = True
        try:
            return self._members(data, room)
        except _ZLIB_ERRORS as error:
            raise _broken(self._name, str(error)) from error

    def _members(self, data: bytes, room: int) -> bytes:
        output: list[bytes] = []
        while data:
            if self._decoder.eof:
                data = self._after_end(data)
                if not data:
                    break
            piece: bytes = self._decoder.decompress(data, room + 1)
            output.append(piece)
            room -= len(piece)
            if room < 0:
                break
            data = self._decoder.unused_data if self._decoder.eof else self._decoder.unconsumed_tail
        return output[0] if len(output) == 1 else b"".join(output)

    def _after_end(self, data: bytes) -> bytes:
        """Begin the next gzip member with ``data``; empty when only padding is left."""
        data = self._held + data
        self._held = b""
        if self._name == "gzip":
            if not data.strip(b"\0"):
                return b""
            if data[:2] == b"\x1f\x8b":
                self._decoder = _zlib.decompressobj(self._wbits)
                return data
            if data == b"\x1f":
                self._held = data
                return b""
        raise _broken(self._name, f"{len(data)} bytes follow the end of the stream")

    def finish(self) -> None:
        if not self._touched or not self._decoder.eof or self._held:
            raise _broken(self._name, "the stream ends early")


class _Brotli:
    def __init__(self) -> None:
        self._decoder = _brotli.Decompressor()

    def feed(self, data: bytes, room: int) -> bytes:
        output: list[bytes] = []
        decoder = self._decoder
        try:
            while True:
                if data and decoder.is_finished():
                    raise _broken("br", f"{len(data)} bytes follow the end of the stream")
                piece: bytes = decoder.process(data, output_buffer_limit=min(room + 1, _PIECE))
                output.append(piece)
                room -= len(piece)
                data = b""
                if room < 0 or decoder.can_accept_more_data() or (not piece and decoder.is_finished()):
                    break
        except _brotli.error as error:
            raise _broken("br", str(error)) from error
        return output[0] if len(output) == 1 else b"".join(output)

    def finish(self) -> None:
        if not self._decoder.is_finished():
            raise _broken("br", "the stream ends early")


class _Zstd:
    """zstd frames, one after the other. Input goes in slices small enough that none can exceed the room."""

    def __init__(self) -> None:
        self._context = _zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._decoder = self._context.decompressobj()
        self._touched = False

    def feed(self, data: bytes, room: int) -> bytes:
        output: list[bytes] = []
        view = memoryview(data)
        try:
            while view and room >= 0:
                if self._decoder.eof:
                    self._decoder = self._context.decompressobj()
                size = max(room // _ZSTD_EXPANSION, 16)
                part, view = view[:size], view[size:]
                self._touched = True
                piece: bytes = self._decoder.decompress(part)
                output.append(piece)
                room -= len(piece)
                if self._decoder.eof and (unused := len(self._decoder.unused_data)):
                    view = memoryview(data)[len(data) - len(view) - unused :]
        except _zstandard.ZstdError as error:
            raise _broken("zstd", str(error)) from error
        return output[0] if len(output) == 1 else b"".join(output)

    def finish(self) -> None:
        if not self._touched or not self._decoder.eof:
            raise _broken("zstd", "the stream ends early")


class Decompressor:
    """Undoes ``Content-Encoding: encoding`` for a body that comes in pieces; ``limit`` bounds the whole output.

    Raises ``ProtocolError``: 415 for an encoding that is unknown or whose module is missing, 400 for a
    broken stream, 413 once the output is larger than ``limit`` bytes.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        self._codings = [_coding(name) for name in reversed(codings(encoding))]
        self._limit = limit
        self._produced = [0] * len(self._codings)

    def feed(self, data: bytes) -> bytes:
        """The output that ``data`` makes available, possibly none."""
        for index, coding in enumerate(self._codings):
            data = coding.feed(data, self._limit - self._produced[index])
            self._produced[index] += len(data)
            if self._produced[index] > self._limit:
                raise too_large(self._limit)
        return data

    def finish(self) -> None:
        """Check that the body is complete. An empty body is complete in every encoding."""
        for coding in self._codings:
            coding.finish()


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo ``encoding`` for a whole body. Errors as ``Decompressor``; without encoding ``body`` itself is returned."""
    if encoding == "gzip" and body:  # what nearly every client sends: one member, one call, no copy
        decoder = _zlib.decompressobj(31)
        try:
            output: bytes = decoder.decompress(body, limit + 1)
        except _ZLIB_ERRORS as error:
            raise _broken("gzip", str(error)) from error
        if len(output) > limit:
            raise too_large(limit)
        if decoder.eof and not decoder.unused_data:
            return output
    decompressor = Decompressor(encoding, limit)
    output = decompressor.feed(body)
    decompressor.finish()
    return output


def codings(encoding: str) -> tuple[str, ...]:
    """The names in a ``Content-Encoding`` value, lower case, in the order applied; one ``identity`` when none.

    Raises ``ProtocolError`` with status 415 for an unknown name, 400 for more than four.
    """
    names = [name.strip().lower() for name in encoding.split(",")]
    names = [_ALIASES.get(name, name) for name in names if name not in _IDENTITY]
    if len(names) > _MOST_CODINGS:
        raise ProtocolError(f"{len(names)} content encodings on top of each other; at most {_MOST_CODINGS}")
    for name in names:
        if name not in _SUPPORTED:
            raise ProtocolError(
                f"content encoding {name[:40]!r} is not supported; known are {', '.join(_SUPPORTED)}",
                status=415,
            )
    return tuple(names) or ("identity",)


def too_large(limit: int) -> ProtocolError:
    """The 413 for a body of more than ``limit`` bytes after decompression."""
    return ProtocolError(f"the body is larger than {limit} bytes after decompression", status=413)


def _coding(name: str) -> Coding:
    if name == "br":
        _require(_brotli, name, "brotli")
        return _Brotli()
    if name == "zstd":
        _require(_zstandard, name, "zstandard")
        return _Zstd()
    return _Identity() if name == "identity" else _Deflate(name)


def _require(module: Any, encoding: str, package: str) -> None:
    if module is None:
        raise ProtocolError(
            f"content encoding {encoding!r} needs the package {package}, which is not installed", status=415
        )


def _broken(name: str, why: str) -> ProtocolError:
    return ProtocolError(f"the {name} body cannot be decompressed: {why}")
