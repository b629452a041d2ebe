"""Programs that bring or swap the SDK's transport, its client, or the SDK's own functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from .arms import Bench, fault

pytestmark = pytest.mark.slow

HEAD = """
import sentry_sdk
from sentry_sdk.transport import HttpTransport, Transport

sent = []

class Mine(Transport):
    def __init__(self, options=None):
        super().__init__(options)
    def capture_envelope(self, envelope):
        sent.append([item.type for item in envelope.items])

class Http(HttpTransport):
    def capture_envelope(self, envelope):
        sent.append("http " + envelope.items[0].type)
    def _send_envelope(self, envelope):
        raise AssertionError("never")

def work(n):
    raise ValueError(n)

def report(n):
    try:
        work(n)
    except ValueError:
        return sentry_sdk.capture_exception() is not None
"""
DSN = "'http://key@127.0.0.1:9/1', auto_enabling_integrations=False"
WAYS = {
    "a class": f"sentry_sdk.init({DSN}, transport=Mine)",
    "an object": f"sentry_sdk.init({DSN}, transport=Mine({{'dsn': 'http://key@127.0.0.1:9/1'}}))",
    "a function": f"sentry_sdk.init({DSN}, transport=lambda envelope: sent.append('function'))",
    "a subclass of the SDK's": f"sentry_sdk.init({DSN}, transport=Http)",
    "swapped after init": f"sentry_sdk.init({DSN}, shutdown_timeout=0)\nsentry_sdk.get_client().transport = Mine()",
    "its method swapped after init": (
        f"sentry_sdk.init({DSN}, shutdown_timeout=0)\n"
        "sentry_sdk.get_client().transport.capture_envelope = lambda envelope: sent.append('swapped')"
    ),
    "its class patched": (
        "from unittest import mock\nmock.patch.object(HttpTransport, 'capture_envelope', "
        "lambda self, envelope: sent.append('patched')).start()\n"
        f"sentry_sdk.init({DSN}, shutdown_timeout=0)"
    ),
    "make_transport patched": (
        f"import sentry_sdk.client\nsentry_sdk.client.make_transport = lambda options: Mine(options)\nsentry_sdk.init({DSN})"
    ),
    "none": f"sentry_sdk.init({DSN}, shutdown_timeout=0)\nsentry_sdk.get_client().transport = None",
    "capture_exception patched": (
        f"sentry_sdk.init({DSN}, transport=Mine)\nreal = sentry_sdk.capture_exception\n"
        "sentry_sdk.capture_exception = lambda *a, **k: (sent.append('asked'), real(*a, **k))[1]"
    ),
    "capture_event patched": (
        f"sentry_sdk.init({DSN}, transport=Mine)\nclient = sentry_sdk.get_client()\nreal = client.capture_event\n"
        "client.capture_event = lambda *a, **k: (sent.append('event'), real(*a, **k))[1]"
    ),
    "a client of one's own": (
        f"client = sentry_sdk.Client({DSN}, transport=Mine)\nsentry_sdk.get_global_scope().set_client(client)"
    ),
    "initialised twice": f"sentry_sdk.init({DSN}, transport=Mine)\nsentry_sdk.init({DSN}, transport=Http)",
    "closed": f"sentry_sdk.init({DSN}, transport=Mine)\nsentry_sdk.get_client().close()",
    "one that raises": (
        f"class Bad(Mine):\n    def capture_envelope(self, envelope): raise OSError('mine')\nsentry_sdk.init({DSN}, transport=Bad)"
    ),
    "one that refuses attributes": (
        "class Tight(Mine):\n    def __setattr__(self, name, value):\n"
        "        if name not in ('options', 'parsed_dsn'): raise AttributeError(name)\n"
        "        object.__setattr__(self, name, value)\n"
        f"sentry_sdk.init({DSN}, transport=Tight)"
    ),
    "before_send that raises": f"sentry_sdk.init({DSN}, transport=Mine, before_send=lambda event, hint: 1 / 0)",
    "options that are wrong": "try:\n    sentry_sdk.init('no dsn')\nexcept Exception as error:\n    print(type(error), error)",
}


@pytest.mark.parametrize("way", WAYS)
def test_the_programs_own_transport_gets_what_it_got(tmp_path: Path, way: str) -> None:
    """Same envelopes, same answers, same errors."""
    program = HEAD + WAYS[way] + "\nfor n in range(3):\n    try:\n        print(report(n))\n"
    program += "    except Exception as error:\n        print(type(error).__name__, error)\nprint(sent)\n"
    bench = Bench(tmp_path, fault("__main__:work"))
    bench.same(program)
