"""gevent: patched before or after anything else; the selection of faults stays with its greenlet."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.model.ledger import Fired, Goodbye
from pytest_sentry_harness.protocol.fault_header import NAME, Selected, Selection, encode

from .arms import Bench, fault

pytest.importorskip("gevent")
pytestmark = pytest.mark.slow

PATCH = "from gevent import monkey\nmonkey.patch_all()\n"
WORK = """
import threading, time, queue, concurrent.futures, sys

def work(n):
    time.sleep(0.001)
    return n

def main():
    import gevent
    from gevent.pool import Pool
    print(Pool(20).map(work, range(100)) == list(range(100)))
    threads = [threading.Thread(target=work, args=(n,)) for n in range(5)]
    [thread.start() for thread in threads]
    [thread.join(10) for thread in threads]
    print([thread.is_alive() for thread in threads])
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        print(list(pool.map(work, range(5))))
    jobs = queue.Queue()
    gevent.spawn_later(0.01, jobs.put, "job")
    print(jobs.get(timeout=10))
    lock = threading.RLock()
    with lock:
        gevent.sleep(0.01)
    try:
        with gevent.Timeout(0.05):
            while True:
                work(1)
    except gevent.Timeout:
        print("timed out")
    greenlet = gevent.spawn(gevent.sleep, 60)
    gevent.sleep(0)
    greenlet.kill()
    print(greenlet.dead, threading.current_thread() is threading.main_thread())

"""
END = "if __name__ == '__main__':\n    main()\n"
ORDERS = {
    "patched first": PATCH + WORK + END,
    "patched in the middle": WORK + PATCH + END,
    "patched after the SDK": "import sys\nsys.modules['django'] = None  # gevent looks into every module, and stumbles over its settings\n"
    "import sentry_sdk\nsentry_sdk.init('http://key@127.0.0.1:9/1', shutdown_timeout=0, auto_enabling_integrations=False)\n"
    + PATCH
    + WORK
    + END,
    "never patched": WORK.replace("gevent.sleep(0.01)", "pass")
    .replace("print(jobs.get(timeout=10))", "")
    .replace("                work(1)", "                gevent.sleep(0.001)")
    + END,
    "before the site": WORK + END,
}


@pytest.mark.parametrize("order", ORDERS)
def test_a_program_of_greenlets_works_as_without_the_agent(tmp_path: Path, order: str) -> None:
    """Pools, threads, queues, locks, time-outs, kills; and the agent says goodbye at the end."""
    bench = Bench(tmp_path, fault("__main__:work"), fault("__main__:other", name="other"))
    env = {}
    if order == "before the site":
        bench.write("mine/sitecustomize.py", PATCH)
        env = {"PYTHONPATH": str(bench.folder / "mine")}
    ended = bench.same(ORDERS[order], env=env)
    assert ended.code == 0, ended.err
    assert len(bench.records(Goodbye)) == 1
    assert bench.trouble() == []


def test_the_agents_own_thread_goes_on_under_gevent(tmp_path: Path) -> None:
    """The lease is watched while greenlets work: when it goes, everything is disarmed."""
    program = (
        PATCH
        + """
import gevent, os, sys

def work():
    return "worked"

def attempt():
    try:
        return work()
    except ValueError:
        return "failed"

print(attempt(), flush=True)
os.unlink(os.environ["LEASE"])
for _ in range(600):
    gevent.sleep(0.05)
    if attempt() == "worked":
        print("disarmed")
        break
"""
    )
    bench = Bench(tmp_path, fault("__main__:work", "raise(ValueError('v'))"))
    env = {"LEASE": str(bench.folder / "told" / "lease")}
    ended = bench.run(str(bench.write("program.py", program)), agent=True, env=env)
    assert (ended.code, ended.out) == (0, "failed\ndisarmed\n"), ended.err


SERVER = (
    PATCH
    + """
import gevent, sys, urllib.request
from flask import Flask, request
from gevent.pywsgi import WSGIServer

app = Flask("shop")

def work(name):
    gevent.sleep(0.002)
    return step(name)

def step(name):
    return name

@app.get("/")
def index():
    name = request.args["name"]
    try:
        return work(name)
    except LookupError as error:
        return f"{name} met {error.args[0]}"

server = WSGIServer(("127.0.0.1", 0), app, log=None)
server.start()

def ask(name, headers):
    url = f"http://127.0.0.1:{server.server_port}/?name={name}"
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        return answer.read().decode()

jobs = [gevent.spawn(ask, name, header) for name, header in HEADERS]
gevent.joinall(jobs)
print("\\n".join(sorted(job.get() for job in jobs)))
"""
)


def test_a_selection_stays_with_its_greenlet(tmp_path: Path) -> None:
    """Sixty requests at once, every third with a header: exactly those meet the fault."""
    bench = Bench(tmp_path, fault("__main__:step", "raise(LookupError('the fault'))", select="request"))
    headers = []
    for number in range(60):
        selection = Selection("run-1", f"{number:032x}", (Selected("f", f"f-{number:06d}", 0),))
        chosen = {NAME: encode(selection, "key of the run")} if number % 3 == 0 else {}
        headers.append((f"r{number:02d}", chosen))
    ended = bench.run(str(bench.write("program.py", SERVER.replace("HEADERS", repr(headers)))), agent=True)
    expected = [f"r{n:02d} met the fault" if n % 3 == 0 else f"r{n:02d}" for n in range(60)]
    assert (ended.code, ended.out.splitlines()) == (0, expected), ended.err
    assert len(bench.records(Fired)) == 20
