"""What the target's processes took of the machine while the run went on: samples, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The target's whole process tree at one moment: one JSON line of ``series.jsonl``.

    Counters start at 0 with the first sample; what processes had that have ended meanwhile stays counted. None: the
    operating system does not tell.
    """

    at: float
    """Wall clock, seconds since the epoch."""
    seconds: float
    """Monotonic seconds since the first sample."""
    processes: int
    cpu: float
    """Processor seconds, user and system."""
    rss: int
    """Bytes of resident memory, what processes share counted for each of them."""
    uss: int | None
    """Bytes that no other process shares; looked at less often, for it costs the target more."""
    threads: int
    descriptors: int | None
    """Open files, sockets and pipes."""
    connections: int | None
    """Open TCP and UDP sockets."""
    disk_read: int | None
    """Bytes that came from a disk, not out of the cache."""
    disk_written: int | None
    net_sent: int | None
    """Bytes over the interfaces of the whole machine, loopback left out: no system tells them by process."""
    net_received: int | None
    loopback: int | None
    """Bytes over the machine's loopback interface: the run's own requests, mostly, and those of everybody else."""
    machine: float
    """Share of all processors of the machine that was in use since the sample before, by anybody."""
    sampler: float
    """Processor seconds that the sampling itself has taken, in the harness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How one quantity went."""

    mean: float
    max: float
    growth: float | None
    """Per minute, by a straight line through the means of equal stretches; None: the run is too short."""
    growth_low: float | None
    """95 % bounds of ``growth``."""
    growth_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesInfo:
    """What ``series.jsonl`` comes to."""

    samples: int
    seconds: float
    """From the first to the last."""
    processes: int
    """The most at a time."""
    cpu: float
    """Processor seconds in all."""
    cores: Course
    """Processors in use; 1.0 is one of them all the time."""
    rss: Course
    uss: Course | None
    threads: Course
    descriptors: Course | None
    connections: Course | None
    disk_read: int | None
    """Bytes in all."""
    disk_written: int | None
    net_sent: int | None
    """Bytes in all, of the whole machine, without its loopback interface."""
    net_received: int | None
    loopback: int | None
    """Bytes in all over the machine's loopback interface."""
    machine: float
    """Mean share of the machine's processors in use by anybody."""
    sampler: float
    """Processor seconds that the sampling itself took."""
