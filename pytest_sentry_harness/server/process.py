"""The server as a process: bind, say so in one line, serve, and end in an orderly way."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import ipaddress
import json
import logging
import os
import platform
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import uvicorn
import uvloop

from .. import __version__
from ..errors import ServerError, UsageError
from ..store.schema import open_truth, read_projects
from ..store.writer import Writer
from .app import App
from .behaviour import Behaviours
from .connection import Connection
from .control import Control
from .digester import Digester
from .ingest import Ingest
from .projects import Projects
from .settings import ServerOptions

_LOOPBACK_NAMES = ("localhost",)
_DRAIN_SECONDS = 5
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
"""Parameters of glibc's ``mallopt``, from its ``malloc.h``."""
_KEEP_ALIVE_SECONDS = 3600
"""Long: a client whose idle connection is closed just as it sends would lose that envelope for good."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handling, which ends the process by the same signal again: an orderly
    end is exit code 0.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.app: App | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        """Begin to stop. From the event loop."""
        if self.app is not None:
            self.app.stop()
        self.should_exit = True


def serve(options: ServerOptions) -> int:
    """Serve until SIGTERM, SIGINT, or (with ``parent_pipe``) the end of standard input; the exit code.

    Prints one JSON line on standard output when it is ready:
    ``{"event":"ready","url":…,"port":…,"token":…,"pid":…,"store":…,"version":…}``. Raises ``UsageError``
    for a host that may not be served, ``ServerError`` when it cannot start, ``EvidenceError`` when the folder
    holds something that is not our store.
    """
    check_host(options)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    _raise_memory_thresholds()
    with _locked(options.store), contextlib.closing(_bind(options)) as sock:
        uvloop.run(_serve(options, sock))
    return 0


async def _serve(options: ServerOptions, sock: socket.socket) -> None:
    host, port = sock.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    token = options.token or secrets.token_urlsafe(24)
    digester = Digester(options.store)
    writer = Writer(options.store, on_commit=digester.committed)
    try:
        with contextlib.closing(open_truth(options.store)) as truth:
            projects = Projects(read_projects(truth), writer)
        digester.start(writer.progress)
        behaviours = Behaviours()
        control = Control(
            token=token,
            url=url,
            any_host=options.allow_remote,
            projects=projects,
            behaviours=behaviours,
            digester=digester,
            store=options.store,
        )
        app = App(
            ingest=Ingest(projects, options.ingest),
            behaviours=behaviours,
            control=control,
            writer=writer,
            settings=options.ingest,
        )
        server = _Server(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                backlog=2048,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_DRAIN_SECONDS,
            )
        )
        server.app = app
        _listen_for_the_end(server, options)
        ready = {
            "event": "ready",
            "url": url,
            "port": port,
            "token": token,
            "pid": os.getpid(),
            "store": str(options.store.resolve()),
            "version": __version__,
        }
        announcement = asyncio.ensure_future(_announce(server, ready))
        await server.serve(sockets=[sock])
        announcement.cancel()
    finally:
        await asyncio.to_thread(writer.close)
        await asyncio.to_thread(digester.close)


async def _announce(server: _Server, ready: dict[str, object]) -> None:
    """Print the ready line once connections are accepted."""
    while not server.started:
        await asyncio.sleep(0.005)
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def _listen_for_the_end(server: _Server, options: ServerOptions) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    if options.parent_pipe:
        thread = threading.Thread(target=_read_to_the_end, args=(loop, server), name="parent", daemon=True)
        thread.start()


def _read_to_the_end(loop: asyncio.AbstractEventLoop, server: _Server) -> None:
    """Wait for the end of standard input, which comes with the end of the parent, however it ended."""
    while os.read(0, 4096):
        continue
    if not loop.is_closed():
        loop.call_soon_threadsafe(server.stop)


def _raise_memory_thresholds() -> None:
    """Keep glibc from mapping and unmapping memory for each body of some ten kilobytes: that alone costs a
    tenth of the throughput. Elsewhere nothing is done.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, 4 << 20)
        library.mallopt(_M_TRIM_THRESHOLD, 64 << 20)


def check_host(options: ServerOptions) -> None:
    """Raise ``UsageError`` for a host other machines can reach, unless that was asked for."""
    if options.allow_remote or is_loopback(options.host):
        return
    raise UsageError(
        f"{options.host!r} can be reached from other machines, and whoever reaches this server may send to it",
        where="--host",
        hint="use 127.0.0.1, or add --allow-remote when that is what you want",
    )


def is_loopback(host: str) -> bool:
    """Whether ``host`` is a name or address of this machine only."""
    if host.lower() in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _bind(options: ServerOptions) -> socket.socket:
    """The listening socket. Bound before anything else, so that a port in use is told at once."""
    where = f"{options.host}:{options.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ServerError(f"this address is not known: {error}", where=where, hint="check --host") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(2048)
    except OSError as error:
        sock.close()
        raise ServerError(
            f"cannot listen here: {error.strerror}",
            where=where,
            hint="another program may use this port; --port 0 takes a free one",
        ) from error
    sock.setblocking(False)
    return sock


@contextlib.contextmanager
def _locked(store: Path) -> Iterator[None]:
    """Hold the store for this process alone; the kernel lets go of it with the process."""
    try:
        store.mkdir(parents=True, exist_ok=True)
        lock: IO[bytes] = (store / "server.lock").open("ab")
    except OSError as error:
        raise ServerError(
            f"the folder of the store cannot be used: {error.strerror}",
            where=str(store),
            hint="give --store a folder you may write to",
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ServerError(
                "another server writes to this store",
                where=str(store),
                hint="stop it, or give --store another folder",
            ) from error
        yield
