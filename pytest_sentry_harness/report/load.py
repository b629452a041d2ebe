"""The load in the reports: how much was sent, how long it took, and how the generator fared."""

from __future__ import annotations

from ..criteria.verdict import show
from ..model.load import LoadInfo, Quantile, RequestTimes, Spread

_MOST_NAMES = 20


def load_lines(info: LoadInfo | None) -> list[str]:
    """Lines for the terminal; none without a load that told about itself."""
    if info is None or info.all is None:
        return []
    lines = [_sent(info)]
    if info.all.latency is not None:
        lines.append(f"  from when they were due: {_spread(info.all.latency)}")
    lines.append(f"  from when they were sent: {_spread(info.all.service)}")
    lines.append(_generator(info))
    return lines


def load_table(info: LoadInfo | None) -> list[str]:
    """Markdown: the same lines, and a row for each name of requests."""
    if info is None or info.all is None:
        return []
    lines = ["", f"**{_sent(info)}**  ", f"{_generator(info)}", ""]
    of = "due" if info.open else "sent"
    lines += [f"| request | count | failed | p50 (from when {of}) | p95 | p99 | max |", "|---|" + "---:|" * 6]
    lines += [_row(times) for times in (info.all, *info.by_request[:_MOST_NAMES])]
    if len(info.by_request) > _MOST_NAMES:
        lines += ["", f"_{len(info.by_request) - _MOST_NAMES} more names in run.json._"]
    return [*lines, ""]


def _sent(info: LoadInfo) -> str:
    asked = "" if info.rate_asked is None else f", {info.rate_asked:.3g}/s asked"
    sent = f"load: {info.requests} requests in {info.seconds:.1f} s ({info.rate:.3g}/s sent{asked}), {info.failed} failed"
    if info.all is None:
        return sent
    return f"{sent}; without a fault: {info.all.plain_failed} of {info.all.plain}"


def _generator(info: LoadInfo) -> str:
    health = info.generator
    parts = [f"CPU {health.cpu:.0%}", f"at most {health.most_in_flight} under way"]
    if health.lag_p99 is not None:
        parts.append(f"sent late by {show(health.lag_p99, 'seconds')} (p99)")
    if health.held:
        parts.append(f"{health.held} had to wait for others")
    if health.missed:
        parts.append(f"{health.missed} never sent")
    return "  generator: " + ", ".join(parts)


def _spread(spread: Spread) -> str:
    shown = [f"{name} {_quantile(each)}" for name, each in _quantiles(spread)]
    return ", ".join([*shown, f"max {show(spread.max, 'seconds')}"])


def _quantiles(spread: Spread) -> list[tuple[str, Quantile]]:
    return [("p50", spread.p50), ("p95", spread.p95), ("p99", spread.p99)]


def _quantile(quantile: Quantile) -> str:
    low, high = (show(end, "seconds") for end in (quantile.low, quantile.high))
    return f"{show(quantile.value, 'seconds')} ({low} … {high})"


def _row(times: RequestTimes) -> str:
    spread = times.latency or times.service
    name = " ".join(times.request.replace("|", "&#124;").replace("`", "'").split())
    cells = [f"`{name}`", str(times.requests), str(times.failed)]
    cells += [show(each.value, "seconds") for _, each in _quantiles(spread)]
    return "| " + " | ".join([*cells, show(spread.max, "seconds")]) + " |"
