"""Messages for Slack and what understands its incoming webhooks. Slack API docs, "Block Kit: Blocks"."""

from __future__ import annotations

from typing import Any

from ...model.notified import Delivery, Notice

_COLOURS = {"critical": "#E03E2F", "high": "#F55459", "medium": "#F1A417", "low": "#2788CE"}
_RESOLVED = "#4DC771"
_MOST_SECTION = 3000


def slack(delivery: Delivery) -> dict[str, Any]:
    """``text`` for notifications on a phone, one coloured attachment with blocks for everything else."""
    notice = delivery.notice
    headline = headline_of(delivery)
    context = f"Id: {delivery.alert_id} | {_escape(notice.rule)}"
    blocks: list[dict[str, Any]] = [
        _section(f"*<{delivery.url}|{_escape(headline)}>*\n{_escape(notice.because)}"),
    ]
    facts = [f"*{name}:* {_escape(value)}" for name, value in facts_of(notice)]
    if facts:
        blocks.append(
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "   ".join(facts)[:_MOST_SECTION]}]}
        )
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": context[:_MOST_SECTION]}]})
    colour = _RESOLVED if delivery.action == "resolve" else _COLOURS[notice.severity]
    return {
        "text": _escape(headline),
        "attachments": [{"color": colour, "fallback": _escape(headline), "blocks": blocks}],
    }


def headline_of(delivery: Delivery) -> str:
    """One line for people: what it is, of which project, how it stands."""
    notice = delivery.notice
    state = {"resolve": "Resolved: ", "acknowledge": "Acknowledged: "}.get(delivery.action, "")
    if not state and notice.status in ("critical", "warning"):
        state = f"{notice.status.capitalize()}: "
    project = f"[{notice.project}] " if notice.project else ""
    return f"{project}{state}{notice.title}"[:256]


def facts_of(notice: Notice) -> list[tuple[str, str]]:
    """What people want to know besides, name and value; what is unknown is left out."""
    found = [
        ("Severity", notice.severity),
        ("Category", "" if notice.category == "unknown" else notice.category),
        ("Environment", notice.environment),
        ("Release", notice.release),
        ("Events", str(notice.times_seen) if notice.times_seen else ""),
        ("State", notice.issue_state),
        ("Value", "" if notice.value is None else f"{notice.value:g}"),
        ("Culprit", notice.culprit),
    ]
    return [(name, value) for name, value in found if value]


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:_MOST_SECTION]}}


def _escape(text: str) -> str:
    """Slack API docs, "Formatting text": three characters have a meaning of their own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
