"""The parts of the reference service on their own."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from pytest_sentry_harness.reference import app as app_module
from pytest_sentry_harness.reference import auth, quotes_service, seed_data
from pytest_sentry_harness.reference.database import Database
from pytest_sentry_harness.reference.portfolio import Holding, value_positions
from pytest_sentry_harness.reference.sentry import scrub
from pytest_sentry_harness.reference.settings import IN_MEMORY, Settings


def test_settings_come_from_the_environment() -> None:
    """Only what is given is changed; each default database is a file of its own."""
    chosen = Settings.from_environment(
        {"REFERENCE_DATABASE": "/x.sqlite", "REFERENCE_QUOTES_URL": "http://q", "REFERENCE_SEED": "9"}
    )
    assert (chosen.database, chosen.quotes_url, chosen.seed) == ("/x.sqlite", "http://q", 9)
    assert Settings.from_environment({}).database != Settings.from_environment({}).database
    assert chosen.secret not in repr(chosen)
    with pytest.raises(ValueError, match="invalid literal"):
        Settings.from_environment({"REFERENCE_SEED": "many"})


def test_tokens_expire_and_cannot_be_made_up() -> None:
    """A token is good for an hour, for one secret, for one user."""
    token = auth.issue(7, secret="s", now=1000.0)
    assert auth.verify(token, secret="s", now=1001.0) == 7
    with pytest.raises(auth.NotAuthenticated, match="expired"):
        auth.verify(token, secret="s", now=1000.0 + auth.TOKEN_SECONDS + 1)
    for forged in (token, token[:-1], "x" + token, "", "ü.ü"):
        with pytest.raises(auth.NotAuthenticated, match="not ours"):
            auth.verify(forged, secret="other" if forged == token else "s", now=1001.0)


def test_passwords_are_salted() -> None:
    """The same password is stored differently each time, and only itself matches."""
    first, second = auth.hash_password("a"), auth.hash_password("a")
    assert first != second
    assert auth.password_matches("a", first)
    assert not auth.password_matches("b", first)


def test_seed_data_is_the_same_for_the_same_seed_and_is_not_doubled() -> None:
    """Load generators rely on it."""
    assert seed_data.emails(1, 5) == seed_data.emails(1, 5) != seed_data.emails(2, 5)
    assert seed_data.symbols(1, 30)[:3] == seed_data.symbols(1, 3)
    assert len(set(seed_data.symbols(1, 30))) == 30
    database = Database(IN_MEMORY)
    database.create()
    for _ in range(2):
        seed_data.fill(database, seed=1, users=3, instruments=2)
    with database.session() as session:
        assert session.connection().exec_driver_sql("select count(*) from users").scalar() == 3
    database.close()


def test_positions_are_valued_and_their_risk_is_known() -> None:
    """Risks of two equal holdings add up by the root of two; a missing price is an error."""
    held = [Holding("A", 10, Decimal(50)), Holding("B", -10, Decimal(-70))]
    valued = value_positions(held, {"A": Decimal(10), "B": Decimal(10)})
    assert valued.value == 0
    assert [position.profit for position in valued.positions] == [Decimal(50), Decimal(-30)]
    assert float(valued.value_at_risk) == pytest.approx(100 * 2**0.5 * 0.018 * 2.3263, rel=1e-3)
    assert value_positions([], {}).value_at_risk == 0
    with pytest.raises(KeyError):
        value_positions(held, {"A": Decimal(1)})


def test_credentials_are_scrubbed_and_the_event_always_comes_back() -> None:
    """Headers and fields that hold secrets are blanked; odd shapes are left alone."""
    event = {
        "request": {
            "headers": {"Authorization": "Bearer x", "Accept": "*/*"},
            "data": {"email": "e", "password": "p"},
        }
    }
    assert scrub(event, {}) is event
    assert event["request"] == {
        "headers": {"Authorization": "[Filtered]", "Accept": "*/*"},
        "data": {"email": "e", "password": "[Filtered]"},
    }
    for odd in ({}, {"request": None}, {"request": {"data": "text", "headers": []}}):
        assert scrub(odd, {}) is odd


def test_prices_move_smoothly_and_stay_positive() -> None:
    """Two looks within a second differ by little."""
    for symbol in seed_data.symbols(1, 10):
        prices = [quotes_service.price(symbol, at) for at in range(0, 600, 7)]
        assert min(prices) > 0
        assert abs(quotes_service.price(symbol, 10.0) / quotes_service.price(symbol, 11.0) - 1) < 0.01


def test_the_quote_service_speaks_http_only() -> None:
    """Another kind of connection is refused."""

    async def never() -> dict[str, object]:
        raise AssertionError

    async def ignore(message: object) -> None:
        raise AssertionError

    with pytest.raises(ValueError, match="HTTP only, not websocket"):
        asyncio.run(quotes_service.app({"type": "websocket"}, never, ignore))


def test_importing_the_application_has_no_effects() -> None:
    """``app`` is built when it is asked for, once; other names do not exist."""
    with pytest.raises(AttributeError, match="has no attribute 'application'"):
        _ = app_module.application  # type: ignore[attr-defined]
