"""Coverage of subprocesses is a guest in the interpreter, too: here the agent is to be the only one."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def alone(unmeasured: None) -> None:
    """Programs are run without it."""
