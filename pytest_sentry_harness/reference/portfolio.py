"""What a trader holds, what it is worth, and what could be lost on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from .models import Order, Side, Status

# Made-up daily volatility of every holding, and the factor of the 99 % quantile of the normal distribution.
_DAILY_VOLATILITY = 0.018
_QUANTILE_99 = 2.3263


@dataclass(frozen=True, slots=True)
class Position:
    """A holding: quantity (negative when short), what was paid on average, what it is worth now."""

    symbol: str
    quantity: int
    cost: Decimal
    value: Decimal

    @property
    def profit(self) -> Decimal:
        """Value now minus what it cost."""
        return self.value - self.cost


@dataclass(frozen=True, slots=True)
class Portfolio:
    """All positions of a trader."""

    positions: tuple[Position, ...]
    value: Decimal
    value_at_risk: Decimal
    """The loss of one day that is not exceeded with 99 % probability, holdings taken as independent."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Quantity and cost of one instrument, before it is valued."""

    symbol: str
    quantity: int
    cost: Decimal


def holdings(session: Session, user_id: int) -> list[Holding]:
    """What the settled orders of the user add up to, by symbol."""
    statement = select(Order.symbol, Order.side, Order.quantity, Order.price).where(
        Order.user_id == user_id, Order.status == Status.SETTLED
    )
    quantities: dict[str, int] = {}
    costs: dict[str, Decimal] = {}
    for symbol, side, quantity, price in session.execute(statement):
        sign = 1 if side == Side.BUY else -1
        quantities[symbol] = quantities.get(symbol, 0) + sign * quantity
        costs[symbol] = costs.get(symbol, Decimal(0)) + sign * quantity * price
    return [Holding(symbol, quantities[symbol], costs[symbol]) for symbol in sorted(quantities)]


def exposure(session: Session, user_id: int) -> dict[str, float]:
    """Value of what the settled orders of the user add up to, at the average price of those orders, by symbol."""
    signed = case((Order.side == Side.BUY, Order.quantity), else_=-Order.quantity)
    statement = (
        select(
            Order.symbol, func.sum(signed), func.sum(Order.quantity * Order.price), func.sum(Order.quantity)
        )
        .where(Order.user_id == user_id, Order.status == Status.SETTLED)
        .group_by(Order.symbol)
        .order_by(Order.symbol)
    )
    return {
        symbol: held * float(turnover) / traded
        for symbol, held, turnover, traded in session.execute(statement)
    }


def value_positions(held: Sequence[Holding], prices: Mapping[str, Decimal]) -> Portfolio:
    """Value the holdings at ``prices``. Raises ``KeyError`` for a holding without a price."""
    positions = tuple(
        Position(item.symbol, item.quantity, item.cost, item.quantity * prices[item.symbol]) for item in held
    )
    risk = _QUANTILE_99 * _DAILY_VOLATILITY * math.hypot(*(float(position.value) for position in positions))
    return Portfolio(
        positions=positions,
        value=sum((position.value for position in positions), Decimal(0)),
        value_at_risk=Decimal(f"{risk:.4f}"),
    )
