"""How the harness asks for something: by a file in the folder of the notebooks. Nobody has to listen on anything."""

from __future__ import annotations

import os
import time

from ... import clock

PROBES = "ask-probes"
LAST_WORDS = "ask-last-words"
END = "ask-end"
_LOOK_SECONDS = 0.05


def asked(folder: str, question: str) -> bool:
    """Whether ``question`` has been asked."""
    return os.path.exists(os.path.join(folder, question))


def wait_for(folder: str, question: str, lease: str, seconds: float) -> bool:
    """Wait until ``question`` or ``END`` is asked; False for the latter, after ``seconds``, or without a harness."""
    deadline = clock.monotonic() + seconds
    while clock.monotonic() < deadline and os.path.exists(lease) and not asked(folder, END):
        if asked(folder, question):
            return True
        time.sleep(_LOOK_SECONDS)
    return False
