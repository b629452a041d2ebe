"""Placeholders in a target's command and environment: ``{port}``, ``{dsn}`` and their kin."""

from __future__ import annotations

import string
import sys
from collections.abc import Mapping
from pathlib import Path

from ..errors import ScenarioError, did_you_mean

MEANINGS: Mapping[str, str] = {
    "port": "the port the target shall listen on",
    "dsn": "the DSN to send to",
    "run_dir": "the folder of the run",
    "sentry_host": "host and port of the DSN",
    "project": "project id of the DSN",
    "python": "the Python interpreter the harness runs under",
}


def standard_values(*, port: int, dsn: str, run_dir: Path, sentry_host: str, project: str) -> dict[str, str]:
    """The value of every placeholder."""
    return {
        "port": str(port),
        "dsn": dsn,
        "run_dir": str(run_dir),
        "sentry_host": sentry_host,
        "project": project,
        "python": sys.executable,
    }


def names(text: str, *, where: str) -> tuple[str, ...]:
    """The placeholders in ``text``, in order. Raises ``ScenarioError`` for unknown ones and lone braces."""
    return tuple(name for _, name in _parts(text, where) if name is not None)


def fill(text: str, values: Mapping[str, str], *, where: str) -> str:
    """``text`` with each ``{name}`` replaced; ``{{`` and ``}}`` are literal braces.

    ``where`` names the file and key, for the error. Raises ``ScenarioError``.
    """
    return "".join(literal + ("" if name is None else values[name]) for literal, name in _parts(text, where))


def fill_all(texts: Mapping[str, str], values: Mapping[str, str], *, where: str) -> dict[str, str]:
    """Fill every value of ``texts``. Raises ``ScenarioError`` naming the key."""
    return {key: fill(text, values, where=f"{where}.{key}") for key, text in texts.items()}


def _parts(text: str, where: str) -> list[tuple[str, str | None]]:
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ScenarioError(
            f"{text!r} has a brace without its other half ({error})",
            where=where,
            hint="write {{ and }} for literal braces",
        ) from error
    parts: list[tuple[str, str | None]] = []
    for literal, name, specification, conversion in parsed:
        if name is not None and (name not in MEANINGS or specification or conversion):
            raise ScenarioError(
                f"unknown placeholder {{{name}}}",
                where=where,
                hint=f"{did_you_mean(name, MEANINGS)} (write {{{{ and }}}} for literal braces)",
            )
        parts.append((literal, name))
    return parts
