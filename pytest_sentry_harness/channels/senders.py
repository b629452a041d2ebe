"""A sender for each channel of the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from ..model.notified import ChannelKind
from ..monitor.notifications import Channel, Notifications
from .allowed import check_host, with_secret
from .apprise_sender import AppriseSender
from .sender import HttpSender, Render, Sender, render_legacy, render_pagerduty, render_slack, render_webhook
from .smtp_sender import SmtpSender

_RENDER: dict[ChannelKind, Render] = {
    "webhook": render_webhook,
    "legacy_webhook": render_legacy,
    "slack": render_slack,
    "pagerduty": render_pagerduty,
}


def build_senders(
    settings: Notifications, *, hosts: Iterable[str] = (), environment: Mapping[str, str]
) -> dict[str, Sender]:
    """Senders by the names of their channels.

    ``hosts``: where they may go beyond this machine (``[safety] hosts``). ``environment``: where secrets are looked up. Raises
    ``UsageError`` for a host that is not allowed and a secret that is not there.
    """
    allowed = tuple(hosts)
    return {name: build_sender(channel, allowed, environment) for name, channel in settings.channels.items()}


def build_sender(channel: Channel, hosts: Iterable[str], environment: Mapping[str, str]) -> Sender:
    """The sender of one channel; see ``build_senders``."""
    channel = with_secret(channel, environment)
    if channel.kind == "apprise":
        return AppriseSender(channel, hosts)
    if channel.kind == "email":
        check_host(channel.host, channel.name, hosts)
        return SmtpSender(channel)
    check_host(urlsplit(channel.url).hostname or "", channel.name, hosts)
    return HttpSender(channel, _RENDER[channel.kind])
