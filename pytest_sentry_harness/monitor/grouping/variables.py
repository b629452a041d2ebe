"""Variables of fingerprints and titles: ``{{ transaction }}``, ``{{ error.type }}``, ...

Sentry docs, "Fingerprint Rules: Variables"; the same names work in fingerprints an SDK sends. What an event does not
have is filled in as ``<no-transaction>`` and the like, so that such events make one group.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .facts import Facts, Frame
from .parameterise import parameterise
from .stack import Stack

_VARIABLE = re.compile(r"\{\{\s*([^\s{}]+)\s*\}\}")
_PACKAGE_SEPARATOR = re.compile(r"[/\\]")


@dataclass(frozen=True, slots=True)
class Subject:
    """The event whose variables are asked for."""

    facts: Facts
    main: Stack | None
    """The stack trace of what was raised, rules applied."""

    @property
    def crash(self) -> Frame | None:
        """The newest in-app frame, else the newest of all."""
        if self.main is None:
            return None
        for frame, in_app in zip(reversed(self.main.frames), reversed(self.main.in_app), strict=True):
            if in_app:
                return frame
        return self.main.frames[-1] if self.main.frames else None

    @property
    def message(self) -> str | None:
        """The message, or else the text of the exception that was raised."""
        facts = self.facts
        return facts.message or (facts.problems[-1].value if facts.problems else None)


def _of_frame(pick: Callable[[Frame], str | None]) -> Callable[[Subject], str | None]:
    def value(subject: Subject) -> str | None:
        frame = subject.crash
        return None if frame is None else pick(frame)

    return value


def _package(frame: Frame) -> str | None:
    return _PACKAGE_SEPARATOR.split(frame.package)[-1] if frame.package else None


def _type(subject: Subject) -> str | None:
    return subject.facts.problems[-1].type if subject.facts.problems else None


def _value(subject: Subject) -> str | None:
    return subject.facts.problems[-1].value if subject.facts.problems else None


def _message(subject: Subject) -> str | None:
    message = subject.message
    return parameterise(message) if message else None


_function = _of_frame(lambda frame: frame.function)
_path = _of_frame(lambda frame: frame.abs_path or frame.filename)
_module = _of_frame(lambda frame: frame.module)
_VALUES: dict[str, tuple[Callable[[Subject], str | None], str]] = {
    "transaction": (lambda subject: subject.facts.text("transaction"), "<no-transaction>"),
    "message": (_message, "<no-message>"),
    "error.type": (_type, "<no-type>"),
    "type": (_type, "<no-type>"),
    "error.value": (_value, "<no-value>"),
    "value": (_value, "<no-value>"),
    "stack.function": (_function, "<no-function>"),
    "function": (_function, "<no-function>"),
    "stack.abs_path": (_path, "<no-abs-path>"),
    "path": (_path, "<no-abs-path>"),
    "stack.filename": (_of_frame(lambda frame: frame.filename or frame.abs_path), "<no-filename>"),
    "stack.module": (_module, "<no-module>"),
    "module": (_module, "<no-module>"),
    "stack.package": (_of_frame(_package), "<no-package>"),
    "package": (_of_frame(_package), "<no-package>"),
    "level": (lambda subject: subject.facts.text("level"), "<no-level>"),
    "logger": (lambda subject: subject.facts.text("logger"), "<no-logger>"),
}
VARIABLES = ("default", *_VALUES)
"""Names of variables; ``tags.NAME`` is another."""


def variable_of(part: str) -> str | None:
    """``transaction`` of ``{{ transaction }}``; None when ``part`` is not exactly one variable."""
    match = _VARIABLE.fullmatch(part)
    return None if match is None else match[1]


def variables_in(text: str) -> list[str]:
    """All the variables in ``text``, in order."""
    return [match[1] for match in _VARIABLE.finditer(text)]


def is_known(name: str) -> bool:
    """Whether Sentry fills in a variable of this name."""
    return name in VARIABLES or (name.startswith("tags.") and len(name) > len("tags."))


def resolved(name: str, subject: Subject) -> str:
    """The value of a variable other than ``default``; an unknown name gives ``<unrecognized-variable-NAME>``."""
    if name.startswith("tags."):
        tag = name.removeprefix("tags.")
        return subject.facts.tags.get(tag) or f"<no-value-for-tag-{tag}>"
    known = _VALUES.get(name)
    if known is None:
        return f"<unrecognized-variable-{name}>"
    value, missing = known
    return value(subject) or missing


def filled_in(template: str, subject: Subject) -> str:
    """A title with its variables filled in; here the message stays as it was written."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        return (subject.message or "<no-message>") if name == "message" else resolved(name, subject)

    return _VARIABLE.sub(value, template)
