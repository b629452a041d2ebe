"""Profiles. Sentry developer docs, "Envelope Items: Profile, Profile Chunk" (sample format, versions 1 and 2).

A version 1 profile belongs to one transaction. It is named by ``transaction``; the Python SDK still names it by
the older ``transactions``, a list whose first entry counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import ProtocolError
from .event_fields import seconds_of
from .tolerant import Decoder

_LEAST_SAMPLES = 2


class _Transaction(msgspec.Struct, frozen=True):
    id: str | None = None
    name: str | None = None
    trace_id: str | None = None
    active_thread_id: str | int | None = None


class _Samples(msgspec.Struct, frozen=True):
    samples: list[dict[str, Any]] | None = None
    stacks: list[list[int]] | None = None
    frames: list[dict[str, Any]] | None = None
    thread_metadata: dict[str, Any] | None = None


class _Profile(msgspec.Struct, frozen=True):
    version: str | None = None
    event_id: str | None = None
    profiler_id: str | None = None
    chunk_id: str | None = None
    platform: str | None = None
    release: str | None = None
    environment: str | None = None
    timestamp: str | float | None = None
    transaction: _Transaction | None = None
    transactions: list[_Transaction | None] | None = None
    profile: _Samples | None = None


class ProfileView(msgspec.Struct, frozen=True, kw_only=True):
    """A profile of one transaction (version 1) or a chunk of a continuous one (version 2).

    ``samples`` name a stack by index; ``stacks`` hold indices of ``frames``, leaf first.
    """

    version: str
    profile_id: str
    """``event_id`` of a profile, ``profiler_id`` of a chunk."""
    chunk_id: str | None
    platform: str | None
    release: str | None
    environment: str | None
    transaction_id: str | None
    transaction_name: str | None
    trace_id: str | None
    started: float | None
    """Epoch seconds from which ``elapsed_since_start_ns`` of the samples counts; None in a chunk, whose samples
    have a ``timestamp`` of their own."""
    active_thread_id: str
    """The thread the transaction ran in; empty when that is not said, as in a chunk."""
    threads: dict[str, str]
    """Names of threads by id, as far as they were alive in the end."""
    samples: tuple[dict[str, Any], ...]
    stacks: tuple[tuple[int, ...], ...]
    frames: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]

    def when(self, sample: dict[str, Any]) -> float | None:
        """Epoch seconds at which ``sample`` was taken; None when it does not say so."""
        elapsed = sample.get("elapsed_since_start_ns")
        if self.started is not None and elapsed is not None:
            return self.started + number * 1e-9 if (number := _number(elapsed)) is not None else None
        return _number(sample.get("timestamp"))


_decode = Decoder(_Profile, "the profile")
_decode_chunk = Decoder(_Profile, "the profile chunk")


def profile_view(payload: bytes | memoryview, headers: Mapping[str, Any]) -> ProfileView:
    """The view of a ``profile`` item. Raises ``ProtocolError`` without transaction or with fewer than two samples."""
    wire, notes = _decode(payload)
    causes = [] if wire.version == "1" else [f"version must be '1', got {wire.version!r}"]
    if not wire.event_id:
        causes.append("event_id is missing")
    if not _transaction_of(wire).id:
        causes.append("transaction.id is missing")
    return _checked(wire, wire.event_id or "", causes, notes, "the profile", _LEAST_SAMPLES)


def profile_chunk_view(payload: bytes | memoryview, headers: Mapping[str, Any]) -> ProfileView:
    """The view of a ``profile_chunk`` item. Raises ``ProtocolError`` without its two ids or without samples."""
    wire, notes = _decode_chunk(payload)
    causes = [] if wire.version == "2" else [f"version must be '2', got {wire.version!r}"]
    if not wire.profiler_id:
        causes.append("profiler_id is missing")
    if not wire.chunk_id:
        causes.append("chunk_id is missing")
    return _checked(wire, wire.profiler_id or "", causes, notes, "the profile chunk", 1)


def _checked(
    wire: _Profile, profile_id: str, causes: list[str], notes: tuple[str, ...], what: str, least: int
) -> ProfileView:
    inner = wire.profile or _Samples()
    samples, stacks, frames = inner.samples or [], inner.stacks or [], inner.frames or []
    if len(samples) < least:
        causes.append(f"profile.samples has {len(samples)} entries; at least {least} needed")
    if any(not _is_index(sample.get("stack_id"), stacks) for sample in samples):
        causes.append("profile.samples names a stack that is not there")
    if any(not _is_index(index, frames) for stack in stacks for index in stack):
        causes.append("profile.stacks names a frame that is not there")
    if causes:
        raise ProtocolError(f"{what} is not valid", causes=[*causes, *notes])
    transaction, noted = _transaction_of(wire), list(notes)
    active = transaction.active_thread_id
    return ProfileView(
        version=wire.version or "",
        profile_id=profile_id,
        chunk_id=wire.chunk_id,
        platform=wire.platform,
        release=wire.release,
        environment=wire.environment,
        transaction_id=transaction.id,
        transaction_name=transaction.name,
        trace_id=transaction.trace_id,
        started=seconds_of(wire.timestamp, "timestamp", noted),
        active_thread_id="" if active is None else str(active),
        threads=_threads(inner.thread_metadata or {}),
        samples=tuple(samples),
        stacks=tuple(tuple(stack) for stack in stacks),
        frames=tuple(frames),
        notes=tuple(noted),
    )


def _transaction_of(wire: _Profile) -> _Transaction:
    listed = (each for each in wire.transactions or () if each is not None)
    return wire.transaction or next(listed, _Transaction())


def _threads(metadata: dict[str, Any]) -> dict[str, str]:
    return {
        thread: entry["name"]
        for thread, entry in metadata.items()
        if isinstance(entry, dict) and isinstance(entry.get("name"), str)
    }


def _number(value: Any) -> float | None:
    """A finite number, given as one or as text: the SDK writes nanoseconds as text."""
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _is_index(value: Any, values: list[Any]) -> bool:
    return type(value) is int and 0 <= value < len(values)
