"""Reads off a traceback what became of an exception: where it was stopped, or that it got away.

An exception collects one traceback entry for each frame it reaches, outermost first. So the first
entry is the frame where its journey ended: by a handler there, or because that frame was the last.
Which of the two, tells the instruction at which that frame ended. An exception that was wrapped
(``raise Other from error``) was stopped in the frame that wrapped it.
"""

from __future__ import annotations

import dis
import os
import sys
from dataclasses import dataclass
from types import CodeType, FrameType, TracebackType
from typing import Literal

from ..model.ledger import Place

# Of long tracebacks the ends: frameworks fill the middle.
_OUTER_PLACES = 4
_INNER_PLACES = 16
_OWN_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
_RERAISE = dis.opmap["RERAISE"]
_RAISE = dis.opmap["RAISE_VARARGS"]

# Handlers of last resort in the standard library and in servers: what they stop has left the application.
_LAST_RESORTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("threading", ("_bootstrap_inner",)),
    ("multiprocessing.process", ("_bootstrap",)),
    ("asyncio.events", ("_run",)),
    ("asyncio.base_events", ()),
    ("socketserver", ()),
    ("wsgiref.handlers", ()),
    ("werkzeug.serving", ()),
    ("uvicorn.protocols", ()),
    ("hypercorn", ()),
    ("gunicorn.workers", ()),
    ("gunicorn.asgi", ()),
)


class _Home:
    """The process in which Python knows its threads."""

    pid = os.getpid()

    @classmethod
    def moved(cls) -> None:
        """Python forked, and tidied up in the child."""
        cls.pid = os.getpid()


os.register_at_fork(after_in_child=_Home.moved)


@dataclass(frozen=True, slots=True)
class Ending:
    """Where an exception's journey ended."""

    handling: Literal["caught", "escaped", "unknown"]
    place: Place | None = None
    chain: tuple[Place, ...] = ()


def read_ending(exception: BaseException, *, escaped: bool = False) -> Ending:
    """What became of ``exception``, which was raised, so far. ``escaped``: it was seen leaving the application."""
    traceback = exception.__traceback__
    if traceback is None:
        # It was raised, so somebody has cleared it (Starlette does after an exception handler): it was stopped.
        return Ending("escaped" if escaped else "caught")
    chain = _places(traceback)
    if escaped or _has_escaped(traceback):
        return Ending("escaped", None, chain)
    return Ending("caught", chain[0] if chain else None, chain)


def in_hand(exception: BaseException) -> bool:
    """Whether the frame that stopped ``exception`` goes on."""
    return exception.__traceback__ is not None and _is_running(exception.__traceback__.tb_frame)


def is_own_frame(code: CodeType) -> bool:
    """Whether ``code`` is the agent's."""
    return code.co_filename.startswith(_OWN_FOLDER)


def _places(traceback: TracebackType) -> tuple[Place, ...]:
    places: list[Place] = []
    entry: TracebackType | None = traceback
    while entry is not None:
        code = entry.tb_frame.f_code
        if not is_own_frame(code):
            places.append(Place(file=code.co_filename, line=entry.tb_lineno or 0, function=code.co_qualname))
        entry = entry.tb_next
    if len(places) > _OUTER_PLACES + _INNER_PLACES:
        places[_OUTER_PLACES:-_INNER_PLACES] = []
    return tuple(places)


def _has_escaped(traceback: TracebackType) -> bool:
    frame = traceback.tb_frame
    if is_own_frame(frame.f_code) or _is_last_resort(frame):
        return True
    if _is_running(frame):
        return False
    if frame.f_lasti == traceback.tb_lasti:
        return True  # the frame ended where the exception came in: nothing in it took over
    operation = frame.f_code.co_code[frame.f_lasti] if frame.f_lasti >= 0 else 0
    argument = frame.f_code.co_code[frame.f_lasti + 1] if frame.f_lasti >= 0 else 0
    return operation == _RERAISE or (operation == _RAISE and argument == 0)


def _is_running(frame: FrameType) -> bool:
    """Whether ``frame`` goes on: a worker's loop may be at the very same call again."""
    current: FrameType | None = None
    # A server written in C may fork without Python's knowing: the states of threads that stayed behind are then
    # still listed, and to read their frames crashes.
    running = sys._current_frames() if _Home.pid == os.getpid() else {0: sys._getframe()}
    try:
        while running:
            _, current = running.popitem()
            while current is not None and current is not frame:
                current = current.f_back
            if current is not None:
                return True
        return False
    finally:
        # A frame that refers to itself would keep all below it alive, the exception included.
        running.clear()
        current = None


def _is_last_resort(frame: FrameType) -> bool:
    module = str(frame.f_globals.get("__name__", ""))
    return any(
        (module == name or module.startswith(f"{name}."))
        and (not functions or frame.f_code.co_name in functions)
        for name, functions in _LAST_RESORTS
    )
