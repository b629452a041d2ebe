"""Counts, shares and associations, held against scipy and against what they claim."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.random import RandomState
from scipy import special, stats

from pytest_sentry_harness.statistics.associations import false_discovery, fisher_above, odds_ratio
from pytest_sentry_harness.statistics.counts import (
    chance_of_at_least,
    incomplete_beta,
    log_chance,
    surprise,
)
from pytest_sentry_harness.statistics.shares import wilson_interval
from tests.examples import examples


@pytest.mark.parametrize(
    "successes,trials,low,high",
    # Newcombe, Statistics in Medicine 17, 1998, table I: Wilson's score intervals.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_published(successes: int, trials: int, low: float, high: float) -> None:
    """The examples of the literature to four digits."""
    assert wilson_interval(successes, trials) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_wilson_at_its_ends() -> None:
    """Nothing known, everything seen, and what cannot be."""
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert wilson_interval(7, 7)[1] == 1.0
    with pytest.raises(ValueError, match="3 successes of 2 trials"):
        wilson_interval(3, 2)
    with pytest.raises(ValueError, match="confidence 1"):
        wilson_interval(1, 2, 1.0)


@examples(80)
@given(trials=st.integers(1, 10**9), share=st.floats(0, 1))
def test_wilson_holds_its_estimate(trials: int, share: float) -> None:
    """The bounds lie around the estimate and within 0 and 1."""
    successes = round(share * trials)
    low, high = wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1


@examples(150)
@given(a=st.floats(1e-4, 1e6), b=st.floats(1e-4, 1e6), x=st.floats(0, 1))
@example(a=1e6, b=6e7, x=1 / 61)
@example(a=500.0, b=1e-3, x=0.9)
def test_the_incomplete_beta_function(a: float, b: float, x: float) -> None:
    """As scipy has it, from the smallest to the largest."""
    assert incomplete_beta(a, b, x) == pytest.approx(float(special.betainc(a, b, x)), rel=1e-5, abs=1e-12)


def test_arguments_of_the_incomplete_beta_function() -> None:
    """Nothing is made up where it is not defined."""
    for a, b, x in ((0.0, 1.0, 0.5), (1.0, -1.0, 0.5), (1.0, 1.0, 1.5), (1.0, 1.0, math.nan)):
        with pytest.raises(ValueError, match="incomplete beta"):
            incomplete_beta(a, b, x)


@examples(80)
@given(count=st.integers(0, 3000), mean=st.floats(0.01, 1000), dispersion=st.floats(1.01, 300))
def test_the_negative_binomial(count: int, mean: float, dispersion: float) -> None:
    """Chance and tail as scipy has them, with mean and variance as promised."""
    of = stats.nbinom(mean / (dispersion - 1), 1 / dispersion)
    assert of.mean() == pytest.approx(mean)
    assert of.var() == pytest.approx(mean * dispersion)
    assert log_chance(count, mean, dispersion) == pytest.approx(float(of.logpmf(count)), rel=1e-6, abs=1e-6)
    tail = float(of.sf(count - 1))
    assert chance_of_at_least(count, mean, dispersion) == pytest.approx(tail, rel=1e-5, abs=1e-12)


def test_dispersion_one_is_poisson() -> None:
    """Without clusters the chance is that of independent events."""
    assert log_chance(7, 4.0, 1.0) == pytest.approx(float(stats.poisson(4.0).logpmf(7)))


def test_surprise_grows_with_the_count_and_falls_with_clusters() -> None:
    """More is more surprising, and less so where counts jump about anyway."""
    quiet, jumpy = [9, 10, 11] * 10, [0, 0, 30] * 10
    ones = [1.0] * 30
    expected, chance = surprise(30, quiet, ones, 1.0)
    assert expected == pytest.approx(300.5 / 30)
    assert chance < 1e-5
    assert surprise(31, quiet, ones, 1.0)[1] < chance < surprise(29, quiet, ones, 1.0)[1]
    assert surprise(30, jumpy, ones, 1.0)[1] > 0.01
    assert surprise(0, quiet, ones, 1.0)[1] == pytest.approx(1.0)


def test_surprise_by_exposure() -> None:
    """Twice the requests, twice the failures: nothing has changed."""
    counts, sizes = [5, 6, 4, 5] * 8, [100.0] * 32
    assert surprise(10, counts, sizes, 200.0)[1] > 0.2
    assert surprise(20, counts, sizes, 100.0)[1] < 1e-3


def test_surprise_needs_something_before() -> None:
    """No baseline, no chance; an exposure of nothing neither."""
    for before, sizes, size in (([], [], 1.0), ([1], [1.0, 2.0], 1.0), ([1], [0.0], 1.0), ([1], [1.0], 0.0)):
        with pytest.raises(ValueError, match="counts before"):
            surprise(3, before, sizes, size)


@pytest.mark.slow
@pytest.mark.parametrize(
    "mean,dispersion", [(0.2, 1.0), (5.0, 1.0), (200.0, 1.0), (1.0, 3.0), (50.0, 3.0), (50.0, 20.0)]
)
def test_the_chance_is_what_it_says(mean: float, dispersion: float) -> None:
    """Of 1500 counts that are like those before, no more than 2 % have a chance below 1 %."""
    random = RandomState(11)
    alarms = 0
    for _ in range(1500):
        if dispersion == 1:
            counts = random.poisson(mean, 61).tolist()
        else:
            counts = random.negative_binomial(mean / (dispersion - 1), 1 / dispersion, 61).tolist()
        if counts[-1] > mean:  # what is not more than expected has a large chance
            alarms += surprise(counts[-1], counts[:-1], [1.0] * 60, 1.0)[1] < 0.01
    # Three standard deviations above 1.3 %, the largest true rate found with many more series.
    assert alarms <= 33


TABLES = st.integers(1, 400).flatmap(
    lambda total: st.tuples(st.integers(0, total), st.integers(0, total)).flatmap(
        lambda two: st.tuples(
            st.integers(max(0, sum(two) - total), min(two)), st.just(two[0]), st.just(two[1]), st.just(total)
        )
    )
)


@examples(200)
@given(TABLES)
def test_fisher(table: tuple[int, int, int, int]) -> None:
    """The tail of the hypergeometric distribution as scipy has it."""
    hits, drawn, marked, total = table
    assert fisher_above(*table) == pytest.approx(
        float(stats.hypergeom(total, marked, drawn).sf(hits - 1)), rel=1e-8, abs=1e-12
    )


def test_fisher_as_published() -> None:
    """The lady tasting tea: all four of eight right by chance, 1 in 70."""
    assert fisher_above(4, 4, 4, 8) == pytest.approx(1 / 70)
    assert fisher_above(3, 4, 4, 8) == pytest.approx(17 / 70)


def test_fisher_with_many() -> None:
    """A million events cost no more than a few thousand terms, and a chance too small for a float is 0."""
    assert fisher_above(10_500, 100_000, 100_000, 1_000_000) == pytest.approx(
        float(stats.hypergeom(1_000_000, 100_000, 100_000).sf(10_499)), rel=1e-6
    )
    assert fisher_above(90_000, 100_000, 100_000, 1_000_000) == 0.0


def test_counts_that_cannot_be() -> None:
    """More hits than things, or than marked ones."""
    for table in ((5, 4, 9, 20), (5, 9, 4, 20), (1, 21, 4, 20), (1, 15, 10, 20)):
        with pytest.raises(ValueError, match="drawn"):
            fisher_above(*table)
    with pytest.raises(ValueError, match="drawn"):
        odds_ratio(5, 4, 9, 20)


def test_odds_ratio() -> None:
    """By hand: (10.5 / 90.5) / (5.5 / 95.5), and Woolf's bounds."""
    ratio, low, high = odds_ratio(10, 100, 15, 200)
    assert ratio == pytest.approx(10.5 / 90.5 / (5.5 / 95.5))
    half = 1.959964 * math.sqrt(1 / 10.5 + 1 / 90.5 + 1 / 5.5 + 1 / 95.5)
    assert (low, high) == (pytest.approx(ratio * math.exp(-half)), pytest.approx(ratio * math.exp(half)))
    assert odds_ratio(100, 100, 100, 200)[1] == pytest.approx(793.9, abs=0.1)


@examples(100)
@given(st.lists(st.floats(0, 1), max_size=40))
def test_false_discovery(chances: list[float]) -> None:
    """The adjusted values of Benjamini and Hochberg as scipy has them."""
    wanted = stats.false_discovery_control(chances).tolist() if chances else []
    assert false_discovery(chances) == pytest.approx(wanted)


def test_false_discovery_of_more_comparisons_than_given() -> None:
    """What was left out because its chance is large still counts as a comparison."""
    assert false_discovery([0.001, 0.02], 10) == pytest.approx([0.01, 0.1])
    with pytest.raises(ValueError, match="2 chances of 1 comparisons"):
        false_discovery([0.1, 0.2], 1)
