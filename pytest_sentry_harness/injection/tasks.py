"""The asyncio task at work."""

from __future__ import annotations

import sys


def task_name() -> str | None:
    """The name of the running asyncio task; None outside of one."""
    asyncio = sys.modules.get("asyncio")
    current_task = getattr(asyncio, "current_task", None)
    running_loop = getattr(asyncio, "_get_running_loop", None)
    if current_task is None or running_loop is None:  # nobody imported it, or somebody is about to
        return None
    loop = running_loop()  # unlike get_running_loop it is quick to say that there is none
    task = None if loop is None else current_task(loop)
    return None if task is None else str(task.get_name())
