"""When everything must stop, or not even begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness import clock
from pytest_sentry_harness.injection import guard, lease


def test_a_fresh_lease_holds(tmp_path: Path) -> None:
    """Renewed in one step, leaving no other file."""
    path = tmp_path / "lease"
    lease.renew(path)
    lease.renew(path)
    assert lease.lapsed(path, 10.0) is None
    assert [entry.name for entry in tmp_path.iterdir()] == ["lease"]


def test_a_lease_that_does_not_hold_says_why(tmp_path: Path) -> None:
    """Gone, old, from another boot, or not a lease."""
    path = tmp_path / "lease"
    assert "cannot be read: No such file" in (lease.lapsed(path, 10.0) or "")
    path.write_text(str(clock.monotonic() - 60))
    assert "and is good for 10 s" in (lease.lapsed(path, 10.0) or "")
    path.write_text(str(clock.monotonic() + 3600))
    assert lease.lapsed(path, 10.0) is not None
    path.write_text("soon")
    assert "does not hold a time" in (lease.lapsed(path, 10.0) or "")
    lease.renew(path)
    lease.end(path)
    lease.end(path)
    assert lease.lapsed(path, 10.0) is not None


@pytest.mark.parametrize("name", guard.NAMES)
def test_production_is_recognised(name: str) -> None:
    """By the usual variables and words."""
    assert guard.production_reason({name: "Production"}) is not None
    assert guard.production_reason({name: "staging", "OTHER": "production"}) is None


def test_the_reason_says_what_to_do() -> None:
    """Which variable, and how to allow it."""
    reason = guard.production_reason({"APP_ENV": "live"}) or ""
    assert "APP_ENV=live" in reason
    assert "allow_production = true" in reason
    assert "environment='prod'" in guard.sdk_production_reason("prod")
    assert not guard.is_production(None)
