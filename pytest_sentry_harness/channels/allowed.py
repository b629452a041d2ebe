"""Where notifications may go, with which secrets, and how those stay out of what people read."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import replace
from urllib.parse import quote, urlsplit

from ..errors import UsageError
from ..monitor.notifications import Channel

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HIDDEN = "***"
_SHORTEST = 4


def check_host(host: str, channel: str, hosts: Iterable[str]) -> None:
    """Raises ``UsageError`` unless ``host`` is this machine or one of ``hosts``."""
    if host.lower() not in {*LOOPBACK, *(each.lower() for each in hosts)}:
        raise UsageError(
            f"{host!r} is not this machine and nothing allows it",
            where=f"channel {channel!r}",
            hint=f'if you mean it, add to the scenario: [safety] hosts = ["{host}"]',
        )


def with_secret(channel: Channel, environment: Mapping[str, str]) -> Channel:
    """``channel`` with its secret taken from the variable it names. Raises ``UsageError`` when that is not set."""
    if not channel.secret_env:
        return channel
    secret = environment.get(channel.secret_env, "")
    if not secret:
        raise UsageError(
            f"the environment variable {channel.secret_env} is not set",
            where=f"channel {channel.name!r}",
            hint="set it to the secret of this channel before the harness starts",
        )
    return replace(channel, secret=secret)


class Redactor:
    """Takes what is secret in a channel out of texts: its secret in the forms it travels in, and all of its URL but the host."""

    def __init__(self, channel: Channel) -> None:
        found = [channel.url]
        if channel.secret:
            # As it stands, in a URL, and as SMTP carries it.
            found += [channel.secret, quote(channel.secret, safe="")]
            pairs = (channel.secret, f"\0{channel.username}\0{channel.secret}")
            found += [base64.b64encode(pair.encode()).decode() for pair in pairs]
        found += _parts(channel)
        # The longest first: one may be part of another.
        self._secrets = sorted({each for each in found if each}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """``text`` without them."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text


def _parts(channel: Channel) -> list[str]:
    """What of a URL is as secret as the whole; nothing so short that it may be any word."""
    try:
        parts = urlsplit(channel.url)
    except ValueError:
        return []  # Apprise has its own ideas of URLs
    found = [parts.username or "", parts.password or "", parts.query, parts.path]
    if channel.kind == "apprise":
        found += [parts.netloc, *parts.path.split("/")]
    return [each for each in found if len(each) >= _SHORTEST]
