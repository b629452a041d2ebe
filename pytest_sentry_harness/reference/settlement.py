"""Settlement: after an order was answered, in the background; and a sweep for those it missed."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from . import orders
from .database import Database
from .models import Order, Settlement, Side, Status

log = logging.getLogger(__name__)


def settle(session: Session, order: Order) -> Settlement | None:
    """Settle one order and commit; None when it was not open any more."""
    if not orders.leave_open(session, order, Status.SETTLED):
        session.rollback()
        return None
    sign = 1 if order.side == Side.BUY else -1
    settlement = Settlement(order_id=order.id, amount=Decimal(sign * order.quantity) * order.price)
    session.add(settlement)
    session.commit()
    return settlement


def settle_order(database: Database, order_id: int) -> None:
    """Settle the order if it is still open. Runs as a background task of the request that placed it."""
    with database.session() as session:
        order = session.get(Order, order_id)
        if order is not None and order.status == Status.OPEN:
            settle(session, order)


def settle_open(database: Database, *, user_id: int | None = None, most: int = 100) -> int:
    """Settle up to ``most`` open orders, of one user or of all; the number settled."""
    statement = select(Order).where(Order.status == Status.OPEN).order_by(Order.id).limit(most)
    if user_id is not None:
        statement = statement.where(Order.user_id == user_id)
    with database.session() as session:
        return sum(settle(session, order) is not None for order in list(session.scalars(statement)))


async def sweep_forever(database: Database, seconds: float) -> None:
    """Settle what is left over, every ``seconds``, until cancelled.

    A sweep that fails is reported and the next one tries again: the loop must outlive one bad order.
    """
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(settle_open, database)
        except Exception:
            log.exception("the settlement sweep failed")
