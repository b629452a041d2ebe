"""What master and workers say to each other, over Locust's own channel.

A worker *asks* where the run is; the master *tells*. Where the worker cannot read the run's folder it asks for the
content instead, and from then on *reports* the lines of its journal, batch by batch; each report is *taken* by the
master or refused. At the end the master asks everybody to *finish*. Locust's channel knows no names and no
keys: whoever reaches the master's port can speak here.
"""

from __future__ import annotations

from typing import Final

ASK: Final = "sentry_harness_ask"
"""Worker to master: ``{"content": bool}``."""
TELL: Final = "sentry_harness_tell"
"""Master to worker: ``{"run_id", "path", "fingerprint"}``, and ``"content"`` when that was asked for."""
REPORT: Final = "sentry_harness_report"
"""Worker to master, at least once a second: ``{"seq": int, "lines": bytes, "last": bool}``; no lines: a sign of life."""
TAKEN: Final = "sentry_harness_taken"
"""Master to worker: ``{"seq": int, "last": bool, "refused": str}``, the last report that was taken."""
FINISH: Final = "sentry_harness_finish"
"""Master to worker: end the users, close the journal, report the rest."""

MOST_BATCH: Final = 256 * 1024
"""Bytes of lines in one report, and so of one line."""
