"""Why events share an issue, or do not, in a word that leads to what can be done about it."""

from __future__ import annotations

from ..model.monitored import Grouping

_ALIKE = {
    "app": "same_stack",
    "system": "same_stack",
    "custom-fingerprint": "same_fingerprint",
    "fingerprint-rule": "same_fingerprint",
    "checksum": "same_fingerprint",
    "fallback": "nothing_to_tell_apart",
}


def alike(grouping: Grouping) -> str:
    """Why root causes share the issue of an event that was grouped so."""
    return _ALIKE.get(grouping.variant, "same_text")


def difference(here: Grouping, there: Grouping) -> str:
    """In what two issues of one root cause differ."""
    if any(_of_kind(here, what) != _of_kind(there, what) for what in ("fingerprint", "rule")):
        return "differs_in_fingerprint"
    if here.variant != there.variant or _of_kind(here, "type") != _of_kind(there, "type"):
        return "reported_differently"
    return "differs_in_stack" if _of_kind(here, "frame") != _of_kind(there, "frame") else "differs_in_text"


def _of_kind(grouping: Grouping, what: str) -> list[str]:
    return [each.text for each in grouping.components if each.what == what and each.contributes]
