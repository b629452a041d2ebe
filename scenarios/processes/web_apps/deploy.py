"""Deploys over a running server: starts it, lets it fail some requests, and stops it as a deployment does.

``python -m web_apps.deploy [--signal NAME] [--pause SECONDS] [--grace SECONDS] PORT COMMAND...``
"""

from __future__ import annotations

import argparse
import http.client
import signal
import subprocess
import sys
import time

REQUESTS = 20


def ask(port: int, method: str, path: str) -> int:
    """The status of the answer; 0 without one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def main() -> int:
    """Run one deployment; gives back the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--signal", default="SIGTERM")
    # Errors are reported after the answer: let the last one be.
    parser.add_argument(
        "--pause", type=float, default=0.2, help="seconds between the last request and the signal"
    )
    parser.add_argument("--grace", type=float, default=20.0, help="seconds before the server is killed")
    parser.add_argument("port", type=int)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    with subprocess.Popen(asked.command) as server:
        while not ask(asked.port, "GET", "/ready"):
            if server.poll() is not None:
                return 1
            time.sleep(0.05)
        for _ in range(REQUESTS):
            ask(asked.port, "POST", "/orders")
        time.sleep(asked.pause)
        server.send_signal(signal.Signals[asked.signal])
        try:
            server.wait(asked.grace)
        except subprocess.TimeoutExpired:
            server.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
