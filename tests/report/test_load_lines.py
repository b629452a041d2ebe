"""The load in the reports."""

from __future__ import annotations

from pytest_sentry_harness.model.load import GeneratorHealth, LoadInfo, Quantile, RequestTimes, Spread
from pytest_sentry_harness.report.load import load_lines, load_table

SPREAD = Spread(
    count=100,
    p50=Quantile(value=0.01, low=0.009, high=0.012),
    p95=Quantile(value=0.05, low=0.04, high=1.5),
    p99=Quantile(value=0.2, low=0.05, high=None),
    max=2.0,
)


def info(*, is_open: bool = True, names: int = 1, held: int = 0, missed: int = 0) -> LoadInfo:
    def times(name: str) -> RequestTimes:
        return RequestTimes(
            request=name,
            requests=100,
            failed=3,
            plain=80,
            plain_failed=2,
            service=SPREAD,
            latency=SPREAD if is_open else None,
        )

    return LoadInfo(
        open=is_open,
        seconds=10.0,
        planned=100 if is_open else None,
        requests=100,
        failed=3,
        rate_asked=10.0 if is_open else None,
        rate=9.96,
        all=times("all"),
        by_request=tuple(times(f"GET /a|`{number}") for number in range(names)),
        generator=GeneratorHealth(
            processes=1,
            cpu=0.12,
            lag_p99=0.0012 if is_open else None,
            lag_max=0.1 if is_open else None,
            loop_lag_p99=0.01,
            held=held,
            missed=missed,
            most_in_flight=9,
        ),
    )


def test_the_terminal_shows_both_times_of_an_open_load() -> None:
    """What was sent, how long it took from either moment, and how the generator fared."""
    spread = "p50 10 ms (9 ms … 12 ms), p95 50 ms (40 ms … 1.5 s), p99 200 ms (50 ms … -), max 2 s"
    assert load_lines(info(held=4, missed=1)) == [
        "load: 100 requests in 10.0 s (9.96/s sent, 10/s asked), 3 failed; without a fault: 2 of 80",
        f"  from when they were due: {spread}",
        f"  from when they were sent: {spread}",
        "  generator: CPU 12%, at most 9 under way, sent late by 1.2 ms (p99), 4 had to wait for others, 1 never sent",
    ]


def test_a_closed_load_has_one_time_only() -> None:
    """From when requests were sent; that is what it knows."""
    lines = load_lines(info(is_open=False))
    assert lines[0] == "load: 100 requests in 10.0 s (9.96/s sent), 3 failed; without a fault: 2 of 80"
    assert [line.partition(":")[0] for line in lines[1:]] == ["  from when they were sent", "  generator"]


def test_nothing_is_shown_of_a_load_that_told_nothing() -> None:
    """A script as target has no load."""
    assert (load_lines(None), load_table(None)) == ([], [])


def test_markdown_has_a_row_for_each_name_up_to_twenty() -> None:
    """Names are made harmless: they come from the target's paths."""
    rows = [line for line in load_table(info(names=25)) if line.startswith("| `")]
    assert len(rows) == 21
    assert rows[1] == "| `GET /a&#124;'0` | 100 | 3 | 10 ms | 50 ms | 200 ms | 2 s |"
    table = load_table(info(names=25, is_open=False))
    assert "_5 more names in run.json._" in table
    assert any("from when sent" in line for line in table)
