"""A copy of a channels file that may be kept: the same settings, and nothing that is secret."""

from __future__ import annotations

import pytest

from pytest_sentry_harness.channels.redacted import redacted_text
from pytest_sentry_harness.errors import RulesError
from pytest_sentry_harness.monitor.notifications import parse_notifications

TEXT = r"""
# TOP-SECRET was the old one
[[channel]]
name = "ops"
kind = "webhook"
url = "https://URL-USER:PASS-WORD@hooks.example.com:8443/PATH-TOKEN?key=QUERY-TOKEN#x"
secret = "IN\u004cINE \" \\ ü"
timeout = "2s"
retry = { tries = 3, first = "50ms", longest = "1s" }
throttle = { most = 3, per = "1m" }
[[channel]]
name = "chat"
kind = "slack"
url = "https://hooks.slack.com/services/SLACK-TOKEN"
[[channel]]
name = "mail"
kind = "email"
host = "mail.example.com"
sender = "a@example.com"
recipients = ["b@example.com", "c@example.com"]
username = "AKIA-USER"
secret = "MAIL-PASS"
[[channel]]
name = "phone"
kind = "apprise"
url = "pover://USER-TOKEN@APP-TOKEN"
[[route]]
severity = ["critical", "high"]
channels = ["ops", "chat"]
continue = true
[[route]]
channels = ["mail", "phone"]
[[suppression]]
name = "deploy"
rule = "x"
until = 2030-01-31T08:00:00+01:00
until_count = 3
[links]
url = "https://LINK-USER@sentry.example.com/under?LINK-KEY"
"""
SECRETS = ("TOP-", "PASS", "TOKEN", "INLINE", "AKIA", "LINK-", "USER")


def test_nothing_secret_stays_and_all_else_does() -> None:
    """Comments go, too; it reads as the same settings."""
    kept = redacted_text(TEXT, "channels.toml")
    assert [secret for secret in SECRETS if secret in kept] == []
    before, after = parse_notifications(TEXT, "a"), parse_notifications(kept, "b")
    assert after.routes == before.routes
    assert after.suppressions == before.suppressions
    assert after.url == "https://sentry.example.com/under"
    urls = {name: channel.url for name, channel in after.channels.items()}
    assert urls == {
        "ops": "https://hooks.example.com:8443/redacted",
        "chat": "https://hooks.slack.com/redacted",
        "mail": "",
        "phone": "pover://redacted",
    }
    for name, channel in after.channels.items():
        assert (channel.retry, channel.throttle) == (
            before.channels[name].retry,
            before.channels[name].throttle,
        )
    assert redacted_text(kept, "again") == kept


def test_whatever_else_toml_may_hold_is_written_as_it_was_read() -> None:
    """Settings never have these, and a copy is made of what is there."""
    kept = redacted_text(
        'a = [1.5, inf, -inf, nan, true, {}]\n"b c" = "\\u007f"\nchannel = [1]\nlinks = 2\n', "x"
    )
    assert kept == 'a = [1.5, inf, -inf, nan, true, {  }]\n"b c" = "\\u007f"\nchannel = [1]\nlinks = 2\n'
    for url in ("TOKEN", "://TOKEN", "https://[TOKEN/x", "a b://TOKEN"):
        assert "TOKEN" not in redacted_text(f'[[channel]]\nurl = "{url}"\n[links]\nurl = "https://[::x"', "x")
    with pytest.raises(RulesError, match="not valid TOML"):
        redacted_text("=", "x")
