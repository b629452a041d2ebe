"""The file in which users decide about notifications, and what it says when it is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_sentry_harness.errors import RulesError
from pytest_sentry_harness.monitor.notifications import parse_notifications, warnings_of

from .building import ALL, CHANNELS, settings


def test_everything_is_read() -> None:
    """A file that uses every key is taken as it is meant."""
    found = settings(
        """
[[route]]
rule = "High*"
severity = ["critical", "high"]
category = "database"
environment = "prod"
project = ["1", "2"]
status = "critical"
kind = "metric"
channels = ["ops", "mail", "ops"]
continue = true
deduplicate = "10m"
deduplicate_by = ["rule", "environment"]

[[escalation]]
after = "5m"
severity = "critical"
channels = ["pager"]

[[suppression]]
name = "deploy"
issue = [3, 4]
from = 2026-01-31T08:00:00+01:00
until = "2026-01-31T09:00:00+01:00"
until_count = 7
until_release = true
channels = ["mail"]

[[suppression]]
quiet = "22:00-07:00"
days = ["mon", "fri"]
zone = "Europe/Berlin"

[links]
url = "https://sentry.example.com/"
organization = "acme"
""",
        CHANNELS.replace(
            'secret = "s3cret"',
            'secret_env = "OPS"\ntimeout = "2s"\nretry = { tries = 3, first = "500ms", longest = "9s" }\n'
            'throttle = { most = 4, per = "1m" }',
        ),
    )
    ops = found.channels["ops"]
    assert (ops.secret, ops.secret_env, ops.timeout) == ("", "OPS", 2.0)
    assert (ops.retry.tries, ops.retry.first, ops.retry.longest) == (3, 0.5, 9.0)
    assert ops.throttle is not None
    assert (ops.throttle.most, ops.throttle.window) == (4, 60.0)
    assert found.channels["mail"].port == 25
    assert found.channels["pager"].url == "https://events.pagerduty.com/v2/enqueue"
    route = found.routes[0]
    assert (route.channels, route.goes_on, route.deduplicate) == (("ops", "mail"), True, 600.0)
    assert route.by == ("rule", "environment")
    assert found.escalations[0].after == 300.0
    deploy, night = found.suppressions
    assert deploy.since == 1769842800.0
    assert deploy.until == 1769846400.0
    assert (deploy.until_count, deploy.until_release, deploy.channels) == (7, True, ("mail",))
    assert deploy.match.issues == {3, 4}
    assert night.name == "suppression[1]"
    assert night.quiet is not None
    assert night.quiet.days == {0, 4}
    assert (found.url, found.organization) == ("https://sentry.example.com", "acme")


def test_secrets_are_not_in_texts_of_settings() -> None:
    """Whoever prints the settings prints no secret."""
    text = repr(settings())
    assert "s3cret" not in text
    assert "routing-key" not in text
    assert "/hook" not in text


HOOK = '[[channel]]\nname = "x"\nkind = "webhook"\n'
MAIL = '[[channel]]\nname = "x"\nkind = "email"\n'
BAD = [
    ("[[channel]]", "channel[0]: name is missing"),
    ('[[channel]]\nname = "a b"\nkind = "slack"', "channel[0].name: name = 'a b' is not a name"),
    ('[[channel]]\nname = "x"', "kind is missing"),
    (
        '[[channel]]\nname = "x"\nkind = "slakc"',
        "channel[0].kind: kind = 'slakc' is not allowed\n  hint: did you mean 'slack'? "
        "(allowed: webhook, legacy_webhook, slack, email, pagerduty, apprise)",
    ),
    (HOOK, "channel[0]: url is missing"),
    (HOOK + 'ulr = "http://x"', "is 'ulr' meant to be 'url'?"),
    (HOOK + 'url = "ftp://x"\nsecret = "s"', "channel[0].url: url is not an address"),
    (HOOK + 'url = "http://[x"\nsecret = "s"', "channel[0].url: url is not an address"),
    (HOOK + 'url = "http://x/a b"\nsecret = "s"', "channel[0].url: url is not an address"),
    (HOOK + 'url = "http://x"', "the client secret is missing\n  hint: name a variable that holds it"),
    (HOOK + 'url = "http://x"\nsecret = "a"\nsecret_env = "B"', "secret and secret_env are both given"),
    (
        HOOK + 'url = "http://x"\nsecret = "a"\nretry = { tries = 0 }',
        "channel[0].retry.tries: tries = 0 is too small",
    ),
    (
        HOOK + 'url = "http://x"\nsecret = "a"\nretry = { first = "9m" }',
        "the first pause is longer than the longest",
    ),
    (
        HOOK + 'url = "http://x"\nsecret = "a"\nretry = { ties = 1 }',
        "channel[0].retry.ties: unknown key 'ties'",
    ),
    (HOOK + 'url = "http://x"\nsecret = "a"\nthrottle = { most = 1 }', "most and per are both needed"),
    (HOOK + 'url = "http://x"\nsecret = "a"\nthrottle = 5', "throttle must be a table, not a number"),
    (
        HOOK + 'url = "http://x"\nsecret = "a"\ntimeout = 5',
        'timeout must be a duration such as "6h", not a number',
    ),
    (MAIL, "host is missing"),
    (MAIL + 'host = "h"', "sender is missing"),
    (MAIL + 'host = "h"\nsender = "a@b.c"', "recipients is missing"),
    (
        MAIL + 'host = "h"\nsender = "a@b.c\\r\\nBcc: d@e.f"\nrecipients = ["a@b.c"]',
        "channel[0].sender: 'a@b.c\\r\\nBcc: d@e.f' is not an address",
    ),
    (
        MAIL + 'host = "h"\nsender = "a@b.c"\nrecipients = ["A <a@b.c>"]',
        "channel[0].recipients[0]: 'A <a@b.c>' is not",
    ),
    (
        MAIL + 'host = "h"\nsender = "a@b.c"\nrecipients = ["a@b.c"]\nport = 70000',
        "port = 70000 is too large",
    ),
    (
        MAIL + 'host = "h"\nsender = "a@b.c"\nrecipients = ["a@b.c"]\ntls = "yes"',
        "allowed: none, starttls, tls",
    ),
    (
        MAIL + 'host = "h"\nsender = "a@b.c"\nrecipients = ["a@b.c"]\nusername = "u"',
        "the password of username is missing",
    ),
    (CHANNELS + CHANNELS, "channel[3].name: a second channel is called 'ops'"),
    ("", "there is no [[channel]]"),
    (
        CHANNELS,
        "there is no [[route]]: nobody is told of anything\n  hint: add one: [[route]] channels = ['ops']",
    ),
    (CHANNELS + "[[route]]", "route[0]: channels is missing"),
    (CHANNELS + '[[route]]\nchannels = ["opps"]', "route[0].channels[0]: no channel is called 'opps'"),
    ('[[route]]\nchannels = ["opps"]', "there is no [[channel]]"),
    (CHANNELS + '[[route]]\nchannels = ["ops"]\nseverity = "fatal"', "allowed: critical, high, medium, low"),
    (CHANNELS + '[[route]]\nchannels = ["ops"]\nissue = 1', "route[0].issue: unknown key 'issue'"),
    (
        CHANNELS + '[[route]]\nchannels = ["ops"]\ndeduplicate_by = ["rule"]',
        "without deduplicate it does nothing",
    ),
    (CHANNELS + '[[route]]\nchannels = ["ops"]\ndeduplicate_by = ["ruel"]', "'ruel' is not allowed"),
    (CHANNELS + ALL + '[[escalation]]\nchannels = ["ops"]', "escalation[0]: after is missing"),
    (CHANNELS + ALL + "[[suppression]]", "it would suppress everything, for ever"),
    (CHANNELS + ALL + "[[suppression]]\nuntil_release = true", "it would suppress everything, for ever"),
    (
        CHANNELS + ALL + '[[suppression]]\nquiet = "22-7"\nzone = "UTC"',
        "is not from one time of day to another",
    ),
    (CHANNELS + ALL + '[[suppression]]\nquiet = "22:00-22:00"\nzone = "UTC"', "two different times of day"),
    (CHANNELS + ALL + '[[suppression]]\nquiet = "22:00-07:00"', "quiet hours need a time zone"),
    (
        CHANNELS + ALL + '[[suppression]]\nquiet = "22:00-07:00"\nzone = "Europe/Berln"',
        "suppression[0].zone: no time zone is called 'Europe/Berln'\n  hint: did you mean 'Europe/Berlin'",
    ),
    (
        CHANNELS + ALL + '[[suppression]]\nquiet = "22:00-07:00"\nzone = "../x"',
        "no time zone is called '../x'",
    ),
    (CHANNELS + ALL + '[[suppression]]\nrule = "a"\nzone = "UTC"', "zone belongs to quiet hours"),
    (
        CHANNELS + ALL + '[[suppression]]\nquiet = "22:00-07:00"\nzone = "UTC"\ndays = ["monday"]',
        "'monday' is not a day",
    ),
    (CHANNELS + ALL + '[[suppression]]\nuntil = "soon"', "until = 'soon' is not a date-time"),
    (CHANNELS + ALL + "[[suppression]]\nuntil = 2026-01-01T00:00:00", "until has no offset from UTC"),
    (
        CHANNELS + ALL + "[[suppression]]\nfrom = 2026-01-02T00:00:00Z\nuntil = 2026-01-01T00:00:00Z",
        "suppression[0].until: it ends before it begins",
    ),
    (
        CHANNELS + ALL + "[[suppression]]\nissue = [0]",
        "suppression[0].issue[0]: must be a whole number of at least 1",
    ),
    (CHANNELS + ALL + 2 * '[[suppression]]\nname = "a"\nissue = 1\n', "a second suppression is called 'a'"),
    (CHANNELS + ALL + '[links]\nurl = "sentry"', "links.url: url = 'sentry' is not an address"),
    (CHANNELS + ALL + "[[chanel]]", "chanel: unknown key 'chanel'\n  hint: did you mean 'channel'?"),
    ("[[channel", "not valid TOML"),
]


@pytest.mark.parametrize("text, wanted", BAD, ids=range(len(BAD)))
def test_errors_name_file_key_and_what_is_allowed(text: str, wanted: str) -> None:
    """Each mistake is answered with file, key path and what to write instead."""
    with pytest.raises(RulesError) as caught:
        parse_notifications(text, "notify.toml")
    assert wanted in str(caught.value)
    assert str(caught.value).startswith("notify.toml")


def test_rules_must_exist_when_they_are_known() -> None:
    """A misspelt rule is found where the rules are given; patterns are left alone."""
    text = CHANNELS + '[[route]]\nchannels = ["ops"]\nrule = ["High*", "Hihg volume"]'
    with pytest.raises(
        RulesError, match="no alert rule is called 'Hihg volume'\n  hint: did you mean 'High volume'"
    ):
        parse_notifications(text, "notify.toml", ["High volume"])


def test_warnings_for_what_cannot_be_meant() -> None:
    """Routes behind one that takes all, and channels nobody uses, are named."""
    found = warnings_of(settings(ALL + '[[route]]\nrule = "a"\nchannels = ["mail"]'))
    assert found == (
        "route[1] is never reached: route[0] takes every alert (continue = true lets it go on)",
        "channel 'pager' is used by no route and no escalation",
    )
    assert warnings_of(settings(ALL.replace("channels", "continue = true\nchannels")))[0].startswith(
        "channel 'mail'"
    )


def test_the_example_of_the_docs_is_valid() -> None:
    """What people copy is taken as it stands, without a warning."""
    page = Path(__file__).parents[3] / "docs" / "reference" / "notifications.md"
    example = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)[0]
    found = parse_notifications(example, "docs")
    assert len(found.channels) == 3
    assert warnings_of(found) == ()
