"""How long to wait before the next try: exponential back-off with full jitter.

After Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): a pause drawn evenly from nothing to a bound
that doubles at each try, so that senders which failed together do not come back together.
"""

from __future__ import annotations

from random import Random

from .settings import Retry


def pause(retry: Retry, attempt: int, seed: str, asked: float | None = None) -> float:
    """Seconds to wait after ``attempt`` (from 1) failed; the same for the same ``seed``.

    ``asked``: what the receiver asked for (``Retry-After``); it is waited for, as long as that is not longer than ``longest``.
    """
    bound = min(retry.longest, retry.first * 2.0 ** min(attempt - 1, 60))
    drawn = Random(f"{seed}:{attempt}").uniform(0.0, bound)
    return max(drawn, min(asked, retry.longest)) if asked is not None and asked > 0 else drawn
