"""The real SDK, as a process of its own, in each encoding it uses."""

from __future__ import annotations

import gzip
import subprocess
import sys

import pytest

from .wire import Bench

SCRIPT = """
import sys, sentry_sdk
sentry_sdk.init(sys.argv[1], release="shop@1.0", traces_sample_rate=1.0, default_integrations=False,
                _experiments={"transport_compression_algo": sys.argv[2]})
with sentry_sdk.start_transaction(op="task", name="nightly") as transaction:
    try:
        {}["missing"]
    except KeyError:
        print(sentry_sdk.capture_exception(), transaction.trace_id)
sentry_sdk.flush(20)
"""


@pytest.mark.parametrize(("algorithm", "encoding"), [("gzip", "gzip"), ("br", "br")])
def test_the_python_sdk_arrives(bench: Bench, algorithm: str, encoding: str) -> None:
    """Error and transaction arrive, joined by their trace, with exception, release and level."""
    output = subprocess.run(
        [sys.executable, "-c", SCRIPT, bench.project.dsn, algorithm],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout
    event_id, trace_id = output.split()
    found = bench.client.wait_for(timeout=60, project=bench.project.project_id, trace_id=trace_id, at_least=2)
    by_type = {arrival.item_type: arrival for arrival in found}
    error, transaction = by_type["event"], by_type["transaction"]
    assert error.event_id == event_id
    assert error.exceptions == (("KeyError", "'missing'"),)
    assert (error.level, error.release, error.category) == ("error", "shop@1.0", "error")
    assert (transaction.transaction, transaction.outcome) == ("nightly", "accepted")
    request = bench.client.request(error.request)
    assert request.encoding == encoding
    if encoding == "gzip":
        assert event_id.encode() in gzip.decompress(request.body)
