"""How chains, groups, status, mechanism and words decide, and that nothing that arrives makes it raise."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sentry_sdk
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.model.classified import CATEGORIES, SEVERITIES, Category, Severity
from pytest_sentry_harness.monitor.classification import PAGERDUTY, classify
from tests.examples import examples


def exception(name: str, value: str = "", module: str | None = None, **mechanism: Any) -> dict[str, Any]:
    return {"type": name, "module": module, "value": value, "mechanism": {"type": "generic", **mechanism}}


def chain(*oldest_first: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"exception": {"values": list(oldest_first)}, **fields}


def contributing(data: dict[str, Any]) -> list[str]:
    return [each.why for each in classify(data).why if each.contributes]


@pytest.mark.parametrize(
    "data,category",
    [
        # what was raised decides when it is certain, whatever caused it
        (chain(exception("KeyError"), exception("ReadTimeout", module="httpx")), "timeout"),
        # a type that says nothing gives way to its cause
        (chain(exception("OperationalError", module="psycopg"), exception("RuntimeError", "cannot save")), "database"),
        (chain(exception("OperationalError", module="psycopg"), exception("OrderFailed", module="shop")), "database"),
        (chain(exception("ConnectError", module="httpx"), exception("RetryError", module="tenacity")), "network"),
        # the nearest certain cause, not the oldest
        (chain(exception("KeyError"), exception("ConnectError", module="httpx"), exception("Exception")), "network"),
        # a ValueError is validation only if no cause knows better
        (chain(exception("ValueError", "12x")), "validation"),
        (chain(exception("ModuleNotFoundError"), exception("ValueError")), "configuration"),
        # the group itself says nothing
        (chain(exception("ReadTimeout", module="httpx"), exception("ExceptionGroup", is_exception_group=True)), "timeout"),
        # words of names outside known libraries
        (chain(exception("PaymentGatewayTimeout", module="shop.errors")), "timeout"),
        (chain(exception("InvalidOrder", module="shop.errors")), "validation"),
        (chain(exception("Order.DoesNotExist", module="shop.models")), "business_logic"),
        # error numbers
        (chain(exception("OSError", meta={"errno": {"number": 28}})), "resource"),
        (chain(exception("OSError", meta={"errno": {"number": 111}})), "network"),
        (chain(exception("PermissionError", meta={"errno": {"number": 13}})), "configuration"),
        (chain(exception("PermissionError", "only admins")), "authorization"),
        (chain(exception("OSError", meta={"errno": {"number": 9999}})), "resource"),
        # words of messages come last
        (chain(exception("RuntimeError", "redis said: connection refused")), "network"),
        (chain(exception("Exception", "No space left on device")), "resource"),
        (chain(exception("SomethingOdd", "rate limit reached", module="shop")), "rate_limit"),
        # the application's own types, by the frames that are its own
        (
            chain({**exception("OutOfPaper", module="shop.errors"), "stacktrace": {"frames": [{"module": "shop.api", "in_app": True}]}}),
            "business_logic",
        ),
        (
            chain({**exception("OutOfPaper", module="lib.errors"), "stacktrace": {"frames": [{"module": "lib.api", "in_app": False}]}}),
            "unknown",
        ),
        (chain(exception("OutOfPaper", module="__main__")), "business_logic"),
        # the answer's status, when no exception is certain
        (chain(exception("OutOfPaper"), contexts={"response": {"status_code": 403}}), "authorization"),
        (chain(exception("OutOfPaper"), contexts={"response": {"status_code": "429"}}), "rate_limit"),
        (chain(exception("OutOfPaper"), contexts={"response": {"status_code": 500}}), "unknown"),
        (chain(exception("OutOfPaper"), contexts={"response": {"status_code": 200}}), "unknown"),
        # what mobile SDKs report
        (chain({"type": "Odd", "mechanism": {"type": "ANR"}}), "resource"),
        # messages without an exception
        ({"message": "deadlock detected"}, "database"),
        ({"logentry": {"message": "%s", "formatted": "login failed for x"}}, "authentication"),
        ({"logentry": {"message": "upstream is odd"}}, "external_service"),
        ({"message": "odd", "logger": "sqlalchemy.pool"}, "database"),
        ({"message": "timed out", "logger": "sqlalchemy.pool"}, "timeout"),
        ({"message": "odd", "logger": "celery"}, "unknown"),
        ({}, "unknown"),
    ],
)  # fmt: skip
def test_categories(data: dict[str, Any], category: Category) -> None:
    """Each way to a category, in the order of their weight."""
    found = classify(data)
    assert found.category == category, found.why


@pytest.mark.parametrize(
    "data,severity",
    [
        (chain(exception("KeyError", handled=False), level="fatal"), "critical"),
        (chain(exception("KeyError", handled=False)), "high"),
        (chain(exception("KeyError", handled=True)), "medium"),
        (chain(exception("KeyError")), "high"),
        (chain(exception("KeyError"), level="warning"), "medium"),
        (chain(exception("KeyError"), level="info"), "low"),
        (chain(exception("KeyError"), level="nonsense"), "high"),
        (chain(exception("KeyError"), level=30), "medium"),
        (chain(exception("KeyError"), level=10**5000), "high"),
        # what others lack too
        (chain(exception("MemoryError", handled=False)), "critical"),
        (chain(exception("ModuleNotFoundError", handled=False)), "critical"),
        (chain(exception("MemoryError", handled=True)), "medium"),
        (chain(exception("OperationalError", module="psycopg", handled=False)), "critical"),
        (chain(exception("IntegrityError", module="sqlalchemy.exc", handled=False)), "high"),
        # what the caller can put right
        (chain(exception("ValidationError", module="pydantic", handled=False)), "high"),
        (chain(exception("ValidationError", module="pydantic", handled=True)), "low"),
        (chain(exception("HTTPException", "403: no", module="starlette.exceptions")), "medium"),
        (
            chain(exception("KeyError", handled=False), contexts={"response": {"status_code": 404}}),
            "medium",
        ),
        (
            chain(exception("KeyError", handled=False), level="info", contexts={"response": {"status_code": 404}}),
            "low",
        ),
        ({"message": "started", "level": "debug"}, "low"),
        ({"message": "started"}, "high"),
    ],
)  # fmt: skip
def test_severities(data: dict[str, Any], severity: Severity) -> None:
    """The level starts, and handling, reach and status move it."""
    found = classify(data)
    assert found.severity == severity, found.why


def test_a_decision_explains_itself() -> None:
    """What was passed over, what decided, and each step of the severity, in that order."""
    data = chain(
        exception("OperationalError", "gone", module="psycopg", handled=False),
        exception("OrderFailed", module="shop"),
    )
    why = classify(data).why
    assert [(each.what, each.text, each.contributes, each.why) for each in why] == [
        ("type", "shop.OrderFailed", False, "says nothing by itself"),
        ("module", "psycopg.OperationalError", True, "types of psycopg mean database"),
        ("level", "error", True, "starts at high"),
        ("type", "psycopg.OperationalError", True, "the database is away for everybody: critical"),
    ]
    assert "Python's KeyError means business_logic" in contributing(chain(exception("KeyError")))


def test_a_real_event_of_the_sdk() -> None:
    """What the SDK makes of a chain with an error number is understood."""
    events: list[Any] = []

    def take(event: Any, hint: Any) -> None:
        events.append(json.loads(json.dumps(event, default=str)))

    client = sentry_sdk.Client("http://key@127.0.0.1:9/1", before_send=take, default_integrations=False)
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        try:
            try:
                raise OSError(28, "No space left on device")
            except OSError as error:
                raise RuntimeError("cannot write the receipt") from error
        except RuntimeError:
            sentry_sdk.capture_exception()
    client.close()
    found = classify(events[0])
    assert (found.category, found.severity) == ("resource", "medium")
    assert "errno 28 means resource" in [each.why for each in found.why]


def test_every_severity_has_a_word_at_pagerduty() -> None:
    """Notifications can say it there."""
    assert [PAGERDUTY[each] for each in SEVERITIES] == ["critical", "error", "warning", "info"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MECHANISM = st.fixed_dictionaries(
    {},
    optional={
        "type": ANYTHING,
        "handled": ANYTHING,
        "meta": ANYTHING
        | st.fixed_dictionaries({"errno": ANYTHING | st.fixed_dictionaries({"number": ANYTHING})}),
        "is_exception_group": ANYTHING,
    },
)
NAMES = st.sampled_from(
    ["OSError", "ReadTimeout", "HTTPStatusError", "AioRpcError", "ClientError", "Odd", "ValueError"]
)
MODULES = st.sampled_from(
    ["httpx", "grpc.aio", "botocore.exceptions", "shop.errors", "starlette.exceptions", "."]
)
EXCEPTION = st.fixed_dictionaries(
    {},
    optional={
        "type": NAMES | ANYTHING,
        "module": MODULES | ANYTHING,
        "value": ANYTHING | st.sampled_from(["404: x", "StatusCode.", "An error occurred ()", "٤٠٤: x"]),
        "mechanism": MECHANISM | ANYTHING,
        "stacktrace": ANYTHING | st.fixed_dictionaries({"frames": st.lists(ANYTHING, max_size=3) | ANYTHING}),
    },
)
HOSTILE = st.fixed_dictionaries(
    {},
    optional={
        "exception": ANYTHING | st.lists(EXCEPTION, max_size=3) | st.fixed_dictionaries({"values": ANYTHING | st.lists(EXCEPTION | ANYTHING, max_size=3)}),
        "level": ANYTHING | st.sampled_from(["fatal", "warn", 40, 10**30]),
        "contexts": ANYTHING | st.fixed_dictionaries({"response": ANYTHING | st.fixed_dictionaries({"status_code": ANYTHING | st.integers(0, 700)})}),
        "message": ANYTHING,
        "logentry": ANYTHING | st.fixed_dictionaries({"message": ANYTHING, "formatted": ANYTHING}),
        "logger": ANYTHING | MODULES,
        "transaction": ANYTHING,
    },
)  # fmt: skip


@examples(400)
@given(HOSTILE | ANYTHING)
def test_nothing_that_arrives_makes_it_raise(data: Any) -> None:
    """Whatever the payload is, there is a category, a severity and a reason."""
    found = classify(data)
    assert found.category in CATEGORIES
    assert found.severity in SEVERITIES
    assert found.why
    assert sum(each.contributes for each in found.why) >= 1


def test_huge_and_deep_payloads_cost_little() -> None:
    """Texts of megabytes, a hundred thousand exceptions and deep nesting are cut, not followed."""
    deep: Any = []
    for _ in range(50_000):
        deep = [deep]
    data = {
        "exception": {
            "values": [exception("A" * 5_000_000, "x" * 5_000_000, module="a." * 500_000)] * 100_000
        },
        "message": deep,
        "contexts": deep,
    }
    found = classify(data)
    assert found.category == "unknown"
    assert len(found.why) <= 60
    assert all(len(each.text) < 1000 for each in found.why)
