"""Keep the lease renewed while the harness lives; without it, the agent disarms everything."""

from __future__ import annotations

import threading
from pathlib import Path

from ..injection.lease import renew

_EVERY = 1.0
"""Seconds between renewals; a lease lasts ten times as long."""


class Lease:
    """A thread that renews ``path`` until the ``with`` block ends; then the lease is gone at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="sentry-harness-lease", daemon=True)

    def __enter__(self) -> Lease:
        renew(self._path)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._path.unlink(missing_ok=True)

    def _keep(self) -> None:
        while not self._stop.wait(_EVERY):
            renew(self._path)
