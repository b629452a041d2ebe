"""Small payloads for the tests of grouping."""

from __future__ import annotations

from typing import Any

from pytest_sentry_harness.model.monitored import Grouping
from pytest_sentry_harness.monitor.grouping import GroupingConfig, group


def frame(function: str = "save", *, in_app: bool | None = True, **fields: Any) -> dict[str, Any]:
    """A frame of the shop."""
    base = {
        "function": function,
        "module": "shop.orders",
        "filename": "shop/orders.py",
        "abs_path": "/app/shop/orders.py",
        "context_line": f"    {function}(order)",
        "lineno": 7,
        "in_app": in_app,
    }
    return base | fields


def library(function: str = "execute", **fields: Any) -> dict[str, Any]:
    """A frame of a library."""
    return frame(
        function,
        **{"in_app": False, "module": "sqlalchemy.engine", "abs_path": "/usr/lib/sqlalchemy/engine.py"}
        | fields,
    )


def error(
    *frames: dict[str, Any], type: str | None = "ShopError", value: Any = "order 7 is lost", **mechanism: Any
) -> dict[str, Any]:
    """One exception."""
    made: dict[str, Any] = {"type": type, "value": value, "mechanism": {"type": "generic", **mechanism}}
    if frames:
        made["stacktrace"] = {"frames": list(frames)}
    return made


def event(*problems: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An event with these exceptions, the raised one last."""
    made: dict[str, Any] = {"platform": "python", **fields}
    if problems:
        made["exception"] = {"values": list(problems)}
    return made


def grouped(data: Any, fingerprint_rules: str = "", stack_rules: str = "") -> Grouping:
    """What becomes of an event under these rules."""
    return group(data, GroupingConfig.parse(fingerprint_rules, stack_rules))


def together(*events: Any, fingerprint_rules: str = "", stack_rules: str = "") -> bool:
    """Whether the events have one deciding hash."""
    return len({grouped(data, fingerprint_rules, stack_rules).hashes[0] for data in events}) == 1


def contributing(grouping: Grouping, what: str) -> list[str]:
    """The texts of the components that were hashed."""
    return [one.text for one in grouping.components if one.what == what and one.contributes]


def why(grouping: Grouping, what: str) -> list[str]:
    """Why the components of this kind were left out, or which rule took them in."""
    return [one.why for one in grouping.components if one.what == what]
