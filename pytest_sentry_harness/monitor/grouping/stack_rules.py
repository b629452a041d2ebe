"""Stack trace rules: which frames are in-app, and which take part in grouping.

Sentry docs, "Stack Trace Rules". The rules are evaluated by ``sentry_ophio``, the library Sentry itself uses for them; the
extra ``monitor`` installs it. Rules run in the order of the text, Sentry's own before those of the user, and later ones
overwrite earlier ones.

Of Sentry's own rules (``all-platforms:2026-01-20``) only those are here that can concern a Python application.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import RulesError, UsageError, did_you_mean
from .facts import Frame, Frames, Problem

if TYPE_CHECKING:
    from sentry_ophio.enhancers import Enhancements

BUILT_IN = """\
path:/usr/local/lib/** -app
path:/usr/local/Cellar/** -app
path:**/.local/share/** -app
path:**/vendor/** -app
path:**/site-packages/** -app
path:**/dist-packages/** -app
path:**/node_modules/** -app
module:newrelic -app -group
path:**/*newrelic*/** -app -group
function:<module> | [ function:spawn_main ] -app -group
"""
"""What Sentry decides before any rule of the user."""

MATCHERS = (
    "app", "category", "error.mechanism", "error.type", "error.value", "family", "function", "mechanism", "module", "package",
    "path", "stack.abs_path", "stack.function", "stack.module", "stack.package", "type", "value",
)  # fmt: skip
"""Names of matchers, as documented."""

_NATIVE = frozenset({"objc", "cocoa", "swift", "native", "c"})
_JAVASCRIPT = frozenset({"javascript", "node"})
_ABOUT_EXCEPTION = re.compile(r"(?:type|value|mechanism):")
_PLACE = re.compile(r"at `[^`]*`: ")
_UNKNOWN = re.compile(r"Unknown matcher `([^`]*)`")


@dataclass(frozen=True, slots=True)
class Ruled:
    """What the rules say of one stack trace, in one variant."""

    contributes: tuple[bool, ...]
    """Per frame."""
    why: tuple[str, ...]
    """Per frame: the rule that decided, or nothing."""
    all_ignored: str
    """Why the stack trace as a whole does not take part, or nothing."""
    inverted: bool
    """The newest frame comes first in the hash."""


class StackRules:
    """The built-in rules and those of the user."""

    def __init__(self, text: str, where: str) -> None:
        """``text``: the rules of the user; ``where``: what to call them in messages. Raises ``RulesError``."""
        ophio = _ophio()
        self._component: type[Any] = ophio.Component
        cache = ophio.Cache(1000)
        self._rules: Enhancements = ophio.Enhancements.parse(BUILT_IN, cache)
        self.count = 0
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip() and not line.lstrip().startswith("#"):
                self._rules.extend_from(_parsed(ophio, line, cache, f"{where}, line {number}"))
                self.count += 1
        self.about_exception = bool(_ABOUT_EXCEPTION.search(text))
        """Some rule looks at the exception, not only at frames."""

    def in_app(
        self, frames: Frames, platform: str | None, problem: Problem | None
    ) -> tuple[list[bool], list[dict[str, Any]]]:
        """For each frame whether it belongs to the application, and the frames as ``ruled`` wants them."""
        matched = [_frame(frame, family_of(frame.platform or platform)) for frame in frames]
        answers = self._rules.apply_modifications_to_frames(matched, _exception(problem))
        for frame, (category, in_app) in zip(matched, answers, strict=True):
            frame["category"] = category.encode() if category is not None else None
            frame["in_app"] = in_app
        return [frame["in_app"] is True for frame in matched], matched

    def ruled(self, matched: list[dict[str, Any]], problem: Problem | None, candidates: list[bool]) -> Ruled:
        """What takes part of those that would without rules."""
        components = [self._component(contributes=candidate) for candidate in candidates]
        result = self._rules.assemble_stacktrace_component(matched, _exception(problem), components)
        return Ruled(
            tuple([bool(component.contributes) for component in components]),
            tuple([component.hint or "" for component in components]),
            "" if result.contributes else (result.hint or "no frame contributes"),
            result.invert_stacktrace,
        )


def family_of(platform: str | None) -> str:
    """``javascript``, ``native`` or ``other`` (Sentry docs, "Stack Trace Rules: family")."""
    if platform in _JAVASCRIPT:
        return "javascript"
    return "native" if platform in _NATIVE else "other"


def _ophio() -> Any:
    try:
        from sentry_ophio import enhancers
    except ImportError as error:
        raise UsageError(
            "grouping needs sentry-ophio, which is not installed",
            hint="pip install 'pytest-sentry-harness[monitor]'",
        ) from error
    return enhancers


def _parsed(ophio: Any, line: str, cache: Any, where: str) -> Enhancements:
    try:
        rules: Enhancements = ophio.Enhancements.parse(line, cache)
    except RuntimeError as error:
        reasons = str(error).splitlines()
        unknown = _UNKNOWN.search(str(error))
        raise RulesError(
            f"{line.strip()!r} is not a stack trace rule: {_PLACE.sub('', reasons[-1])}",
            where=where,
            hint=did_you_mean(unknown[1], MATCHERS)
            if unknown
            else "a rule is one matcher or more, then one action or more: stack.module:shop.* +app",
        ) from error
    return rules


def _frame(frame: Frame, family: str) -> dict[str, Any]:
    path = frame.abs_path or frame.filename
    return {
        "category": None,
        "family": family.encode(),
        "function": _bytes(frame.function),
        "in_app": frame.in_app,
        "orig_in_app": None,
        "module": _bytes(frame.module),
        "package": _bytes(frame.package.lower() if frame.package else None),
        "path": _bytes(path.lower() if path else None),
    }


def _exception(problem: Problem | None) -> dict[str, bytes | None]:
    if problem is None:
        return {"ty": None, "value": None, "mechanism": None}
    return {
        "ty": _bytes(problem.type),
        "value": _bytes(problem.value),
        "mechanism": _bytes(problem.mechanism),
    }


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "replace")
