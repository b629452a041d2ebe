"""Before anything is measured: the requests that have to be sent once, and the bytes of all others."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ...errors import LoadError
from ...model.overhead import Overhead, OverheadPrepare, OverheadRequest
from ...plan.overhead_table import fill_headers
from .arms import RunningArm


def prepare(arm: RunningArm, overhead: Overhead, kinds: Iterable[OverheadRequest]) -> None:
    """Send what has to be sent first, keep what it answers, and make the bytes of each kind. Raises ``LoadError``."""
    kept: dict[str, str] = {}
    for each in overhead.prepare:
        kept |= _keep(arm, each)
    for kind in kinds:
        headers = fill_headers(kind.headers, kept)
        arm.prepared[kind.name] = arm.client.prepare(
            kind.method, kind.path, kind.json, headers, alone=kind.raises
        )


def _keep(arm: RunningArm, each: OverheadPrepare) -> dict[str, str]:
    reply = arm.client.send(arm.client.prepare(each.method, each.path, each.json, each.headers))
    what = f"arm {arm.name!r}: {each.method} {each.path}, which prepares the others, was answered"
    if reply.status >= 400:
        raise LoadError(
            f"{what} {reply.status}",
            where=arm.target.base_url,
            hint="see path, json and headers of that [[overhead.prepare]]",
        )
    if not each.keep:
        return {}
    try:
        answer = json.loads(reply.body)
        return {name: str(answer[key]) for name, key in each.keep.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise LoadError(
            f"{what} without what is to be kept of it: {type(error).__name__}: {error}",
            where=arm.target.base_url,
            hint='keep = { name = "field" } names fields of a JSON object',
        ) from error
