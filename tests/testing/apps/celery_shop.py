"""A Celery worker and the web front that sends it tasks. ``python celery_shop.py PORT`` starts both.

The broker is kombu's filesystem transport and results are files, so no server is needed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import sentry_sdk
from celery import Celery
from celery.signals import worker_process_shutdown, worker_ready
from flask import Flask

FOLDER = Path(os.environ["CELERY_FOLDER"])
QUEUE, OUTBOX, READY = FOLDER / "queue", FOLDER / "outbox", FOLDER / "ready"
for folder in (QUEUE, OUTBOX, FOLDER / "control", FOLDER / "results"):
    folder.mkdir(parents=True, exist_ok=True)
sentry_sdk.init(
    os.environ["SENTRY_DSN"],
    transport_queue_size=10_000,
    include_local_variables=False,
    include_source_context=False,
)
tasks = Celery("celery_shop", broker="filesystem://", backend=f"file://{FOLDER}/results")
tasks.conf.update(
    broker_transport_options={
        "data_folder_in": str(QUEUE),
        # A worker that finds a message file half written ends: kombu writes it where the worker looks.
        "data_folder_out": str(OUTBOX),
        "control_folder": str(FOLDER / "control"),
        "polling_interval": 0.01,
    },
    task_serializer="json",
    result_serializer="json",
    worker_hijack_root_logger=False,
)


@worker_ready.connect
def ready(**_: Any) -> None:
    """The front waits for this."""
    READY.touch()


@worker_process_shutdown.connect
def flush(**_: Any) -> None:
    """The children end by os._exit: what they have not sent is lost without this."""
    sentry_sdk.flush(10)


def publish() -> None:
    """What the web part does before it sends the task."""


def pack(order: int) -> int:
    """What the worker does."""
    return order


def ship(order: int) -> str:
    """And then."""
    return f"shipped {order}"


@tasks.task
def deliver(order: int) -> str:
    """One task."""
    pack(order)
    return ship(order)


web = Flask("celery_shop")


@web.get("/health")
def health() -> Any:
    """Up when the worker is."""
    return ("up", 200) if READY.exists() else ("no worker yet", 503)


@web.post("/deliveries")
def post_delivery() -> Any:
    """Send the task and wait for it; a failed task is the worker's affair."""
    publish()
    result = deliver.delay(7)
    for message in OUTBOX.iterdir():
        message.rename(QUEUE / message.name)
    result.get(timeout=10, interval=0.005, propagate=False)
    return {"state": result.state}


def main() -> None:
    """Worker and front."""
    READY.unlink(missing_ok=True)
    pool = os.environ.get("CELERY_POOL", "prefork")
    arguments = ["-A", "celery_shop:tasks", "worker", "-P", pool, "-c", "2", "-l", "WARNING"]
    worker = subprocess.Popen([sys.executable, "-m", "celery", *arguments])
    # Without its worker the front is of no use.
    threading.Thread(target=lambda: os._exit(worker.wait() and 1), daemon=True).start()
    web.run(port=int(sys.argv[1]), threaded=True)


if __name__ == "__main__":
    main()
