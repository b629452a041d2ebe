"""The HTTP interface of the reference service.

Mistakes of the caller become 4xx answers. Everything else is left to travel: an exception nobody
expected must reach the error tracker, not end in a handler that answers 500 and says nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import httpx
import sentry_sdk
from fastapi import APIRouter, BackgroundTasks, Depends, Header, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from . import auth, orders, portfolio, quotes, risk, settlement
from .database import Database
from .models import Instrument, Side, Status
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes need; the lifespan puts it into the application's state."""

    settings: Settings
    database: Database
    quotes: httpx.AsyncClient


class Credentials(BaseModel):
    """Body of a login."""

    email: str = Field(max_length=120)
    password: str = Field(max_length=200)


class Token(BaseModel):
    """Answer to a login."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - a kind, not a token


class OrderIn(BaseModel):
    """Body of a new order."""

    model_config = ConfigDict(extra="forbid")

    symbol: str = Field(pattern="^[A-Z]{1,8}$")
    side: Side
    quantity: int = Field(gt=0, le=1_000_000)


class OrderOut(BaseModel):
    """An order as answered."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    symbol: str
    side: Side
    quantity: int
    price: Decimal
    margin: Decimal
    status: Status
    placed_at: datetime


class InstrumentOut(BaseModel):
    """An instrument as answered."""

    model_config = ConfigDict(from_attributes=True)

    symbol: str
    name: str
    lot: int


def get_services(request: Request) -> Services:
    """The services of the running application."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(get_services)]


def get_session(services: ServicesDep) -> Iterator[Session]:
    """One database session for each request; rolled back and closed when the request fails."""
    with services.database.session() as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


def current_user(services: ServicesDep, authorization: Annotated[str, Header()] = "") -> int:
    """The id of the caller. Answers 401 without a good token."""
    scheme, _, token = authorization.partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise auth.NotAuthenticated("send an access token: Authorization: Bearer …")
        user_id = auth.verify(token, secret=services.settings.secret, now=time.time())
    except auth.NotAuthenticated as error:
        raise HTTPException(401, str(error), headers={"WWW-Authenticate": "Bearer"}) from error
    sentry_sdk.set_user({"id": str(user_id)})
    return user_id


UserDep = Annotated[int, Depends(current_user)]
router = APIRouter()


@router.get("/health")
async def health() -> dict[str, str]:
    """Whether the service is up."""
    return {"status": "ok"}


@router.post("/login")
def login(body: Credentials, services: ServicesDep, session: SessionDep) -> Token:
    """Exchange e-mail address and password for an access token."""
    try:
        token = auth.log_in(session, body.email, body.password, secret=services.settings.secret)
    except auth.NotAuthenticated as error:
        raise HTTPException(401, str(error)) from error
    return Token(access_token=token)


@router.get("/instruments", response_model=list[InstrumentOut])
def list_instruments(session: SessionDep) -> Any:
    """Everything that is traded."""
    return list(session.scalars(select(Instrument).order_by(Instrument.symbol)))


@router.get("/quotes/{symbol}")
async def get_quote(symbol: str, services: ServicesDep) -> dict[str, str]:
    """The present price of an instrument."""
    quote = await _quote(services, symbol)
    return {"symbol": quote.symbol, "price": str(quote.price)}


@router.post("/orders", status_code=201, response_model=OrderOut)
async def post_order(
    body: OrderIn, background: BackgroundTasks, services: ServicesDep, session: SessionDep, user_id: UserDep
) -> Any:
    """Place an order at the present price; it is settled in the background."""
    quote = await _quote(services, body.symbol)
    draft = orders.Draft(body.symbol, body.side, body.quantity)
    try:
        order = await run_in_threadpool(orders.place_order, session, user_id, draft, quote.price)
    except orders.OrderRefused as error:
        raise HTTPException(422, str(error)) from error
    background.add_task(settlement.settle_order, services.database, order.id)
    return order


@router.get("/orders", response_model=list[OrderOut])
def list_orders(
    session: SessionDep, user_id: UserDep, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> Any:
    """The caller's orders, newest first."""
    return orders.list_orders(session, user_id, limit=limit)


@router.get("/orders/{order_id}", response_model=OrderOut)
def get_order(order_id: int, session: SessionDep, user_id: UserDep) -> Any:
    """One of the caller's orders."""
    try:
        return orders.get_order(session, user_id, order_id)
    except orders.OrderNotFound as error:
        raise HTTPException(404, str(error)) from error


@router.delete("/orders/{order_id}", response_model=OrderOut)
def cancel_order(order_id: int, session: SessionDep, user_id: UserDep) -> Any:
    """Cancel an order that is still open."""
    try:
        return orders.cancel_order(session, user_id, order_id)
    except orders.OrderNotFound as error:
        raise HTTPException(404, str(error)) from error
    except orders.OrderRefused as error:
        raise HTTPException(409, str(error)) from error


@router.get("/portfolio")
async def get_portfolio(services: ServicesDep, session: SessionDep, user_id: UserDep) -> dict[str, Any]:
    """The caller's positions at present prices, and the risk on them."""
    held = await run_in_threadpool(portfolio.holdings, session, user_id)
    found = await asyncio.gather(*(quotes.fetch_quote(services.quotes, item.symbol) for item in held))
    valued = portfolio.value_positions(held, {quote.symbol: quote.price for quote in found})
    values = {position.symbol: float(position.value) for position in valued.positions}
    return {
        "value": str(valued.value),
        "value_at_risk": str(valued.value_at_risk),
        "margin": str(await run_in_threadpool(risk.margin, values)),
        "positions": [
            {"symbol": p.symbol, "quantity": p.quantity, "value": str(p.value), "profit": str(p.profit)}
            for p in valued.positions
        ],
    }


@router.post("/settlements")
def post_settlements(services: ServicesDep, user_id: UserDep) -> dict[str, int]:
    """Settle the caller's open orders now instead of at the next sweep."""
    return {"settled": settlement.settle_open(services.database, user_id=user_id)}


async def _quote(services: Services, symbol: str) -> quotes.Quote:
    try:
        return await quotes.fetch_quote(services.quotes, symbol)
    except quotes.UnknownSymbol as error:
        raise HTTPException(404, f"no quote for {symbol}") from error
