"""A batch that charges cards: half of the failures it reports itself, half end a thread. The hooks are what goes wrong."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Any

import sentry_sdk
from sentry_sdk.types import Event, Hint

JOBS = 24
logger = logging.getLogger("sdk_apps.hooks")
DEFECT = os.environ.get("DEFECT", "")


def charge(job: int) -> None:
    """Charge a card: the fault point of jobs that report their failures."""


def settle(job: int) -> None:
    """Settle a payment: the fault point of jobs that do not."""


class ShopClosedError(Exception):
    """A failure that is one object for the whole program, which is the defect."""


CLOSED = ShopClosedError("come back tomorrow")


# ---- what runs -----------------------------------------------------------------------------------


def reporting(job: int) -> None:
    """Report what fails, and go on."""
    sentry_sdk.set_extra("order", job)
    try:
        charge(job)
    except Exception as error:  # whatever it is, it is reported
        sentry_sdk.capture_exception(error)


def reporting_one_object(job: int) -> None:
    """Report what fails as always the same object: the SDK takes it for the error it has seen before."""
    try:
        charge(job)
    except Exception as error:
        try:
            raise CLOSED from error
        except ShopClosedError as closed:
            sentry_sdk.capture_exception(closed)


def unattended(job: int) -> None:
    """Fail, which ends the thread; the SDK reports that."""
    settle(job)


def logging_first(job: int) -> None:
    """Log what fails, and fail all the same."""
    try:
        settle(job)
    except Exception:
        logger.exception("settling failed")
        raise


def main() -> None:
    """Work through the batch."""
    sentry_sdk.init(**options())
    processor = PROCESSORS.get(DEFECT)
    if processor is not None:
        sentry_sdk.get_global_scope().add_event_processor(processor)
    report = reporting_one_object if DEFECT == "one_object" else reporting
    fail = logging_first if DEFECT == "dedupe_remembers" else unattended
    for job in range(JOBS):
        # First, so that the SDK's own sender, which begins with the first event, does not begin in a transaction: it
        # would take its requests for spans of it.
        thread = threading.Thread(target=fail, args=(job,))
        thread.start()
        thread.join()
        spans = 1100 if DEFECT == "many_spans" and job == 0 else 1
        with sentry_sdk.isolation_scope(), sentry_sdk.start_transaction(name="charge", op="job"):
            for _ in range(spans):
                with sentry_sdk.start_span(op="step"):
                    pass
            report(job)
    # A program ends sooner than its events are sent: wait for them.
    sentry_sdk.flush(timeout=20)


# ---- hooks: each is a defect ---------------------------------------------------------------------


def raises(event: Event, hint: Hint) -> Event | None:
    """Ask for a user that nobody has set."""
    event["tags"] = {"customer": str(event["user"]["id"])}
    return event


def lacks_key(event: Event, hint: Hint) -> Event | None:
    """Ask for an extra value that only reported failures have."""
    event["tags"] = {"order": str(event["extra"]["order"])}
    return event


def filters_handled(event: Event, hint: Hint) -> Event | None:
    """Take what was reported on purpose for noise."""
    mechanism = event["exception"]["values"][-1].get("mechanism", {})
    return None if mechanism.get("handled", True) else event


def forgets_return(event: Event, hint: Hint) -> Any:
    """Change the event, and forget to return it."""
    event["tags"] = {"team": "payments"}


def returns_true(event: Event, hint: Hint) -> Any:
    """Take the hook for a filter."""
    return True


def filters_too_much(event: Event, hint: Hint) -> Event | None:
    """Drop time-outs, and with them every error that is an OSError."""
    error = hint.get("exc_info", (None, None, None))[1]
    return None if isinstance(error, OSError) else event


def returns_text(event: Event, hint: Hint) -> Any:
    """Return something that is no event."""
    return str(event.get("message", ""))


def drops_logged(event: Event, hint: Hint) -> Event | None:
    """Drop what loggers report: the integrations report it anyhow."""
    return None if event.get("logger") else event


def takes_dict_for_object(event: Any, hint: Hint) -> Any:
    """Treat a transaction as an object."""
    return event if event.transaction != "/health" else None


def samples_none(event: Event, hint: Hint) -> float:
    """Keep nothing of time-outs."""
    error = hint.get("exc_info", (None, None, None))[1]
    return 0.0 if isinstance(error, TimeoutError) else 1.0


def samples_no_trace(context: dict[str, Any]) -> float:
    """Decide without a look at the parent's decision."""
    return 0.0


HOOKS: dict[str, dict[str, Any]] = {
    "raises": {"before_send": raises},
    "lacks_key": {"before_send": lacks_key},
    "filters_handled": {"before_send": filters_handled},
    "forgets_return": {"before_send": forgets_return},
    "returns_true": {"before_send": returns_true},
    "filters_too_much": {"before_send": filters_too_much},
    "error_sampler": {"error_sampler": samples_none},
    "sample_rate": {"sample_rate": 0.4},
    "ignores_base_class": {"ignore_errors": [OSError]},
    "ignores_by_name": {"ignore_errors": ["KeyError"]},
    "transactions": {"before_send_transaction": takes_dict_for_object},
    "traces_sampler": {"traces_sampler": samples_no_trace},
    # A profile takes a sample every ten milliseconds, and is thrown away when it has fewer than two.
    "short_profiles": {"profiles_sample_rate": 1.0},
}
PROCESSORS: dict[str, Callable[[Event, Hint], Any]] = {
    "processor_forgets_return": forgets_return,
    "processor_returns_text": returns_text,
    "dedupe_remembers": drops_logged,
}


def options() -> dict[str, Any]:
    """How the SDK is set up: as it should be, but for the defect."""
    return {"release": "hooks@1", "traces_sample_rate": 1.0, **HOOKS.get(DEFECT, {})}


if __name__ == "__main__":
    main()
