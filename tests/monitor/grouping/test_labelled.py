"""Grouping of what a real SDK sends, against the true causes."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_sentry_harness.monitor.grouping import Labelled, quality

from .labelled import measure

# The recorder runs the program of a user, not ours.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unmeasured_module")]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, dict[str, Any]]]:
    """Label and payload of each event."""
    return measure.recorded(tmp_path_factory.mktemp("labelled") / "events.jsonl")


@pytest.fixture(scope="module")
def labelled(recorded: list[tuple[str, dict[str, Any]]]) -> list[Labelled]:
    """The events with the issues they were put to."""
    return measure.put_to_issues(recorded)


def test_there_are_enough(recorded: list[tuple[str, dict[str, Any]]]) -> None:
    """At least 200, of plain functions, threads, chains, groups, messages and four frameworks."""
    assert len(recorded) >= 230
    labels = {label for label, _ in recorded}
    assert len(labels) >= 35
    assert {label.split()[0] for label in labels} >= {
        "fastapi",
        "flask",
        "django",
        "celery",
        "thread",
        "chained",
        "recursion",
    }
    integrations = {data["sdk"]["name"] for _, data in recorded}
    assert all(name.startswith("sentry.python") for name in integrations)


def test_ordinary_causes_are_all_right(labelled: list[Labelled]) -> None:
    """Whatever differs from time to time, each cause is one issue, and each issue one cause."""
    found = quality(event for event in labelled if not event.label.startswith("hard"))
    assert (found.merged, found.split) == ((), ())
    assert (found.precision, found.recall) == (1.0, 1.0)
    assert found.labels == found.groups


def test_hard_causes_go_wrong_as_they_do_in_sentry(labelled: list[Labelled]) -> None:
    """The known failures of grouping are found, each with the parts that are to blame, and no others."""
    found = quality(labelled)
    merged = {frozenset(label for label, _ in one.labels): one.because[-1] for one in found.merged}
    assert merged == {
        frozenset({"hard: one line for all, address", "hard: one line for all, payment"}): (
            "frame tests.monitor.grouping.labelled.causes in fail: raise ShopError(what)"
        ),
        frozenset({"hard: cause thrown away, warehouse", "hard: cause thrown away, stock"}): (
            "frame tests.monitor.grouping.labelled.causes in behind_bad_middleware: "
            'raise ShopError("request failed") from None'
        ),
    }
    split = {one.label: one.because for one in found.split}
    assert split.keys() == {
        "hard: fingerprint with an id",
        "hard: logged and raised",
        "hard: names in a message",
        "hard: two routes",
    }
    assert split["hard: fingerprint with an id"] == ("only here: fingerprint 0", "only there: fingerprint 1")
    assert split["hard: names in a message"] == (
        "only here: message no mail for Ann",
        "only there: message no mail for Bob",
    )
    assert any("api_ratio" in line for line in split["hard: two routes"])
    assert any("could not price: %s" in line for line in split["hard: logged and raised"])
    # 32 pairs are merged, 37 split.
    assert (found.together, found.pairs_of_groups, found.pairs_of_labels) == (678, 710, 715)
    assert (found.precision, found.recall) == (678 / 710, 678 / 715)


def test_titles_are_those_of_the_list_of_issues(labelled: list[Labelled]) -> None:
    """What people read of real events."""
    titles = {event.label: event.grouping.title for event in labelled}
    assert titles["ratio"] == "ZeroDivisionError: division by zero"
    assert titles["group of one kind"].startswith("ShopError: address 12")
    assert titles["group of two kinds"].startswith("ExceptionGroup: end of day failed")
    assert titles["log template"] == "user name-7 could not pay 10.5"
    culprits = {event.label: event.grouping.culprit for event in labelled}
    assert culprits["fastapi reserve"] == "/reserve/{wanted}"
    assert culprits["ratio"] == "tests.monitor.grouping.labelled.causes in ratio"
