"""Objectives and analysis in the reports: what is said, in which words, and that it is harmless."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from rich.console import Console

from pytest_sentry_harness.criteria.objectives_account import Evidence, account_of
from pytest_sentry_harness.model.analysis import (
    AnalysisInfo,
    ClassTold,
    PatternsInfo,
    PatternsOf,
    PatternTold,
    RateRow,
    RatesInfo,
    SpikeTold,
    TrendTold,
)
from pytest_sentry_harness.model.scenario import Objective, ObjectiveBurn
from pytest_sentry_harness.report.analysis import analysis_lines, analysis_markdown, bars, print_analysis
from pytest_sentry_harness.report.objectives import needed, objectives_lines, print_objectives
from tests.criteria.test_objectives import FAST, UP, ended, reported

PATTERN = PatternTold(
    key="tags[region]",
    value="eu\x1b[31m",
    hits=9,
    of=10,
    others_hits=1,
    others=90,
    odds=250.0,
    low=20.0,
    high=3000.0,
    q=1e-9,
)
NO_PATTERNS = PatternsInfo(compared_with="nothing", others=0, compared=0, issues=0, table=())
RATES = RatesInfo(
    begin=0.0,
    interval=0.5,
    errors=6,
    transactions=40,
    transactions_failed=5,
    requests=40,
    requests_failed=6,
    series=tuple(
        RateRow(
            at=n / 2, errors=n % 4, transactions=2, transactions_failed=n % 2, requests=2, requests_failed=0
        )
        for n in range(20)
    ),
    trends=(
        TrendTold(of="errors", per_minute=6.0, low=3.0, high=9.0, chance=0.001, direction="rising"),
        TrendTold(of="requests", per_minute=0.06, low=-0.06, high=0.18, chance=0.3, direction="none"),
    ),
    spikes=(
        SpikeTold(
            of="errors",
            begin=3.0,
            end=4.5,
            count=12,
            expected=0.5,
            chance=1e-7,
            stays=True,
            because="",
            issues=(("issue 1, TimeoutError: [no](http://x)", 12),),
            categories=(("timeout", 12),),
        ),
    ),
    spikes_left_out=2,
    not_judged=8,
    false_alarm=1e-4,
)
INFO = AnalysisInfo(
    config="c",
    rates=RATES,
    patterns=PatternsInfo(
        compared_with="transactions",
        others=90,
        compared=4,
        issues=3,
        table=(
            PatternsOf(
                issue=1,
                title="TimeoutError",
                events=10,
                category="timeout",
                severity="high",
                found=(PATTERN,),
                left_out=2,
            ),
            PatternsOf(
                issue=2, title="KeyError", events=7, category="unknown", severity="high", found=(), left_out=0
            ),
        ),
    ),
    classes=tuple(
        ClassTold(category=f"c{n}", severity="high", events=9 - n, because="", example="e") for n in range(9)
    ),
    quieter=3,
    unread=1,
    not_compared=0,
)


def printed(show: Callable[[Console], None]) -> str:
    out = io.StringIO()
    show(Console(file=out, width=200, soft_wrap=True))
    return out.getvalue()


def row(*cells: str) -> str:
    return " | ".join(cells)


def test_rates_trends_and_spikes_in_sentences() -> None:
    """Numbers with bounds, chance and what they consist of; the rest by number."""
    assert analysis_lines(INFO) == [
        "rates: 6 errors, 5 of 40 transactions failed, 6 of 40 requests failed, in 20 intervals of 500 ms",
        "  errors [ ▃▆█ ▃▆█ ▃▆█ ▃▆█ ▃▆█]",
        "  failed transactions [ █ █ █ █ █ █ █ █ █ █]",
        "  trend of errors: rising, over the whole time by +1 a minute (95 % bounds +0.5 to +1.5, p 0.001)",
        "  trend of failed requests: none (over the whole time -1 to +3 percentage points, p 0.3)",
        "  spike of errors from 3 s to 4.5 s: 12, 0.5 expected (chance 1e-07, counts in clusters), and it stays; errors in it: "
        "12 of issue 1, TimeoutError: [no](http://x); 12 timeout",
        "  2 spikes more are in run.json, or too many for it",
        "kinds of errors: 9 c0 (high), 8 c1 (high), 7 c2 (high), 6 c3 (high), 5 c4 (high), 4 c5 (high), 3 c6 (high), 2 c7 (high) and 1 more",
        "patterns of the largest issues, compared with 90 transactions without an error (4 comparisons, corrected for)",
        "  issue 1, 10 events, timeout, high: TimeoutError",
        "    tags[region] eu\x1b[31m: 9 of 10, elsewhere 1 of 90; odds 250 times as high (20 to 3e+03), q 1e-09",
        "    2 more",
        "  issue 2, 7 events, unknown, high: KeyError",
        "    nothing stands out",
        "  1 smaller issues are not shown",
        "  3 events are below level error, and in none of these figures",
        "  1 events and transactions could not be read",
    ]


def test_text_of_the_target_is_harmless() -> None:
    """No control character reaches the terminal, and Markdown gets its cells escaped."""
    assert "\x1b" not in printed(lambda console: print_analysis(INFO, console))
    assert all(line.startswith("!") for line in analysis_markdown(INFO, lambda text: f"!{text}")[1:-1])


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        (replace(RATES, spikes=(), spikes_left_out=0), "  no spike in the 12 intervals after the first 8"),
        (
            replace(RATES, spikes=(), spikes_left_out=0, series=RATES.series[:8]),
            "  too few intervals to tell a spike",
        ),
        (None, "nothing arrived that could be counted"),
    ],
)
def test_what_is_not_found_is_said(rates: RatesInfo | None, said: str) -> None:
    """That nothing is there, and from where on one would know."""
    assert said in analysis_lines(replace(INFO, rates=rates))


def test_patterns_that_cannot_be_told() -> None:
    """One issue alone has nothing to be compared with; other issues will do; none at all is not spoken of."""
    nothing = replace(INFO.patterns, compared_with="nothing", table=())
    assert any(
        "there is nothing to compare it with" in line
        for line in analysis_lines(replace(INFO, patterns=nothing))
    )
    issues = replace(INFO.patterns, compared_with="issues")
    assert any(
        "compared with other issues (4" in line for line in analysis_lines(replace(INFO, patterns=issues))
    )
    assert not any("patterns" in line for line in analysis_lines(replace(INFO, patterns=NO_PATTERNS)))


def test_bars() -> None:
    """Relative to the largest, and what is above 0 is seen."""
    assert bars([0, 1, 1000]) == " ▁█"
    assert bars([0, 0]) == "  "
    assert bars([]) == ""


def lines(objectives: Sequence[Objective], bad: Sequence[int] = (), *, shown: int = 100) -> list[str]:
    sent = ended(bad=bad)
    info = account_of(
        objectives, Evidence(ended=sent, reported=reported(sent)[:shown], dropped={"sample_rate": 3})
    )
    text = printed(lambda console: print_objectives(info, console))
    assert "\n".join(objectives_lines(info, row, str))
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_two_rows_for_each_objective() -> None:
    """What was, and what Sentry shows; a clean run says what it proves."""
    found = lines([UP, FAST])
    assert "up load generator 100 0 100 % 96.3 … 100 % 99 % 100 % met" in found
    assert "Sentry 100 0 100 % 96.3 … 100 % 99 % 100 % met" in found
    assert "fast load generator 100 0 100 % 96.3 … 100 % 90 % below 200 ms 100 % met" in found
    assert "up: none of 100 requests was bad, which proves 96.3 %; 381 would prove the target" in found
    assert "transactions that the SDK says it dropped: 3 sample_rate" in found
    assert not any(line.startswith("fast:") for line in found)


def test_what_lies_behind_a_broken_one() -> None:
    """Alerts on the budget in both accounts, the difference request by request, and what stands out, or that nothing does."""
    found = lines([UP], bad=range(40, 60), shown=55)
    assert any(line.startswith("up: fast burn (above 14.4) from 4.") for line in found)
    assert any(line.startswith("up: in Sentry fast burn") for line in found)
    assert any(
        line.startswith(
            "up: Sentry is off by 7.27 %: 5 of 20 bad requests left no transaction, 40 of 80 good"
        )
        for line in found
    )
    assert "up: 0 of 20 bad requests have an error event" in found
    assert "up: nothing stands out of the bad requests" in found


def test_an_alert_that_cannot_fire_is_named() -> None:
    """When every request is bad, the budget burns at 1 / (1 - target)."""
    found = lines(
        [replace(UP, target=0.9, burns=(ObjectiveBurn(name="page", burn=14.4, long=2.0, short=1.0),))]
    )
    assert "up: page cannot fire: above 14.4, and when every request is bad it is 10" in found


def test_nothing_shown_and_too_many_objectives() -> None:
    """An account without requests has no share; of many objectives the first twenty are shown."""
    assert "Sentry 0 0 - 99 % - unknown" in lines([UP], shown=0)
    many = lines([replace(UP, name=f"up{number}") for number in range(21)])
    assert "1 more objectives are in run.json" in many


def test_how_many_requests_prove_a_target() -> None:
    """Wilson's lower bound for a sample without a bad one reaches the target at just that number."""
    from pytest_sentry_harness.statistics.shares import wilson_interval

    for target in (0.9, 0.99, 0.999):
        enough = needed(target)
        assert 1 - wilson_interval(0, enough)[1] >= target
        assert 1 - wilson_interval(0, enough - 1)[1] < target
