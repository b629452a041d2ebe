"""Libraries that a program uses and monitoring does not see: named with the line that uses them, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..model.ledger import Place, SdkInit
from ..model.libraries import CLIENTS, Client
from ..model.scenario import Operation
from .calls import Calls
from .integrations import Integration, why_off

_ASKS = {"http": "another service", "sql": "a database"}


@dataclass(frozen=True, slots=True)
class Unseen:
    """A library in use without the integration that would tell of it."""

    operation: str
    library: str
    reason: str
    culprit: str
    place: Place | None


def unseen(bare: Iterable[Operation], calls: Calls) -> Iterator[Unseen]:
    """Why the operations ``bare`` leave no span of their own, as far as a missing integration is why."""
    for operation in bare:
        used: dict[str, Unseen | None] = {}
        for process, uses in calls.uses:
            client = CLIENTS.get(uses.library)
            if uses.operation != operation.name or client is None or client.kind != operation.kind:
                continue
            sdk = process.sdk if process is not None else None
            if process is None or sdk is None or client.integration in sdk.integrations:
                used.setdefault(client.module, None)
            else:
                used[client.module] = _named(operation, client, uses.place, process.inits)
        yield from filter(None, used.values())
        if not used and operation.kind in _ASKS:
            yield from _by_kind(operation, calls.inits)


def _named(operation: Operation, client: Client, place: Place, inits: Sequence[SdkInit]) -> Unseen:
    head = f"{client.module} is used at {place}"
    if not client.integration:
        return Unseen(
            operation.name,
            client.module,
            "no_integration",
            f"{head}, and the SDK has no integration of it",
            place,
        )
    off = why_off(Integration(client.integration, client.name, client.on_by), inits)
    culprit = f"{head} and {client.name} is off: {off.culprit}"
    return Unseen(operation.name, client.module, off.reason, culprit, place)


def _by_kind(operation: Operation, inits: Sequence[SdkInit]) -> Iterator[Unseen]:
    """The library is not known: none of those it may be is watched."""
    of_kind = {client.integration for client in CLIENTS.values() if client.kind == operation.kind}
    if inits and not any(of_kind & set(init.integrations) for init in inits):
        culprit = f"{operation.at} asks {_ASKS[operation.kind]}, and no integration of such a library is on"
        yield Unseen(operation.name, "", "integration_off", culprit, inits[-1].place)
