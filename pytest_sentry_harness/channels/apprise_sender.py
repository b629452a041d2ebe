"""Sends to anything else, through Apprise (extra ``monitor``). Apprise wiki, "Development: API"."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from .. import clock
from ..errors import UsageError
from ..model.notified import Delivery, Outcome
from ..monitor.notifications import Channel
from .allowed import Redactor, check_host
from .bodies.slack import facts_of, headline_of

_TYPES = {"critical": "failure", "high": "failure", "medium": "warning", "low": "info"}


class AppriseSender:
    """One Apprise URL. Redirects are not followed."""

    def __init__(self, channel: Channel, hosts: Iterable[str]) -> None:
        """Raises ``UsageError`` when Apprise is missing, does not know the URL, or may not go there."""
        self._channel = channel
        self._redact = Redactor(channel)
        with warnings.catch_warnings():
            # Loading its services warns of modules that Python is about to drop: nobody here can change that.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._apprise: Any = _load(channel)
        plugins = list(self._apprise)
        if len(plugins) != 1:
            raise UsageError(
                f"url holds {len(plugins)} addresses",
                where=f"channel {channel.name!r}",
                hint="give each a channel of its own: deliveries are accounted for by channel",
            )
        _check(plugins[0], channel, tuple(hosts))

    def send(self, delivery: Delivery) -> Outcome:
        """One call of Apprise; no reply code is known."""
        notice = delivery.notice
        lines = [f"Rule: {notice.rule}", f"Why: {notice.because}"]
        lines += [f"{name}: {value}" for name, value in facts_of(notice)]
        begun = clock.perf()
        result = self._apprise.notify(
            title=headline_of(delivery),
            body="\n".join([*lines, delivery.url]),
            notify_type="success" if delivery.action == "resolve" else _TYPES[notice.severity],
            timeout=self._channel.timeout,
        )
        seconds = clock.perf() - begun
        if result:
            return Outcome(delivered=True, seconds=seconds)
        said = "; ".join(str(entry) for entry in list(result.logs())[-3:])
        return Outcome(
            delivered=False,
            error=self._redact(f"Apprise could not deliver it: {said}")[:300],
            seconds=seconds,
        )


def _load(channel: Channel) -> Any:
    try:
        import apprise
    except ImportError as error:
        raise UsageError(
            "Apprise is not installed",
            where=f"channel {channel.name!r}",
            hint="pip install 'pytest-sentry-harness[monitor]'",
        ) from error
    found = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False, storage_mode="memory"))
    if not found.add(channel.url):
        raise UsageError(
            "Apprise does not know what this url means",
            where=f"channel {channel.name!r}",
            hint="look at its list of services for how the url is written",
        )
    return found


def _check(plugin: Any, channel: Channel, hosts: tuple[str, ...]) -> None:
    """Services of one's own have a host in their URL; the others are allowed by their scheme, such as ``slack://``."""
    if any("{host}" in template for template in plugin.templates):
        # The host of a mailto:// is that of the sender's address, when a server is named besides.
        check_host(getattr(plugin, "smtp_host", "") or plugin.host, channel.name, hosts)
        return
    scheme = f"{channel.url.split('://')[0].lower()}://"
    if scheme not in hosts:
        raise UsageError(
            f"{scheme} goes to a service outside this machine and nothing allows it",
            where=f"channel {channel.name!r}",
            hint=f'if you mean it, add to the scenario: [safety] hosts = ["{scheme}"]',
        )
