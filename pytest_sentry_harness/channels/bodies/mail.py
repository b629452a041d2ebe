"""E-mails. What comes from events cannot add headers: it is one printable line before it becomes one."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import formatdate

from ...model.notified import Delivery
from ...monitor.notifications import Channel
from ...monitor.notifications.notice import clean
from .slack import facts_of, headline_of

DOMAIN = "sentry-harness.invalid"
"""Of ``Message-ID``; RFC 2606 keeps ``.invalid`` free."""
_MOST_SUBJECT = 200


def mail(delivery: Delivery, channel: Channel, now: float) -> EmailMessage:
    """The message for ``channel``; ``now``: seconds since the epoch, for ``Date``."""
    notice = delivery.notice
    message = EmailMessage()
    message["Subject"] = clean(headline_of(delivery), _MOST_SUBJECT)
    message["From"] = channel.sender
    message["To"] = ", ".join(channel.recipients)
    message["Date"] = formatdate(now)
    message["Message-ID"] = f"<{delivery.delivery_id}@{DOMAIN}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answers of machines to this one
    for name, value in (
        ("X-Sentry-Project", notice.project),
        ("X-Sentry-Logger-Level", notice.level),
        ("X-Sentry-Rule", notice.rule),
    ):
        if value:
            message[name] = clean(value, _MOST_SUBJECT)
    lines = [
        headline_of(delivery),
        "",
        f"Rule: {notice.rule}",
        f"Why: {notice.because}",
        *(f"{name}: {value}" for name, value in facts_of(notice)),
        "",
        delivery.url,
        "",
    ]
    message.set_content("\n".join(lines))
    return message
