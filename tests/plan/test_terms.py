"""The fault-term grammar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import TermError
from pytest_sentry_harness.plan.terms import (
    Exit,
    Raise,
    Term,
    duration,
    exit_arguments,
    parse_chain,
    raise_arguments,
    return_value,
)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("off", (Term("off"),)),
        ("raise", (Term("raise"),)),
        ("5%raise(TimeoutError)", (Term("raise", "TimeoutError", 0.05),)),
        (" 2.5 % 3 * sleep( 250ms ) ", (Term("sleep", "250ms", 0.025, 3),)),
        (
            '3*sleep(250ms)->raise(ValueError("late"))',
            (Term("sleep", "250ms", 1.0, 3), Term("raise", 'ValueError("late")')),
        ),
        ("1*raise -> 1%exit(3)->off", (Term("raise", "", 1.0, 1), Term("exit", "3", 0.01), Term("off"))),
        ("raise(ValueError(')->', \"('\"))", (Term("raise", "ValueError(')->', \"('\")"),)),
        (r"raise(ValueError('it\'s'))", (Term("raise", r"ValueError('it\'s')"),)),
        ("return({'price': [0, (1,)]})", (Term("return", "{'price': [0, (1,)]}"),)),
        ("0%raise", (Term("raise", "", 0.0),)),
        ("2*burn(200ms)", (Term("burn", "200ms", 1.0, 2),)),
        ("100%raise", (Term("raise"),)),
    ],
)
def test_chains_are_read(text: str, terms: tuple[Term, ...]) -> None:
    """Percentage, count, kind, arguments; arrows and parentheses within strings are text."""
    assert parse_chain(text) == terms


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "term '', column 1: the term is empty\n  hint: write one of: raise(TimeoutError) or"),
        ("rise", "term 'rise', column 1: unknown fault kind 'rise'\n  hint: did you mean 'raise'"),
        ("5%", "term '5%', column 1: '5%' is not a term"),
        ("raise)", "term 'raise)', column 6: unexpected ')' after a term\n  hint: join terms with ->"),
        ("1*raise->", "a term is missing after ->\n  hint: write another term, or drop the ->"),
        (
            "raise->off",
            "'raise' always acts, so what follows it never would\n  hint: give it a percentage or a count",
        ),
        ("101%raise", "101% is more than always\n  hint: use 0% to 100%"),
        ("5%off", "off takes nothing\n  hint: write just: off"),
        ("off()->raise".replace("()", "(1)"), "off takes nothing"),
        ("raise(ValueError('x'", "column 6: the parenthesis is never closed\n  hint: close it with )"),
        ("sleep(250)", "'250' is not a duration\n  hint: write a number and a unit"),
        ("sleep", "'' is not a duration"),
        ("burn(200)", "'200' is not a duration"),
        ("raise(x=1)", "raise(x=1) does not name an exception"),
        ("raise(ValueError(x=1))", "raise(ValueError(x=1)): keyword arguments are not supported"),
        ("raise(ValueError(open))", "raise(ValueError(open)) does not name an exception"),
        ("raise(ValueError({[]: 1}))", "does not name an exception"),
        ("raise(None)", "raise(None) does not name an exception"),
        ("raise(a().b)", "raise(a().b) does not name an exception"),
        ("raise(1)", "raise(1) does not name an exception"),
        ("return(open)", "return(open) is not a literal\n  hint: write return or return(None)"),
        ("return({[]: 1})", "is not a literal"),
        ("exit(SIGSTOP)", "exit(SIGSTOP) is not a way to end\n  hint: write exit(3)"),
        ("exit(300)", "exit(300) is not a way to end"),
        ("exit(1, 2)", "exit(1, 2) is not a way to end"),
        ("raise(" + "x" * 100 + "!)", "..."),
    ],
)
def test_mistakes_are_explained(text: str, message: str) -> None:
    """What, where, and what is allowed."""
    with pytest.raises(TermError) as refused:
        parse_chain(text)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250us", 250e-6), ("250ms", 0.25), ("1.5s", 1.5), ("2min", 120.0), ("1h", 3600.0), (" 3 s ", 3.0)],
)
def test_durations(text: str, seconds: float) -> None:
    """In seconds."""
    assert duration(text) == pytest.approx(seconds)


def test_arguments_of_each_kind() -> None:
    """Defaults included."""
    assert raise_arguments(Term("raise")) == Raise("RuntimeError")
    assert raise_arguments(Term("raise", "pkg.errors.Conflict('text', 409)")) == Raise(
        "pkg.errors.Conflict", ("text", 409)
    )
    assert return_value(Term("return")) is None
    assert return_value(Term("return", "[1]")) == [1]
    assert exit_arguments(Term("exit")) == Exit("sys.exit", 1)
    assert exit_arguments(Term("exit", "3")) == Exit("sys.exit", 3)
    assert exit_arguments(Term("exit", "os._exit, 4")) == Exit("os._exit", 4)
    assert exit_arguments(Term("exit", "SIGKILL")).how == "SIGKILL"


TERMS = st.builds(
    Term,
    kind=st.sampled_from(["raise", "return"]),
    arguments=st.sampled_from(["", "x" * 0]),
    probability=st.integers(1, 99).map(lambda percent: percent / 100),
    count=st.none() | st.integers(0, 9),
)


@given(st.lists(TERMS, min_size=1, max_size=4))
def test_terms_print_as_they_are_read(terms: list[Term]) -> None:
    """Reading what is printed gives the same chain."""
    assert parse_chain("->".join(map(str, terms))) == tuple(terms)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Never another kind of error, and never one without a hint."""
    hint: str | None = "read"
    try:
        parse_chain(text)
    except TermError as error:
        hint = error.hint
    assert hint
