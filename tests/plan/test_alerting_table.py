"""``[alerting]``, what faults expect of it and what twins change: read strictly, and refused where it would say nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_sentry_harness.errors import RulesError, ScenarioError
from pytest_sentry_harness.model.delays import SENTRY_DELAYS, Delays
from pytest_sentry_harness.model.scenario import Alerting, Expect, ExpectedAlert, ReceiverManner, Scenario
from pytest_sentry_harness.monitor.notifications import parse_notifications
from pytest_sentry_harness.plan.gates import parse_gate, with_defaults
from pytest_sentry_harness.plan.scenario import parse_scenario
from pytest_sentry_harness.plan.twins import twin_of

HEAD = """[scenario]
name = "x"
[target]
command = "x"
[load]
[[load.request]]
send = "GET /"
"""
FAULT = """[[fault]]
name = "late"
at = "app:work"
do = "raise(TimeoutError)"
{expect}
"""
EXPECTS = FAULT.format(expect='expect = { alerts = ["new issue"] }')
RULES = """[alerting]
rules = ["a.json"]
"""
WHOLE = """[alerting]
rules = ["a.json", "more/b.json"]
notify = "channels.toml"
within = "10s"
delays = { ingest = "2s", slow_every = "60s", slow_after = "1s", metric_every = "30s", metric_after = "3s" }
archived = "level:warning"
patience = "5s"
[[alerting.receiver]]
channel = "ops"
times = 2
down = true
[[alerting.receiver]]
channel = "ops"
takes = "12s"
answers = "6s"
status = 503
retry_after = 12
[[alerting.receiver]]
channel = "chat"
hang = true
"""


def read(text: str, folder: Path = Path(), *, check_files: bool = False) -> Scenario:
    return parse_scenario(HEAD + text, folder / "x.toml", check_files=check_files)


def refused(text: str, *, folder: Path = Path(), check_files: bool = False) -> str:
    with pytest.raises(ScenarioError) as error:
        read(text, folder, check_files=check_files)
    return str(error.value)


def test_a_whole_table() -> None:
    """Paths are relative to the scenario, durations are seconds."""
    scenario = read(
        WHOLE + EXPECTS.replace("]", '], incident_gap = "2s"', 3).replace('], incident_gap = "2s"', "]", 2)
    )
    assert scenario.alerting == Alerting(
        rules=(Path("a.json"), Path("more/b.json")),
        notify=Path("channels.toml"),
        within=10.0,
        delays=Delays(ingest=2.0, slow_every=60.0, slow_after=1.0, metric_every=30.0, metric_after=3.0),
        archived=("level:warning",),
        receivers=(
            ReceiverManner(channel="ops", times=2, down=True),
            ReceiverManner(channel="ops", takes=12.0, answers=6.0, status=503, retry_after=12),
            ReceiverManner(channel="chat", hang=True),
        ),
        patience=5.0,
    )
    assert scenario.faults[0].expect == Expect(alerts=("new issue",), incident_gap=2.0)


def test_what_may_be_left_out() -> None:
    """All but the rules; delays have names."""
    short = read('[alerting]\nrules = "a.json"\n' + FAULT.format(expect="expect = { alerts = [] }"))
    assert short.alerting == Alerting(rules=(Path("a.json"),))
    assert short.faults[0].expect.alerts == ()
    for name, delays in (("none", Delays()), ("sentry", SENTRY_DELAYS)):
        found = read(f'[alerting]\nrules = "a.json"\ndelays = "{name}"\n{EXPECTS}').alerting
        assert found is not None
        assert found.delays == delays


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (
            "within = '2s'",
            "x.toml:8: [alerting]: rules is missing: nothing can alert\n  hint: name files of alert",
        ),
        ("rules = []", "x.toml:9: [alerting] rules: rules names no file"),
        ("rules = ['a', 'a']", "a is named twice"),
        ("rules = 'a'\nwithin = '0s'", "x.toml:10: [alerting] within: within = '0s' is not above 0"),
        ("rules = 'a'\npatience = '0s'", "patience = '0s' is not above 0"),
        ("rules = 'a'\nnotfy = 'b'", "unknown key 'notfy'\n  hint: did you mean 'notify'?"),
        ("rules = 'a'\ndelays = 'some'", "delays = 'some' is not allowed\n  hint: write delays = \"none\""),
        ("rules = 'a'\ndelays = 5", "delays must be a name or a table"),
        ("rules = 'a'\ndelays = { ingset = '1s' }", "unknown key 'ingset'\n  hint: did you mean 'ingest'?"),
        ("rules = 'a'\n[[alerting.receiver]]\ntimes = 1", "[[alerting.receiver]]: channel is missing"),
        (
            "rules = 'a'\n[[alerting.receiver]]\nchannel = 'a'",
            "[[alerting.receiver]] channel: the entry says nothing",
        ),
        (
            "rules = 'a'\n[[alerting.receiver]]\nchannel = 'a'\nhang = true\n[[alerting.receiver]]\nchannel = 'a'\ndown = true",
            "x.toml:14: [[alerting.receiver]] channel: this is never reached",
        ),
        (
            "rules = 'a'\n[[alerting.receiver]]\nchannel = 'a'\ndown = true\nstatus = 500",
            "what is down neither takes nor answers anything",
        ),
        (
            "rules = 'a'\n[[alerting.receiver]]\nchannel = 'a'\nhang = true\nanswers = '1s'",
            "what hangs never answers",
        ),
        ("rules = 'a'\n[[alerting.receiver]]\nchannel = 'a'\nstatus = 700", "status = 700 is no status"),
        ("rules = 'a'\n[[alerting.receiver]]\nchannel = 'a'\nstatus = 100", "status = 100 is too small"),
        ("rules = 'a'\n[[alerting.receiver]]\nchannel = 'a'\ntimes = 5000", "times = 5000 is too large"),
    ],
)
def test_what_is_refused(table: str, text: str) -> None:
    """With line, key, and what to write instead."""
    assert text in refused(f"[alerting]\n{table}\n{EXPECTS}")


@pytest.mark.parametrize(
    ("table", "expect", "text"),
    [
        ("", 'expect = { alerts = ["a"] }', "expect.alerts says nothing without [alerting], which judges it"),
        ("", 'expect = { incident_gap = "2s" }', "expect.incident_gap says nothing without [alerting]"),
        (
            "[alerting]\nrules = 'a'",
            "",
            "[[fault]] name: fault 'late' does not say which rules must alert\n"
            '  hint: write expect = { alerts = ["name of a rule"] }, or alerts = [] when none may',
        ),
        (
            "[alerting]\nrules = 'a'",
            'expect = { alerts = [], incident_gap = "2s" }',
            "expect.incident_gap says nothing where no rule must alert",
        ),
        (
            "[alerting]\nrules = 'a'",
            'expect = { alerts = ["a"], incident_gap = "0s" }',
            "incident_gap is not above 0",
        ),
        ("[alerting]\nrules = 'a'", 'expect = { alerts = ["a", "a"] }', "alerts names 'a' twice"),
    ],
)
def test_what_faults_may_expect(table: str, expect: str, text: str) -> None:
    """With ``[alerting]`` each says which rules must alert; without it none may."""
    assert text in refused(f"{table}\n{FAULT.format(expect=expect)}")


def test_alerting_needs_faults() -> None:
    """What must alert is known of faults alone."""
    operation = '[[operation]]\nname = "o"\nat = "a:b"\n'
    assert "[alerting] needs [[fault]]" in refused(f"[alerting]\nrules = 'a'\n{operation}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Also one that only a twin names."""
    (tmp_path / "alerts.json").write_text("[]")
    text = refused(f"[alerting]\nrules = 'alert.json'\n{EXPECTS}", folder=tmp_path, check_files=True)
    assert (
        f"[alerting] rules: there is no file {tmp_path}/alert.json\n  hint: did you mean 'alerts.json'?"
        in text
    )
    twin = "[[twin]]\nname = 't'\nalerting = { notify = 'none.toml' }\n"
    text = refused(f"[alerting]\nrules = 'alerts.json'\n{EXPECTS}{twin}", folder=tmp_path, check_files=True)
    assert f"[[twin]] alerting: there is no file {tmp_path}/none.toml" in text


def test_a_twin_replaces_keys() -> None:
    """Only those it has; the others are the scenario's."""
    twin = """[[twin]]
name = "t"
alerting = { rules = ["c.json"], delays = "sentry", within = "1s", receiver = [{ channel = "ops", status = 500 }] }
"""
    scenario = read(WHOLE + EXPECTS + twin)
    found = twin_of(scenario, "t").alerting
    assert scenario.alerting is not None
    assert found is not None
    assert (found.rules, found.delays, found.within) == ((Path("c.json"),), SENTRY_DELAYS, 1.0)
    assert found.receivers == (ReceiverManner(channel="ops", status=500),)
    assert (found.notify, found.archived, found.patience) == (
        scenario.alerting.notify,
        scenario.alerting.archived,
        scenario.alerting.patience,
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("{ within = '10s' }", "twin 't' changes nothing"),
        ("{ wihtin = '1s' }", "[[twin]] alerting: unknown key 'wihtin'\n  hint: did you mean 'within'?"),
        ("{ receiver = ['ops'] }", "[[twin]] alerting: receiver holds tables"),
        ("{ receiver = [{ channel = 'ops' }] }", "[[twin]] alerting: the entry says nothing"),
    ],
)
def test_what_a_twin_may_not(change: str, text: str) -> None:
    """It is read as strictly as the table itself."""
    assert text in refused(f"{WHOLE}{EXPECTS}[[twin]]\nname = 't'\nalerting = {change}\n")


def test_a_twin_needs_the_table() -> None:
    """It replaces keys of a table that must be there."""
    text = refused(
        FAULT.format(expect="") + "[[twin]]\nname = 't'\nenv = { A = 'b' }\nalerting = { within = '1s' }\n"
    )
    assert "[[twin]] alerting: twin 't' changes [alerting], and there is none" in text


def test_a_twin_names_reasons_of_alerting() -> None:
    """Those that are known; another is refused with those that are near."""
    twin = "[[twin]]\nname = 't'\nalerting = {{ within = '1s' }}\nfinds = {{ metric = 'alerting.late', reason = '{}' }}\n"
    gates = '[gates]\n"alerting.late" = "= 0"\n'
    (found,) = read(WHOLE + EXPECTS + gates + twin.format("late_ingestion")).twins
    assert found.finds.reasons == ("late_ingestion",)
    assert "did you mean 'late_ingestion'" in refused(WHOLE + EXPECTS + gates + twin.format("late_ingstion"))


def test_who_has_to_be_told_may_be_said() -> None:
    """Names and tables, mixed; a rule may stand there once for each channel."""
    expects = (
        'expect = { alerts = ["a", { rule = "b", channel = "ops" }, '
        '{ rule = "b", channel = "mail", status = "critical" }] }'
    )
    expect = read(RULES + FAULT.format(expect=expects)).faults[0].expect
    assert expect.rules == ("a", "b")
    assert expect.wanted == (
        ExpectedAlert(rule="a"),
        ExpectedAlert(rule="b", channel="ops"),
        ExpectedAlert(rule="b", channel="mail", status="critical"),
    )


@pytest.mark.parametrize(
    ("alerts", "text"),
    [
        ("[{ channel = 'ops' }]", "rule is missing"),
        ("[{ rul = 'a' }]", "is 'rul' meant to be 'rule'?"),
        ("[{ rule = 'a', chanel = 'ops' }]", "did you mean 'channel'?"),
        ("[{ rule = 'a', status = 'crit' }]", "status = 'crit' is not allowed"),
        ("['a', { rule = 'a', channel = 'ops' }]", "alerts names 'a' twice"),
        ("[{ rule = 'a', channel = 'ops' }, 'a']", "alerts names 'a' twice"),
        ("['a', 'a']", "alerts names 'a' twice"),
        ("[1]", "alerts holds names of rules, and tables"),
    ],
)
def test_what_is_wrong_with_expected_alerts_is_named(alerts: str, text: str) -> None:
    """With the keys there are."""
    assert text in refused(RULES + FAULT.format(expect=f"expect = {{ alerts = {alerts} }}"))


@pytest.mark.parametrize(("within", "said"), [("5s", "< 5s"), ("1500ms", "< 1.5s"), ("2min", "< 120s")])
def test_the_default_gates_are_those_of_within(within: str, said: str) -> None:
    """Unless the scenario says more."""
    scenario = read(RULES + f'within = "{within}"\n' + EXPECTS)
    gates = {gate.metric: gate.text for gate in with_defaults(scenario, ["alerting"])}
    assert gates["alerting.latency.p99"] == gates["alerting.latency.max"] == said
    assert gates["alerting.late"] == gates["alerting.dead"] == "= 0"
    (given,) = [
        gate.text
        for gate in with_defaults(
            replace(scenario, gates=(parse_gate("alerting.latency.max", "< 40s", "x"),)), ["alerting"]
        )
        if gate.metric == "alerting.latency.max"
    ]
    assert given == "< 40s"


def test_what_people_wrote_is_shown_in_bounds() -> None:
    """However long it is; both ends are there."""
    name = "n" * 100_000
    with pytest.raises(ScenarioError) as error:
        read(RULES + FAULT.format(expect=f"expect = {{ alerts = ['{name}', '{name}'] }}"))
    assert len(str(error.value)) < 5000
    assert error.value.what.endswith("twice")
    with pytest.raises(RulesError) as wrong:
        parse_notifications(f'[[channel]]\nname = "{name}"\n{name} = 1', "channels.toml")
    assert len(str(wrong.value)) < 5000
