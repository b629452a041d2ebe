"""A program with a worker thread and a child process, each of which has to have the SDK before its work begins."""

from __future__ import annotations

import multiprocessing
import os
import queue
import threading

import sentry_sdk

from . import telemetry

JOBS = 12
DEFECT = os.environ.get("DEFECT", "")
LIBRARIES = {
    "library_without_dsn": telemetry.without_dsn,
    "library_with_own_dsn": telemetry.with_own_dsn,
    "library_with_own_key": telemetry.with_own_key,
    "library_with_own_sampling": telemetry.with_own_sampling,
}


def work(job: int) -> None:
    """What the program is for: the fault point."""


def attend(job: int) -> None:
    """Work, and report what fails."""
    try:
        work(job)
    except Exception as error:
        sentry_sdk.capture_exception(error)


def start_monitoring() -> None:
    """The one place where the SDK is set up, called first in every process."""
    sentry_sdk.init(dsn=os.environ["SENTRY_DSN"], release="initialising@1")


def start_monitoring_late() -> None:
    """The same, called when work has begun, which is the defect."""
    start_monitoring()


def one_thread(jobs: queue.Queue[int]) -> None:
    """Work on one job from the queue; what fails ends the thread, and the SDK reports it."""
    work(jobs.get())


def threads() -> tuple[queue.Queue[int], list[threading.Thread]]:
    """Threads that wait for jobs."""
    jobs: queue.Queue[int] = queue.Queue()
    waiting = [threading.Thread(target=one_thread, args=(jobs,)) for _ in range(JOBS)]
    for thread in waiting:
        thread.start()
    return jobs, waiting


def child() -> None:
    """A process started anew (not forked), which inherits nothing."""
    if DEFECT != "parent_only":
        start_monitoring()
    for job in range(JOBS):
        attend(job)
    sentry_sdk.flush(timeout=20)


def main() -> None:
    """Set up monitoring, then start threads and child, then work."""
    early = threads() if DEFECT == "threads_before_init" else None
    if DEFECT == "library_first":
        telemetry.without_threads()
    if DEFECT == "late":
        for job in range(JOBS):
            attend(job)
    if DEFECT in ("late", "threads_before_init"):
        start_monitoring_late()
    elif DEFECT != "child_only":
        start_monitoring()
    if DEFECT in LIBRARIES:
        LIBRARIES[DEFECT]()
    jobs, waiting = early or threads()
    for job in range(JOBS):
        jobs.put(job)
    for thread in waiting:
        thread.join()
    process = multiprocessing.get_context("spawn").Process(target=child)
    process.start()
    for job in range(JOBS):
        attend(job)
    process.join()
    sentry_sdk.flush(timeout=20)


if __name__ == "__main__":
    main()
