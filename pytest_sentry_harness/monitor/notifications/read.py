"""Reads the file in which users decide about notifications.

TOML, strictly: every error is a ``RulesError`` that names file, key path and what is allowed. Routes are looked at in their
order; the first that matches takes the alert unless it says ``continue = true`` (the words are Alertmanager's).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import time

from ...errors import RulesError, did_you_mean
from ...model.classified import CATEGORIES, SEVERITIES
from ..strict import Strict, toml_table
from .channel_tables import read_channel
from .match import TEXT_KEYS, Match, match_of
from .settings import PARTS, Channel, Escalation, Notifications, QuietHours, Route, Suppression
from .zones import zone_of

_CHOICES = {
    "severity": SEVERITIES,
    "category": CATEGORIES,
    "status": ("triggered", "critical", "warning", "resolved"),
    "kind": ("issue", "metric"),
}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_URL, _ORGANIZATION = "http://127.0.0.1", "sentry"


def parse_notifications(text: str, name: str, rules: Collection[str] | None = None) -> Notifications:
    """The settings in the TOML document ``text``; ``name`` is its file, for messages.

    ``rules``: the names of the alert rules that exist; a name that is none of them is an error then. Raises ``RulesError``.
    """
    table = toml_table(text, name)
    channels: dict[str, Channel] = {}
    for entry in table.tables("channel"):
        channel = read_channel(entry)
        if channel.name in channels:
            raise entry.fail("name", f"a second channel is called {channel.name!r}", "give each its own name")
        channels[channel.name] = channel
    reader = _Reader(channels, rules)
    routes = tuple(reader.route(entry) for entry in table.tables("route"))
    escalations = tuple(reader.escalation(entry) for entry in table.tables("escalation"))
    suppressions = reader.suppressions(table)
    url, organization = _links(table)
    table.done()
    if not channels:
        raise RulesError("there is no [[channel]]", where=name, hint="a notification needs somewhere to go")
    if not routes:
        raise RulesError(
            "there is no [[route]]: nobody is told of anything",
            where=name,
            hint=f"add one: [[route]] channels = [{next(iter(channels))!r}]",
        )
    return Notifications(
        channels=channels,
        routes=routes,
        escalations=escalations,
        suppressions=suppressions,
        url=url,
        organization=organization,
    )


def warnings_of(settings: Notifications) -> tuple[str, ...]:
    """What is allowed but cannot be meant: routes nothing reaches, channels nothing uses."""
    found = []
    taken: int | None = None
    for index, route in enumerate(settings.routes):
        if taken is not None:
            found.append(
                f"route[{index}] is never reached: route[{taken}] takes every alert (continue = true lets it go on)"
            )
        elif route.match.is_everything and not route.goes_on:
            taken = index
    used = {name for route in settings.routes for name in route.channels}
    used |= {name for escalation in settings.escalations for name in escalation.channels}
    found += [
        f"channel {name!r} is used by no route and no escalation"
        for name in settings.channels
        if name not in used
    ]
    return tuple(found)


class _Reader:
    """Reads tables that name channels and rules."""

    def __init__(self, channels: Collection[str], rules: Collection[str] | None) -> None:
        self._channels, self._rules = channels, rules

    def route(self, table: Strict) -> Route:
        match = self._match(table)
        by = table.texts("deduplicate_by")
        for index, part in enumerate(by):
            if part not in PARTS:
                raise table.fail(
                    f"deduplicate_by[{index}]", f"{part!r} is not allowed", f"allowed: {', '.join(PARTS)}"
                )
        window = table.seconds("deduplicate")
        if by and window is None:
            raise table.fail(
                "deduplicate_by", "without deduplicate it does nothing", 'add deduplicate = "10m"'
            )
        route = Route(
            match=match,
            channels=self._names(table, required=True),
            goes_on=bool(table.flag("continue")),
            deduplicate=window or 0.0,
            by=by or ("rule", "issue"),
        )
        table.done()
        return route

    def escalation(self, table: Strict) -> Escalation:
        match = self._match(table)
        after = table.seconds("after")
        if after is None:
            raise table.fail("", "after is missing", 'how long to wait for somebody: after = "5m"')
        escalation = Escalation(match=match, after=after, channels=self._names(table, required=True))
        table.done()
        return escalation

    def suppressions(self, table: Strict) -> tuple[Suppression, ...]:
        found: dict[str, Suppression] = {}
        for index, entry in enumerate(table.tables("suppression")):
            suppression = self._suppression(entry, index)
            if suppression.name in found:
                raise entry.fail(
                    "name", f"a second suppression is called {suppression.name!r}", "give each its own name"
                )
            found[suppression.name] = suppression
        return tuple(found.values())

    def _suppression(self, table: Strict, index: int) -> Suppression:
        name = table.text("name") or f"suppression[{index}]"
        match = self._match(table, issues=True)
        quiet = _quiet(table)
        count = table.integer("until_count", 0, least=1)
        suppression = Suppression(
            name=name,
            match=match,
            channels=self._names(table, required=False),
            since=table.moment("from"),
            until=table.moment("until"),
            until_count=count or None,
            until_release=bool(table.flag("until_release")),
            quiet=quiet,
        )
        if suppression.until is not None and (suppression.since or 0.0) >= suppression.until:
            raise table.fail("until", "it ends before it begins", "set until after from")
        if match.is_everything and not (quiet or suppression.until or suppression.until_count):
            raise table.fail(
                "",
                "it would suppress everything, for ever",
                "name a rule, an issue or a category, or say until when",
            )
        table.done()
        return suppression

    def _match(self, table: Strict, *, issues: bool = False) -> Match:
        wanted: dict[str, tuple[str, ...]] = {}
        for key, allowed in _CHOICES.items():
            wanted[key] = values = table.texts(key)
            for index, value in enumerate(values):
                if value not in allowed:
                    raise table.fail(
                        f"{key}[{index}]",
                        f"{key} = {value!r} is not allowed",
                        f"allowed: {', '.join(allowed)}",
                    )
        for key in TEXT_KEYS:
            wanted[key] = table.texts(key)
        for index, rule in enumerate(wanted["rule"]):
            if self._rules is not None and "*" not in rule and rule not in self._rules:
                raise table.fail(
                    f"rule[{index}]", f"no alert rule is called {rule!r}", did_you_mean(rule, self._rules)
                )
        return match_of(wanted, frozenset(table.integers("issue", least=1)) if issues else frozenset())

    def _names(self, table: Strict, *, required: bool) -> tuple[str, ...]:
        names = table.texts("channels")
        if required and not names:
            raise table.fail("", "channels is missing", 'name the channels: channels = ["mail"]')
        for index, name in enumerate(names):
            if name not in self._channels:
                raise table.fail(
                    f"channels[{index}]",
                    f"no channel is called {name!r}",
                    did_you_mean(name, self._channels) if self._channels else "there is no [[channel]]",
                )
        return tuple(dict.fromkeys(names))


def _quiet(table: Strict) -> QuietHours | None:
    text, days, zone = table.text("quiet"), table.texts("days"), table.text("zone")
    if text is None:
        for key, value in (("days", days), ("zone", zone)):
            if value:
                raise table.fail(key, f"{key} belongs to quiet hours", 'add quiet = "22:00-07:00"')
        return None
    if zone is None:
        raise table.fail("", "quiet hours need a time zone", 'add zone = "Europe/Berlin", or zone = "UTC"')
    for index, day in enumerate(days):
        if day not in _DAYS:
            raise table.fail(f"days[{index}]", f"{day!r} is not a day", f"allowed: {', '.join(_DAYS)}")
    try:
        start, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
    except ValueError:
        raise table.fail(
            "quiet", f"quiet = {text!r} is not from one time of day to another", 'write quiet = "22:00-07:00"'
        ) from None
    if start == end or start.tzinfo or end.tzinfo:
        raise table.fail(
            "quiet", f"quiet = {text!r} is not two different times of day", 'write quiet = "22:00-07:00"'
        )
    chosen = frozenset(_DAYS.index(day) for day in days) or frozenset(range(7))
    return QuietHours(start=start, end=end, zone=zone_of(table, zone), days=chosen)


def _links(table: Strict) -> tuple[str, str]:
    links = table.table("links")
    if links is None:
        return _URL, _ORGANIZATION
    url = (links.text("url") or _URL).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise links.fail(
            "url", f"url = {url!r} is not an address", 'write url = "https://sentry.example.com"'
        )
    organization = links.text("organization") or _ORGANIZATION
    links.done()
    return url, organization
