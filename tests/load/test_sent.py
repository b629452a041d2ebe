"""What the load writes down of every request when operations are measured."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_sentry_harness.ledger.reader import read_ledger
from pytest_sentry_harness.load.load_ledger import LoadLedger
from pytest_sentry_harness.model.arming import ArmedOperation, Arming
from pytest_sentry_harness.model.ledger import Sent
from pytest_sentry_harness.plan.schedule import draw
from pytest_sentry_harness.protocol.trace import parse_baggage, parse_sentry_trace


@pytest.mark.parametrize("operations", [(), (ArmedOperation(name="work", at="app:work"),)])
def test_each_request_is_on_record_with_its_sampling_number(
    tmp_path: Path, operations: tuple[ArmedOperation, ...]
) -> None:
    """As it was sent, and as the seed demands; nothing is written where no operation is measured."""
    arming = Arming(
        run_id="r",
        key="k" * 64,
        seed=3,
        faults=(),
        journal_dir=str(tmp_path),
        lease=str(tmp_path / "lease"),
        operations=operations,
    )
    ledger = LoadLedger(arming, "", lambda: None)
    sent: list[dict[str, str]] = []

    def call(headers: dict[str, str]) -> Any:
        sent.append(headers)
        return SimpleNamespace(status_code=200)

    for number in range(3):
        ledger.send("GET", f"http://127.0.0.1:1/{number}", "/page", call)
    ledger.send("GET", "http://elsewhere.example/", "/page", call)
    ledger.close("done")
    records = [record for record in read_ledger(tmp_path) if isinstance(record, Sent)]
    if not operations:
        assert records == []
        return
    assert [record.request for record in records] == ["GET /page"] * 3
    assert [record.trace_id for record in records] == [
        parse_sentry_trace(headers["sentry-trace"]).trace_id for headers in sent[:3]
    ]
    assert [record.sample_rand for record in records] == [
        parse_baggage(headers["baggage"]).sample_rand for headers in sent[:3]
    ]
    assert [record.sample_rand for record in records] == pytest.approx(
        [draw(3, "sample_rand", "", number) for number in range(3)], abs=1e-6
    )
