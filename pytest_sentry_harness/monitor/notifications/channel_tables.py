"""Reads ``[[channel]]`` tables: what each kind of channel needs."""

from __future__ import annotations

import re
from typing import cast
from urllib.parse import urlsplit

from ...model.notified import CHANNEL_KINDS, ChannelKind
from ..strict import Strict
from .settings import Channel, Retry, Throttle

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_ADDRESS = re.compile(r"[^\s@<>,;:\"\\]{1,64}@[^\s@<>,;:\"\\]{1,255}")
PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
"""PagerDuty developer docs, "Send an alert event"."""


def read_channel(table: Strict) -> Channel:
    """One channel. Raises ``RulesError``."""
    name = table.required("name", 'give the channel a name: name = "mail"')
    if not _NAME.fullmatch(name):
        raise table.fail(
            "name",
            f"name = {name!r} is not a name",
            "use letters, digits, '_', '.' and '-', 64 at most: it becomes part of a header",
        )
    table.required("kind", f"one of {', '.join(CHANNEL_KINDS)}")
    kind = cast(ChannelKind, table.choice("kind", CHANNEL_KINDS))
    channel = _email(table, name) if kind == "email" else _over_http(table, name, kind)
    table.done()
    return channel


def _over_http(table: Strict, name: str, kind: ChannelKind) -> Channel:
    default = PAGERDUTY_URL if kind == "pagerduty" else None
    url = table.text("url", default) or table.required(
        "url", 'where to send to: url = "http://127.0.0.1:8000/hook"'
    )
    if kind != "apprise":
        _check_url(table, url)
    secret, variable = "", ""
    if kind in ("webhook", "pagerduty"):
        secret, variable = _secret(table, "the client secret" if kind == "webhook" else "the routing key")
    return Channel(
        name=name,
        kind=kind,
        url=url,
        secret=secret,
        secret_env=variable,
        timeout=table.seconds("timeout") or 5.0,
        retry=_retry(table),
        throttle=_throttle(table),
    )


def _check_url(table: Strict, url: str) -> None:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    # Values of files are shown in messages, but this one is often a secret.
    if not known or any(character <= " " or character > "~" for character in url):
        raise table.fail("url", "url is not an address", "write http://host:port/path or https://host/path")


def _secret(table: Strict, what: str) -> tuple[str, str]:
    secret, variable = table.text("secret"), table.text("secret_env")
    if secret is not None and variable is not None:
        raise table.fail("secret", "secret and secret_env are both given", "keep secret_env only")
    if secret is None and variable is None:
        raise table.fail("", f"{what} is missing", 'name a variable that holds it: secret_env = "OPS_SECRET"')
    return secret or "", variable or ""


def _email(table: Strict, name: str) -> Channel:
    host = table.required("host", 'the mail server: host = "127.0.0.1"')
    sender = table.required("sender", 'who it is from: sender = "sentry@example.com"')
    recipients = table.texts("recipients")
    if not recipients:
        raise table.fail("", "recipients is missing", 'name them: recipients = ["ops@example.com"]')
    for key, address in (
        ("sender", sender),
        *((f"recipients[{n}]", each) for n, each in enumerate(recipients)),
    ):
        if not (address.isascii() and _ADDRESS.fullmatch(address)):
            raise table.fail(
                key,
                f"{address!r} is not an address",
                'write "name@example.com" in ASCII, without a display name',
            )
    tls = table.choice("tls", ("none", "starttls", "tls"), "none") or "none"
    username = table.text("username") or ""
    secret, variable = _secret(table, "the password of username") if username else ("", "")
    port = table.integer("port", {"none": 25, "starttls": 587, "tls": 465}[tls], least=1)
    if port > 65535:
        raise table.fail("port", f"port = {port} is too large", "use 1 to 65535")
    return Channel(
        name=name,
        kind="email",
        host=host,
        port=port,
        sender=sender,
        recipients=recipients,
        username=username,
        secret=secret,
        secret_env=variable,
        tls=tls,
        timeout=table.seconds("timeout") or 10.0,
        retry=_retry(table),
        throttle=_throttle(table),
    )


def _retry(table: Strict) -> Retry:
    entry = table.table("retry")
    if entry is None:
        return Retry()
    retry = Retry(
        tries=entry.integer("tries", 5, least=1),
        first=entry.seconds("first") or 1.0,
        longest=entry.seconds("longest") or 60.0,
    )
    if retry.first > retry.longest:
        raise entry.fail(
            "first", "the first pause is longer than the longest", "set longest to more than first"
        )
    entry.done()
    return retry


def _throttle(table: Strict) -> Throttle | None:
    entry = table.table("throttle")
    if entry is None:
        return None
    most = entry.integer("most", 0, least=1)
    window = entry.seconds("per")
    if not most or window is None:
        raise entry.fail("", "most and per are both needed", 'write throttle = { most = 10, per = "1m" }')
    entry.done()
    return Throttle(most=most, window=window)
