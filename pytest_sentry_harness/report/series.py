"""What the target took of the machine, in two lines."""

from __future__ import annotations

from ..model.series import Course, SeriesInfo

_KILO = 1000.0
_UNITS = ("B", "kB", "MB", "GB", "TB")


def series_lines(info: SeriesInfo | None) -> list[str]:
    """Plain text for any report; none where nothing was sampled."""
    if info is None:
        return []
    held = [
        f"memory {_size(info.rss.mean)} (at most {_size(info.rss.max)}{_growth(info.rss)})",
        *([] if info.uss is None else [f"of its own {_size(info.uss.mean)}{_growth(info.uss, '; ')}"]),
        f"at most {info.threads.max:.0f} threads",
        *([] if info.descriptors is None else [f"{info.descriptors.max:.0f} descriptors"]),
        *([] if info.connections is None else [f"{info.connections.max:.0f} connections"]),
        *([] if info.processes == 1 else [f"{info.processes} processes"]),
    ]
    cpu = f"CPU {info.cpu:.1f} s ({info.cores.mean:.2f} of a core, at most {info.cores.max:.2f})"
    moved = []
    if info.disk_read is not None and info.disk_written is not None:
        moved.append(f"disk {_size(info.disk_read)} read, {_size(info.disk_written)} written")
    moved.append(f"the whole machine: {info.machine:.0%} busy")
    if info.net_sent is not None and info.net_received is not None and info.loopback is not None:
        moved.append(
            f"network {_size(info.net_sent)} out, {_size(info.net_received)} in, {_size(info.loopback)} on loopback"
        )
    return [
        f"target, {info.samples} samples in {info.seconds:.0f} s: {', '.join([cpu, *held])}",
        f"  {', '.join(moved)}",
    ]


def _growth(course: Course, before: str = ", ") -> str:
    if course.growth is None or course.growth_low is None or course.growth_high is None:
        return ""
    sizes = (_signed(each) for each in (course.growth, course.growth_low, course.growth_high))
    return before + "{} a minute: {} to {}".format(*sizes)


def _signed(size: float) -> str:
    return ("+" if size >= 0 else "-") + _size(abs(size))


def _size(size: float) -> str:
    for unit in _UNITS[:-1]:
        if size < _KILO:
            return f"{size:.3g} {unit}"
        size /= _KILO
    return f"{size:.3g} {_UNITS[-1]}"
