"""The parts of a launch: the client, the clocks of other processes, cores, and quantiles."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pytest_sentry_harness.errors import LoadError
from pytest_sentry_harness.harness.overhead import machine
from pytest_sentry_harness.harness.overhead.client import ArmClient
from pytest_sentry_harness.harness.overhead.launch import quantile
from pytest_sentry_harness.harness.overhead.machine import ProcessTree, choose_cores, own_core
from pytest_sentry_harness.targets.command import free_port

DEADLINE = 60.0


@contextlib.contextmanager
def answering(*connections: tuple[bytes, ...]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives each connection these answers, one for each request, and then closes it."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(DEADLINE)
    seen: list[bytes] = []

    def serve() -> None:
        for answers in connections:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(DEADLINE)
                for answer in answers:
                    seen.append(connection.recv(65536))
                    connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}", seen
    finally:
        thread.join(DEADLINE)
        server.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_requests_share_a_connection_and_have_traces_of_their_own() -> None:
    """Headers, body and length are as given; the trace differs each time."""
    with answering((OK, OK)) as (url, seen):
        client = ArmClient("with", url)
        prepared = client.prepare("POST", "/orders", {"a": 1}, {"X-Tenant": "t"})
        replies = [client.send(prepared) for _ in range(2)]
        client.close()
    assert [(reply.status, reply.body) for reply in replies] == [(200, b"ok"), (200, b"ok")]
    assert client.reconnected == 0
    assert all(reply.seconds > 0 for reply in replies)
    for reply, request in zip(replies, seen, strict=True):
        head, _, body = request.partition(b"\r\n\r\n")
        assert head.startswith(b"POST /orders HTTP/1.1\r\nsentry-trace: " + reply.trace_id.encode())
        assert b"X-Tenant: t" in head
        assert b"Content-Type: application/json" in head
        assert b"Content-Length: 8" in head
        assert body == b'{"a": 1}'
    assert replies[0].trace_id != replies[1].trace_id


def test_chunked_answers_are_read_to_their_end() -> None:
    """And a content type that is given is left alone."""
    chunked = b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    with answering((chunked,)) as (url, seen):
        client = ArmClient("with", url)
        reply = client.send(client.prepare("PUT", "/", "x", {"Content-Type": "text/plain"}))
        client.close()
    assert (reply.status, reply.body) == (500, b"abc")
    assert seen[0].count(b"Content-Type") == 1


def test_a_connection_that_was_closed_is_opened_again() -> None:
    """Whether the service says so or just does it."""
    last = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    with answering((last,), (OK,), (OK,)) as (url, _):
        client = ArmClient("with", url)
        prepared = client.prepare("GET", "/", None, {})
        client.send(prepared)
        client.send(prepared)
        deadline = time.monotonic() + DEADLINE
        while client.reconnected < 2:  # until the news that it is closed has come
            assert time.monotonic() < deadline
            time.sleep(0.05)
            assert client.send(prepared).status == 200
        client.close()
    assert client.reconnected == 2


def test_no_answer_is_an_error_that_names_the_arm() -> None:
    """Half an answer, and nobody there at all."""
    with answering((b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",)) as (url, _):
        client = ArmClient("slow", url)
        with pytest.raises(LoadError, match="arm 'slow' does not answer GET /: the connection was closed"):
            client.send(client.prepare("GET", "/", None, {}))
    with pytest.raises(LoadError) as caught:
        client.send(client.prepare("GET", "/", None, {}))
    assert "refused" in caught.value.what
    assert "does the target listen on {port}" in str(caught.value.hint)
    assert caught.value.where == url


RAISING = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"no"})
    raise RuntimeError("after the answer")
"""


@pytest.fixture(scope="module")
def raising(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service whose exceptions reach its server after the answer has been sent, as those of Starlette do."""
    folder = tmp_path_factory.mktemp("raising")
    (folder / "raising.py").write_text(RAISING)
    port = free_port()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", "raising:app", "--port", str(port)),
            *("--lifespan", "off", "--log-level", "critical"),
        ],
        cwd=folder,
    )
    try:
        deadline = time.monotonic() + DEADLINE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(DEADLINE)


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "kept"])
def test_requests_that_raise_are_all_answered(raising: str, alone: bool) -> None:
    """Uvicorn closes such a connection without having said so: whoever asks for that meets no reset, and others try again."""
    client = ArmClient("without", raising)
    prepared = client.prepare("GET", "/quotes/%01", None, {}, alone=alone)
    assert {client.send(prepared).status for _ in range(200)} == {500}
    client.close()


def reset(connection: socket.socket) -> None:
    """Close it so that the other side is told of a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("again", [True, False], ids=["then answered", "never answered"])
def test_a_reset_of_a_kept_connection_is_tried_once_more(again: bool) -> None:
    """The request was on its way when the service closed: it is sent anew, and a second reset is the service's answer."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(DEADLINE)

    def serve() -> None:
        first, _ = server.accept()
        first.recv(65536)
        first.sendall(OK)
        first.recv(65536)  # the next one is taken, and not answered
        reset(first)
        second, _ = server.accept()
        second.recv(65536)
        if again:
            second.sendall(OK)
        reset(second)

    thread = threading.Thread(target=serve)
    thread.start()
    client = ArmClient("with", f"http://127.0.0.1:{server.getsockname()[1]}")
    prepared = client.prepare("GET", "/", None, {})
    try:
        client.send(prepared)
        if again:
            assert client.send(prepared).body == b"ok"
            assert client.reconnected == 1
        else:
            with pytest.raises(
                LoadError, match="does not answer GET /: it closed the connection without answering"
            ) as caught:
                client.send(prepared)
            assert "it listens, and ended this connection" in str(caught.value.hint)
    finally:
        client.close()
        thread.join(DEADLINE)
        server.close()


def test_what_raises_has_a_connection_of_its_own() -> None:
    """It asks for the end of it, whatever the service does about that; what says otherwise in the scenario is left alone."""
    with answering((OK, OK), (OK,)) as (url, seen):
        client = ArmClient("with", url)
        ordinary = client.prepare("GET", "/", None, {})
        raising = client.prepare("GET", "/broken", None, {}, alone=True)
        for each in (ordinary, raising, ordinary):
            client.send(each)
        client.close()
    assert [b"\r\nConnection: close\r\n" in request for request in seen] == [False, True, False]
    given = client.prepare("GET", "/", None, {"connection": "Close"}, alone=True)
    assert given.rest.lower().count(b"connection: close") == 1


def test_what_is_no_http_is_an_error() -> None:
    """Another protocol."""
    with answering((b"+OK ready\r\n",)) as (url, _):
        client = ArmClient("with", url)
        with pytest.raises(LoadError, match="does not answer GET /") as caught:
            client.send(client.prepare("GET", "/", None, {}))
    assert "does not speak HTTP/1.1" in str(caught.value.hint)


BURNS = "import time\nwhile time.thread_time() < 0.3: pass\nprint('burnt', flush=True)\ninput()"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {BURNS!r}], stdin=subprocess.PIPE)
input()
child.communicate(b"\\n")
"""


@pytest.fixture
def family() -> Iterator[subprocess.Popen[bytes]]:
    """A process whose child burns 0.3 s of CPU and then waits."""
    process = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"burnt\n"
    yield process
    process.communicate(b"\n", timeout=DEADLINE)


@pytest.mark.slow
@pytest.mark.parametrize("fine", [True, False], ids=["nanoseconds", "ticks"])
def test_cpu_time_is_that_of_the_whole_tree(
    family: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, fine: bool
) -> None:
    """What the child burnt is in it, by either clock; while nothing runs it stands still."""
    if not fine:
        monkeypatch.setattr(machine, "_LINUX", False)
    tree = ProcessTree(family.pid)
    assert len(tree.pids) == 2
    assert 0.25 <= tree.cpu() < 20
    memory, kind = tree.memory()
    assert memory > 1 << 20
    assert kind in ("uss", "rss")
    assert machine.clock_name() == (machine.CLOCK if machine._LINUX else machine.TICKS)


KIDS = """
import subprocess, sys
print("up", flush=True)
for line in sys.stdin:
    subprocess.run([sys.executable, "-I", "-S", "-c", "import time\\nwhile time.process_time() < 0.3: pass"])
    print("done", flush=True)
"""


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_children_that_come_and_go_are_counted() -> None:
    """Nobody ever saw them alive: their time is in that of the parent that waited for them."""
    process = subprocess.Popen([sys.executable, "-c", KIDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    tree = ProcessTree(process.pid)
    before = tree.cpu()
    for _ in range(2):
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"done\n"
    assert 0.55 <= tree.cpu() - before < 5
    process.communicate(timeout=DEADLINE)


WAITS = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", {BURNS!r}], stdin=subprocess.PIPE)
sys.stdin.readline()
child.communicate(b"\\n")
print("waited", flush=True)
sys.stdin.readline()
"""


@pytest.mark.usefixtures("unmeasured")
def test_a_child_that_was_watched_is_counted_once() -> None:
    """While it lives by a clock of its own, then by its parent's: the sum goes on from where it was."""
    process = subprocess.Popen([sys.executable, "-c", WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"burnt\n"
    tree = ProcessTree(process.pid)
    assert len(tree.pids) == 2
    before = tree.cpu()
    process.stdin.write(b"\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"waited\n"
    # Ticks of 10 ms for user and system time; ending takes a little, and twice the child would be 0.3 s more.
    assert -0.03 <= tree.cpu() - before < 0.25
    assert tree.refresh()
    assert -0.03 <= tree.cpu() - before < 0.25
    process.communicate(b"\n", timeout=DEADLINE)


def test_a_tree_notices_who_left(family: subprocess.Popen[bytes]) -> None:
    """A process that ended is left out, and the change is told."""
    tree = ProcessTree(family.pid)
    (child,) = [pid for pid in tree.pids if pid != family.pid]
    psutil.Process(child).kill()
    deadline = time.monotonic() + DEADLINE
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert tree.cpu() >= 0
    assert tree.memory()[0] > 0


def test_memory_falls_back_to_what_is_resident(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not tell what is a process's own."""

    def denied(_process: psutil.Process) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "memory_full_info", denied)
    memory, kind = ProcessTree(os.getpid()).memory()
    assert kind == "rss"
    assert memory > 1 << 20


def test_pinning_keeps_every_thread_on_a_core(family: subprocess.Popen[bytes]) -> None:
    """Of the process and of its child; ours is put back after the block."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system pins no processes")
    before = os.sched_getaffinity(0)
    core = min(before)
    tree = ProcessTree(family.pid)
    tree.pin({core})
    assert [os.sched_getaffinity(pid) for pid in tree.pids] == [{core}, {core}]
    with own_core(core):
        assert os.sched_getaffinity(0) == {core}
    with own_core(None):
        assert os.sched_getaffinity(0) == before
    assert os.sched_getaffinity(0) == before


def test_cores_are_chosen_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two different ones; none where there is only one, or where it is forbidden."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system pins no processes")
    found = choose_cores()
    assert found is None or found[0] != found[1]
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})

    def forbidden(_pid: int, _cores: set[int]) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    assert choose_cores() is None
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0})
    assert choose_cores() is None
    monkeypatch.delattr(os, "sched_getaffinity")
    assert choose_cores() is None


def test_siblings_of_a_core_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads of one core share its caches: the generator goes to another core where there is one."""
    monkeypatch.setattr(Path, "read_text", lambda *_args, **_more: "2-3\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 2, 3}, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", lambda _pid, _cores: None, raising=False)
    assert choose_cores() == (3, 0)


@pytest.mark.parametrize("share,expected", [(0.0, 1.0), (0.5, 2.5), (0.99, 3.97), (1.0, 4.0)])
def test_quantiles_lie_between_neighbours(share: float, expected: float) -> None:
    """In a straight line."""
    assert quantile([1.0, 2.0, 3.0, 4.0], share) == pytest.approx(expected)
