"""A job that reports an error now and then, and has sent each before the next happens.

``DEFECT`` chooses what is wrong with its options, its transport, or with what stands between it and Sentry.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import HttpTransport, Transport
from sentry_sdk.types import Event

from link_apps import front
from link_apps.work import handle

COUNT = int(os.environ.get("COUNT", "30"))
TRACES = float(os.environ.get("TRACES", "0"))
DEFECT = os.environ.get("DEFECT", "")
DSN = os.environ.get("SENTRY_DSN", "")
# The SDK waits 30 s for an answer, which is a constant of its own; nobody wants to wait for that here.
HttpTransport.TIMEOUT = 0.2 if DEFECT == "impatient" else HttpTransport.TIMEOUT  # type: ignore[assignment]

Options = dict[str, Any]


# ---- transports ----------------------------------------------------------------------------------


def log_only(event: Event) -> None:
    """A transport for tests that came along into production."""


class Forgetful(HttpTransport):
    """A transport with an own idea of what is worth sending."""

    def _send_envelope(self, envelope: Envelope) -> None:
        pass


class Broker(Transport):
    """A transport that publishes to a message broker, which is away."""

    def capture_envelope(self, envelope: Envelope) -> None:
        """Publish the envelope."""
        raise ConnectionError("no broker")


# ---- set-ups: each gives the options for sentry_sdk.init, and holds up what it needs ---------------


@contextlib.contextmanager
def healthy() -> Iterator[Options]:
    """What it takes: nothing but the right DSN."""
    yield {}


@contextlib.contextmanager
def function_transport() -> Iterator[Options]:
    """Events end in a function."""
    yield {"transport": log_only}


@contextlib.contextmanager
def forgetful_transport() -> Iterator[Options]:
    """Events are taken from the queue and dropped."""
    yield {"transport": Forgetful}


@contextlib.contextmanager
def raising_transport() -> Iterator[Options]:
    """Nobody notices that the transport raises: the SDK logs it, when it debugs."""
    yield {"transport": Broker}


@contextlib.contextmanager
def proxy() -> Iterator[Options]:
    """A proxy that was switched off a year ago."""
    yield {"http_proxy": "http://127.0.0.1:1"}


@contextlib.contextmanager
def https() -> Iterator[Options]:
    """The scheme does not fit the server."""
    yield {"dsn": DSN.replace("http:", "https:")}


@contextlib.contextmanager
def spotlight_only() -> Iterator[Options]:
    """Developer settings in production."""
    yield {"dsn": "", "spotlight": "http://127.0.0.1:1/stream"}


@contextlib.contextmanager
def answering_front() -> Iterator[Options]:
    """The web server answers, and the relay behind it never gets the project's settings."""
    with front.listening(front.Swallowing) as address:
        yield {"dsn": front.dsn_at(DSN, address)}


@contextlib.contextmanager
def off_by_one_front() -> Iterator[Options]:
    """A rate limiter that answers 200 to every tenth event and drops it."""
    with front.listening(front.EveryTenth, DSN) as address:
        yield {"dsn": front.dsn_at(DSN, address)}


@contextlib.contextmanager
def stuck_front() -> Iterator[Options]:
    """A self-hosted Sentry that takes everything, and whose consumers stop working after a flood."""
    with front.listening(front.Stuck, DSN) as address:
        yield {"dsn": front.dsn_at(DSN, address)}


@contextlib.contextmanager
def login_front() -> Iterator[Options]:
    """Sentry behind a single sign-on: the SDK is led to the login page, which answers 200."""
    with front.listening(front.Login) as address:
        yield {"dsn": front.dsn_at(DSN, address)}


@contextlib.contextmanager
def silent_front() -> Iterator[Options]:
    """A port that another service listens on, which does not speak HTTP."""
    with front.listening(front.Gibberish) as address:
        yield {"dsn": front.dsn_at(DSN, address)}


@contextlib.contextmanager
def huge() -> Iterator[Options]:
    """Each event carries a value of two million characters."""
    sentry_sdk.get_isolation_scope().set_extra("answer of the bank", "x" * 2_000_000)
    yield {}


SET_UPS: dict[str, Callable[[], contextlib.AbstractContextManager[Options]]] = {
    "": healthy,
    "impatient": healthy,
    "function-transport": function_transport,
    "forgetful-transport": forgetful_transport,
    "raising-transport": raising_transport,
    "proxy": proxy,
    "https": https,
    "spotlight-only": spotlight_only,
    "answering-front": answering_front,
    "off-by-one-front": off_by_one_front,
    "stuck-front": stuck_front,
    "login-front": login_front,
    "silent-front": silent_front,
    "huge": huge,
}


def main() -> None:
    """Thirty errors, one after the other, each in a transaction when TRACES says so."""
    with SET_UPS[DEFECT]() as options:
        sentry_sdk.init(traces_sample_rate=TRACES or None, **options)
        for number in range(COUNT):
            with sentry_sdk.start_transaction(name="job"):
                try:
                    handle(number)
                except Exception:
                    sentry_sdk.capture_exception()
            sentry_sdk.flush(timeout=10)


if __name__ == "__main__":
    main()
