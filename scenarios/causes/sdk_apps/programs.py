"""Command-line programs that end by an error nobody catches: the last thing that happens to them is what has to be reported."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration

PROGRAMS = 4
DEFECT = os.environ.get("DEFECT", "")
OPTIONS: dict[str, dict[str, Any]] = {
    "excepthook_disabled": {"disabled_integrations": [ExcepthookIntegration]},
    "no_defaults": {"default_integrations": False, "integrations": [AtexitIntegration()]},
}


def convert() -> None:
    """What the program is for: the fault point."""


def look_ahead() -> None:
    """What it does beside, in a thread: another fault point."""


def say_sorry(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """A friendly last word, in place of the SDK's hook: the defect."""
    print(f"sorry: {kind.__name__}", file=sys.stderr)


def program() -> None:
    """One of the programs."""
    sentry_sdk.init(release="programs@1", **OPTIONS.get(DEFECT, {}))
    if DEFECT == "excepthook_replaced":
        sys.excepthook = say_sorry
    thread = threading.Thread(target=look_ahead)
    thread.start()
    thread.join()
    convert()


def main() -> None:
    """Run the programs, two at a time."""
    for _ in range(0, PROGRAMS, 2):
        pair = [subprocess.Popen([sys.executable, "-m", __spec__.name, "one"]) for _ in range(2)]
        for each in pair:
            each.wait()


if __name__ == "__main__":
    program() if sys.argv[1:] else main()
