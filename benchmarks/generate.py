"""A small load generator for machines without wrk: keep-alive connections, one request in flight on each.

``python generate.py PORT PATH BODY_FILE HEADERS_JSON CONNECTIONS SECONDS`` prints one JSON line:
``{"sent", "ok", "other", "failed", "seconds", "p50_ms", "p99_ms", "busy"}``; ``busy`` is the share of one core the
generator itself used, near 1 it was the limit and the figures are a lower bound.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from pathlib import Path


class Connection:
    """One connection, kept alive as long as the server keeps it, then made again."""

    def __init__(self, port: int, poll: select.epoll) -> None:
        self._port = port
        self._poll = poll
        self._received = b""
        self.sent_at = 0.0
        self._connect()

    def _connect(self) -> None:
        self.sock = socket.create_connection(("127.0.0.1", self._port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._poll.register(self.sock.fileno(), select.EPOLLIN)

    def close(self) -> None:
        """Close it for good."""
        self._poll.unregister(self.sock.fileno())
        self.sock.close()

    def send(self, request: bytes) -> None:
        """Send one request."""
        self.sent_at = time.perf_counter()
        self.sock.sendall(request)

    def answer(self) -> int | None:
        """The status once the answer is complete, None before, 0 when the connection ended without one."""
        try:
            data = self.sock.recv(65536)
        except OSError:
            data = b""
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        lowered = head.lower()
        at = lowered.find(b"content-length:")
        length = int(lowered[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else None
        complete = bool(separator) and (not data if length is None else len(body) >= length)
        if data and not complete:
            return None
        self._received = b""
        if not data or b"connection: close" in lowered or lowered.startswith(b"http/1.0"):
            self.close()
            self._connect()
        return int(head[9:12]) if complete else 0


def main(
    port: int, path: str, body: bytes, headers: dict[str, str], connections: int, seconds: float
) -> None:
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    request = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    poll = select.epoll()
    open_connections = [Connection(port, poll) for _ in range(connections)]
    latencies: list[float] = []
    counts = {"sent": 0, "ok": 0, "other": 0, "failed": 0}
    begin, cpu = time.perf_counter(), time.process_time()
    end = begin + seconds
    for connection in open_connections:
        connection.send(request)
        counts["sent"] += 1
    by_number = {connection.sock.fileno(): connection for connection in open_connections}
    while by_number and time.perf_counter() < end + 30:
        for number, _ in poll.poll(0.5):
            connection = by_number.pop(number)
            status = connection.answer()
            if status is not None:
                now = time.perf_counter()
                latencies.append(now - connection.sent_at)
                counts["failed" if status == 0 else "ok" if status == 200 else "other"] += 1
                if now >= end:
                    connection.close()
                    continue
                connection.send(request)
                counts["sent"] += 1
            by_number[connection.sock.fileno()] = connection
    took, used = time.perf_counter() - begin, time.process_time() - cpu
    latencies.sort()
    result = {
        **counts,
        "seconds": took,
        "p50_ms": 1000 * latencies[len(latencies) // 2] if latencies else None,
        "p99_ms": 1000 * latencies[len(latencies) * 99 // 100] if latencies else None,
        "busy": used / took,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    _, port_, path_, body_, headers_, connections_, seconds_ = sys.argv
    main(
        int(port_), path_, Path(body_).read_bytes(), json.loads(headers_), int(connections_), float(seconds_)
    )
