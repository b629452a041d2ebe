"""From the folder of a run to its widgets: every kind of data read, copies kept, and what cannot be read named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.errors import EvidenceError, RulesError, ScenarioError
from pytest_sentry_harness.harness.dashboards import check_dashboards
from pytest_sentry_harness.harness.facts import unfinished
from pytest_sentry_harness.harness.folder import RunFolder
from pytest_sentry_harness.harness.judge import judge_folder
from pytest_sentry_harness.harness.run import begin
from pytest_sentry_harness.ledger.journal import Journal
from pytest_sentry_harness.load.histogram import bucket_of
from pytest_sentry_harness.model.arrival import Arrival
from pytest_sentry_harness.model.ledger import Beat, Fired, Intent, Lasted, SdkSaw, Timed
from pytest_sentry_harness.model.scenario import Scenario
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.report.document import RunDocument, decode, encode
from pytest_sentry_harness.store.reader import StoreReader
from tests.store.build import envelope, new, write

T0 = 1_700_000_000.0
SCENARIO = """
[scenario]
name = "shop"
[target]
command = "true"
[load]
[[load.request]]
send = "GET /"
[[fault]]
name = "save"
at = "shop:save"
do = "raise(OSError)"
[[operation]]
name = "work"
at = "shop:work"
[gates]
"capture.fired" = ">= 1"
[dashboards]
files = ["boards/shop.json"]
{more}
"""
DURATION = "transaction.duration"


def widget(
    title: str, kind: str, *fields: str, display: str = "big_number", conditions: str = ""
) -> dict[str, Any]:
    query = {"fields": list(fields), "conditions": conditions}
    return {"title": title, "displayType": display, "widgetType": kind, "queries": [query]}


BOARD = {
    "title": "Shop",
    "period": "1h",
    "projects": [1],
    "filters": {"release": ["shop@1"]},
    "widgets": [
        widget("Errors", "error-events", "count()"),
        widget("Issues", "error-events", "count_unique(issue)"),
        widget("Open", "issue", "issue", "events", display="table", conditions="is:unresolved"),
        widget("Traffic", "transaction-like", "count()"),
        widget("All", "discover", "count()"),
        widget("p50", "transaction-like", f"p50({DURATION})"),
        widget("Rows", "spans", "count()", conditions="span.op:db"),
        widget("Work", "spans", "max(span.duration)", conditions="span.op:function"),
        widget("Sessions", "metrics", "sum(session)"),
    ],
}
SHOWS = "".join(
    f'[[dashboards.shows]]\nwidget = "{widget}"\n{what}\n'
    for widget, what in {
        "Errors": 'faults = "all"',
        "Issues": 'faults = "all"',
        "Traffic": 'requests = "all"',
        "p50": 'requests = "GET /"\nwithin = "5%"',
        "Work": 'operation = "work"\nwithin = "5ms"',
        "Sessions": 'requests = "all"',
    }.items()
)


def scenario(folder: Path, more: str = SHOWS, board: object = BOARD) -> Scenario:
    (folder / "boards").mkdir(exist_ok=True)
    text = board if isinstance(board, str) else json.dumps(board)
    (folder / "boards" / "shop.json").write_text(text, encoding="utf-8")
    path = folder / "shop.toml"
    path.write_text(SCENARIO.format(more=more), encoding="utf-8")
    return load_scenario(path)


def sent(index: int, *items: tuple[str, Any]) -> Any:
    return new(envelope(items, event_id=f"{index:032x}"), event_id=f"{index:032x}", received_at=T0 + 8)


def common(at: float) -> dict[str, Any]:
    return {"timestamp": at, "release": "shop@1", "environment": "staging"}


def ran(asked: Scenario, runs: Path, errors: int = 3) -> RunFolder:
    """The folder of a run: twenty requests of 100 ms, of which three failed with the same error."""
    folder = RunFolder.create(asked, runs)
    rows = []
    load = Journal(folder.ledger, run_id=folder.run_id, role="load")
    target = Journal(folder.ledger, run_id=folder.run_id, role="target")
    for index in range(20):
        at, trace = T0 + 5 + index / 10, f"{index + 100:032x}"
        if index < errors:
            fault_id = f"save-{index}"
            load.write(Intent, fault_id=fault_id, fault="save", trace_id=trace, request="GET /")
            fired = {"fault_id": fault_id, "fault": "save", "point": "shop:save", "effect": "raise"}
            target.write(Fired, term="raise(OSError)", trace_id=None, exception_type="OSError", **fired)
            target.write(SdkSaw, fault_ids=(fault_id,), event_id=f"{index:032x}")
            problem = {"type": "OSError", "value": "no"}
            rows.append(sent(index, ("event", common(at) | {"exception": {"values": [problem]}})))
        target.write(Timed, operation="work", trace_id=trace, seconds=0.05)
        span = {
            "span_id": f"{index + 1:016x}",
            "start_timestamp": at - 0.08,
            "timestamp": at - 0.03,
            "op": "function",
        }
        ids = {"trace_id": trace, "span_id": f"{index + 500:016x}", "op": "http.server"}
        transaction = common(at) | {
            "start_timestamp": at - 0.1,
            "transaction": "/",
            "contexts": {"trace": ids},
            "spans": [span],
        }
        rows.append(sent(1000 + index, ("transaction", transaction)))
    streamed = {
        "trace_id": f"{1:032x}",
        "span_id": f"{1:016x}",
        "start_timestamp": T0 + 4,
        "end_timestamp": T0 + 5,
        "name": "SELECT",
        "attributes": {
            "sentry.op": {"type": "string", "value": "db"},
            "sentry.release": {"type": "string", "value": "shop@1"},
        },
    }
    aggregates = [{"started": "2023-11-14T22:13:00Z", "exited": 17, "crashed": 3}]
    rows.append(sent(2000, ("span", {"items": [streamed]})))
    rows.append(sent(2001, ("sessions", {"attrs": {"release": "shop@1"}, "aggregates": aggregates})))
    load.write(Beat, seconds=2.0, sent=20, in_flight=1)
    load.write(Lasted, request="GET /", failed=3, service={bucket_of(0.1): 20}, service_max=0.1)
    load.close("done")
    target.close("exit")
    write(folder.store, rows)
    facts = replace(unfinished(asked, folder, T0), stop_reason="completed", seconds=60.0, doubts=())
    folder.write_facts(facts)
    return folder


def judged(folder: RunFolder) -> tuple[RunDocument, dict[str, tuple[str, str]]]:
    document = judge_folder(folder)
    gates = [gate for each in document.criteria if each.criterion == "dashboards" for gate in each.gates]
    return document, {gate.metric: (str(gate.verdict), gate.why) for gate in gates}


def test_every_kind_of_data_is_read_and_held_against_the_ledger(tmp_path: Path) -> None:
    """Events and their issues, transactions, spans of both protocols, sessions; and the document can be read back."""
    folder = ran(scenario(tmp_path), tmp_path / "runs")
    document, gates = judged(folder)
    info = document.dashboards
    assert info is not None
    assert info.rows == {"event": 3, "issue": 1, "transaction": 20, "span": 41, "session": 2}
    shown = {each.title: each.shown[0].value for each in info.widgets if each.shown[0].aggregate}
    assert [each.shown[0].group for each in info.widgets if each.title == "Open"] == ["issue 1, events 3"]
    assert shown == pytest.approx(
        {
            "Errors": 3,
            "Issues": 1,
            "Traffic": 20,
            "All": 23,
            "p50": 100,
            "Rows": 1,
            "Work": 50,
            "Sessions": 20,
        }
    )
    assert {each.title: each.because for each in info.widgets if each.status != "ok"} == {}
    assert (info.statuses["ok"], info.compared, info.unread, info.now) == (9, 6, 0, T0 + 60)
    assert {verdict for verdict, _ in gates.values()} == {"pass"}
    assert [each.source for each in info.dashboards] == ["shop.json"]
    assert decode(encode(document)) == document


def test_what_is_wrong_is_a_finding_of_the_run(tmp_path: Path) -> None:
    """An invalid widget, too; and the folder holds the dashboards it was judged with."""
    board = BOARD | {"widgets": [*BOARD["widgets"], widget("Bad", "spans", "p59(x)")]}
    asked = scenario(tmp_path, SHOWS.replace('faults = "all"', "value = 4"), board)
    folder = ran(asked, tmp_path / "runs")
    (tmp_path / "boards" / "shop.json").unlink()
    document, gates = judged(folder)
    assert gates["dashboards.invalid"] == ("fail", "1 does not meet = 0")
    assert gates["dashboards.wrong"] == ("fail", "2 does not meet = 0")
    found = {each.culprit.partition(":")[0]: (each.metric, each.reason) for each in document.findings}
    assert found["Shop / Errors"] == ("dashboards.wrong", "differs")
    assert found["Shop / Bad"] == ("dashboards.invalid", "not_valid")
    assert (folder.rules / "dashboard-0.json").is_file()
    copied = RunFolder.open(shutil.copytree(folder.path, tmp_path / "elsewhere" / folder.run_id))
    assert judge_folder(copied) == document


def test_templates_need_no_file(tmp_path: Path) -> None:
    """They are made as the scenario says, and named by their templates."""
    more = 'templates = ["errors", "business"]\nslow = "20ms"\nenvironment = "staging"\nperiod = "6h"\nbusiness = "transaction:/"\n'
    info = judged(ran(scenario(tmp_path, more), tmp_path / "runs"))[0].dashboards
    assert info is not None
    assert [each.source for each in info.dashboards] == ["shop.json", "template errors", "template business"]
    assert [each.end - each.start for each in info.dashboards] == [3600.0, 21600.0, 21600.0]
    assert "Faster than 20 ms" in [each.title for each in info.widgets]


def test_items_that_cannot_be_read_are_a_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are in no widget, and the verdict cannot be a pass. The server would not have taken them."""
    payloads = StoreReader.payloads

    def broken(store: StoreReader, types: Any, **more: Any) -> Iterator[tuple[Arrival, bytes]]:
        for arrival, payload in payloads(store, types, **more):
            yield arrival, payload
            if types == ("transaction", "span"):
                yield arrival, b"{"
                break
            if types == ("session", "sessions"):
                yield arrival, b"{"

    folder = ran(scenario(tmp_path), tmp_path / "runs")
    monkeypatch.setattr(StoreReader, "payloads", broken)
    document, _ = judged(folder)
    assert document.dashboards is not None
    assert document.dashboards.unread == 2
    (criterion,) = [each for each in document.criteria if each.criterion == "dashboards"]
    assert "2 items could not be read, and are in no widget" in criterion.notes
    assert str(criterion.verdict) != "pass"


def test_a_run_that_was_never_finished_is_looked_at_when_the_last_item_arrived(tmp_path: Path) -> None:
    """It does not know how long it took."""
    folder = ran(scenario(tmp_path), tmp_path / "runs")
    folder.write_facts(replace(folder.read_facts(), seconds=0.0))
    info = judged(folder)[0].dashboards
    assert info is not None
    assert info.now == T0 + 8


def test_a_copy_that_is_gone(tmp_path: Path) -> None:
    """The run cannot be judged, and that is not its dashboards' fault."""
    folder = ran(scenario(tmp_path), tmp_path / "runs")
    (folder.rules / "dashboard-0.json").unlink()
    with pytest.raises(EvidenceError, match="a dashboard of the run cannot be read"):
        judge_folder(folder)


@pytest.mark.parametrize(
    ("board", "what", "where"),
    [
        ("{", "not valid JSON", "shop.json"),
        ("[]", "must be an object, not a list", "shop.json"),
        (BOARD | {"widgets": 3}, "must be a list of objects, not a number", "shop.json: widgets"),
        (BOARD | {"titel": "a"}, "unknown key 'titel'", "shop.json: titel"),
    ],
)
def test_a_file_that_is_no_dashboard_is_refused_before_anything_starts(
    tmp_path: Path, board: object, what: str, where: str
) -> None:
    """With file and key; no folder is made."""
    with pytest.raises(RulesError) as error:
        begin(scenario(tmp_path, "", board), runs=tmp_path / "runs")
    assert error.value.what.startswith(what)
    assert error.value.where is not None
    assert error.value.where.endswith(where)
    assert not (tmp_path / "runs").exists()


def test_what_no_widget_shows_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """As are a file that cannot be read, and a template's search that is none."""
    asked = scenario(tmp_path, '[[dashboards.shows]]\nwidget = "Eror"\nvalue = 1\n')
    with pytest.raises(ScenarioError) as error:
        check_dashboards(asked)
    assert str(error.value) == (
        f"{asked.path}: [[dashboards.shows]] number 1, widget: no dashboard has a widget 'Eror'\n"
        "  hint: did you mean 'Errors'?"
    )
    with pytest.raises(RulesError, match="this . is never closed"):
        check_dashboards(scenario(tmp_path, 'templates = ["business"]\nbusiness = "(a"\n'))
    asked = scenario(tmp_path)
    (tmp_path / "boards" / "shop.json").write_bytes(b"\xff")
    with pytest.raises(RulesError, match="the dashboard cannot be read"):
        check_dashboards(asked)
    check_dashboards(replace(asked, dashboards=None))
