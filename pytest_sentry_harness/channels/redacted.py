"""The file of notifications as it may be kept: everything that decides who is told, and nothing that is secret.

Written anew from what was read, so that nothing secret stays in a comment either.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any
from urllib.parse import urlsplit

from ..monitor.strict import toml_table

_HIDDEN = "redacted"
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SECRETS = ("secret", "username")


def redacted_text(text: str, name: str) -> str:
    """The TOML document ``text`` without secrets; it reads as the same settings, but leads nowhere.

    Secrets and user names are replaced, of URLs all but scheme and host; of those that Apprise reads all but the scheme,
    because what stands for a host there is often a token. ``name``: of the file, for messages. Raises ``RulesError``.
    """
    content = dict(toml_table(text, name).content)
    channels = content.get("channel")
    if isinstance(channels, list):
        content["channel"] = [_channel(each) if isinstance(each, dict) else each for each in channels]
    links = content.get("links")
    if isinstance(links, dict) and isinstance(links.get("url"), str):
        content["links"] = {**links, "url": _without_user(links["url"])}
    return _document(content)


def _channel(channel: dict[str, Any]) -> dict[str, Any]:
    found = {key: _HIDDEN if key in _SECRETS else value for key, value in channel.items()}
    if isinstance(channel.get("url"), str):
        found["url"] = _url(channel["url"], whole=channel.get("kind") == "apprise")
    return found


def _url(url: str, *, whole: bool) -> str:
    scheme, there, rest = url.partition("://")
    if not there or not scheme.replace("+", "").replace("-", "").replace(".", "").isalnum():
        return _HIDDEN
    try:
        host = rest and not whole and urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return f"{scheme}://{host}/{_HIDDEN}" if host else f"{scheme}://{_HIDDEN}"


def _without_user(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return _HIDDEN
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _document(content: dict[str, Any]) -> str:
    """TOML: lists of tables as such, everything else within a line."""
    plain = [f"{_key(key)} = {_value(value)}" for key, value in content.items() if not _tables(value)]
    lines = [*plain, ""] if plain else []
    for key, value in content.items():
        for entry in _tables(value):
            lines += [
                f"[[{_key(key)}]]",
                *(f"{_key(name)} = {_value(each)}" for name, each in entry.items()),
                "",
            ]
    return "\n".join(lines)


def _tables(value: object) -> list[dict[str, Any]]:
    is_list = isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)
    return list(value) if is_list else []  # type: ignore[call-overload]  # it is a list then


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _value(key)


def _value(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_value(each)}' for key, each in value.items())} }}"
    return str(value) if isinstance(value, int | float) else value.isoformat()  # type: ignore[attr-defined]  # a date or time
