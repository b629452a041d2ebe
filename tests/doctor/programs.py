"""Small programs to be examined, good and bad."""

from __future__ import annotations

GOOD_OPTIONS = "release='shop@1.2.3', environment='test', transport_queue_size=1000, include_local_variables=False, shutdown_timeout=60"

GOOD_SCRIPT = f"""
import sentry_sdk
sentry_sdk.init({GOOD_OPTIONS})
print("worked")
"""

RAISING_HOOK = f"""
import sentry_sdk

def trusting(event, hint):
    event["tags"] = {{"path": event["request"]["url"]}}
    return event

sentry_sdk.init({GOOD_OPTIONS}, before_send=trusting)
"""

NO_FLUSH_SERVICE = f"""
import sys
import sentry_sdk
from flask import Flask
sentry_sdk.init({GOOD_OPTIONS})
app = Flask("shop")

@app.get("/health")
def health():
    return "ok"

app.run(port=int(sys.argv[1]))
"""

GOOD_SERVICE = NO_FLUSH_SERVICE.replace(
    "app.run",
    """
import signal

def end(*_):
    sentry_sdk.flush(10)
    sys.exit(0)

signal.signal(signal.SIGTERM, end)
app.run""",
)

OWN_DSN = f"""
import sentry_sdk
sentry_sdk.init("https://abc@o1.ingest.sentry.invalid/4", {GOOD_OPTIONS})
"""

ENDS_AT_ONCE = """
import os, sentry_sdk
sentry_sdk.init()
os._exit(0)
"""

NEVER_ENDS = f"""
import signal, sys, sentry_sdk, time
sentry_sdk.init({GOOD_OPTIONS})
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    time.sleep(0.1)
"""

TANGLED = f"""
import sys, flask, sentry_sdk
app = flask.Flask("early")
from sentry_sdk.integrations.flask import FlaskIntegration
sentry_sdk.init({GOOD_OPTIONS}, disabled_integrations=[FlaskIntegration()])
sentry_sdk.init(
    traces_sample_rate=1.0,
    before_send_transaction=lambda event, hint: None,
    disabled_integrations=[FlaskIntegration()],
    enable_logs=True,
)
sys.excepthook = lambda *args: None
from sentry_sdk.scope import add_global_event_processor

@add_global_event_processor
def keep(event, hint):
    return event
"""

ONE_ID = f"""
import sentry_sdk

def one_id(event, hint):
    if "exc_info" in hint:
        event["event_id"] = "b" * 32
    return event

sentry_sdk.init({GOOD_OPTIONS}, before_send=one_id)
"""
