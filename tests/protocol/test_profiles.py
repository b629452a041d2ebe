"""Profiles in the words of the SDKs that send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_sentry_harness.errors import ProtocolError
from pytest_sentry_harness.protocol.profiles import ProfileView, profile_chunk_view, profile_view

SAMPLES = {
    "samples": [
        {"stack_id": 0, "thread_id": "7", "elapsed_since_start_ns": "250000000"},
        {"stack_id": 0, "thread_id": "7", "elapsed_since_start_ns": 500000000},
    ],
    "stacks": [[0]],
    "frames": [{"function": "f"}],
    "thread_metadata": {"7": {"name": "MainThread"}, "8": {"priority": 1}, "9": "x"},
}
PYTHON = {
    "version": "1",
    "event_id": "e" * 32,
    "timestamp": "2026-01-02T03:04:05.500000Z",
    "transactions": [
        None,
        {"id": "d" * 32, "name": "/orders", "trace_id": "a" * 32, "active_thread_id": "7"},
    ],
    "profile": SAMPLES,
}


def read(**changes: Any) -> ProfileView:
    return profile_view(json.dumps({**PYTHON, **changes}).encode(), {})


def test_the_python_sdk_names_the_transaction_in_a_list() -> None:
    """Its first entry counts; ``transaction`` goes before it."""
    found = read()
    assert (found.transaction_id, found.transaction_name, found.trace_id) == ("d" * 32, "/orders", "a" * 32)
    assert read(transaction={"id": "c" * 32}).transaction_id == "c" * 32


def test_threads_by_name_and_number() -> None:
    """Numbers may be numbers or text; what has no name is left out."""
    assert (read().active_thread_id, read().threads) == ("7", {"7": "MainThread"})
    assert read(transaction={"id": "c" * 32, "active_thread_id": 7}).active_thread_id == "7"
    assert read(transaction={"id": "c" * 32}).active_thread_id == ""


def test_when_a_sample_was_taken() -> None:
    """So many nanoseconds after the start, as text or as a number."""
    found = read()
    assert found.started == 1767323045.5
    assert [found.when(sample) for sample in found.samples] == [1767323045.75, 1767323046.0]
    assert found.when({"elapsed_since_start_ns": "soon"}) is None
    assert found.when({"elapsed_since_start_ns": "1e999"}) is None
    assert found.when({"elapsed_since_start_ns": []}) is None
    assert found.when({}) is None


def test_a_start_that_is_none_is_noted() -> None:
    """The profile stays: it only cannot be laid beside its spans."""
    found = read(timestamp="yesterday")
    assert found.started is None
    assert found.notes == ("timestamp: 'yesterday' is not a time",)
    assert found.when(found.samples[0]) is None


def test_samples_of_a_chunk_have_a_time_of_their_own() -> None:
    """Epoch seconds; a chunk has no start."""
    samples = {**SAMPLES, "samples": [{"stack_id": 0, "thread_id": "7", "timestamp": 1767323045.5}]}
    payload = {"version": "2", "profiler_id": "p", "chunk_id": "c", "profile": samples}
    chunk = profile_chunk_view(json.dumps(payload).encode(), {})
    assert (chunk.started, chunk.active_thread_id) == (None, "")
    assert chunk.when(chunk.samples[0]) == 1767323045.5


@pytest.mark.parametrize("transactions", [[], [None], [{"name": "x"}], None])
def test_a_profile_without_transaction_is_refused(transactions: Any) -> None:
    """Nobody could say what it is a profile of."""
    with pytest.raises(ProtocolError) as error:
        read(transactions=transactions)
    assert "transaction.id is missing" in error.value.causes
