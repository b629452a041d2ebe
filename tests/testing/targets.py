"""Targets for tests of rigs: the reference service, a Flask service, a Celery worker behind a web front."""

from __future__ import annotations

from pathlib import Path

from pytest_sentry_harness.model.scenario import Target

APPS = Path(__file__).parent / "apps"
SECRET = "only for tests"


def pair_shop(defect: str = "") -> Target:
    """A shop with a bug that takes two faults."""
    return Target(
        command="{python} pair_shop.py {port}",
        ready="/health",
        env={"SENTRY_DSN": "{dsn}", "DEFECT": defect},
        cwd=APPS,
    )


def flask_shop() -> Target:
    """A healthy Flask service."""
    return Target(
        command="{python} flask_shop.py {port}", ready="/health", env={"SENTRY_DSN": "{dsn}"}, cwd=APPS
    )


def celery_shop(pool: str = "prefork") -> Target:
    """A Celery worker with real processes (or threads), and the web front that sends it tasks."""
    return Target(
        command="{python} celery_shop.py {port}",
        ready="/health",
        env={"SENTRY_DSN": "{dsn}", "CELERY_FOLDER": "{run_dir}/celery", "CELERY_POOL": pool},
        cwd=APPS,
        ready_timeout=90.0,
    )


def reference() -> Target:
    """The reference service under uvicorn."""
    return Target(
        command="{python} -m uvicorn pytest_sentry_harness.reference.app:app --port {port} --no-access-log",
        ready="/health",
        env={
            "SENTRY_DSN": "{dsn}",
            "REFERENCE_DATABASE": "{run_dir}/trading.sqlite",
            "REFERENCE_SECRET": SECRET,
        },
        cwd=APPS,
    )
