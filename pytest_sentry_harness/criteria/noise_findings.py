"""What is wrong with issues, by cause: for people, and for twins to be recognised by."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.account import Finding
from ..model.noise import NoiseInfo

_MOST_NAMED = 5


def findings(info: NoiseInfo) -> tuple[Finding, ...]:
    """Findings for ``noise.merged``, ``noise.split``, ``noise.foreign``, ``noise.duplicates`` and the two of classification."""
    return (*_merged(info), *_split(info), *_foreign(info), *_duplicates(info), *_misclassified(info))


def _merged(info: NoiseInfo) -> Iterator[Finding]:
    titles = {row.number: row.title for row in info.table}
    counted: set[str] = set()
    for each in info.merged:
        # A root cause that shares two issues is one root cause: it counts where it is worst.
        new = [cause for cause in each.causes if cause not in counted]
        counted.update(new)
        if new:
            (number,) = each.issues
            culprit = f"issue {number} ({titles.get(number, '')}) holds {_named(each.causes, each.count)}"
            yield _finding("noise.merged", "", each.reason, f"{culprit}: {_because(each.because)}", len(new))


def _split(info: NoiseInfo) -> Iterator[Finding]:
    for each in info.split:
        issues = _named(tuple(map(str, each.issues)), each.count)
        culprit = f"{each.count} issues ({issues}): {_because(each.because)}"
        yield _finding("noise.split", each.causes[0], each.reason, culprit, 1)


def _foreign(info: NoiseInfo) -> Iterator[Finding]:
    titles = {row.number: row.title for row in info.table}
    for each in info.foreign:
        culprit = (
            f"issue {each.issue} ({titles.get(each.issue, '')}) of {_named(each.causes, len(each.causes))} holds {each.count} error "
            f"events of no fault, such as {each.title}: {_because(each.because)}"
        )
        yield _finding("noise.foreign", "", "hides_another_error", culprit, 1)


def _duplicates(info: NoiseInfo) -> Iterator[Finding]:
    for cause in info.causes:
        if cause.events > cause.requests:
            culprit = f"{cause.events} events of {cause.requests} requests"
            count = cause.events - cause.requests
            yield _finding("noise.duplicates", cause.name, "reported_twice", culprit, count)


def _misclassified(info: NoiseInfo) -> Iterator[Finding]:
    for each in info.misclassified:
        culprit = f"{each.found}, not {each.expected}: {each.because}"
        yield _finding(f"noise.{each.what}_wrong", each.cause, f"wrong_{each.what}", culprit, each.count)


def _because(because: tuple[str, ...]) -> str:
    return "; ".join(because)


def _named(names: tuple[str, ...], count: int) -> str:
    """The first of ``names``, and how many more there are of all ``count``."""
    more = f" and {count - _MOST_NAMED} more" if count > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _finding(metric: str, fault: str, reason: str, culprit: str, count: int) -> Finding:
    return Finding(
        metric=metric,
        fault=fault,
        reason=reason,
        source="server",
        culprit=culprit,
        place=None,
        count=count,
        example=None,
    )
