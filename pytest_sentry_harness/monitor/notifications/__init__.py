"""From an alert to the notifications that are due: routing, escalation, suppression, throttling, retries, and the audit trail.

Pure over alerts and a clock that is given. ``read`` takes what users write, ``policy`` decides, ``state`` is a fold over the trail,
``books`` closes the sum.
"""

from __future__ import annotations

from .books import Books, Sum, books
from .notice import incident_of, notice_of
from .policy import Policy
from .read import parse_notifications, warnings_of
from .settings import Channel, Notifications
from .trail import decode_noted, encode_noted

__all__ = [
    "Books",
    "Channel",
    "Notifications",
    "Policy",
    "Sum",
    "books",
    "decode_noted",
    "encode_noted",
    "incident_of",
    "notice_of",
    "parse_notifications",
    "warnings_of",
]
