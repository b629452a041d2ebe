"""Where the application called, as text: the innermost frame that is neither the SDK's nor the harness's."""

from __future__ import annotations

import os
import sys
from types import FrameType

_OWN = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
_REFERENCE = os.path.join(_OWN, "reference") + os.sep


def calling_place() -> str | None:
    """``file:line`` of the caller."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        file = frame.f_code.co_filename
        own = file.startswith(_OWN) and not file.startswith(_REFERENCE)
        if not (module.partition(".")[0] == "sentry_sdk" or own):
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return None
