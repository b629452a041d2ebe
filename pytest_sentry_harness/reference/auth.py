"""Passwords and access tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from .models import User

TOKEN_SECONDS = 3600
# About 20 ms and 8 MiB: a demo that logs in thousands of times. A product would take 2**15 or more.
_COST = {"n": 2**13, "r": 8, "p": 1}


class NotAuthenticated(Exception):  # noqa: N818 - a state of the caller, not an error of ours
    """The caller's credentials are missing, wrong or too old."""


def hash_password(password: str) -> str:
    """``salt$hash``, both in hexadecimal, by scrypt."""
    salt = os.urandom(16)
    return f"{salt.hex()}${_scrypt(password, salt).hex()}"


def password_matches(password: str, stored: str) -> bool:
    """Whether ``password`` is the one that ``stored`` was made from."""
    salt, _, digest = stored.partition("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), bytes.fromhex(digest))


def log_in(session: Session, email: str, password: str, *, secret: str) -> str:
    """A fresh access token. Raises ``NotAuthenticated``; the text does not tell which part was wrong."""
    user = session.scalar(select(User).where(User.email == email))
    if user is None or not password_matches(password, user.password_hash):
        raise NotAuthenticated("unknown e-mail address or wrong password")
    return issue(user.id, secret=secret, now=time.time())


def issue(user_id: int, *, secret: str, now: float) -> str:
    """A token for ``user_id``, good for an hour after ``now`` (seconds since the epoch)."""
    body = base64.urlsafe_b64encode(f"{user_id}:{int(now) + TOKEN_SECONDS}".encode()).decode()
    return f"{body}.{_sign(body, secret)}"


def verify(token: str, *, secret: str, now: float) -> int:
    """The user id a token stands for. Raises ``NotAuthenticated``."""
    body, _, signature = token.partition(".")
    if not hmac.compare_digest(_sign(body, secret).encode(), signature.encode()):
        raise NotAuthenticated("the access token is not ours")
    user_id, _, expires = base64.urlsafe_b64decode(body).decode().partition(":")
    if int(expires) < now:
        raise NotAuthenticated("the access token has expired")
    return int(user_id)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, dklen=32, **_COST)


def _sign(body: str, secret: str) -> str:
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
