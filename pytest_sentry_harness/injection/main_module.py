"""Arms points in the main program (``__main__:work``), as soon as their functions are defined.

The main program is not imported, so no import hook fires, and it usually defines and runs in one go. So its
module-level lines are followed, and nothing else, until all wanted names are there. From Python 3.12 by
``sys.monitoring``, which costs other code nothing; before by ``sys.settrace``.
"""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType
from typing import Any

from .injector import Injector

_TOOL = "sentry-harness"


def watch(injector: Injector) -> None:
    """Follow the main program if any point waits for it."""
    names = [name for name in _possible_names() if injector.waits_for(name)]
    if not names:
        return
    progress = _Progress(injector, names)
    if sys.version_info >= (3, 12) and _by_monitoring(progress):  # pragma: no cover
        return
    _Tracing(progress).start()


class _Progress:
    """What is still to be armed in the main program."""

    def __init__(self, injector: Injector, names: list[str]) -> None:
        self._injector = injector
        self._names = names
        self._to_come: frozenset[str] = frozenset()

    def begins(self, frame: FrameType) -> bool:
        """Whether ``frame`` is the main program, and worth following."""
        if frame.f_code.co_name != "<module>" or frame.f_globals.get("__name__") != "__main__":
            return False
        spec = frame.f_globals.get("__spec__")
        file = frame.f_globals.get("__file__") or ""
        own = {"__main__", getattr(spec, "name", None), os.path.splitext(os.path.basename(file))[0]}
        self._names = [name for name in self._names if name in own]
        self._to_come = frozenset(frame.f_code.co_names)
        return not self.done()

    def done(self) -> bool:
        """Arm what is defined by now; True when nothing is left that the program's own lines will define."""
        module = sys.modules["__main__"]
        defined = vars(module)
        for name in tuple(self._names):
            if any(parts[0] in defined for parts in self._injector.waits_for(name)):
                self._injector.module_loaded(module, name, partly=True)
            if not any(parts[0] in self._to_come for parts in self._injector.waits_for(name)):
                self._names.remove(name)
        return not self._names

    def failed(self, error: Exception) -> None:
        """Say that the main program could not be followed."""
        self._injector.failed("nothing more can be armed in the main program", error)


def _begins(progress: _Progress, frame: FrameType) -> bool:
    try:
        return progress.begins(frame)
    except Exception as error:  # noqa: BLE001 - the main program must go on
        progress.failed(error)
        return False


def _is_done(progress: _Progress) -> bool:
    try:
        return progress.done()
    except Exception as error:  # noqa: BLE001 - the main program must go on
        progress.failed(error)
        return True


class _Tracing:
    """Follows the main program by ``sys.settrace``; a tracer that is there already (coverage) goes on."""

    def __init__(self, progress: _Progress) -> None:
        self._progress = progress
        self._other: Any = None
        self._own = self._on_call  # one object, to be recognised again

    def start(self) -> None:
        self._other = sys.gettrace()
        sys.settrace(self._own)

    def _on_call(self, frame: FrameType, event: str, argument: Any) -> Any:
        others = self._ask(self._other, frame, event, argument)
        if frame.f_code.co_name != "<module>" or frame.f_globals.get("__name__") != "__main__":
            return others
        if not _begins(self._progress, frame):
            self._stop()
            return others

        def on_line(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal others
            others = self._ask(others, frame, event, argument)
            if event == "return" or _is_done(self._progress):
                self._stop()
                return others
            return on_line

        return on_line

    def _stop(self) -> None:
        # The program may have set a tracer of its own meanwhile: that stays.
        if sys.gettrace() is self._own:
            sys.settrace(self._other)

    def _ask(self, tracer: Any, frame: FrameType, event: str, argument: Any) -> Any:
        if tracer is None:
            return None
        in_place = sys.gettrace() is self._own
        answer = tracer(frame, event, argument)
        if in_place and sys.gettrace() is not self._own:
            sys.settrace(self._own)  # tracers written in C put themselves in place whenever they are called
        return answer


def _by_monitoring(progress: _Progress) -> bool:  # pragma: no cover - Python 3.12 and later
    """Follow the main program by ``sys.monitoring``; False when no tool id is free."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
    tool = next((number for number in range(6) if monitoring.get_tool(number) is None), None)
    if tool is None:
        return False
    monitoring.use_tool_id(tool, _TOOL)
    events = monitoring.events

    def stop() -> None:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)

    def on_start(code: CodeType, _offset: int) -> Any:
        frame = sys._getframe(1)
        if code.co_name != "<module>" or frame.f_globals.get("__name__") != "__main__":
            return monitoring.DISABLE
        monitoring.set_events(tool, 0)
        if _begins(progress, frame):
            monitoring.set_local_events(tool, code, events.LINE)
        else:
            stop()
        return None

    def on_line(code: CodeType, _line: int) -> None:
        if _is_done(progress):
            monitoring.set_local_events(tool, code, 0)
            stop()

    monitoring.register_callback(tool, events.PY_START, on_start)
    monitoring.register_callback(tool, events.LINE, on_line)
    monitoring.set_events(tool, events.PY_START)
    return True


def _possible_names() -> list[str]:
    """Names by which points may mean the main program, guessed from how Python was started."""
    names = {"__main__"}
    for argument in sys.orig_argv[1:]:
        names.update((argument, os.path.splitext(os.path.basename(argument))[0]))
    return sorted(names)
