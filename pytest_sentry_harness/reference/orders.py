"""Orders: place, list, show, cancel."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from . import portfolio, risk
from .models import Instrument, Order, Side, Status

MOST_VALUE = Decimal(5_000_000)


class OrderRefused(Exception):  # noqa: N818 - the caller's mistake
    """The order breaks a rule; the text says which."""


class OrderNotFound(Exception):  # noqa: N818 - the caller's mistake
    """The user has no such order."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a trader asks for."""

    symbol: str
    side: Side
    quantity: int


def place_order(session: Session, user_id: int, draft: Draft, price: Decimal) -> Order:
    """Check ``draft`` against the rules, work out the margin, and save it at ``price``. Raises ``OrderRefused``."""
    instrument = session.get(Instrument, draft.symbol)
    if instrument is None:
        raise OrderRefused(f"{draft.symbol} is not traded here")
    if draft.quantity % instrument.lot:
        raise OrderRefused(f"{draft.symbol} trades in lots of {instrument.lot}")
    if draft.quantity * price > MOST_VALUE:
        raise OrderRefused(f"an order may be worth {MOST_VALUE} at most")
    order = Order(
        user_id=user_id,
        symbol=draft.symbol,
        side=draft.side,
        quantity=draft.quantity,
        price=price,
        margin=margin_with(session, user_id, draft, price),
    )
    return save(session, order)


def margin_with(session: Session, user_id: int, draft: Draft, price: Decimal) -> Decimal:
    """The margin on what the user holds, and ``draft`` with it."""
    exposure = portfolio.exposure(session, user_id)
    sign = 1 if draft.side == Side.BUY else -1
    exposure[draft.symbol] = exposure.get(draft.symbol, 0.0) + sign * draft.quantity * float(price)
    return risk.margin(exposure)


def save(session: Session, order: Order) -> Order:
    """Write ``order`` and commit; it has its id afterwards."""
    session.add(order)
    session.commit()
    return order


def list_orders(session: Session, user_id: int, *, limit: int = 50) -> list[Order]:
    """The user's orders, newest first."""
    statement = select(Order).where(Order.user_id == user_id).order_by(Order.id.desc()).limit(limit)
    return list(session.scalars(statement))


def get_order(session: Session, user_id: int, order_id: int) -> Order:
    """One order of the user. Raises ``OrderNotFound``, for other people's orders too."""
    order = session.get(Order, order_id)
    if order is None or order.user_id != user_id:
        raise OrderNotFound(f"no order {order_id}")
    return order


def cancel_order(session: Session, user_id: int, order_id: int) -> Order:
    """Cancel an open order. Raises ``OrderNotFound`` and ``OrderRefused``."""
    order = get_order(session, user_id, order_id)
    if not leave_open(session, order, Status.CANCELLED):
        session.rollback()
        raise OrderRefused(f"order {order_id} is not open any more and cannot be cancelled")
    session.commit()
    return order


def leave_open(session: Session, order: Order, status: Status) -> bool:
    """Change ``order`` from open to ``status``, unless somebody else was faster; whether it was changed.

    One statement, because the background task, the sweep and a cancellation may all want the same order.
    """
    change = (
        update(Order)
        .where(Order.id == order.id, Order.status == Status.OPEN)
        .values(status=status)
        .returning(Order.id)
    )
    return session.scalar(change) is not None
