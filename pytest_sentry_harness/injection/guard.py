"""Refuses to arm where faults would hurt: in what looks like production."""

from __future__ import annotations

from collections.abc import Mapping

NAMES = (
    "SENTRY_ENVIRONMENT",
    "ENVIRONMENT",
    "APP_ENV",
    "APP_ENVIRONMENT",
    "ENV",
    "DEPLOY_ENV",
    "DEPLOYMENT_ENVIRONMENT",
    "DJANGO_ENV",
    "FLASK_ENV",
    "FASTAPI_ENV",
    "PYTHON_ENV",
    "NODE_ENV",
    "RAILS_ENV",
    "STAGE",
)
"""Environment variables by which programs are told where they run."""

VALUES = frozenset({"prod", "production", "live"})
_HINT = "if this is meant, set allow_production = true under [safety] in the scenario"


def production_reason(environment: Mapping[str, str]) -> str | None:
    """Why the process looks like production; None when it does not."""
    for name in NAMES:
        value = environment.get(name, "")
        if is_production(value):
            return f"the environment says production ({name}={value}), so nothing is armed; {_HINT}"
    return None


def sdk_production_reason(value: str) -> str:
    """The same for an SDK that was told so by its option."""
    return f"sentry_sdk was initialised with environment={value!r}, so everything is disarmed; {_HINT}"


def is_production(value: object) -> bool:
    """Whether ``value`` names a production environment."""
    return isinstance(value, str) and value.strip().lower() in VALUES
