"""What the samples of a run come to: means, extremes and growth. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import msgspec

from ..model.series import Course, Sample, SeriesInfo
from ..statistics.slope import slope

_WARM = 0.2
"""Share of the run that growth leaves out: what a service loads and fills when it starts is no leak."""
_LEAST_SECONDS = 10.0
"""A growth per minute says nothing about a shorter run."""
_decode = msgspec.json.Decoder(Sample).decode


def read_samples(lines: Iterable[bytes]) -> list[Sample]:
    """The samples in ``series.jsonl``; a last line that was cut off is left out."""
    samples = []
    for line in lines:
        try:
            samples.append(_decode(line))
        except msgspec.DecodeError:
            break
    return samples


def course_of(samples: Sequence[Sample]) -> SeriesInfo | None:
    """What ``samples`` come to; None without two of them."""
    if len(samples) < 2 or samples[-1].seconds <= 0:
        return None
    last = samples[-1]
    times = [sample.seconds for sample in samples]
    cores = [
        (after.cpu - before.cpu) / (after.seconds - before.seconds)
        for before, after in itertools.pairwise(samples)
        if after.seconds > before.seconds
    ]
    return SeriesInfo(
        samples=len(samples),
        seconds=last.seconds,
        processes=max(sample.processes for sample in samples),
        cpu=last.cpu,
        cores=_course(times[1:], cores, mean=last.cpu / last.seconds),
        rss=_course(times, [float(sample.rss) for sample in samples]),
        uss=_known(samples, "uss"),
        threads=_course(times, [float(sample.threads) for sample in samples]),
        descriptors=_known(samples, "descriptors"),
        connections=_known(samples, "connections"),
        disk_read=last.disk_read,
        disk_written=last.disk_written,
        net_sent=last.net_sent,
        net_received=last.net_received,
        loopback=last.loopback,
        machine=sum(sample.machine for sample in samples) / len(samples),
        sampler=last.sampler,
    )


def _known(samples: Sequence[Sample], name: str) -> Course | None:
    """The course of what is not known at each moment."""
    known = [
        (sample.seconds, float(value)) for sample in samples if (value := getattr(sample, name)) is not None
    ]
    return _course([at for at, _ in known], [value for _, value in known]) if known else None


def _course(times: Sequence[float], values: Sequence[float], mean: float | None = None) -> Course:
    begin = next((index for index, at in enumerate(times) if at >= times[-1] * _WARM), 0)
    long_enough = times[-1] - times[begin] >= _LEAST_SECONDS
    grown = slope(times[begin:], values[begin:]) if long_enough else None
    return Course(
        mean=sum(values) / len(values) if mean is None else mean,
        max=max(values),
        growth=None if grown is None else grown.value * 60,
        growth_low=None if grown is None else grown.low * 60,
        growth_high=None if grown is None else grown.high * 60,
    )
