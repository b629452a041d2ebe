"""Jobs that hand their work to a pool; ``POOL`` says which kind."""

import concurrent.futures
import multiprocessing
import os
from collections.abc import Callable

import sentry_sdk

from job_apps.work import handle

DEFECT = os.environ.get("DEFECT", "")
NUMBERS = range(30)


def process_pool() -> None:
    """``multiprocessing.Pool``: an exception is pickled and raised again where the result is asked for."""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = [pool.apply_async(handle, (number,)) for number in NUMBERS]
        if DEFECT == "unread":
            for result in results:
                result.wait()
        else:
            for result in results:
                ask(result.get)
        pool.close()
        pool.join()  # leaving the block would end the workers by SIGTERM


def process_executor() -> None:
    """``ProcessPoolExecutor``: the same with futures."""
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        futures = [executor.submit(handle, number) for number in NUMBERS]
        read(futures)


def thread_executor() -> None:
    """``ThreadPoolExecutor``: an exception waits in its future for somebody to ask."""
    with concurrent.futures.ThreadPoolExecutor(4) as executor:
        futures = [executor.submit(handle, number) for number in NUMBERS]
        read(futures)


def recycled_pool() -> None:
    """A pool whose workers are replaced after one task, and report errors themselves."""
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        for result in [pool.apply_async(report_here, (number,), chunk()) for number in NUMBERS]:
            result.get()
        pool.close()
        pool.join()


def chunk() -> dict[str, bool]:
    """Whether a task sends its events before it is over."""
    return {"flush": DEFECT != "no-flush"}


def report_here(number: int, *, flush: bool) -> None:
    """A task that reports its errors in the worker."""
    try:
        handle(number)
    except Exception:
        sentry_sdk.capture_exception()
        if flush:
            sentry_sdk.flush(timeout=30)  # this may have been the worker's last task: it ends by os._exit


def read(futures: list[concurrent.futures.Future[int]]) -> None:
    """Ask every future for its result, which is where errors come to light."""
    concurrent.futures.wait(futures)
    if DEFECT != "unread":
        for future in futures:
            ask(future.result)


def ask(result: Callable[[], int]) -> None:
    """Take a result, and report the error that comes instead of it."""
    try:
        result()
    except Exception:
        sentry_sdk.capture_exception()


POOLS = {
    "processes": process_pool,
    "process-executor": process_executor,
    "thread-executor": thread_executor,
    "recycled": recycled_pool,
}

if __name__ == "__main__":
    sentry_sdk.init(shutdown_timeout=30)
    POOLS[os.environ["POOL"]]()
