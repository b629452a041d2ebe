"""Starts uvicorn with two workers, as a program of its own would: ``python -m web_apps.launch_uvicorn PORT``."""

from __future__ import annotations

import sys

import uvicorn

from . import monitoring

if __name__ == "__main__":
    if monitoring.DEFECT == "init-in-the-launcher":
        # Spawned workers import this module under another name: what stands here is not done in them.
        monitoring.start()
    uvicorn.run("web_apps.fastapi_app:app", port=int(sys.argv[1]), workers=2, access_log=False)
