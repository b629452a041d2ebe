"""Receivers that really take delivery, answer as they are told, and keep a receipt of everything: the end of the measurement."""

from __future__ import annotations

from .http import HttpReceiver
from .manner import Manner
from .smtp import SmtpReceiver

__all__ = ["HttpReceiver", "Manner", "SmtpReceiver"]
