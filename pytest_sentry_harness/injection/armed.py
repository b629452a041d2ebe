"""A function or attribute that is armed: what it is made into, and how to put it back."""

from __future__ import annotations

import types
from dataclasses import dataclass, field
from typing import Any, Literal

from ..model.ledger import Place
from .injected import InjectedExceptions
from .located import Located
from .operations import TimedOperation
from .point import Point, PointFault
from .prologue import def_line, with_prologue
from .recorder import QuietRecorder
from .substitute import substitute


@dataclass(slots=True, eq=False)
class Armed:
    """A function or attribute that is armed, and how to put it back."""

    point: Point
    located: Located
    how: Literal["code", "attribute"]
    original: Any
    patched: Any = None
    operations: list[TimedOperation] = field(default_factory=list)

    @classmethod
    def at(cls, located: Located, recorder: QuietRecorder, exceptions: InjectedExceptions) -> Armed:
        """What is at ``located``, about to be armed."""
        point = Point(recorder, exceptions, _place_of(located))
        if located.function is None:
            return cls(point, located, "attribute", located.found)
        return cls(point, located, "code", located.function.__code__)

    def add(self, parsed: PointFault | TimedOperation) -> None:
        """Let it meet a fault, or be measured, from now on. What it did before it does on when that fails."""
        here: list[Any] = self.point.faults if isinstance(parsed, PointFault) else self.operations
        self.put_back()
        here.append(parsed)
        try:
            self._put_in()
        except BaseException:
            here.remove(parsed)
            if self.point.faults or self.operations:
                self._put_in()
            raise

    def put_back(self) -> None:
        """Undo, unless somebody else has replaced it since: then it is theirs."""
        located = self.located
        if located.function is not None:
            if located.function.__code__ is self.patched:
                located.function.__code__ = self.original
        elif getattr(located.owner, located.name, None) is self.patched:
            setattr(located.owner, located.name, self.original)

    def _put_in(self) -> None:
        function = self.located.function
        if function is None:
            self.patched = substitute(self.located, self.point.hooks(), self._measured)
        else:
            code = with_prologue(self.original, self.point.hooks()) if self.point.faults else self.original
            function.__code__ = self.patched = self._measured(code)

    def _measured(self, code: types.CodeType) -> types.CodeType:
        """``code`` with the clocks around all it does, injected waits included."""
        for operation in self.operations:
            code = operation.put_into(code)
        return code


def _place_of(located: Located) -> Place | None:
    if located.function is None:
        return None
    code = located.function.__code__
    return Place(file=code.co_filename, line=def_line(code), function=code.co_qualname)
