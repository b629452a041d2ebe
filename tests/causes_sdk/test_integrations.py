"""Whose code a traceback passed, and which integration that makes responsible."""

from __future__ import annotations

import pytest

from pytest_sentry_harness.model.ledger import SdkInit
from pytest_sentry_harness.reconcile.integrations import (
    integration,
    marks_of,
    missing_middleware,
    responsible,
    why_off,
)

LIBRARIES = "/venv/lib/python3.11/site-packages"


def test_marks_name_whose_code_it_was() -> None:
    """In order from outside in, runs of the same put together, what is not known being the application."""
    files = (
        f"{LIBRARIES}/uvicorn/protocols/http/httptools_impl.py",
        f"{LIBRARIES}/uvicorn/middleware/proxy_headers.py",
        f"{LIBRARIES}/sentry_sdk/integrations/asgi.py",
        f"{LIBRARIES}/fastapi/applications.py",
        f"{LIBRARIES}/starlette/applications.py",
        "/srv/shop/orders.py",
        "/srv/shop/db.py",
    )
    assert marks_of(files) == "uvicorn sdk:asgi fastapi starlette app"


def test_the_standard_librarys_files_are_told_by_their_folder() -> None:
    """An application may have a threading.py of its own."""
    assert marks_of(["/usr/lib/python3.11/threading.py"]) == "threading"
    assert marks_of(["/srv/shop/threading.py"]) == "app"
    assert marks_of(["/opt/python3.12/concurrent/futures/thread.py"]) == "futures"


@pytest.mark.parametrize(
    ("marks", "main", "names"),
    [
        ("uvicorn fastapi starlette app", False, ["FastApiIntegration", "StarletteIntegration"]),
        ("flask app", False, ["FlaskIntegration"]),
        ("threading app", False, ["ThreadingIntegration"]),
        ("sdk:threading threading app", False, ["ThreadingIntegration"]),
        ("asyncio app", False, ["AsyncioIntegration"]),
        ("app asyncio app", True, ["ExcepthookIntegration"]),
        ("app", False, []),
        ("uvicorn app", False, []),
        ("", True, ["ExcepthookIntegration"]),
    ],
)
def test_who_should_have_reported_it(marks: str, main: bool, names: list[str]) -> None:
    """A framework before all; else whatever was outermost; else the program's end."""
    assert [each.name for each in responsible(marks.split(), main=main)] == names


def test_servers_need_a_middleware_around_bare_applications() -> None:
    """Unless it is there."""
    assert missing_middleware(["uvicorn", "app"]) == "SentryAsgiMiddleware"
    assert missing_middleware(["werkzeug", "app"]) == "SentryWsgiMiddleware"
    assert missing_middleware(["uvicorn", "sdk:asgi", "app"]) == ""
    assert missing_middleware(["app"]) == ""
    assert missing_middleware([]) == ""


@pytest.mark.parametrize(
    ("options", "identifier", "culprit"),
    [
        (
            {"default_integrations": False},
            "threading",
            "default_integrations=False, so without ThreadingIntegration",
        ),
        (
            {"auto_enabling_integrations": False},
            "django",
            "auto_enabling_integrations=False, so without DjangoIntegration",
        ),
        ({"auto_enabling_integrations": False}, "threading", "without ThreadingIntegration"),
        ({}, "asyncio", "without AsyncioIntegration, which has to be named in integrations=[...]"),
    ],
)
def test_the_option_that_left_it_out(options: dict[str, object], identifier: str, culprit: str) -> None:
    """Each way of not having an integration."""
    init = SdkInit(at=1, mono=1, version="2", active=True, dsn="d", options=options)
    off = why_off(integration(identifier), [init])
    assert (off.reason, off.culprit) == ("integration_off", culprit)
