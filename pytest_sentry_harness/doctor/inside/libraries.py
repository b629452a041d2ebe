"""Which libraries the SDK has an integration for are there, and whether that integration is in force."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterator
from typing import Any

# Integration: (module imported, distribution, whether errors go unseen without it).
_AUTOMATIC: dict[str, tuple[str, str, bool]] = {
    "aiohttp": ("aiohttp", "aiohttp", True),
    "arq": ("arq", "arq", True),
    "asyncpg": ("asyncpg", "asyncpg", False),
    "boto3": ("botocore", "botocore", False),
    "bottle": ("bottle", "bottle", True),
    "celery": ("celery", "celery", True),
    "chalice": ("chalice", "chalice", True),
    "django": ("django", "Django", True),
    "falcon": ("falcon", "falcon", True),
    "fastapi": ("fastapi", "fastapi", True),
    "flask": ("flask", "Flask", True),
    "httpx": ("httpx", "httpx", False),
    "huey": ("huey", "huey", True),
    "litestar": ("litestar", "litestar", True),
    "loguru": ("loguru", "loguru", True),
    "pymongo": ("pymongo", "pymongo", False),
    "pyramid": ("pyramid", "pyramid", True),
    "quart": ("quart", "Quart", True),
    "redis": ("redis", "redis", False),
    "rq": ("rq", "rq", True),
    "sanic": ("sanic", "sanic", True),
    "sqlalchemy": ("sqlalchemy", "SQLAlchemy", False),
    "starlette": ("starlette", "starlette", True),
    "strawberry": ("strawberry", "strawberry-graphql", True),
    "tornado": ("tornado", "tornado", True),
}
# The SDK never turns these on by itself.
_BY_HAND: dict[str, tuple[str, str, bool]] = {
    "aiomysql": ("aiomysql", "aiomysql", False),
    "beam": ("apache_beam", "apache-beam", True),
    "dramatiq": ("dramatiq", "dramatiq", True),
    "grpc": ("grpc", "grpcio", True),
    "ray": ("ray", "ray", True),
    "spark": ("pyspark", "pyspark", True),
    "trytond": ("trytond", "trytond", True),
    "typer": ("typer", "typer", True),
}


def libraries(client: Any, disabled: frozenset[str]) -> Iterator[dict[str, Any]]:
    """One entry for each library that is there. Nothing is imported."""
    for table, automatic in ((_AUTOMATIC, True), (_BY_HAND, False)):
        for integration, (module, distribution, errors) in table.items():
            if module not in sys.modules and not _installed(module):
                continue
            version = _version(distribution)
            on = integration in client.integrations
            yield {
                "integration": integration,
                "library": distribution,
                "version": version,
                "loaded": module in sys.modules,
                "errors": errors,
                "on": on,
                "why": "" if on else _why(client, integration, version, automatic, disabled),
            }


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _why(
    client: Any, integration: str, version: str | None, automatic: bool, disabled: frozenset[str]
) -> str:
    """Why ``integration`` is not in force, as far as that can be told."""
    options = client.options
    if integration in disabled:
        return "disabled_integrations names it"
    if not automatic:
        return "the SDK never turns it on by itself"
    if not options.get("default_integrations", True):
        return "default_integrations=False"
    if not options.get("auto_enabling_integrations", True):
        return "auto_enabling_integrations=False"
    from sentry_sdk import integrations as module

    least = getattr(module, "_MIN_VERSIONS", {}).get(integration)
    parts = tuple(int(part) for part in (version or "").split(".")[:3] if part.isdigit())
    if least and parts and parts < tuple(least):
        return f"{version} is older than {'.'.join(map(str, least))}, which this SDK needs"
    return "the SDK could not enable it"
