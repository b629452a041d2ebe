"""The lease: a file the harness renews. When it is too old or gone, the agent disarms everything.

It holds one number, the system's monotonic clock at the last renewal, so that a clock set by hand
and a copied file's time stamps mean nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

from .. import clock


def renew(path: str | Path) -> None:
    """Write the present time to ``path``, in one step: no reader sees half of it. For the harness."""
    target = Path(path)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    fresh.write_text(f"{clock.monotonic():.6f}\n", encoding="ascii")
    fresh.replace(target)


def end(path: str | Path) -> None:
    """Take the lease away: agents disarm at their next look."""
    Path(path).unlink(missing_ok=True)


def lapsed(path: str | Path, seconds: float) -> str | None:
    """Why the lease at ``path`` does not hold (any more); None while it does."""
    try:
        renewed = float(Path(path).read_text(encoding="ascii"))
    except OSError as error:
        return f"the lease {path} cannot be read: {error.strerror or error}"
    except ValueError:
        return f"the lease {path} does not hold a time"
    age = clock.monotonic() - renewed
    # A time ahead of ours is from before the machine was restarted.
    if not -1.0 <= age <= seconds:
        return f"the lease {path} was renewed {age:.1f} s ago, and is good for {seconds:g} s"
    return None
