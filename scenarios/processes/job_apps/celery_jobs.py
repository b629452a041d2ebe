"""A Celery application without a server: messages and results are files in the run's folder."""

import os
from pathlib import Path
from typing import Any

import sentry_sdk
from celery import Celery, bootsteps
from celery.schedules import crontab, schedstate
from celery.signals import celeryd_init
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.modules import ModulesIntegration

from job_apps import files  # noqa: F401 - the broker
from job_apps.work import handle

DEFECT = os.environ.get("DEFECT", "")
FOLDER = Path(os.environ.get("RUN_DIR", ".")) / "celery"

# With its first event a process lists all packages installed, for half a second: long for one that does one task.
SLOW = [ModulesIntegration]


class ShortMinutes(crontab):  # type: ignore[misc]  # Celery has no types
    """Every minute, as Sentry's monitors need it; but here a minute is over in 20 ms."""

    def is_due(self, last_run_at: Any) -> schedstate:
        """Always."""
        return schedstate(True, 0.02)


for name in ("queue", "control", "results"):
    (FOLDER / name).mkdir(parents=True, exist_ok=True)

app = Celery("job_apps.celery_jobs", broker="files://", backend=f"file://{FOLDER / 'results'}")
app.conf.update(
    broker_transport_options={
        "data_folder_in": str(FOLDER / "queue"),
        "data_folder_out": str(FOLDER / "queue"),
        "control_folder": str(FOLDER / "control"),
        "polling_interval": 0.02,
    },
    broker_connection_retry_on_startup=False,
    worker_prefetch_multiplier=1,
    beat_schedule_filename=str(FOLDER / "beat"),
    beat_schedule={"often": {"task": "job_apps.celery_jobs.work", "schedule": ShortMinutes(), "args": (1,)}},
)


def init() -> None:
    """Set up the SDK where this module is imported: in the worker before it forks, in beat, in whoever sends tasks."""
    sentry_sdk.init(integrations=[CeleryIntegration(monitor_beat_tasks=True)], disabled_integrations=SLOW)


def init_without_integration() -> None:
    """Without the integration, nothing flushes when a worker process ends."""
    sentry_sdk.init(disabled_integrations=[CeleryIntegration, *SLOW])


def init_without_log_events() -> None:
    """Log messages make no events any more."""
    sentry_sdk.init(integrations=[LoggingIntegration(event_level=None)])


def init_in_worker_only() -> None:
    """Set up the SDK when a worker starts, as many guides have it: beat starts otherwise."""
    celeryd_init.connect(lambda **_: init(), weak=False)


def init_without_propagation() -> None:
    """The trace of whoever sends a task does not go along with it."""
    sentry_sdk.init(integrations=[CeleryIntegration(propagate_traces=False)])


def no_init() -> None:
    """The module that sets up the SDK is imported by the web application only."""


SET_UPS = {
    "": init,
    "no-integration": init_without_integration,
    "no-log-events": init_without_log_events,
    "worker-only": init_in_worker_only,
    "no-propagation": init_without_propagation,
    "no-init": no_init,
}
SET_UPS[DEFECT]()


@app.task  # type: ignore[untyped-decorator]
def work(number: int) -> int:
    """A task."""
    return handle(number)


@app.task  # type: ignore[untyped-decorator]
def batch(number: int) -> int:
    """A task that reports what goes wrong, and goes on; gives the process that did it."""
    for each in range(3):
        try:
            handle(number + each)
        except Exception:
            sentry_sdk.capture_exception()
    return os.getpid()


@app.task  # type: ignore[untyped-decorator]
def divide(number: int) -> float:
    """A task with a mistake of its own."""
    return number / 0


class Housekeeping(bootsteps.StartStopStep):  # type: ignore[misc]
    """Work of the worker itself, outside of any task."""

    requires = ("celery.worker.components:Timer",)

    def start(self, worker: Any) -> None:
        """Do it every 20 ms, on the worker's own timer."""
        worker.timer.call_repeatedly(0.02, handle, (0,))


if os.environ.get("HOUSEKEEPING"):
    app.steps["worker"].add(Housekeeping)
