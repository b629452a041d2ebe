"""Settings for production, turned to receivers of ours: nobody outside is told, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_sentry_harness.channels.receivers import HttpReceiver, SmtpReceiver
from pytest_sentry_harness.channels.redirect import BUILT_IN, built_in, redirected, secrets_of
from pytest_sentry_harness.channels.senders import build_senders
from pytest_sentry_harness.monitor.notifications import parse_notifications

from .building import delivery, receipts

PRODUCTION = """
[[channel]]
name = "ops"
kind = "webhook"
url = "https://ops.example.com/hook/T0KEN"
secret_env = "OPS_SECRET"
timeout = "20s"
throttle = { most = 5, per = "1m" }
[[channel]]
name = "plugin"
kind = "legacy_webhook"
url = "https://ops.example.com/old"
[[channel]]
name = "chat"
kind = "slack"
url = "https://hooks.slack.com/services/T0KEN"
[[channel]]
name = "pager"
kind = "pagerduty"
secret_env = "ROUTING_KEY"
[[channel]]
name = "matrix"
kind = "apprise"
url = "matrixs://user:pass@matrix.example.com/#ops"
[[channel]]
name = "mail"
kind = "email"
host = "smtp.example.com"
tls = "starttls"
username = "sentry"
secret_env = "MAIL_PASSWORD"
sender = "sentry@example.com"
recipients = ["ops@example.com"]
[[route]]
channels = ["ops", "plugin", "chat", "pager", "matrix", "mail"]
[[escalation]]
after = "5m"
channels = ["pager"]
"""


def test_every_channel_of_production_leads_to_a_receiver(tmp_path: Path) -> None:
    """Each is delivered there and nowhere else; the webhook is signed, with a secret that nobody had set."""
    written = parse_notifications(PRODUCTION, "notify.toml")
    secrets = secrets_of(written, {"ROUTING_KEY": "R0UTE"})
    assert secrets["pager"] == "R0UTE"
    assert sorted(secrets) == ["ops", "pager"]
    assert secrets != secrets_of(written, {})
    receivers: dict[str, HttpReceiver | SmtpReceiver] = {
        name: SmtpReceiver(tmp_path / name)
        if channel.kind == "email"
        else HttpReceiver(tmp_path / name, secret=secrets["ops"] if name == "ops" else "")
        for name, channel in written.channels.items()
    }
    ours = redirected(written, {name: each.port for name, each in receivers.items()}, secrets)
    senders = build_senders(ours, environment={})
    for name, receiver in receivers.items():
        assert senders[name].send(replace(delivery(), channel=name)).delivered, name
        (receipt,) = receipts(receiver.journal)
        assert receipt.signature == ("valid" if name == "ops" else "unchecked")
        assert receipt.in_body
        receiver.close()
    same = {"url": "", "secret": "", "secret_env": "", "host": "", "port": 0, "tls": "", "username": ""}
    for name, channel in ours.channels.items():
        assert replace(channel, **same) == replace(written.channels[name], **same)  # type: ignore[arg-type]
    assert (ours.routes, ours.escalations) == (written.routes, written.escalations)


def test_a_channel_without_a_receiver_leads_nowhere() -> None:
    """Rather an error than somebody who is paged."""
    with pytest.raises(KeyError, match="ops"):
        redirected(parse_notifications(PRODUCTION, "notify.toml"), {}, {})


def test_without_a_file_one_webhook_is_told_everything() -> None:
    """It needs a receiver as all do."""
    (route,) = built_in().routes
    assert route.match.is_everything
    assert route.channels == (BUILT_IN,)
    ours = redirected(built_in(), {BUILT_IN: 99}, {BUILT_IN: "s"}).channels[BUILT_IN]
    assert (ours.kind, ours.url, ours.secret) == ("webhook", "http://127.0.0.1:99/", "s")
