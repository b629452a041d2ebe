"""Settings of notifications turned to receivers of ours: the same routes and channels, and nobody outside is told.

Only where a channel leads to changes, and what it needs to get in there: retries, time-outs, throttles and the form of what is
sent are those of the file. An e-mail goes out without TLS and without a login, which the receiver has no use for.
"""

from __future__ import annotations

import secrets as random_secrets
from collections.abc import Mapping
from dataclasses import replace

from ..monitor.notifications import Channel, Notifications
from ..monitor.notifications.match import Match
from ..monitor.notifications.settings import Route

HOST = "127.0.0.1"
BUILT_IN = "webhook"
"""Name of the one channel when no file says which there are."""


def built_in() -> Notifications:
    """The settings without a file: one webhook, which is told everything. To be redirected: it leads nowhere."""
    channel = Channel(name=BUILT_IN, kind="webhook", url=f"http://{HOST}/")
    return Notifications(channels={BUILT_IN: channel}, routes=(Route(match=Match(), channels=(BUILT_IN,)),))


def secrets_of(settings: Notifications, environment: Mapping[str, str]) -> dict[str, str]:
    """Secrets by channel, for those that need one: as the file or ``environment`` has it, else a new one."""
    return {
        name: channel.secret or environment.get(channel.secret_env or "", "") or random_secrets.token_hex(16)
        for name, channel in settings.channels.items()
        if channel.kind in ("webhook", "pagerduty")
    }


def redirected(
    settings: Notifications, ports: Mapping[str, int], secrets: Mapping[str, str]
) -> Notifications:
    """``settings`` with every channel leading to ``127.0.0.1``, at the port that ``ports`` has for its name.

    ``secrets``: see ``secrets_of``. Raises ``KeyError`` for a channel without a port: none may lead anywhere else.
    """
    channels = {
        name: _redirected(channel, ports[name], secrets.get(name, ""))
        for name, channel in settings.channels.items()
    }
    return replace(settings, channels=channels)


def _redirected(channel: Channel, port: int, secret: str) -> Channel:
    if channel.kind == "email":
        return replace(
            channel, host=HOST, port=port, tls="none", username="", secret="", secret_env="", url=""
        )
    scheme = "json" if channel.kind == "apprise" else "http"
    return replace(channel, url=f"{scheme}://{HOST}:{port}/", secret=secret, secret_env="")
