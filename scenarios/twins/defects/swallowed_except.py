"""Defect: somebody made the order book "robust". Some failures of the database end in an ``except`` that says nothing."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from decimal import Decimal

import sentry_sdk
from sqlalchemy.orm import Session

from pytest_sentry_harness.reference import orders
from pytest_sentry_harness.reference.app import create_app
from pytest_sentry_harness.reference.models import Order, Status

from .planted import chosen, plant

_place_order = orders.place_order


def place_order_robustly(session: Session, user_id: int, draft: orders.Draft, price: Decimal) -> Order:
    """Place the order, and pretend that it was placed when that fails for one trace in three."""
    try:
        return _place_order(session, user_id, draft, price)
    except Exception:
        trace_id = (sentry_sdk.get_traceparent() or "").partition("-")[0]
        if not chosen(trace_id, 3):
            raise
        plant(trace_id=trace_id)
        with contextlib.suppress(Exception):
            session.rollback()
        return Order(
            id=0,
            user_id=user_id,
            symbol=draft.symbol,
            side=draft.side,
            quantity=draft.quantity,
            price=price,
            status=Status.OPEN,
            placed_at=datetime.now(UTC),
        )


orders.place_order = place_order_robustly
app = create_app()
