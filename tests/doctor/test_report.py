"""What the doctor prints: findings, what was sent, what is not known, and nothing that steers a terminal."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_sentry_harness.cli.doctor import exit_code
from pytest_sentry_harness.doctor.evidence import Evidence, Probe, ProcessSeen
from pytest_sentry_harness.doctor.inside.probes import LOGS_OFF
from pytest_sentry_harness.doctor.report import document, lines, summary, unknown
from pytest_sentry_harness.doctor.rules import findings

from .sample import HEALTHY, with_init, with_lost, with_options

NOTHING = Evidence(service=False, burst=10)


def text(evidence: Evidence) -> str:
    return "\n".join(lines(evidence, findings(evidence)))


def test_a_healthy_set_up_is_short() -> None:
    """What was sent, and that nothing was found."""
    assert text(HEALTHY).splitlines() == [
        "sentry-sdk 2.75.0, initialised at app.py:3, 6 integrations",
        "sent through it, on purpose, and arrived at the embedded server:",
        "    1 of   1 errors handed to capture_exception",
        "   50 of  50 errors in a row",
        "    1 of   1 errors in a request to a path that does not exist",
        "    1 of   1 messages",
        "    5 of   5 errors handed over just before SIGTERM; it ended with exit code 0 after 1.5 s",
        "",
        "nothing risky was found",
    ]


def test_a_finding_has_why_evidence_and_change() -> None:
    """One block each, wrapped, gravest first."""
    out = text(with_options(sample_rate=0.5, debug=True))
    assert "ERROR    sample_rate=0.5  [errors-sampled]\n  why:    errors are thrown away by lot" in out
    assert (
        "\n  seen:   read from the client in force after app.py:3; 0 of 52 probe errors fell to it\n" in out
    )
    assert "\n  change: leave debug out" in out
    assert out.index("ERROR") < out.index("WARNING")
    assert out.endswith("\n1 error, 1 warning")
    assert max(map(len, out.splitlines())) <= 110


def test_hostile_names_are_made_harmless() -> None:
    """Whatever the target calls its options, the terminal is not steered."""
    out = text(with_lost("before_send", "before_send=\x1b[2J\u202ex", "a\x07.py:1"))
    assert not set("\x1b\u202e\x07") & set(out)


@pytest.mark.parametrize(
    "evidence,words",
    [
        (NOTHING, "the agent was in no process"),
        (replace(HEALTHY, probes=()), "no probe was sent"),
        (replace(HEALTHY, probes=HEALTHY.probes[:2]), "whether unhandled errors of requests arrive"),
        (replace(HEALTHY, shutdown=None), "none could be handed over before the end"),
        (replace(HEALTHY, broken=("the agent cannot start",)), "the harness itself broke: the agent cannot"),
        (replace(HEALTHY, notes=("it stumbled",)), "it stumbled"),
        (
            replace(NOTHING, broken_off="the command ended with exit code 1; its last lines: | oh"),
            "what it does when it works: the command ended with exit code 1; its last lines: | oh",
        ),
        (
            replace(HEALTHY, probes=(*HEALTHY.probes, Probe(kind="log", sent=0, arrived=0, trouble="oh"))),
            "log entries: oh",
        ),
    ],
)
def test_what_is_not_known_is_said(evidence: Evidence, words: str) -> None:
    """With the reason, below the findings."""
    assert any(words in line for line in unknown(evidence))
    assert "not known:" in text(evidence)


def test_what_is_off_by_default_is_not_unknown() -> None:
    """Logs are sent where they are enabled."""
    off = Probe(kind="log", sent=0, arrived=0, trouble=LOGS_OFF)
    assert unknown(replace(HEALTHY, probes=(*HEALTHY.probes, off))) == ()


def test_last_words_that_a_hook_dropped_say_nothing_about_shutdown() -> None:
    """None of them reached the queue."""
    assert HEALTHY.shutdown is not None
    evidence = replace(HEALTHY, shutdown=replace(HEALTHY.shutdown, handed=0, arrived=0))
    assert any("dropped all that it was handed" in line for line in unknown(evidence))
    assert "just before SIGTERM" not in text(evidence)


def test_the_document_is_json() -> None:
    """For programs: the set-up, the probes, the findings, and the exit code."""
    evidence = with_options(sample_rate=0.5)
    found = json.loads(json.dumps(document(evidence, findings(evidence), 10)))
    assert found["version"] == 1
    assert found["exit_code"] == 10
    assert found["sdk"]["options"]["sample_rate"] == 0.5
    assert found["findings"][0]["rule"] == "errors-sampled"
    assert found["shutdown"]["handed"] == 5
    assert document(NOTHING, (), 11)["sdk"] is None


def test_the_summary_counts() -> None:
    """By severity, in words."""
    assert summary(()) == "nothing risky was found"
    found = findings(with_options(debug=True, send_client_reports=False, keep_alive=None))
    assert summary(found) == "2 warnings, 1 info"


@pytest.mark.parametrize(
    "evidence,strict,code",
    [
        (HEALTHY, True, 0),
        (with_options(debug=True), False, 0),
        (with_options(debug=True), True, 10),
        (with_options(sample_rate=0.5), False, 10),
        (with_options(keep_alive=None), True, 0),
        (NOTHING, True, 11),
        (replace(HEALTHY, probes=()), False, 11),
        (replace(HEALTHY, probes=(), inits=()), False, 10),
        (replace(with_init(active=False, dsn=None), probes=()), False, 10),
        (replace(NOTHING, processes=(ProcessSeen(pid=1, argv=()),), broken=("x",)), False, 12),
    ],
)
def test_exit_codes(evidence: Evidence, strict: bool, code: int) -> None:
    """0, 10, 11 and 12, by what was found and what could be learnt."""
    assert exit_code(evidence, findings(evidence), strict=strict) == code
