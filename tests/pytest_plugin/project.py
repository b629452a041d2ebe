"""Runs pytest on a small project, in a process of its own, with no plugins but those asked for."""

from __future__ import annotations

import pytest

APP = """
import sentry_sdk

def scrub(event, hint):
    return None

def charge(amount):
    return amount

async def acharge(amount):
    return amount

def checkout():
    try:
        return charge(1)
    except TimeoutError:
        sentry_sdk.capture_exception()

def hush():
    try:
        return charge(1)
    except TimeoutError:
        return None
"""
# Integrations of every framework that happens to be installed take a second to import.
INIT = APP + '\nsentry_sdk.init("https://abc@o12.ingest.sentry.io/42", auto_enabling_integrations=False)\n'


def run(pytester: pytest.Pytester, *arguments: str, plugins: tuple[str, ...] = ()) -> pytest.RunResult:
    """Run pytest with the harness's plugin and ``plugins``; warnings are errors."""
    pytester.makepyprojecttoml('[tool.pytest.ini_options]\npythonpath = "."\n')
    pytester._monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    chosen = [part for name in ("sentry_harness", *plugins) for part in ("-p", name)]
    return pytester.runpytest_subprocess(
        *chosen, "-W", "error", "--strict-markers", "--strict-config", *arguments
    )
