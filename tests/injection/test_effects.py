"""One kind of fault after the other."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_sentry_harness.errors import InjectionError
from pytest_sentry_harness.injection.effects.effect import Action
from pytest_sentry_harness.injection.effects.noop import Noop
from pytest_sentry_harness.injection.effects.registry import Effects
from pytest_sentry_harness.plan.terms import Term, parse_chain


def action(text: str) -> Action:
    (term,) = parse_chain(text)
    return Effects().of(term).action()


def test_off_does_nothing() -> None:
    """The no-op twin of every effect."""
    assert action("off") == Action()


def test_sleep_waits() -> None:
    """In seconds."""
    assert action("sleep(250ms)") == Action(seconds=0.25)


def test_burn_computes() -> None:
    """In seconds of processor time."""
    assert action("burn(200ms)") == Action(busy=0.2)


def test_return_builds_its_value_anew() -> None:
    """Changing one firing's value must not change the next."""
    (term,) = parse_chain("return({'price': [0]})")
    effect = Effects().of(term)
    first, second = effect.action(), effect.action()
    assert first.returns
    assert first.value == second.value == {"price": [0]}
    assert first.value is not second.value


@pytest.mark.parametrize(
    ("text", "kind", "args"),
    [
        ("raise", RuntimeError, ()),
        ("raise(TimeoutError)", TimeoutError, ()),
        ("raise(ValueError('late', 3))", ValueError, ("late", 3)),
        ("raise(subprocess.SubprocessError('x'))", subprocess.SubprocessError, ("x",)),
        ("raise(KeyboardInterrupt)", KeyboardInterrupt, ()),
    ],
)
def test_raise_makes_a_fresh_exception(
    text: str, kind: type[BaseException], args: tuple[object, ...]
) -> None:
    """By builtin name or import path; never the same object twice."""
    first, second = action(text), action(text)
    assert type(first.exception) is kind
    assert first.exception.args == args
    assert first.followed
    assert first.exception is not second.exception


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("raise(TimeOutError)", "'TimeOutError' is no builtin exception", "did you mean 'TimeoutError'"),
        ("raise(no_such_package.Error)", "there is no module 'no_such_package'", "installed there?"),
        ("raise(subprocess.SubprocesError)", "subprocess has no SubprocesError", "'SubprocessError'"),
        ("raise(subprocess.PIPE)", "subprocess.PIPE is not an exception class but -1", "name a class"),
        ("raise(print)", "print is not an exception class", "name a class"),
        ("raise(UnicodeDecodeError)", "UnicodeDecodeError() cannot be built: TypeError", "literal arguments"),
        ("raise(tests.injection.broken.Error)", "tests.injection.broken cannot be imported", ""),
    ],
)
def test_what_cannot_be_raised_says_why(text: str, what: str, hint: str) -> None:
    """Nothing is raised then."""
    with pytest.raises(InjectionError) as refused:
        action(text)
    assert what in refused.value.what
    assert hint in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("exit(3)", 3),
        ("exit(sys.exit, 4)", 4),
        ("exit(os._exit, 5)", 5),
        ("exit(SIGKILL)", -9),
        ("exit(SIGTERM)", -15),
    ],
)
def test_exit_ends_the_process(text: str, status: int) -> None:
    """Each in its way."""
    code = f"""
from pytest_sentry_harness.injection.effects.registry import Effects
from pytest_sentry_harness.plan.terms import parse_chain
action = Effects().of(parse_chain({text!r})[0]).action()
if action.exception:
    raise action.exception
action.run()
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == status


def test_kinds_are_registered_once() -> None:
    """A second of the same name is refused, an unknown one named with its neighbours."""
    effects = Effects()
    with pytest.raises(InjectionError, match=r"the fault kind 'off' is already .*noop\.Noop"):
        effects.register(Noop)
    with pytest.raises(InjectionError, match="there is no fault kind 'slep'") as unknown:
        effects.of(Term("slep"))
    assert unknown.value.hint == "did you mean 'sleep'?"
