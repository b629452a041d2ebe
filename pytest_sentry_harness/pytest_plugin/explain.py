"""Words what became of a test's faults, for failing assertions and for people who ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..model.account import Outcome, State
from ..model.arrival import Arrival
from ..model.ledger import Fired, Place, SdkInit
from ..report.lines import advice, short_path
from .faults import InjectedFault
from .findings import Findings

_MOST_LINES = 20
_UNREADABLE = "unreadable"
_USUAL: dict[str, object] = {
    "sample_rate": 1.0,
    "transport_queue_size": 100,
    "shutdown_timeout": 2,
    "send_client_reports": True,
    "enable_backpressure_handling": True,
    "default_integrations": True,
    "auto_enabling_integrations": True,
    "environment": "production",
}
_TELLING = (
    *_USUAL,
    "error_sampler",
    "before_send",
    "before_send_transaction",
    "ignore_errors",
    "traces_sample_rate",
    "traces_sampler",
    "transport",
    "release",
    "debug",
)
"""Options that decide whether an event is sent; shown when they differ from the usual."""


def explain_faults(faults: Iterable[InjectedFault], findings: Findings) -> list[str]:
    """What became of each fault: firings, states, who caught it, what to do."""
    lines: list[str] = []
    for fault in faults:
        lines += _fault(fault, findings)
    return lines


def explain_sdk(
    sdk: SdkInit | None, arrivals: Sequence[Arrival], *, dsn: str, notes: Iterable[str], undone: str
) -> list[str]:
    """The SDK's set-up as far as it matters, and what it sent."""
    if sdk is None:
        lines = ["SDK: sentry_sdk.init was never called" + undone]
    else:
        where = f"initialised at {place_text(sdk.place)}" if sdk.place else "initialised before the test"
        lines = [f"SDK: sentry-sdk {sdk.version}, {where}{_options(sdk.options)}", f"  {dsn}"]
    lines += [f"  note: {note}" for note in notes]
    return [*lines, f"arrived: {_arrived(arrivals)}"]


def explain_event(event: Mapping[str, Any], fault: str) -> str:
    """One event in one line: what, and where in the application."""
    if event.get("type") == "transaction":
        return f"transaction: {event.get('transaction')}{fault}"
    exceptions = exceptions_of(event)
    if not exceptions:
        text = message_of(event) or "an event without a message"
        return f"{event.get('level', 'error')}: {text}{fault}"
    last = exceptions[-1]
    text = f"{event.get('level', 'error')}: {last.get('type')}: {last.get('value')}"
    frames = (last.get("stacktrace") or {}).get("frames") or []
    if frames:
        frame = frames[-1]
        path = frame.get("abs_path") or frame.get("filename")
        text += f" at {short_path(str(path))}:{frame.get('lineno')} in {frame.get('function')}"
    return text + fault


def place_text(place: Place) -> str:
    """``file:line in function``, the file relative to the working directory where it lies below it."""
    function = f" in {place.function}" if place.function else ""
    return f"{short_path(place.file)}:{place.line}{function}"


def loss_lines(findings: Findings) -> list[str]:
    """One line for each kind of loss, for summaries and reports."""
    groups: dict[tuple[object, ...], list[Outcome]] = {}
    for outcome in findings.outcomes:
        if outcome.expected and outcome.state not in _ARRIVED:
            groups.setdefault(_kind(outcome), []).append(outcome)
    return [f"{len(same)} x {same[0].fault}: {became(same[0])}" for same in groups.values()]


_ARRIVED = (State.CAPTURED, State.DUPLICATE, State.MERGED)


def _fault(fault: InjectedFault, findings: Findings) -> list[str]:
    outcomes = findings.of(fault.name)
    fired = [record for record in findings.fired if record.fault == fault.name]
    head = f"fault {fault.name!r} at {fault.at}, {fault.do}: "
    if not outcomes:
        notes = [
            note.text for note in findings.summary.notes if note.text.startswith(f"fault {fault.name!r} ")
        ]
        point = findings.summary.points.get((fault.name, fault.at))
        missed = point.missed_names if point else ()
        through = f" (calls through {', '.join(missed[:5])} do not meet it)" if missed else ""
        why = "" if notes else f": {fault.at} was not called{through}"
        return [f"{head}never fired{why}", *(f"  {note}" for note in notes)]
    lines = [f"{head}fired {_times(len(outcomes))}{_where_fired(fired)}"]
    groups: dict[tuple[object, ...], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(_kind(outcome), []).append(outcome)
    for same in list(groups.values())[:_MOST_LINES]:
        lines.append(f"  {len(same)} x {became(same[0])}")
        hint = advice(same[0].reason) if same[0].state not in _ARRIVED else ""
        if hint:
            lines.append(f"    what to do: {hint}")
        lines += _caught(same[0], findings)
    if len(groups) > _MOST_LINES:
        lines.append(f"  and {len(groups) - _MOST_LINES} other outcomes")
    return lines


def _kind(outcome: Outcome) -> tuple[object, ...]:
    return (outcome.fault, outcome.state, outcome.reason, outcome.source, outcome.culprit, outcome.place)


def became(outcome: Outcome) -> str:
    """What became of one firing, in one line."""
    if outcome.state in _ARRIVED:
        return f"{outcome.state}, as event {outcome.event_id}"
    if outcome.reason == "no_event_expected":
        return "done; it raises nothing, so no event is expected"
    state = "lost" if outcome.state is State.EXPLAINED else str(outcome.state).replace("_", " ")
    parts = [f"{state}: {outcome.reason}" if outcome.reason else state]
    if outcome.culprit:
        parts.append(outcome.culprit)
    text = ", ".join(parts)
    return f"{text}, at {place_text(outcome.place)}" if outcome.place else text


def repeated(values: Iterable[str | None]) -> dict[str, int]:
    """The values that are there more than once, and how often."""
    return {value: n for value, n in Counter(values).items() if value is not None and n > 1}


def _caught(outcome: Outcome, findings: Findings) -> list[str]:
    fate = findings.fates.get(outcome.fault_id)
    if fate is None or outcome.reason == "swallowed" or outcome.state in _ARRIVED:
        return []
    if fate.place is not None:
        return [f"    the exception was caught at {place_text(fate.place)}"]
    return ["    the exception left the application"] if fate.handling == "escaped" else []


def _where_fired(fired: Sequence[Fired]) -> str:
    place = next((record.place for record in fired if record.place), None)
    return f" ({place_text(place)})" if place else ""


def _options(options: Mapping[str, Any]) -> str:
    told = []
    for name in _TELLING:
        value = options.get(name)
        usual = _USUAL.get(name)
        if value == usual or (usual is None and value in (None, False, [])):
            continue
        told.append(f"{name}={value}" if isinstance(value, str) else f"{name}={value!r}")
    return f", with {', '.join(told)}" if told else ""


def _arrived(arrivals: Sequence[Arrival]) -> str:
    counts = Counter(arrival.item_type or _UNREADABLE for arrival in arrivals)
    discarded = Counter[str]()
    for arrival in arrivals:
        for line in arrival.discarded:
            discarded[f"{line.reason} ({line.category})"] += line.quantity
    text = ", ".join(_counted(count, name) for name, count in sorted(counts.items())) or "nothing"
    if discarded:
        text += "; the SDK reports as discarded: " + ", ".join(
            f"{n} {what}" for what, n in sorted(discarded.items())
        )
    return text


def exceptions_of(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The exceptions of an event, the one that was captured last."""
    found = event.get("exception") or {}
    values = found.get("values") if isinstance(found, dict) else found
    return [value for value in values or [] if isinstance(value, dict)]


def message_of(event: Mapping[str, Any]) -> str:
    """The message of an event that is not about an exception; empty when it has none."""
    entry = event.get("logentry") or {}
    return str(entry.get("formatted") or entry.get("message") or event.get("message") or "")


def _counted(count: int, name: str) -> str:
    many = count != 1 and name != _UNREADABLE and not name.endswith("s")
    return f"{count} {name}{'s' if many else ''}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
