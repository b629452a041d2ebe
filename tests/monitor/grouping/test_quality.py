"""Precision and recall, and who is to blame."""

from __future__ import annotations

import time
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.model.monitored import Component, Grouping
from pytest_sentry_harness.monitor.grouping import Labelled, quality

from .building import error, event, frame, grouped

NOTHING = Grouping(hashes=("0" * 32,), variant="app", title="", culprit="", components=())


def labelled(label: str, group: object, grouping: Grouping = NOTHING, event_id: str = "e") -> Labelled:
    return Labelled(label=label, group=group, event_id=event_id, grouping=grouping)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=12))
def test_pairs_are_counted_right(pairs: list[tuple[str, int]]) -> None:
    """The table gives what looking at every pair gives."""
    found = quality(labelled(*pair) for pair in pairs)
    both = list(combinations(pairs, 2))
    together = sum(a == b for a, b in both)
    groups, labels = (sum(a[at] == b[at] for a, b in both) for at in (1, 0))
    assert found.precision == (together / groups if groups else None)
    assert found.recall == (together / labels if labels else None)
    assert sum(one.pairs for one in found.merged) == groups - together
    assert sum(one.pairs for one in found.split) == labels - together
    assert (found.events, found.labels, found.groups) == (
        len(pairs),
        len({a for a, _ in pairs}),
        len({b for _, b in pairs}),
    )


def test_no_events_give_no_figures() -> None:
    """Where nothing can be said, nothing is."""
    assert (quality([]).precision, quality([]).recall) == (None, None)
    assert quality([labelled("a", 1)]).recall is None


def test_what_merged_and_what_split_is_shown() -> None:
    """A merge shows what the events have in common, a split what differs."""
    same = grouped(event(error(frame("fail"))))
    one, other = (grouped(event(error(frame(name), frame("fail")))) for name in ("pay", "ship"))
    found = quality(
        [
            *[labelled("payment", 1, same, "e1")] * 3,
            labelled("address", 1, same, "e2"),
            *[labelled("two ways", 2, one, "e3")] * 2,
            labelled("two ways", 3, other, "e4"),
        ]
    )
    (merged,), (split,) = found.merged, found.split
    assert (merged.group, merged.labels, merged.examples, merged.pairs) == (
        1,
        (("payment", 3), ("address", 1)),
        ("e1", "e2"),
        3,
    )
    assert merged.because == ("type ShopError", "frame shop.orders in fail: fail(order)")
    assert (split.label, split.groups, split.examples, split.pairs) == (
        "two ways",
        ((2, 2), (3, 1)),
        ("e3", "e4"),
        2,
    )
    assert split.because == (
        "only here: frame shop.orders in pay: pay(order)",
        "only there: frame shop.orders in ship: ship(order)",
    )
    assert found.precision == pytest.approx(4 / 7)
    assert found.recall == pytest.approx(4 / 6)


def test_the_order_alone_may_differ() -> None:
    """Then there is nothing to show but that."""
    found = quality([labelled("a", 1), labelled("a", 2)])
    assert found.split[0].because == ("the same parts, each under another rule or in another order",)


def test_long_lists_end_at_the_crash() -> None:
    """The newest frames are shown, and how many are not."""
    parts = tuple(Component(what="frame", text=str(n), contributes=True) for n in range(20))
    grouping = Grouping(hashes=("0" * 32,), variant="app", title="", culprit="", components=parts)
    found = quality([labelled("a", 1, grouping), labelled("b", 1, grouping)])
    assert found.merged[0].because == ("... 12 more", *(f"frame {n}" for n in range(12, 20)))


@pytest.mark.slow
def test_many_events_are_counted_in_a_moment() -> None:
    """A hundred thousand events are no five thousand million pairs: processor time, as the machine may be busy."""
    events = [labelled(str(n % 50), n % 70) for n in range(100_000)]
    began = time.process_time()
    found = quality(events)
    assert time.process_time() - began < 5
    assert len(found.merged) == 70
