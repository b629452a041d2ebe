"""Which versions a run was made with."""

from __future__ import annotations

import platform
from importlib import metadata

from .. import __version__

_LIBRARIES = ("sentry-sdk", "locust", "uvicorn", "wrapt", "pytest", "sentry-ophio")


def versions() -> dict[str, str]:
    """Of the harness, Python, and the libraries that bear on the result."""
    found = {"pytest-sentry-harness": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def platform_name() -> str:
    """Operating system and machine, as in ``Linux-6.1-x86_64``."""
    return f"{platform.system()}-{platform.release()}-{platform.machine()}"
