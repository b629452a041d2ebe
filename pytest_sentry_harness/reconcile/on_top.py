"""What profiles have on top: the function of the application's own that was found running most often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ProtocolError
from ..protocol.profiles import ProfileView, profile_chunk_view, profile_view
from .attribution import Seen
from .calls import Call

_READ: dict[str, Callable[[bytes, Mapping[str, Any]], ProfileView]] = {
    "profile": profile_view,
    "profile_chunk": profile_chunk_view,
}

_SLACK = 0.001
"""Seconds that clocks of a chunk and of a transaction may disagree."""


@dataclass(slots=True)
class Samples:
    """The samples of one call, put together over the profile chunks they came in."""

    call: Call
    transaction: Seen
    profiled: bool = False
    """A profile of its transaction arrived."""
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By module and function."""

    @property
    def on_top(self) -> bool:
        """Whether the function of the operation was found running most often."""
        return bool(self.seen) and _is_of(self.call.operation.at, *self.seen.most_common(1)[0][0])

    @property
    def instead(self) -> str:
        """What was on top, for people."""
        if not self.seen:
            return "the profile has no sample of that time"
        module, function = self.seen.most_common(1)[0][0]
        return f"on top is {module}:{function}"


def look_at_profiles(
    profiles: Iterable[tuple[str, bytes]], transactions: Iterable[Seen], wanted: Iterable[Samples]
) -> tuple[list[Seen], int]:
    """Fill ``wanted`` with samples; which of the ``transactions`` have no profile, and how many items nobody can read."""
    of_event: dict[str, list[Samples]] = {}
    of_profiler: dict[str, list[Samples]] = {}
    for samples in wanted:
        of_event.setdefault(samples.transaction.event_id or "", []).append(samples)
        of_profiler.setdefault(samples.transaction.profiler_id or "", []).append(samples)
    events: set[str] = set()
    chunks: dict[str, list[tuple[float, float]]] = {}
    unread = 0
    for item_type, payload in profiles:
        try:
            profile = _READ[item_type](payload, {})
        except ProtocolError:
            unread += 1
            continue
        moments = [moment for each in profile.samples if (moment := profile.when(each)) is not None]
        if item_type == "profile":
            event = (profile.transaction_id or "").replace("-", "").lower()
            events.add(event)
            concerned = of_event.get(event, [])
        elif moments:
            chunks.setdefault(profile.profile_id, []).append((min(moments), max(moments)))
            concerned = of_profiler.get(profile.profile_id, [])
        else:
            continue
        for samples in concerned:
            _take(samples, profile)
    return [each for each in transactions if not _has_profile(each, events, chunks)], unread


def _has_profile(seen: Seen, events: set[str], chunks: dict[str, list[tuple[float, float]]]) -> bool:
    if seen.event_id in events:
        return True
    windows = chunks.get(seen.profiler_id or "", ())
    return any(begin <= seen.end + _SLACK and seen.start <= end + _SLACK for begin, end in windows)


def _take(samples: Samples, profile: ProfileView) -> None:
    """Add the samples of ``profile`` that were taken while the call ran, in its thread."""
    begin, end = samples.call.span
    if profile.version == "1" or any(
        begin <= (profile.when(sample) or 0.0) <= end for sample in profile.samples
    ):
        samples.profiled = True
    threads = _threads_of(profile, samples.call)
    for sample in profile.samples:
        moment = profile.when(sample)
        if moment is None or not begin <= moment <= end:
            continue
        if threads and str(sample.get("thread_id")) not in threads:
            continue
        frame = _innermost(profile, sample)
        if frame is not None:
            name = str(frame.get("module") or frame.get("filename") or "?"), str(frame.get("function") or "?")
            samples.seen[name] += 1


def _threads_of(profile: ProfileView, call: Call) -> Collection[str]:
    """The thread the call ran in, by its name, or else the one the transaction ran in; none: nobody says."""
    named = {thread for thread, name in profile.threads.items() if name == call.thread}
    if len(named) == 1:
        return named
    return {profile.active_thread_id} if profile.active_thread_id else named


def _innermost(profile: ProfileView, sample: dict[str, Any]) -> dict[str, Any] | None:
    """The innermost frame of the application's own; stacks have the innermost first."""
    frames = (profile.frames[index] for index in profile.stacks[sample["stack_id"]])
    return next((frame for frame in frames if frame.get("in_app") is True), None)


def _is_of(at: str, module: str, function: str) -> bool:
    """Whether a frame is of the function ``package.module:Class.method``."""
    wanted, _, name = at.partition(":")
    return module == wanted and (function == name or function == name.rpartition(".")[2])
