"""Starts Celery's scheduler in a process of its own, and stops it when the first message has left it."""

import signal
import subprocess
import sys
import time

from job_apps.celery_jobs import FOLDER

if __name__ == "__main__":
    beat = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "job_apps.celery_jobs",
            "beat",
            "--pidfile=",
            "--loglevel",
            "WARNING",
        ]
    )
    given_up = time.monotonic() + 60
    while not any((FOLDER / "queue").iterdir()) and time.monotonic() < given_up:
        time.sleep(0.05)
    beat.send_signal(signal.SIGTERM)
    beat.wait(60)
