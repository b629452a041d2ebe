"""The audit trail as JSON lines: ``["kind",{fields}]``, as the ledger's journals have them."""

from __future__ import annotations

from typing import Any

import msgspec

from ...errors import EvidenceError
from ...model.notified import NOTED_TYPES, Noted

_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    kind.KIND: msgspec.json.Decoder(kind) for kind in NOTED_TYPES
}
_LINE = msgspec.json.Decoder(tuple[str, msgspec.Raw])


def encode_noted(record: Noted) -> bytes:
    """One line for ``record``, newline included."""
    return msgspec.json.encode((record.KIND, record)) + b"\n"


def decode_noted(line: bytes, where: str = "audit trail") -> Noted:
    """The record on one line; ``where`` names file and line, for messages. Raises ``EvidenceError``."""
    try:
        kind, body = _LINE.decode(line)
        decoder = _DECODERS.get(kind)
        if decoder is None:
            raise msgspec.ValidationError(f"unknown record kind {kind!r}")
        record: Noted = decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EvidenceError(
            f"a line of the audit trail cannot be read: {error}",
            where=where,
            hint="audit trails are append-only; restore the file or begin a new one",
        ) from error
    return record
