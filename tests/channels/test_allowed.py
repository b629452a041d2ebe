"""Where notifications may go, and what is never shown."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest

from pytest_sentry_harness.channels.allowed import Redactor
from pytest_sentry_harness.channels.receivers import SmtpReceiver
from pytest_sentry_harness.channels.senders import build_sender, build_senders
from pytest_sentry_harness.errors import UsageError

from .building import SECRET, channel, mail_channel, settings


@pytest.mark.parametrize(
    "wanted, host",
    [
        (channel(url="https://hooks.example.com/x"), "hooks.example.com"),
        (channel("pagerduty", url="https://events.pagerduty.com/v2/enqueue"), "events.pagerduty.com"),
        (mail_channel(25, host="mail.example.com"), "mail.example.com"),
        (channel("apprise", url="json://apprise.example.com/x"), "apprise.example.com"),
        (
            channel(
                "apprise", url="mailto://u:p@127.0.0.1?smtp=mail.example.com&to=a@b.co&from=u@example.com"
            ),
            "mail.example.com",
        ),
    ],
)
def test_other_hosts_must_be_allowed(wanted: object, host: str) -> None:
    """Only this machine, unless the user says so; the message says how."""
    with pytest.raises(UsageError) as caught:
        build_sender(wanted, (), {})  # type: ignore[arg-type]
    assert f"{host!r} is not this machine and nothing allows it" in str(caught.value)
    assert f'[safety] hosts = ["{host}"]' in str(caught.value)
    assert build_sender(wanted, (host.upper(),), {})  # type: ignore[arg-type]


def test_services_of_apprise_are_allowed_by_scheme() -> None:
    """A URL of tokens has no host that could be allowed."""
    wanted = channel("apprise", url="slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/")
    with pytest.raises(UsageError, match="slack:// goes to a service outside this machine") as caught:
        build_sender(wanted, (), {})
    assert "TIiajkdn" not in str(caught.value)
    assert build_sender(wanted, ("slack://",), {})


def test_urls_apprise_does_not_take() -> None:
    """Unknown services and several addresses in one are refused, without showing them."""
    with pytest.raises(UsageError, match="does not know what this url means"):
        build_sender(channel("apprise", url="nosuch://x"), (), {})
    with pytest.raises(UsageError, match="url holds 2 addresses"):
        build_sender(channel("apprise", url="json://127.0.0.1/a, json://127.0.0.1/b"), (), {})


def test_secrets_from_the_environment() -> None:
    """They are looked up when senders are made; a missing one is named, not guessed."""
    found = settings(
        {"ops": 'kind = "slack"\nurl = "http://localhost:1/x"', "pd": 'kind = "pagerduty"\nsecret_env = "PD"'}
    )
    with pytest.raises(UsageError, match="channel 'pd': the environment variable PD is not set"):
        build_senders(found, hosts=("events.pagerduty.com",), environment={})
    made = build_senders(found, hosts=("events.pagerduty.com",), environment={"PD": "k"})
    assert set(made) == {"ops", "pd"}


def test_what_is_redacted() -> None:
    """Secrets go in every form they travel in, and of URLs everything that may be one."""
    mail = mail_channel(25, username="user", secret="p/ss")
    plain = base64.b64encode(b"\0user\0p/ss").decode()
    assert Redactor(mail)(f"no p/ss, p%2Fss, {plain}") == "no ***, ***, ***"
    hook = Redactor(channel(url="http://bob:hunter2@127.0.0.1:1/hook/T0KEN?key=abcd"))
    assert hook(f"POST /hook/T0KEN?key=abcd hunter2 {SECRET}") == "POST ***?*** *** ***"
    assert (
        Redactor(channel("apprise", url="slack://TOKEN1/TOKEN2/a", secret=""))("TOKEN1 or TOKEN2, a")
        == "*** or ***, a"
    )
    assert Redactor(channel("apprise", url="x://[", secret=""))("x://[ y") == "*** y"


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    monkeypatch.setitem(sys.modules, "aiosmtpd.smtp", None)
    with pytest.raises(
        UsageError, match=r"Apprise is not installed\n  hint: pip install 'pytest-sentry-harness\[monitor\]'"
    ):
        build_sender(channel("apprise", url="json://127.0.0.1"), (), {})
    with pytest.raises(UsageError, match=r"receiver 'smtp': aiosmtpd is not installed\n  hint: pip install"):
        SmtpReceiver(tmp_path / "receipts.jsonl")
