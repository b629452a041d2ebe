"""The Flask application, adapted to ASGI by asgiref."""

from __future__ import annotations

from asgiref.wsgi import WsgiToAsgi

from .flask_app import app

adapted = WsgiToAsgi(app)  # type: ignore[no-untyped-call]
