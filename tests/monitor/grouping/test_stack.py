"""Grouping by stack trace, and the rules that change it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_sentry_harness.errors import RulesError
from pytest_sentry_harness.monitor.grouping import GroupingConfig, group
from pytest_sentry_harness.monitor.grouping.stack import KEPT_STACKS

from .building import contributing, error, event, frame, grouped, library, together, why


def test_in_app_frames_decide() -> None:
    """Frames of libraries do not count as long as there is one of the application."""
    one, other = event(error(frame(), library("a"))), event(error(library("b"), frame()))
    assert together(one, other)
    found = grouped(one)
    assert (found.variant, len(found.hashes)) == ("app", 2)
    assert contributing(found, "frame") == ["shop.orders in save: save(order)"]
    assert why(found, "frame") == ["", "not in-app"]


def test_all_frames_when_none_is_in_app() -> None:
    """Unset counts as not in-app."""
    one, other = (event(error(library("a", in_app=flag), library("b"))) for flag in (None, False))
    assert grouped(one).variant == "system"
    assert together(one, other)
    assert not together(one, event(error(library("a"))))


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"lineno": 99, "colno": 3, "vars": {"x": 1}, "pre_context": ["x"]}, True),
        ({"context_line": "save(order)\t"}, True),
        ({"context_line": "save(orders)"}, False),
        ({"function": "load"}, False),
        ({"module": "shop.other"}, False),
        ({"filename": "other.py", "abs_path": "/app/other.py"}, True),
    ],
)
def test_what_a_frame_is(changed: dict[str, Any], same: bool) -> None:
    """Module, function and line of code count, without their white space; line numbers and values do not."""
    assert together(event(error(frame())), event(error(frame() | changed))) is same


def test_without_a_module_the_file_counts() -> None:
    """Its base name in lower case."""
    files = [
        event(error(frame(module=None, filename=name))) for name in ("shop/Orders.py", "C:\\shop\\orders.py")
    ]
    assert together(*files)
    assert not together(files[0], event(error(frame(module=None, filename="shop/other.py"))))
    of_a_url = frame(module=None, abs_path="https://example.com/a.py", filename="a.py", context_line=None)
    assert (
        grouped(event(error(of_a_url))).hashes
        == grouped(event(error(frame(module=None, filename="<anonymous>", context_line=None)))).hashes
    )


def test_long_lines_do_not_count() -> None:
    """More than 120 characters are generated code rather than written."""
    long = "x = " + "1" * 117
    assert together(*(event(error(frame(context_line=long + end))) for end in ("a", "b")))
    assert not together(*(event(error(frame(context_line=long[:-2] + end))) for end in ("a", "b")))


def test_lines_of_other_languages_do_not_count() -> None:
    """Only where the source can be trusted; the platform of the frame goes before that of the event."""
    assert together(*(event(error(frame(context_line=line)), platform="go") for line in "ab"))
    assert together(*(event(error(frame(context_line=line, platform="go"))) for line in "ab"))


def test_recursion_is_skipped() -> None:
    """A frame that repeats the one before it does not count; one that differs in its line number does."""
    once, often = event(error(frame())), event(error(frame(), frame(), frame()))
    assert together(once, often)
    assert why(grouped(often), "frame") == ["", *["recursion: the same as the frame before"] * 2]
    assert not together(once, event(error(frame(), frame(lineno=8))))


def test_children_of_multiprocessing_are_alike() -> None:
    """The handles in the line that starts a child do not count."""
    lines = [
        f"from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd={n}, pipe_handle={n + 1})"
        for n in (5, 9)
    ]
    assert together(
        *(event(error(frame("<module>", module="__main__", context_line=line))) for line in lines)
    )


def test_frames_of_javascript() -> None:
    """Methods are known by their last name; what browsers make up does not count."""
    script = {"platform": "javascript"}
    assert together(
        *(event(error(frame(name, context_line="x")), **script) for name in ("Order.save", "save"))
    )
    assert together(
        *(event(error(frame(name, context_line="x")), **script) for name in ("?", "<anonymous>", "x/<"))
    )
    assert (
        why(grouped(event(error(frame("eval"), frame()), **script)), "frame")[0] == "a frame of low quality"
    )
    nameless = frame(function=None, module=None, filename="a.js", abs_path="https://example.com/a.js")
    found = grouped(event(error(nameless), **script))
    assert found.variant == "exception"


RULES = [
    ("stack.module:shop.* -app", [False, False, True], "system"),
    ("stack.function:execute +app", [True, True, True], "app"),
    ("stack.function:save -group", [True, False, False], "app"),
    ("stack.function:save v-group", [False, True, False], "app"),
    ("stack.function:handle ^-group", [True, False, False], "app"),
    ("family:other max-frames=1", [False, True, False], "app"),
    ("family:javascript max-frames=1", [True, True, False], "app"),
    ("stack.function:save category=x\ncategory:x -group", [True, False, False], "app"),
    ("error.type:Other -group", [True, True, False], "app"),
    ("error.type:ShopError stack.function:save -group", [True, False, False], "app"),
    ('error.value:"*lost" stack.function:save -group', [True, False, False], "app"),
    ("[ stack.function:handle ] | stack.function:save -group", [True, False, False], "app"),
    ("stack.function:handle | [ stack.function:save ] -group", [False, True, False], "app"),
    ("# nothing\n\nstack.function:none -app", [True, True, False], "app"),
    # A frame outside of the application is never part of the variant of the application.
    ("stack.function:execute +group", [True, True, False], "app"),
]


@pytest.mark.parametrize(("rules", "expected", "variant"), RULES)
def test_stack_trace_rules(rules: str, expected: list[bool], variant: str) -> None:
    """The documented matchers and actions, each on a stack of two frames of the application and one of a library."""
    data = event(error(frame("handle"), frame("save", lineno=8), library()))
    found = grouped(data, stack_rules=rules)
    frames = [one.contributes for one in found.components if one.what == "frame"]
    if rules.endswith("shop.* -app"):
        expected = [True, True, True]
    assert (frames, found.variant) == (expected, variant)


def test_rules_explain_themselves() -> None:
    """The rule that left a frame out is named."""
    found = grouped(event(error(frame("handle"), frame())), stack_rules="function:handle -group")
    assert why(found, "frame") == ["ignored by stack trace rule (function:handle -group)", ""]


def test_too_few_frames_leave_the_stack_trace_out() -> None:
    """``min-frames`` drops all of it: type and value decide."""
    found = grouped(event(error(frame("a"), frame("b"))), stack_rules="family:other min-frames=3")
    assert found.variant == "exception"
    assert "only contains 2 frames" in why(found, "frame")[0]


def test_a_stack_trace_can_be_inverted() -> None:
    """The order of frames is part of the hash."""
    data = event(error(frame("a"), frame("b")))
    other = event(error(frame("b"), frame("a")))
    assert grouped(data, stack_rules="family:other invert-stacktrace=1").hashes == grouped(other).hashes


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("/srv/venv/lib/python3.11/site-packages/x/y.py", "x.y"),
        ("/usr/local/lib/python3.11/json/decoder.py", "json.decoder"),
        ("/app/vendor/x.py", "x"),
    ],
)
def test_libraries_are_not_the_application_whatever_the_sdk_says(path: str, module: str) -> None:
    """An SDK started from / takes everything for the application; Sentry's own rules know better."""
    found = grouped(event(error(frame(), frame("decode", abs_path=path, module=module))))
    assert why(found, "frame")[1].startswith("marked out of app by stack trace rule (path:")


REFUSED = [
    ("stack.modul:x +app", "Unknown matcher `stack.modul`", "did you mean 'stack.module'"),
    ("stack.module:x", "expected at least one action", "one matcher or more, then one action or more"),
    ("-app", "expected at least one matcher", "one matcher or more"),
    ("stack.module:x +ap", "invalid flag name `ap`", "one matcher or more"),
    ("stack.module:x max-frames=many", "invalid digit found in string", "one matcher or more"),
]


@pytest.mark.parametrize(("rule", "what", "hint"), REFUSED)
def test_what_is_refused(rule: str, what: str, hint: str) -> None:
    """Each mistake is named with file and line."""
    with pytest.raises(RulesError) as caught:
        GroupingConfig.parse("", f"# comment\nfunction:a -app\n{rule}\n", name="rules.txt")
    assert caught.value.where == "rules.txt: stack trace rules, line 3"
    assert caught.value.what == f"{rule!r} is not a stack trace rule: {what}"
    assert hint in str(caught.value.hint)


def test_what_is_kept_is_bounded() -> None:
    """Stack traces beyond the bound push out the oldest, and nothing changes in the result."""
    config = GroupingConfig.parse()
    stacks = [event(error(frame(f"f{n}"))) for n in range(KEPT_STACKS + 5)]
    first = group(stacks[0], config)
    hashes = {group(data, config).hashes for data in stacks}
    assert len(hashes) == len(stacks)
    assert group(stacks[0], config) == first
