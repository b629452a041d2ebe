"""The parts of the reference service on their own."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope

from pytest_sentry_harness.reference import app as app_module
from pytest_sentry_harness.reference import auth, portfolio, quotes_service, risk, seed_data, sentry
from pytest_sentry_harness.reference.database import Database
from pytest_sentry_harness.reference.portfolio import Holding, value_positions
from pytest_sentry_harness.reference.sentry import scrub
from pytest_sentry_harness.reference.settings import IN_MEMORY, Settings


def test_settings_come_from_the_environment() -> None:
    """Only what is given is changed; each default database is a file of its own."""
    chosen = Settings.from_environment(
        {"REFERENCE_DATABASE": "/x.sqlite", "REFERENCE_QUOTES_URL": "http://q", "REFERENCE_SEED": "9"}
        | {"REFERENCE_INSTRUMENTS": "36", "REFERENCE_HISTORY": "7"}
    )
    assert (chosen.database, chosen.quotes_url, chosen.seed) == ("/x.sqlite", "http://q", 9)
    assert (chosen.instruments, chosen.history) == (36, 7)
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


def test_the_margin_is_the_expected_shortfall() -> None:
    """It grows with the holding, is less for two that move apart than for both, and a hedge needs none."""
    alone, other = risk.margin({"A": 1000.0}), risk.margin({"B": 1000.0})
    assert 30 < alone < 70  # 2.67 daily deviations of 1.8 % of 1000
    assert risk.margin({"A": 2000.0}) == pytest.approx(2 * alone, rel=Decimal("0.001"))
    assert risk.margin({"A": 1000.0, "B": 1000.0}) < alone + other
    assert risk.margin({"A": 1000.0, "B": -1000.0}) < alone + other
    assert risk.margin({}) == 0
    assert risk.moves("A") == risk.moves("A") != risk.moves("B")


def test_a_history_of_settled_orders_can_be_seeded() -> None:
    """The same for the same seed, over all instruments; it is what the user then holds."""
    exposures = []
    for _ in range(2):
        database = Database(IN_MEMORY)
        database.create()
        seed_data.fill(database, seed=1, users=2, instruments=3, history=30)
        with database.session() as session:
            held = {item.symbol: item for item in portfolio.holdings(session, 1)}
            exposures.append(portfolio.exposure(session, 1))
        assert set(held) == set(exposures[-1]) == set(seed_data.symbols(1, 3))
        assert all((exposures[-1][symbol] > 0) == (held[symbol].quantity > 0) for symbol in held)
        database.close()
    assert exposures[0] == exposures[1]


def test_single_options_of_the_sdk_can_be_changed_from_outside() -> None:
    """Values are JSON, dots lead into options within options; a word without a value is refused."""
    changes = sentry.experiment(
        {
            "REFERENCE_SENTRY_OPTIONS": 'include_local_variables=true,_experiments.trace_lifecycle="stream",'
            "_experiments.max_spans=7",
            "REFERENCE_SENTRY_TRANSPORT": "discard",
        }
    )
    assert changes == {
        "include_local_variables": True,
        "_experiments": {"trace_lifecycle": "stream", "max_spans": 7},
        "transport": sentry.Discard,
    }
    assert sentry.experiment({}) == {}
    lean = sentry.experiment({"REFERENCE_SENTRY_INTEGRATIONS": "lean"})
    assert lean["auto_enabling_integrations"] is False
    assert {type(each).identifier for each in lean["integrations"]} == {"starlette", "fastapi"}
    merged = sentry.merged({"a": {"b": 1}, "c": 2}, {"a": {"d": 3}, "c": 4})
    assert merged == {"a": {"b": 1, "d": 3}, "c": 4}
    with pytest.raises(ValueError, match="'quick' is not name=value"):
        sentry.experiment({"REFERENCE_SENTRY_OPTIONS": "quick"})


def test_sentry_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """``REFERENCE_SENTRY=off`` is the service without Sentry: no client, not even one without a DSN."""
    monkeypatch.setenv("REFERENCE_SENTRY", "off")
    sentry.init_sentry(dsn="http://key@127.0.0.1:9/1")
    assert not isinstance(sentry_sdk.get_client(), sentry_sdk.Client)


def test_what_is_discarded_is_forgotten() -> None:
    """The transport of the option ``discard`` takes anything."""
    sentry.Discard({}).capture_envelope(Envelope())
