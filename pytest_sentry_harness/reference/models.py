"""The tables of the reference service."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import DateTime, ForeignKey, Numeric, String, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Side(StrEnum):
    """Which way an order goes."""

    BUY = "buy"
    SELL = "sell"


class Status(StrEnum):
    """The life of an order: open until it is settled or cancelled."""

    OPEN = "open"
    SETTLED = "settled"
    CANCELLED = "cancelled"


class Base(DeclarativeBase):
    """Declarative base of all tables."""


class User(Base):
    """A trader."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    email: Mapped[str] = mapped_column(String(120), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))


class Instrument(Base):
    """Something that is traded."""

    __tablename__ = "instruments"

    symbol: Mapped[str] = mapped_column(String(8), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    lot: Mapped[int] = mapped_column(default=1)
    """Quantities are multiples of this."""


class Order(Base):
    """An order of a user, priced when it was placed."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    symbol: Mapped[str] = mapped_column(ForeignKey("instruments.symbol"))
    side: Mapped[Side] = mapped_column(String(4))
    quantity: Mapped[int]
    price: Mapped[Decimal] = mapped_column(Numeric(14, 4))
    margin: Mapped[Decimal] = mapped_column(Numeric(18, 4), default=Decimal(0))
    """What the trader has to deposit for all holdings, this order included."""
    status: Mapped[Status] = mapped_column(String(10), default=Status.OPEN, index=True)
    placed_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), default=lambda: datetime.now(UTC), server_default=func.now()
    )
    settlement: Mapped[Settlement | None] = relationship(back_populates="order")


class Settlement(Base):
    """Money and paper changed hands for an order."""

    __tablename__ = "settlements"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), unique=True)
    amount: Mapped[Decimal] = mapped_column(Numeric(18, 4))
    """What the trader pays; negative for a sale."""
    order: Mapped[Order] = relationship(back_populates="settlement")
