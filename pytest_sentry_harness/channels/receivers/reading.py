"""Finding out which alert a delivery is about."""

from __future__ import annotations

import re

ALERT_IN_BODY = re.compile(r"notification_uuid=([0-9a-f]{32})")
DELIVERY = re.compile(r"(?P<alert>[0-9a-f]{32})\.[a-z0-9]{1,16}\.[A-Za-z0-9_.-]{1,64}")


def delivery_named(text: str) -> tuple[str, str]:
    """Delivery and alert named by a header; empty when it names none."""
    match = DELIVERY.fullmatch(text.strip())
    return (match[0], match["alert"]) if match else ("", "")


def alert_named(text: str) -> str:
    """The alert that a body links to; empty when there is none."""
    match = ALERT_IN_BODY.search(text)
    return match[1] if match else ""
