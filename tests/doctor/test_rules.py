"""Every rule finds the set-up it is about, says what it rests on, and is silent about a healthy one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_sentry_harness.doctor.evidence import Evidence, Named, Probe, ProcessSeen, Shutdown
from pytest_sentry_harness.doctor.finding import Severity
from pytest_sentry_harness.doctor.rules import RULES, findings

from .sample import (
    FLASK,
    HEALTHY,
    INIT,
    OPTIONS,
    with_init,
    with_lost,
    with_options,
    without_option,
)

END = HEALTHY.shutdown
assert END is not None

# rule -> set-ups that it must find: (evidence, severity, words of the finding)
TRIGGERS: dict[str, list[tuple[Evidence, Severity, tuple[str, ...]]]] = {
    "sdk-not-initialised": [
        (replace(HEALTHY, inits=(), probes=()), Severity.ERROR, ("1 Python process ran", "sentry_sdk.init"))
    ],
    "process-without-init": [
        (
            replace(HEALTHY, processes=(*HEALTHY.processes, ProcessSeen(pid=8, argv=("python", "x.py")))),
            Severity.INFO,
            ("1 of 2 Python processes", "such as: python x.py"),
        ),
        (
            replace(HEALTHY, processes=(*HEALTHY.processes, ProcessSeen(pid=8, argv=("a",), imported=True))),
            Severity.WARNING,
            ("1 of them imported sentry_sdk",),
        ),
    ],
    "no-dsn": [
        (with_init(active=False, dsn=None), Severity.ERROR, ("app.py:3", "though SENTRY_DSN was set")),
        (
            replace(with_init(active=False, dsn=None), environment=frozenset()),
            Severity.ERROR,
            ("and SENTRY_DSN was empty",),
        ),
    ],
    "own-dsn": [
        (
            replace(HEALTHY, redirected=(("https://***@o1.ingest.sentry.io/4", "app.py:3"),)),
            Severity.INFO,
            ("o1.ingest.sentry.io", "app.py:3"),
        )
    ],
    "init-repeated": [
        (
            replace(HEALTHY, inits=(replace(INIT, place="lib.py:9"), INIT)),
            Severity.WARNING,
            ("2 times", "lib.py:9, then app.py:3"),
        )
    ],
    "init-late": [
        (
            with_init(applications=("flask.app.Flask",)),
            Severity.INFO,
            ("flask.app.Flask", "app.py:3", "arrived all the same"),
        ),
        (
            replace(with_init(applications=("a.B", "a.B")), probes=HEALTHY.probes[:2]),
            Severity.WARNING,
            ("2 a.B",),
        ),
        (
            replace(with_lost("", count=50, kind="request"), inits=with_init(applications=("a.B",)).inits),
            Severity.ERROR,
            ("of a request did not arrive",),
        ),
    ],
    "sdk-old": [
        (with_init(version="2.3.1"), Severity.WARNING, ("2.3.1", "--upgrade")),
        (with_init(version="1.45.0"), Severity.WARNING, ("1.45.0",)),
    ],
    "debug-on": [(with_options(debug=True), Severity.WARNING, ("debug=True",))],
    "forked-without-init": [
        (
            replace(HEALTHY, processes=(*HEALTHY.processes, ProcessSeen(pid=8, argv=(), inherited=True))),
            Severity.WARNING,
            ("1 inherited the SDK, such as process 8", "1 of them ended without"),
        ),
        (
            replace(
                HEALTHY,
                processes=(*HEALTHY.processes, ProcessSeen(pid=8, argv=(), inherited=True, orderly=True)),
            ),
            Severity.INFO,
            ("0 of them ended without",),
        ),
    ],
    "same-event-id": [
        (
            with_lost("same_event_id", "before_send=app.one_id", "app.py:4"),
            Severity.ERROR,
            (
                "same event id",
                "of 52 probe errors 3 came under the id of an earlier one",
                "app.one_id",
                "app.py:4",
            ),
        )
    ],
    "refused-by-server": [
        (replace(HEALTHY, refused={"403 key_unknown": 52}), Severity.ERROR, ("52 x 403 key_unknown",))
    ],
    "errors-sampled": [
        (with_options(sample_rate=0.9), Severity.ERROR, ("sample_rate=0.9", "0 of 52 probe errors fell")),
        (with_options(error_sampler="app.s (app.py:9)"), Severity.WARNING, ("error_sampler=app.s",)),
        (
            replace(with_lost("sample_rate"), inits=with_options(error_sampler="app.s").inits),
            Severity.ERROR,
            ("3 of 52 probe errors fell",),
        ),
    ],
    "errors-ignored": [
        (with_options(ignore_errors=["shop.Gone"]), Severity.WARNING, ("ignore_errors=shop.Gone",)),
        (with_options(ignore_errors=["builtins.OSError"]), Severity.ERROR, ("builtins.OSError",)),
        (
            replace(
                with_lost("ignored", "ignore_errors=RuntimeError"),
                inits=with_options(ignore_errors=["RuntimeError"]).inits,
            ),
            Severity.ERROR,
            ("3 probes: ignore_errors=RuntimeError",),
        ),
    ],
    "queue-too-small": [
        (with_options(transport_queue_size=100), Severity.WARNING, ("burst of 1000", "400 a second")),
        (
            replace(
                with_lost("queue_overflow", count=40),
                inits=with_options(transport_queue_size=10, transport="app.Slow").inits,
                drained_per_second=None,
            ),
            Severity.ERROR,
            ("of 50 errors handed over in a row 40 did not fit", "transport=app.Slow"),
        ),
    ],
    "connection": [
        (
            replace(with_options(socket_options=None), drained_per_second=22.0),
            Severity.WARNING,
            ("TCP_NODELAY", "22 events a second"),
        ),
        (with_options(keep_alive=None), Severity.INFO, ("keep_alive=None", "idle")),
    ],
    "client-reports-off": [
        (with_options(send_client_reports=False), Severity.WARNING, ("send_client_reports=False",))
    ],
    "backpressure": [
        (with_options(traces_sample_rate=0.1), Severity.INFO, ("enable_backpressure_handling=True",)),
        (with_options(traces_sampler="app.sampler"), Severity.INFO, ("halves",)),
    ],
    "everything-traced": [
        (with_options(traces_sample_rate=1.0), Severity.WARNING, ("traces_sample_rate=1",))
    ],
    "hook-drops": [
        (
            with_lost("before_send", "before_send=app.forgetful", "app.py:9", count=7),
            Severity.ERROR,
            ("before_send=app.forgetful drops", "7 probes", "app.py:9"),
        ),
        (with_lost("event_processor", "event_processor=app.p"), Severity.ERROR, ("event_processor=app.p",)),
    ],
    "hook-raises": [
        (
            with_lost("callback_error", "before_send=app.trusting raised KeyError", "app.py:9", count=1),
            Severity.ERROR,
            ("before_send=app.trusting raised KeyError", "1 probe:", "event.get"),
        ),
        (with_lost("internal_sdk_error", ""), Severity.ERROR, ("a hook raises",)),
    ],
    "probe-lost": [
        (
            with_lost("swallowed", "handled there", "app.py:40", count=1, kind="request"),
            Severity.ERROR,
            ("do not arrive (request)", "swallowed, handled there at app.py:40"),
        ),
        (with_lost("", kind="handled", count=1), Severity.ERROR, ("not known why",)),
    ],
    "logged-not-reported": [
        (
            with_lost("logged_not_reported", "LoggingIntegration(event_level=None)"),
            Severity.WARNING,
            ("3 probes: LoggingIntegration(event_level=None)",),
        )
    ],
    "reporting-raises": [
        (
            replace(HEALTHY, probes=(Probe(kind="handled", sent=1, arrived=0, trouble="TypeError: oh"),)),
            Severity.ERROR,
            ("handled: TypeError: oh",),
        )
    ],
    "items-lost": [
        (
            with_lost("before_send", "before_send=app.f", "app.py:2", count=1, kind="message"),
            Severity.WARNING,
            ("message: before_send=app.f",),
        ),
        (with_lost("", kind="message", count=1), Severity.WARNING, ("message: not known why",)),
    ],
    "hooks": [
        (
            with_options(before_send="app.scrub (app.py:9)"),
            Severity.INFO,
            ("before_send=app.scrub", "52 of 52 probe errors came through"),
        ),
        (
            replace(HEALTHY, processors=(Named(name="app.p", place="app.py:1"),), probes=()),
            Severity.INFO,
            ("event processor app.p (app.py:1)", "no probe was sent"),
        ),
    ],
    "lost-at-shutdown": [
        (
            replace(HEALTHY, shutdown=replace(END, arrived=1)),
            Severity.ERROR,
            ("4 of 5", "SIGTERM followed at once", "ended with exit code 0", "0.25 s"),
        ),
        (
            replace(HEALTHY, shutdown=replace(END, arrived=0, how="its own end")),
            Severity.ERROR,
            ("the process ended by itself",),
        ),
    ],
    "shutdown-timeout": [
        (
            replace(with_options(shutdown_timeout=2), drained_per_second=100.0),
            Severity.WARNING,
            ("shutdown_timeout=2 for 1000 events in the queue", "so 1000 take 10 s"),
        )
    ],
    "does-not-stop": [
        (replace(HEALTHY, shutdown=replace(END, killed=True)), Severity.WARNING, ("SIGTERM", "30 s"))
    ],
    "no-exit-handler": [
        (
            with_init(integrations=tuple(name for name in INIT.integrations if name != "atexit")),
            Severity.ERROR,
            ("atexit", "app.py:3"),
        )
    ],
    "default-integrations-off": [
        (
            replace(
                with_options(default_integrations=False),
                inits=(replace(INIT, integrations=(), options={**OPTIONS, "default_integrations": False}),),
            ),
            Severity.ERROR,
            ("logging, excepthook, threading, dedupe", "default_integrations=False"),
        ),
        (
            with_init(integrations=("atexit", "excepthook", "logging", "threading")),
            Severity.WARNING,
            ("dedupe", "switched off"),
        ),
    ],
    "integration-off": [
        (
            replace(HEALTHY, libraries=(replace(FLASK, on=False, why="disabled_integrations names it"),)),
            Severity.ERROR,
            ("flask", "Flask 3.1.0: disabled_integrations names it"),
        )
    ],
    "excepthook-replaced": [
        (
            replace(HEALTHY, excepthook=Named(name="app.hook", place="app.py:4")),
            Severity.WARNING,
            ("app.hook", "app.py:4"),
        )
    ],
    "integration-off-not-used": [
        (
            replace(
                HEALTHY, libraries=(replace(FLASK, on=False, loaded=False, why="too old", version=None),)
            ),
            Severity.INFO,
            ("Flask: too old", "not imported"),
        )
    ],
    "integration-off-spans": [
        (
            replace(HEALTHY, libraries=(replace(FLASK, on=False, errors=False, why="x"),)),
            Severity.INFO,
            ("no spans",),
        )
    ],
    "release-missing": [
        (with_options(release=None), Severity.WARNING, ("release=None", "SENTRY_RELEASE is not set")),
        (
            replace(with_options(release=""), environment=frozenset({"SENTRY_RELEASE"})),
            Severity.WARNING,
            ("SENTRY_RELEASE is set",),
        ),
    ],
    "release-placeholder": [
        (with_options(release=text), Severity.WARNING, (repr(text), "placeholder"))
        for text in (
            "unknown",
            "latest",
            "shop@",
            "${VERSION}",
            "shop@{{ version }}",
            "0.0.0",
            "v%(version)s",
        )
    ],
    "release-guessed": [
        (
            replace(
                with_init(given=("dsn",), options={**OPTIONS, "release": "a" * 40}), environment=frozenset()
            ),
            Severity.WARNING,
            ("aaaaaaaaaaaa...", "git"),
        )
    ],
    "environment-missing": [
        (
            with_init(given=("dsn",), options={**OPTIONS, "environment": "production"}),
            Severity.WARNING,
            ("'production' is only the default",),
        ),
        (with_options(environment="unknown"), Severity.WARNING, ("environment='unknown'",)),
        (with_options(environment=None), Severity.WARNING, ("environment=None",)),
    ],
    "sends-personal-data": [
        (with_options(send_default_pii=True), Severity.WARNING, ("send_default_pii=True",))
    ],
    "sends-request-bodies": [(with_options(max_request_body_size="always"), Severity.WARNING, ("413",))],
    "sends-local-variables": [
        (with_options(include_local_variables=True), Severity.INFO, ("include_local_variables=True",))
    ],
    "no-scrubber": [(with_options(event_scrubber=None), Severity.WARNING, ("event_scrubber is missing",))],
}
CASES = [
    pytest.param(name, evidence, severity, words, id=f"{name}-{number}")
    for name, cases in TRIGGERS.items()
    for number, (evidence, severity, words) in enumerate(cases)
]


def test_every_rule_has_a_set_up_that_triggers_it() -> None:
    """A rule without one could never fire, and nobody would notice."""
    assert set(TRIGGERS) == set(RULES)


@pytest.mark.parametrize("name,evidence,severity,words", CASES)
def test_a_rule_finds_what_it_is_about(
    name: str, evidence: Evidence, severity: Severity, words: tuple[str, ...]
) -> None:
    """It fires with the right severity, and what it says holds option, place and numbers."""
    finding = RULES[name](evidence)
    assert finding is not None
    assert finding.severity is severity
    said = " | ".join((finding.what, finding.why, finding.evidence, finding.change))
    assert [text for text in words if text not in said] == []
    assert all((finding.what, finding.why, finding.evidence, finding.change))


@pytest.mark.parametrize("name", list(RULES))
def test_a_rule_is_silent_about_a_healthy_set_up(name: str) -> None:
    """No finding where nothing is wrong."""
    assert RULES[name](HEALTHY) is None


@pytest.mark.parametrize("name", list(RULES))
def test_a_rule_is_silent_without_evidence(name: str) -> None:
    """Nothing learnt is nothing found; ``unknown`` says so."""
    assert RULES[name](Evidence(service=True, burst=1000)) is None


@pytest.mark.parametrize("option", list(OPTIONS))
def test_an_option_the_sdk_does_not_have_is_no_finding(option: str) -> None:
    """Older SDKs lack options: what is not there is not judged."""
    assert [finding.what for finding in findings(without_option(option))] == []


def test_neighbours_of_a_trigger_are_silent() -> None:
    """The thresholds themselves: what is just good enough is good."""
    assert RULES["queue-too-small"](with_options(transport_queue_size=1000)) is None
    assert RULES["sdk-old"](with_init(version="2.20.0")) is None
    assert RULES["sdk-old"](with_init(version="unknown")) is None
    assert RULES["everything-traced"](with_options(traces_sample_rate=0.99)) is None
    assert RULES["backpressure"](with_options(traces_sample_rate=0.0)) is None
    assert RULES["shutdown-timeout"](replace(with_options(shutdown_timeout=2), burst=100)) is None
    assert RULES["connection"](replace(with_options(socket_options=None), drained_per_second=None)) is None
    assert RULES["release-placeholder"](with_options(release="shop@2024.1.0-dev1")) is None
    assert RULES["release-guessed"](with_init(given=None, options={**OPTIONS, "release": "a" * 40})) is None
    assert RULES["environment-missing"](with_init(given=None)) is None
    assert RULES["lost-at-shutdown"](replace(HEALTHY, shutdown=replace(END, handed=0, arrived=0))) is None
    assert (
        RULES["integration-off-not-used"](
            replace(HEALTHY, libraries=(replace(FLASK, on=False, loaded=False, why="the SDK never does"),))
        )
        is None
    )


def test_what_a_broken_harness_did_not_see_is_no_finding() -> None:
    """The agent could not start, so the SDK may well have been initialised."""
    evidence = replace(HEALTHY, inits=(), probes=(), broken=("the agent cannot start",))
    assert RULES["sdk-not-initialised"](evidence) is None


def test_sessions_without_a_release_are_not_told_twice() -> None:
    """The SDK sends none then; the rule about the release says so."""
    lost = Probe(kind="session", sent=1, arrived=0)
    evidence = replace(with_options(release=None), probes=(*HEALTHY.probes, lost))
    assert RULES["items-lost"](evidence) is None
    assert RULES["items-lost"](replace(HEALTHY, probes=(*HEALTHY.probes, lost))) is not None


def test_lost_at_shutdown_is_not_said_where_nothing_ever_arrived() -> None:
    """A wrong key loses all: the end of the process has nothing to do with it."""
    probes = tuple(replace(probe, arrived=0) for probe in HEALTHY.probes)
    assert (
        RULES["lost-at-shutdown"](replace(HEALTHY, probes=probes, shutdown=replace(END, arrived=0))) is None
    )


def test_items_lost_by_a_hook_that_loses_errors_are_told_once() -> None:
    """The hook's own finding names it."""
    evidence = with_lost("before_send", "before_send=app.f", count=1)
    both = replace(
        evidence,
        probes=(
            *evidence.probes[:3],
            with_lost("before_send", "before_send=app.f", count=1, kind="message").probes[3],
        ),
    )
    assert [finding.rule for finding in findings(both)] == ["hook-drops"]


def test_the_gravest_findings_come_first_and_carry_their_rule() -> None:
    """Order and names of what the table gives."""
    found = findings(with_options(sample_rate=0.5, debug=True, keep_alive=False))
    assert [(finding.severity.value, finding.rule) for finding in found] == [
        ("error", "errors-sampled"),
        ("warning", "debug-on"),
        ("info", "connection"),
    ]


def test_the_set_up_judged_is_the_last_one_that_sends() -> None:
    """A helper process without a DSN is not the application."""
    evidence = replace(HEALTHY, inits=(INIT, replace(INIT, pid=8, active=False)))
    assert evidence.init is INIT
    library = replace(INIT, active=False, place="library.py:1")
    assert replace(HEALTHY, inits=(INIT, library)).init is library
    assert evidence.probe("transaction") is None
    assert Probe(kind="x", sent=3, arrived=1).missing == 2
    assert isinstance(END, Shutdown)
