"""Runs a short command several times, as a shell script or a scheduler does."""

import subprocess
import sys

if __name__ == "__main__":
    for _ in range(2):
        two = [
            subprocess.Popen([sys.executable, "-m", "job_apps.command"], stderr=subprocess.DEVNULL)
            for _ in range(2)
        ]
        for each in two:
            each.wait()
