"""The reference service over HTTP, in process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.reference import seed_data
from pytest_sentry_harness.reference.app import create_app
from pytest_sentry_harness.reference.settings import IN_MEMORY, Settings

SYMBOL, OTHER = seed_data.symbols(1, 2)
ALICE, BOB = seed_data.emails(1, 2)


def build(**changes: Any) -> FastAPI:
    given_settings = {"database": IN_MEMORY, "secret": "s", "users": 2, "instruments": 4, **changes}
    return create_app(Settings(**given_settings), sentry_options={"dsn": ""})


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://reference") as client,
    ):
        yield client


async def log_in(client: httpx.AsyncClient, email: str = ALICE) -> dict[str, str]:
    response = await client.post("/login", json={"email": email, "password": seed_data.PASSWORD})
    assert response.status_code == 200, response.text
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


async def order(client: httpx.AsyncClient, headers: dict[str, str], **changes: Any) -> httpx.Response:
    body = {"symbol": SYMBOL, "side": "buy", "quantity": 10, **changes}
    return await client.post("/orders", json=body, headers=headers)


def test_a_trading_day(tmp_path: Any) -> None:
    """Quote, order, settlement in the background, list, portfolio: on a file with a real pool."""

    async def day() -> None:
        async with running(build(database=str(tmp_path / "t.sqlite"))) as client:
            assert (await client.get("/health")).json() == {"status": "ok"}
            assert len((await client.get("/instruments")).json()) == 4
            quote = (await client.get(f"/quotes/{SYMBOL}")).json()
            assert quote["symbol"] == SYMBOL
            assert Decimal(quote["price"]) > 0
            headers = await log_in(client)
            placed = await order(client, headers)
            assert placed.status_code == 201
            await order(client, headers, side="sell", quantity=3)
            order_id = placed.json()["id"]
            # The transport gives the answer back when background tasks are done.
            shown = (await client.get(f"/orders/{order_id}", headers=headers)).json()
            assert shown["status"] == "settled"
            assert [o["quantity"] for o in (await client.get("/orders", headers=headers)).json()] == [3, 10]
            portfolio = (await client.get("/portfolio", headers=headers)).json()
            (position,) = portfolio["positions"]
            assert (position["symbol"], position["quantity"]) == (SYMBOL, 7)
            assert Decimal(portfolio["value_at_risk"]) > 0
            late = await client.delete(f"/orders/{order_id}", headers=headers)
            assert late.status_code == 409
            assert "cannot be cancelled" in late.json()["detail"]

    asyncio.run(day())


def test_orders_the_background_missed_are_swept_or_settled_on_demand_or_cancelled(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A failing settlement leaves the order open; three ways lead on."""
    from pytest_sentry_harness.reference import settlement

    async def scenario() -> None:
        # The sweep has a thread of its own; in memory it would share the one connection, and its transaction.
        app = build(sweep_seconds=0.05, database=str(tmp_path / "trading.sqlite"))
        async with running(app) as client:
            headers = await log_in(client)
            with monkeypatch.context() as broken:
                broken.setattr(settlement, "settle_order", lambda database, order_id: None)
                broken.setattr(settlement, "settle_open", lambda database, **_: 1 / 0)
                first, second, third = [(await order(client, headers)).json() for _ in range(3)]
                assert first["status"] == "open"
                # The sweep fails meanwhile, and must go on all the same.
                await asyncio.sleep(0.15)
                gone = await client.delete(f"/orders/{first['id']}", headers=headers)
                assert gone.json()["status"] == "cancelled"
            other = await log_in(client, BOB)
            assert (await client.post("/settlements", headers=other)).json() == {"settled": 0}
            settled = (await client.post("/settlements", headers=headers)).json()["settled"]
            assert settled in (0, 1, 2)
            async with asyncio.timeout(30):
                for open_order in (second, third):
                    while True:
                        answer = await client.get(f"/orders/{open_order['id']}", headers=headers)
                        if answer.json()["status"] == "settled":
                            break
                        await asyncio.sleep(0.02)

    asyncio.run(scenario())


def test_callers_mistakes_are_told_as_such() -> None:
    """4xx with a reason, and never a 500."""

    async def scenario() -> None:
        async with running(build()) as client:
            wrong = await client.post("/login", json={"email": ALICE, "password": "guess"})
            assert (wrong.status_code, wrong.json()["detail"]) == (
                401,
                "unknown e-mail address or wrong password",
            )
            nobody = await client.post("/login", json={"email": "x@y.example", "password": "guess"})
            assert nobody.json() == wrong.json()
            for value, reason in (("", "send an access token"), ("Bearer a.b", "not ours")):
                refused = await client.get("/orders", headers={"Authorization": value} if value else {})
                assert refused.status_code == 401
                assert reason in refused.json()["detail"]
            headers = await log_in(client)
            assert (await client.get("/orders/99", headers=headers)).status_code == 404
            assert (await client.delete("/orders/99", headers=headers)).status_code == 404
            assert (await client.get("/quotes/lower")).status_code == 404
            unknown = await order(client, headers, symbol="NOTHERE")
            assert (unknown.status_code, unknown.json()["detail"]) == (422, "NOTHERE is not traded here")
            large = await order(client, headers, quantity=1_000_000)
            assert "may be worth" in large.json()["detail"]
            mine = (await order(client, headers)).json()["id"]
            other = await log_in(client, BOB)
            assert (await client.get(f"/orders/{mine}", headers=other)).status_code == 404

    asyncio.run(scenario())


def test_lots_are_respected() -> None:
    """A quantity that is not a multiple of the lot is refused."""
    from pytest_sentry_harness.reference.models import Instrument

    async def scenario() -> None:
        app = build()
        async with running(app) as client:
            with app.state.services.database.session() as session, session.begin():
                session.get(Instrument, OTHER).lot = 7
            headers = await log_in(client)
            assert (await order(client, headers, symbol=OTHER, quantity=14)).status_code == 201
            refused = await order(client, headers, symbol=OTHER, quantity=15)
            assert refused.json()["detail"] == f"{OTHER} trades in lots of 7"

    asyncio.run(scenario())


payloads = st.one_of(
    st.none(),
    st.text(),
    st.fixed_dictionaries(
        {},
        optional={
            "symbol": st.one_of(st.just(SYMBOL), st.text(), st.integers()),
            "side": st.one_of(st.sampled_from(["buy", "sell"]), st.text()),
            "quantity": st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
            "extra": st.integers(),
        },
    ),
    st.fixed_dictionaries(
        {
            "symbol": st.sampled_from([SYMBOL, OTHER]),
            "side": st.sampled_from(["buy", "sell"]),
            "quantity": st.integers(1, 100),
        }
    ),
)


@pytest.fixture(scope="module")
def trader() -> Iterator[tuple[asyncio.Runner, httpx.AsyncClient, dict[str, str]]]:
    with asyncio.Runner() as runner:
        service = running(build())
        client = runner.run(service.__aenter__())
        yield runner, client, runner.run(log_in(client))
        runner.run(service.__aexit__(None, None, None))


@pytest.mark.slow
@given(body=payloads)
def test_no_payload_breaks_the_service(
    trader: tuple[asyncio.Runner, httpx.AsyncClient, dict[str, str]], body: Any
) -> None:
    """Whatever is sent as an order is accepted, or refused with 422; what is accepted is what was sent."""
    runner, client, headers = trader
    response = runner.run(client.post("/orders", json=body, headers=headers))
    assert response.status_code in (201, 422), response.text
    if response.status_code == 201:
        accepted = response.json()
        assert {name: accepted[name] for name in body} == {**body, "quantity": int(body["quantity"])}


def test_a_slow_or_broken_quote_service_is_not_hidden() -> None:
    """Nothing listens at the quote service: the exception leaves the application, where the SDK sees it."""

    async def scenario() -> None:
        async with running(build(quotes_url="http://127.0.0.1:9")) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"/quotes/{SYMBOL}")

    asyncio.run(scenario())
