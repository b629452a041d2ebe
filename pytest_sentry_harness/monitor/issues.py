"""Issues: which there are, in which state, and what an event did to them.

Sentry docs, "Issue Status": an issue is new for seven days, then ongoing; resolved by people, regressed when an event comes
all the same; archived (``ignored``) by people until a condition is met. Escalating is not followed: Sentry decides it by a
forecast of volume.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..errors import UsageError
from ..model.monitored import Data, Event, Grouping, Issue, IssueState, Seen
from ..protocol.event_fields import level_of
from .archiving import Archived
from .grouping import GroupingConfig, group

ONGOING_AFTER = 7 * 86400.0
"""Seconds for which an issue is new, or regressed, before it is ongoing (Sentry docs, "Issue Status": 7 days)."""

_VERSION = re.compile(
    r"(?:(?P<package>[^@]+)@)?(?P<core>\d+(?:\.\d+){0,3})(?P<pre>-[0-9A-Za-z.\-]+)?(?:\+.*)?"
)


@dataclass(slots=True)
class _Record:
    """One issue, as it changes."""

    number: int
    project: str
    hash: str
    title: str
    culprit: str
    level: str
    first_seen: float
    last_seen: float
    first_release: str
    state: IssueState = "new"
    since: float = 0.0
    """Since when it has been new or regressed."""
    times_seen: int = 0
    users: set[str] = field(default_factory=set)
    archived: Archived | None = None
    resolved_in: str | None = None

    def state_at(self, now: float) -> IssueState:
        if self.state in ("new", "regressed") and now - self.since >= ONGOING_AFTER:
            return "ongoing"
        return self.state

    def at(self, now: float) -> Issue:
        return Issue(
            number=self.number,
            project=self.project,
            hash=self.hash,
            title=self.title,
            culprit=self.culprit,
            level=self.level,
            state=self.state_at(now),
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            times_seen=self.times_seen,
            first_release=self.first_release,
        )


class Issues:
    """The issues of all projects. An event costs its grouping and a few dictionary lookups, however many issues there are."""

    def __init__(self, config: GroupingConfig | None = None) -> None:
        """``config``: how to group; Sentry's default without rules when it is not given."""
        self.config = config or GroupingConfig.parse()
        self._records: list[_Record] = []
        self._by_hash: dict[tuple[str, str], _Record] = {}
        self._releases: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self._records)

    def see(self, event: Event) -> Seen:
        """Puts ``event`` to its issue, which is made when there is none. Never raises for what the event holds.

        Events must come in the order of ``received_at``. Of several hashes the first that is known decides; the
        others lead to the same issue from then on.
        """
        grouping = group(event.data, self.config)
        data: Data = event.data if isinstance(event.data, Mapping) else {}
        release = _text(data.get("release"))
        if release:
            self._releases.setdefault((event.project, release), len(self._releases))
        keys = [(event.project, one) for one in grouping.hashes]
        record = next((self._by_hash[key] for key in keys if key in self._by_hash), None)
        is_new = record is None
        if record is None:
            record = self._made(event, grouping, release)
        for key in keys:
            self._by_hash.setdefault(key, record)
        user = _user(data.get("user"))
        is_new_user = user is not None and user not in record.users
        if user is not None:
            record.users.add(user)
        record.times_seen += 1
        record.last_seen = max(record.last_seen, event.received_at)
        record.title, record.culprit, record.level = grouping.title, grouping.culprit, _level(data)
        is_regression = record.state == "resolved" and self._regresses(record, release)
        if is_regression:
            record.state, record.since, record.resolved_in = "regressed", event.received_at, None
        has_reappeared = record.archived is not None and record.archived.is_over(
            event.received_at, user, is_new_user
        )
        if has_reappeared:
            record.state, record.archived = "ongoing", None
        return Seen(
            event=event,
            issue=record.at(event.received_at),
            grouping=grouping,
            is_new=is_new,
            is_regression=is_regression,
            has_reappeared=has_reappeared,
        )

    def issue(self, number: int, now: float) -> Issue:
        """Issue ``number`` as it is at ``now``. Raises ``UsageError`` when there is none."""
        return self._record(number).at(now)

    def all(self, now: float) -> Iterator[Issue]:
        """Every issue as it is at ``now``, by number."""
        return (record.at(now) for record in self._records)

    def resolve(self, number: int, now: float, in_release: str | None = None) -> Issue:
        """Marks it as fixed; ``in_release`` says by which release, and events of earlier releases do not bring it back.

        Raises ``UsageError`` when there is no such issue.
        """
        record = self._record(number)
        record.state, record.archived, record.resolved_in = "resolved", None, in_release
        if in_release:
            self._releases.setdefault((record.project, in_release), len(self._releases))
        return record.at(now)

    def ignore(
        self,
        number: int,
        now: float,
        *,
        until_time: float | None = None,
        until_count: int | None = None,
        until_users: int | None = None,
        within: float | None = None,
    ) -> Issue:
        """Archives it: forever, or until a condition is met. The first that is met ends it, with the next event.

        ``until_time``: seconds since the epoch. ``until_count``: that many more events; ``until_users``: that many more
        users, who had not been seen yet. ``within``: seconds in which the events or users must come, whoever was seen
        before (Sentry docs, "Issue Status: Archive").

        Raises ``UsageError`` when there is no such issue, or a condition can never be met.
        """
        record = self._record(number)
        for name, value in (("until_count", until_count), ("until_users", until_users), ("within", within)):
            if value is not None and value <= 0:
                raise UsageError(
                    f"{name} = {value} is not above 0", where=f"issue {number}", hint="use 1 or more"
                )
        if within is not None and until_count is None and until_users is None:
            raise UsageError(
                "within says nothing alone",
                where=f"issue {number}",
                hint="give until_count or until_users with it",
            )
        record.state, record.resolved_in = "ignored", None
        record.archived = Archived(until_time, until_count, until_users, within)
        return record.at(now)

    def unignore(self, number: int, now: float) -> Issue:
        """Ends the archiving; the issue is ongoing. Nothing happens to an issue that is not archived.

        Raises ``UsageError`` when there is no such issue.
        """
        record = self._record(number)
        if record.state == "ignored":
            record.state, record.archived = "ongoing", None
        return record.at(now)

    def _record(self, number: int) -> _Record:
        if not 1 <= number <= len(self._records):
            there = f"there are 1 to {len(self._records)}" if self._records else "there is none yet"
            raise UsageError(f"there is no issue {number}", hint=there)
        return self._records[number - 1]

    def _made(self, event: Event, grouping: Grouping, release: str) -> _Record:
        record = _Record(
            number=len(self._records) + 1,
            project=event.project,
            hash=grouping.hashes[0],
            title=grouping.title,
            culprit=grouping.culprit,
            level="error",
            first_seen=event.received_at,
            last_seen=event.received_at,
            first_release=release,
            since=event.received_at,
        )
        self._records.append(record)
        return record

    def _regresses(self, record: _Record, release: str) -> bool:
        """Whether an event of ``release`` shows that the fix of a resolved issue did not hold."""
        if record.resolved_in is None:
            return True
        if not release:
            return False  # it may well be from before the fix
        if release == record.resolved_in:
            return True
        versions = _version(record.resolved_in), _version(release)
        if versions[0] is not None and versions[1] is not None and versions[0][0] == versions[1][0]:
            return versions[1][1] >= versions[0][1]
        order = self._releases
        return order[record.project, release] > order[record.project, record.resolved_in]


def _version(release: str) -> tuple[str, tuple[tuple[int, ...], bool, str]] | None:
    """Package and what orders its versions; None when ``release`` is no version (Sentry docs, "Releases: Semver")."""
    match = _VERSION.fullmatch(release[:250])
    if match is None:
        return None
    numbers = [int(part) for part in match["core"].split(".")]
    numbers += [0] * (4 - len(numbers))
    return match["package"] or "", (tuple(numbers), match["pre"] is None, match["pre"] or "")


def _user(user: object) -> str | None:
    """Who it was, as Sentry tells users apart: by id, else name, else e-mail, else address."""
    if isinstance(user, Mapping):
        for key in ("id", "username", "email", "ip_address"):
            value = user.get(key)
            if isinstance(value, (str, int)) and value != "":
                return f"{key}:{value}"
    return None


def _level(data: Data) -> str:
    level = data.get("level")
    return level_of(level, []) if isinstance(level, (str, int)) else "error"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
