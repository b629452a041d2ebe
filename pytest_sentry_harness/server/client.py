"""What other packages use of the server: start one, and talk to it."""

from __future__ import annotations

from .api_client import ServerClient
from .embedded import EmbeddedServer

__all__ = ["EmbeddedServer", "ServerClient"]
