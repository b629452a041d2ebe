"""Starts a Celery worker, gives it tasks, waits for their results, and stops it as a deployment does."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from job_apps import celery_jobs

TASK = getattr(celery_jobs, os.environ.get("TASK", "work"))
TASKS = int(os.environ.get("TASKS", "30"))
WORKERS = os.environ.get("WORKERS", "2")
QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]


def start_worker(*options: str) -> subprocess.Popen[bytes]:
    """A worker."""
    celery = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "job_apps.celery_jobs",
        "worker",
        "--concurrency",
        WORKERS,
    ]
    return subprocess.Popen([*celery, *QUIET, *options])


def wait_for(pids: list[int]) -> None:
    """Wait until these processes have ended."""
    given_up = time.monotonic() + 60
    for pid in pids:
        while Path(f"/proc/{pid}").exists() and time.monotonic() < given_up:
            time.sleep(0.05)


def main() -> None:
    """All the tasks."""
    worker = start_worker(*os.environ.get("OPTIONS", "").split())
    try:
        results = [TASK.delay(number) for number in range(TASKS)]
        answers = [result.get(timeout=60, propagate=False, interval=0.02) for result in results]
        if TASK is celery_jobs.batch:
            # Worker processes that replaced others get SIGKILL as soon as their worker is told to stop, flush or no
            # flush: Celery has the kernel do so when the parent ends (PR_SET_PDEATHSIG), and for the kernel
            # that is the thread which forked them. So none of those that did a task may be left.
            wait_for(answers)
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)


if __name__ == "__main__":
    main()
