"""A library that brings its own idea of monitoring: it initialises the SDK, and takes it away from the application."""

from __future__ import annotations

import os

import sentry_sdk


def without_dsn() -> None:
    """Initialise with whatever the library's settings say, which is nothing here."""
    sentry_sdk.init(dsn="", release="telemetry@3")


def with_own_dsn() -> None:
    """Send to the makers of the library, of all places."""
    sentry_sdk.init(dsn="http://makers@127.0.0.1:9/7", shutdown_timeout=0.2)


def with_own_key() -> None:
    """The right server, with the key of another team."""
    scheme, _, rest = os.environ["SENTRY_DSN"].partition("://")
    sentry_sdk.init(dsn=f"{scheme}://{'0' * 32}@{rest.partition('@')[2]}")


def with_own_sampling() -> None:
    """The right DSN, and errors sampled away."""
    sentry_sdk.init(sample_rate=0.0)


def without_threads() -> None:
    """Initialise early, without the integration for threads: no later call can enable it any more."""
    from sentry_sdk.integrations.threading import ThreadingIntegration

    sentry_sdk.init(disabled_integrations=[ThreadingIntegration])
