"""From the folder of a run to its objectives: transactions, sessions and journals are read, and what cannot be read is counted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.errors import EvidenceError, ProtocolError, ScenarioError, SearchError
from pytest_sentry_harness.harness import arrived
from pytest_sentry_harness.harness.arrived import arrived_in
from pytest_sentry_harness.harness.facts import unfinished
from pytest_sentry_harness.harness.folder import RunFolder
from pytest_sentry_harness.harness.judge import judge_folder
from pytest_sentry_harness.harness.objectives import check_searches, observed_of
from pytest_sentry_harness.ledger.journal import Journal
from pytest_sentry_harness.model.ledger import Ended, SdkDiscarded
from pytest_sentry_harness.model.scenario import Scenario
from pytest_sentry_harness.monitor.search.parser import parse_search
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.report.document import decode, encode
from pytest_sentry_harness.report.markdown import to_markdown
from tests.store.build import envelope, event, new, write

SCENARIO = """
[scenario]
name = "shop"
[target]
command = "true"
[load]
[[load.request]]
send = "GET /"
[[objective]]
name = "up"
what = "availability"
target = "90%"
{more}
[gates]
"objectives.off" = "< 1%"
"""
T0 = 1000.0


def scenario(folder: Path, more: str = "") -> Scenario:
    path = folder / "shop.toml"
    path.write_text(SCENARIO.format(more=more), encoding="utf-8")
    return load_scenario(path)


def transaction(number: int, status: str = "ok", **more: Any) -> Any:
    """A transaction of request ``number``, which took 100 ms."""
    data = {
        "type": "transaction",
        "transaction": "/",
        "start_timestamp": T0 + number,
        "timestamp": T0 + number + 0.1,
        "contexts": {"trace": {"trace_id": f"{number:032x}", "span_id": "a" * 16, "status": status}},
        **more,
    }
    return item("transaction", data, f"{number + 1:032x}")


def item(kind: str, data: Any, event_id: str | None = None) -> Any:
    headers = {} if event_id is None else {"event_id": event_id}
    return new(envelope([(kind, data)], **headers), event_id=event_id, received_at=T0 + 50)


def ran(asked: Scenario, runs: Path, *, failed: int = 5, reported_failed: int = 5) -> RunFolder:
    """The folder of a run of thirty requests, of which the first ``failed`` failed; Sentry knows of ``reported_failed``."""
    folder = RunFolder.create(asked, runs)
    load = Journal(folder.ledger, run_id=folder.run_id, role="load")
    for number in range(30):
        status = 500 if number < failed else 200
        load.write(Ended, trace_id=f"{number:032x}", request="GET /", status=status, seconds=0.1)
    load.close("done")
    target = Journal(folder.ledger, run_id=folder.run_id, role="target")
    for category in ("transaction", "error"):
        target.write(SdkDiscarded, event_id=None, reason="before_send", category=category, quantity=2)
    target.close("exit")
    rows = [
        transaction(number, "internal_error" if number < failed else "ok")
        for number in range(30)
        if number >= failed or number < reported_failed
    ]
    rows.append(event(f"{99:032x}", contexts={"trace": {"trace_id": f"{0:032x}"}}, level="error"))
    write(folder.store, rows)
    folder.write_facts(replace(unfinished(asked, folder, 0.0), stop_reason="completed", doubts=()))
    return folder


def test_a_run_is_judged_by_its_objectives(tmp_path: Path) -> None:
    """Broken by what the load generator saw, shown as it was, and the same when it is read back and judged again."""
    folder = ran(scenario(tmp_path), tmp_path / "runs")
    document = judge_folder(folder)
    (criterion,) = document.criteria
    verdicts = {gate.metric: str(gate.verdict) for gate in criterion.gates}
    assert verdicts == {
        "objectives.off": "pass",
        "objectives.broken": "fail",
        "objectives.contradicted": "pass",
        "objectives.unseen": "pass",
        "objectives.requests": "pass",
    }
    assert [finding.reason for finding in document.findings] == ["requests_failed"]
    assert document.objectives is not None
    assert document.objectives.objectives[0].bad_with_error == 1
    assert document.objectives.dropped == (("before_send", 2),)
    assert document.analysis is not None
    assert document.analysis.rates is not None
    assert (document.analysis.rates.requests_failed, document.analysis.rates.errors) == (5, 1)
    assert decode(encode(document)) == document
    assert judge_folder(folder) == document
    page = to_markdown([document]).decode()
    assert "| up | load generator | 30 | 5 | 83.33 % |" in page
    assert "rates: 1 errors" in page


def test_sentry_is_not_told(tmp_path: Path) -> None:
    """It shows an objective that is met."""
    document = judge_folder(ran(scenario(tmp_path), tmp_path / "runs", reported_failed=0))
    assert {finding.reason for finding in document.findings} == {"requests_failed", "not_reported"}


@pytest.mark.parametrize(
    ("search", "doubt"),
    [
        ("transation:/", "did you mean 'transaction'?"),
        ("transaction.status:ok", "finds no transaction that failed"),
        ("transaction.status:[ok,unknown]", "finds no transaction that failed"),
        ("(transaction.status:ok OR transaction.status:cancelled)", "finds no transaction that failed"),
        ("!transaction.status:not_found", ""),
        ("(transaction.status:ok OR transaction:/)", ""),
        ("transaction:/", ""),
    ],
)
def test_a_search_that_is_hardly_meant_is_a_doubt(tmp_path: Path, search: str, doubt: str) -> None:
    """It reaches the report: the run is not believed."""
    asked = scenario(tmp_path, f'on = ["GET /"]\nsearch = "{search}"')
    document = judge_folder(ran(asked, tmp_path / "runs", failed=0))
    assert document.objectives is not None
    told = document.objectives.objectives[0].doubts
    assert [doubt in each for each in told] == ([True] if doubt else [])
    notes = [note for note in document.criteria[0].notes if note.startswith("objective 'up': search")]
    assert len(notes) == len(told)


def test_nobody_asks(tmp_path: Path) -> None:
    """Without [noise], [alerting] and [[objective]] nothing is read."""
    asked = replace(scenario(tmp_path), objectives=())
    observed = observed_of(RunFolder(tmp_path / "none"), asked)
    assert (observed.objectives, observed.analysis) == (None, None)


def test_what_is_searched_for_is_read_before_anything_starts(tmp_path: Path) -> None:
    """Of transactions, and of each by itself; the message names file, objective and character."""
    check_searches(scenario(tmp_path, 'on = ["GET /"]\nsearch = "transaction:/ transaction.duration:>1s"'))
    with pytest.raises(ScenarioError, match="'count\\(\\):>5' is about many transactions") as error:
        check_searches(scenario(tmp_path, 'on = ["GET /"]\nsearch = "count():>5"'))
    assert "[[objective]] 'up' search" in (error.value.where or "")
    with pytest.raises(SearchError) as wrong:
        check_searches(scenario(tmp_path, 'on = ["GET /"]\nsearch = "transaction:[a"'))
    assert "shop.toml: [[objective]] 'up' search, character" in (wrong.value.where or "")


def test_what_arrived(tmp_path: Path) -> None:
    """Transactions once each, sessions with crashes, client reports; what cannot be read is counted and left out."""
    rows = [
        transaction(1, tags={"region": "eu"}),
        transaction(2, tags={"region": "eu"}, timestamp=T0 + 9e6),
        item("transaction", b"[1]", f"{77:032x}"),
        transaction(5, timestamp=T0),
        item(
            "sessions",
            {
                "aggregates": [{"started": "2026-01-01T00:00:00Z", "exited": 7, "crashed": 2}],
                "attrs": {"release": "a@1"},
            },
        ),
        item("sessions", b"nothing"),
        item(
            "client_report",
            {"discarded_events": [{"reason": "sample_rate", "category": "transaction", "quantity": 4}]},
        ),
        event(f"{103:032x}", contexts={"trace": {"trace_id": f"{1:032x}"}}, level="error"),
        event(f"{104:032x}", contexts={"trace": {"trace_id": f"{2:032x}"}}, level="info"),
    ]
    write(tmp_path, rows)
    found = arrived_in(
        tmp_path, {"up": parse_search("tags[region]:eu"), "other": parse_search("tags[region]:us")}
    )
    assert [each.request.trace_id for each in found.reported] == [f"{1:032x}", f"{2:032x}"]
    assert found.reported[0].found_by == {"up"}
    assert ("tags[region]", "eu") in found.reported[0].facets
    # Its clock is wrong by months: it is counted when it arrived.
    assert found.reported[1].request.at == T0 + 50
    assert found.sessions == (9, 2)
    assert found.with_error == {f"{1:032x}"}
    assert found.dropped == {"sample_rate": 4}
    # What the server itself could not read did not arrive.
    assert found.unread == 0


def test_what_cannot_be_read_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that was made by a more tolerant server: what is nothing is left out, and the report says how much that was."""
    asked = scenario(tmp_path)
    folder = ran(asked, tmp_path / "runs")

    def unreadable(_payload: object, what: str) -> dict[str, Any]:
        raise ProtocolError(f"{what} is not JSON")

    monkeypatch.setattr(arrived, "json_object", unreadable)
    observed = observed_of(folder, asked)
    assert observed.analysis is not None
    assert (observed.analysis.unread, observed.analysis.classes) == (31, ())
    monkeypatch.setattr(arrived, "json_object", lambda *_: {"transaction": "/"})
    assert arrived_in(folder.store).unread == 30


def test_spans_that_are_sent_by_themselves(tmp_path: Path) -> None:
    """The first span of a segment is the transaction; the others are not, and what the SDK adds is no tag."""

    def span(number: int, *, first: bool, status: str = "ok") -> dict[str, Any]:
        attributes = {
            "sentry.segment.name": "/orders",
            "sentry.release": "shop@1",
            "sentry.environment": "live",
            "region": "eu",
            "thread.name": "main",
        }
        return {
            "trace_id": f"{number:032x}",
            "span_id": f"{number:016x}",
            "name": "GET /orders",
            "is_segment": first,
            "status": status,
            "start_timestamp": T0,
            "end_timestamp": T0 + 0.5,
            "attributes": {name: {"type": "string", "value": value} for name, value in attributes.items()},
        }

    spans = {"items": [span(1, first=True, status="error"), span(2, first=False), span(3, first=True)]}
    head = {"type": "span", "item_count": 3, "content_type": "application/vnd.sentry.items.span.v2+json"}
    body = b"{}\n" + json.dumps(head).encode() + b"\n" + json.dumps(spans).encode() + b"\n"
    write(tmp_path, [new(body, received_at=T0 + 50)])
    found = arrived_in(tmp_path, {"up": parse_search("transaction.duration:>400 release:shop@1")})
    assert [(each.request.name, each.request.failed) for each in found.reported] == [
        ("/orders", True),
        ("/orders", False),
    ]
    bad = found.reported[0]
    assert bad.request.seconds == 0.5
    assert bad.facets == {
        ("transaction", "/orders"),
        ("release", "shop@1"),
        ("environment", "live"),
        ("tags[region]", "eu"),
    }
    assert bad.found_by == {"up"}


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    """Named as the store that it should be."""
    (tmp_path / "arrivals.sqlite").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(EvidenceError, match="the store cannot be read"):
        arrived_in(tmp_path)
