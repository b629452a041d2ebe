"""Chains and groups of exceptions, and grouping without a stack trace."""

from __future__ import annotations

from typing import Any

from .building import contributing, error, event, frame, grouped, library, together


def group_of(*held: dict[str, Any], value: str = "2 failed") -> list[dict[str, Any]]:
    """An exception group as SDKs send it: what was raised last, its number 0."""
    numbered = []
    for number, one in enumerate(held, start=1):
        mechanism = {**one["mechanism"], "exception_id": number, "parent_id": 0}
        numbered.append({**one, "mechanism": mechanism})
    root = error(frame("run"), type="ExceptionGroup", value=value, exception_id=0, is_exception_group=True)
    return [*reversed(numbered), root]


def test_all_of_a_chain_counts() -> None:
    """The same error with another cause is another group."""
    causes = [error(frame("connect"), type="TimeoutError"), error(frame("parse"), type="ValueError")]
    one, other = (event(cause, error(frame())) for cause in causes)
    assert not together(one, other)
    assert contributing(grouped(one), "type") == ["TimeoutError", "ShopError"]
    assert grouped(one).title == "ShopError: order 7 is lost"


def test_a_cause_without_frames_of_the_application_counts_by_its_text() -> None:
    """In the variant of the application, such an exception is its type and value."""
    causes = [error(library(), value=f"{what} of 7 failed") for what in ("part", "all")]
    assert not together(*(event(cause, error(frame())) for cause in causes))
    assert grouped(event(causes[0], error(frame()))).variant == "app"


def test_a_group_of_one_kind_is_that_kind() -> None:
    """However many there are, and whatever is around them."""
    lost = error(frame("deliver"), value="parcel 1 lost")
    alone = event(error(frame("deliver"), value="parcel 9 lost"))
    one, three = event(*group_of(lost)), event(*group_of(*[lost] * 3, value="3 failed"))
    assert together(alone, one, three)
    assert grouped(three).title == "ShopError: parcel 1 lost"


def test_a_group_of_several_kinds_keeps_one_of_each_and_the_group() -> None:
    """The order in which they failed does not count."""
    lost, late = error(frame("deliver")), error(frame("wait"), type="TimeoutError", value="late")
    first, second = event(*group_of(lost, late, lost)), event(*group_of(late, lost))
    assert together(first, second)
    assert contributing(grouped(first), "type") == ["TimeoutError", "ShopError", "ExceptionGroup"]
    assert grouped(first).title == "ExceptionGroup: 2 failed"
    assert not together(first, event(*group_of(lost)))


def test_groups_in_groups_and_causes_below() -> None:
    """Groups are looked through; the first causes of what they hold come along."""
    values = [
        error(type="KeyError", value="k", exception_id=3, parent_id=2),
        error(frame("deliver"), exception_id=2, parent_id=1),
        error(type="ExceptionGroup", value="inner", exception_id=1, parent_id=0, is_exception_group=True),
        error(frame("run"), type="ExceptionGroup", value="outer", exception_id=0, is_exception_group=True),
    ]
    assert contributing(grouped(event(*values)), "type") == ["ShopError", "KeyError"]


def test_broken_trees_are_chains() -> None:
    """Missing, doubled, own and unknown parents, and circles: all exceptions count then."""
    root = {"type": "ExceptionGroup", "exception_id": 0, "is_exception_group": True}
    for first, second in (
        ({"exception_id": 1, "parent_id": 1}, root),
        ({"exception_id": 0, "parent_id": 0}, root),
        ({"exception_id": None, "parent_id": 0}, root),
        ({"exception_id": 2, "parent_id": 9}, {"exception_id": 1}),
        ({"exception_id": 1, "parent_id": 0, "is_exception_group": True}, {**root, "parent_id": 1}),
    ):
        kind = second.get("type", "ShopError")
        rest = {key: value for key, value in second.items() if key != "type"}
        found = grouped(event(error(**first), error(type=kind, **rest)))
        assert contributing(found, "type") == ["ShopError", kind]


def test_a_circle_of_causes_ends() -> None:
    """Each exception is taken once."""
    values = [
        error(type="A", exception_id=2, parent_id=1),
        error(type="B", exception_id=1, parent_id=2),
        error(type="C", exception_id=0),
    ]
    assert contributing(grouped(event(*values)), "type") == ["C"]
    values[0]["mechanism"]["parent_id"], values[2]["mechanism"]["parent_id"] = 0, 2
    assert contributing(grouped(event(*values)), "type") == ["C", "A"]


def test_without_frames_type_and_value_decide() -> None:
    """The value is parameterised, and only counts when there is no stack trace."""
    one, other = (event(error(value=f"order {n} is lost")) for n in (1, 2))
    assert together(one, other)
    assert grouped(one).variant == "exception"
    assert contributing(grouped(one), "value") == ["order <int> is lost"]
    assert not together(one, event(error(value="order 1 is late")))
    assert not together(one, event(error(type="OtherError", value="order 1 is lost")))
    assert together(*(event(error(frame(), value=value)) for value in ("a", "b")))


def test_a_synthetic_type_does_not_count() -> None:
    """It was made up to get at the stack trace; the title names the function."""
    one, other = (event(error(frame(), type=name, synthetic=True)) for name in ("A", "B"))
    assert together(one, other)
    assert grouped(one).title == "save"
    assert grouped(event(error(synthetic=True))).title == "<unknown>"
