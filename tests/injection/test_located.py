"""What an import path names, and what there is to arm."""

from __future__ import annotations

import sys
import types

import pytest

from pytest_sentry_harness.injection.located import FaultPath, MissingPointError, locate, still_held

from . import sample


def find(names: str) -> object:
    return locate(sample, FaultPath.parse(f"{sample.__name__}:{names}"))


@pytest.mark.parametrize(
    ("names", "function", "note"),
    [
        ("plain", sample.plain, ""),
        ("Klass.method", sample.Klass.method, ""),
        ("Klass.klass", sample.Klass.klass.__func__, ""),
        ("Klass.static", sample.Klass.static, ""),
        ("Klass.prop", vars(sample.Klass)["prop"].fget, ""),
        ("Klass.kept", vars(sample.Klass)["kept"].func, ""),
        ("Klass.Nested.method", sample.Klass.Nested.method, ""),
        ("Klass.inherited", sample.Base.inherited, "inherited: armed in"),
        ("Klass", sample.Klass.__init__, "a class: armed in its __init__"),
        (
            "cached",
            sample.cached.__wrapped__,
            "decorated: armed in the function inside functools._lru_cache_wrapper",
        ),
        (
            "decorated",
            sample.decorated.__wrapped__.__wrapped__,
            "decorated: armed in the function inside passing",
        ),
    ],
)
def test_python_functions_are_armed_by_their_code(names: str, function: object, note: str) -> None:
    """Whatever is wrapped around it, the function that does the work is found, and it is said where."""
    located = find(names)
    assert located.function is function
    assert located.note.startswith(note)


@pytest.mark.parametrize("names", ["builtin", "instance"])
def test_other_callables_are_armed_by_their_attribute(names: str) -> None:
    """Built-in functions and callable objects have no code of their own."""
    located = find(names)
    assert located.function is None
    assert located.owner is sample
    assert located.found is getattr(sample, names)


@pytest.mark.parametrize(
    ("names", "text", "near"),
    [
        ("plane", "tests.injection.sample has no 'plane'", "tests.injection.sample:plain"),
        (
            "Klass.methods",
            "tests.injection.sample.Klass has no 'methods'",
            "tests.injection.sample:Klass.method",
        ),
        ("number", "'number' is not a function but a int", None),
        (
            "Empty",
            "'Empty' is a class without an __init__ of its own in Python: name one of its methods",
            None,
        ),
    ],
)
def test_what_cannot_be_armed_says_why(names: str, text: str, near: str | None) -> None:
    """With the nearest names where there are any."""
    with pytest.raises(MissingPointError) as missing:
        find(names)
    assert missing.value.what == text
    if near is not None:
        assert missing.value.near[0] == near
        assert f"did you mean {near}" in str(missing.value)


@pytest.mark.parametrize("at", ["plain", "mod:", ":f", "mod:a b", "mod:f()", "a..b:c"])
def test_paths_of_another_form_are_refused(at: str) -> None:
    """The form is package.module:Class.method."""
    with pytest.raises(
        MissingPointError, match="is not an import path of the form package.module:Class.method"
    ):
        FaultPath.parse(at)


def test_methods_of_builtin_classes_cannot_be_replaced() -> None:
    """Said plainly instead of failing in setattr."""
    module = types.ModuleType("module_with_dict")
    module.d = dict  # type: ignore[attr-defined]
    with pytest.raises(
        MissingPointError, match=r"dict.get belongs to a built-in class and cannot be replaced"
    ):
        locate(module, FaultPath.parse("module_with_dict:d.get"))


def test_names_that_keep_the_original_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """In all imported modules, except the one that is armed."""
    other = types.ModuleType("other_holder")
    original = object()
    other.kept = original  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "other_holder", other)
    assert still_held(original, besides=None) == ("other_holder.kept",)
    assert still_held(original, besides=other) == ()
