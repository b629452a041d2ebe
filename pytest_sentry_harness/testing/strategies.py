"""Hypothesis strategies for fault plans: which requests, in which order, meeting which faults.

Everything shrinks: to fewer requests, to fewer faults, to those named first, to the plainest bodies.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from ..errors import UsageError
from ..model.scenario import LinkRule
from . import hostile
from .plan import Plan, Points, Send, faults_at

PLAIN_TERMS: tuple[str, ...] = (
    "raise(RuntimeError('injected'))",
    "raise(TimeoutError)",
    "raise(ValueError('injected'))",
    "raise(KeyError('missing'))",
    "raise(OSError(28, 'No space left on device'))",
    "raise(UnicodeDecodeError('utf-8', b'\\xff', 0, 1, 'invalid start byte'))",
    "raise(MemoryError)",
    "raise(RecursionError('maximum recursion depth exceeded'))",
)
"""Exceptions of the standard library, the plainest first."""
HOSTILE_TERMS: tuple[str, ...] = tuple(f"raise({kind.__module__}.{kind.__name__})" for kind in hostile.ALL)
"""Exceptions that are hard to report: chained, grouped, cyclic, huge, without a text. See ``testing.hostile``."""
QUIET_TERMS: tuple[str, ...] = ("return(None)", "return({})", "sleep(1ms)", "sleep(20ms)")
"""Faults that raise nothing: wrong values, and delays."""
TERMS = PLAIN_TERMS + HOSTILE_TERMS + QUIET_TERMS
"""Everything ``terms`` draws from. A rig must be made with the terms its plans use."""

RIG_SETTINGS = settings(
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=(HealthCheck.too_slow,),
)
"""For tests with a rig: a first request takes its time, and what another process runs cannot be explained by
Hypothesis, though it would play hundreds of plans to try. ``@settings(RIG_SETTINGS, max_examples=500)``."""

_ODD = "äßñ€漢🜚\u0301\u202e\u200d\u0000\x1b\x7f\\\"'%{}<>&;"
_HEADER_NAMES = ("X-Request-Source", "Accept-Language", "X-Note", "User-Agent", "Referer")
_HEADER_VALUE = "".join(char for char in string.printable if char.isprintable())
_MOST_SENDS = 6


def terms(*kinds: str) -> st.SearchStrategy[str]:
    """Fault terms of these kinds (``raise``, ``return``, ``sleep``), or of all.

    Raises ``UsageError`` for a kind there is none of.
    """
    found = [term for term in TERMS if not kinds or term.partition("(")[0] in kinds]
    if not found:
        raise UsageError(f"there are no terms of kind {' or '.join(kinds)}", hint="use raise, return, sleep")
    return st.sampled_from(found)


def json_values() -> st.SearchStrategy[Any]:
    """JSON of any shape, small, with odd text in it."""
    scalars = (
        st.none()
        | st.booleans()
        | st.integers(-(2**70), 2**70)
        | st.floats(allow_nan=False, allow_infinity=False)
        | odd_text()
    )
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_text(), inner, max_size=3),
        max_leaves=6,
    )


def odd_text(max_size: int = 12) -> st.SearchStrategy[str]:
    """Text of letters and of characters that programs stumble over; never lone surrogates."""
    return st.text(
        st.sampled_from(string.ascii_lowercase + _ODD) | st.characters(exclude_categories=["Cs"]),
        max_size=max_size,
    )


def headers() -> st.SearchStrategy[dict[str, str]]:
    """A few headers with values of printable ASCII."""
    value = st.text(_HEADER_VALUE, max_size=20).map(str.strip)
    encoded = odd_text().map(lambda text: quote(text, safe=" "))
    return st.dictionaries(st.sampled_from(_HEADER_NAMES), value | encoded.map(str.strip), max_size=2)


def requests(
    *templates: str,
    json: st.SearchStrategy[Any] | None = None,
    headers: st.SearchStrategy[Mapping[str, str]] | None = None,
    segments: st.SearchStrategy[str] | None = None,
) -> st.SearchStrategy[Send]:
    """Requests without faults. ``templates`` are such as ``"GET /quotes/{}"``; each ``{}`` becomes odd text.

    ``json`` draws the bodies of methods that have one (none without it); ``headers`` the headers; ``segments``
    what takes the place of ``{}``, before it is percent-encoded. Raises ``UsageError`` without a template.
    """
    if not templates:
        raise UsageError("requests() needs a template", hint="write requests('GET /', 'POST /orders')")
    text = odd_text() if segments is None else segments

    @st.composite
    def draw_request(draw: st.DrawFn) -> Send:
        template = draw(st.sampled_from(templates))
        first, *rest = template.split("{}")
        path = first + "".join(quote(draw(text), safe="") + part for part in rest)
        body = None if json is None or path.startswith(("GET ", "HEAD ", "DELETE ")) else draw(json)
        return Send(path, json=body, headers={} if headers is None else dict(draw(headers)))

    return draw_request()


def plans(
    points: Points,
    requests: Sequence[str | Send] | st.SearchStrategy[Send],
    *,
    min_size: int = 1,
    max_size: int = _MOST_SENDS,
    max_faults: int = 2,
    link: st.SearchStrategy[tuple[LinkRule, ...]] | None = None,
) -> st.SearchStrategy[Plan]:
    """Plans of ``min_size`` to ``max_size`` requests, each meeting up to ``max_faults`` of the faults at ``points``
    (of those whose ``on`` fits the request).

    ``requests`` are the requests to choose from, or a strategy for them. ``link`` draws how the link to Sentry
    behaves; well, unless given (a plan with a bad link costs a restart of the target). Raises ``UsageError`` when
    there is nothing to choose from.
    """
    faults = faults_at(points)
    if not faults:
        raise UsageError(
            "plans() needs faults to choose from", hint='write {"shop:charge": ["raise(TimeoutError)"]}'
        )
    sends = _one_of(requests) if isinstance(requests, Sequence) else requests

    @st.composite
    def meeting(draw: st.DrawFn) -> Send:
        send = draw(sends)
        fitting = [fault for fault in faults if fault.fits(send.request)]
        if not fitting:
            return send
        met = draw(st.lists(st.sampled_from(fitting), unique=True, max_size=max_faults))
        return Send(send.request, tuple(met), send.json, send.body, send.headers)

    script = st.lists(meeting(), min_size=min_size, max_size=max_size)
    return st.builds(Plan, script, st.just(()) if link is None else link)


def _one_of(requests: Sequence[str | Send]) -> st.SearchStrategy[Send]:
    if not requests:
        raise UsageError("plans() needs requests to choose from", hint='write requests=["GET /"]')
    return st.sampled_from([Send(each) if isinstance(each, str) else each for each in requests])


def links() -> st.SearchStrategy[tuple[LinkRule, ...]]:
    """Ways for the link to misbehave: limits, refusals, resets, a short outage with recovery."""
    return st.sampled_from(LINKS)


LINKS: tuple[tuple[LinkRule, ...], ...] = (
    (),
    (LinkRule(status=429, headers={"Retry-After": "60"}),),
    (LinkRule(status=429, requests=1),),
    (LinkRule(status=200, headers={"X-Sentry-Rate-Limits": "60:error:organization"}),),
    (LinkRule(status=500, requests=1),),
    (LinkRule(status=503),),
    (LinkRule(reset="before", requests=1),),
    (LinkRule(reset="after"),),
    (LinkRule(truncate=True, requests=1),),
    (LinkRule(delay=0.05),),
)
"""What ``links`` draws from; the first is a link that behaves."""
