"""Hooks by which a project adds fault kinds and criteria of its own, from a ``conftest.py`` or a plugin.

pytest refuses hooks that begin with ``pytest_sentry_harness_`` and are not here, and arguments that are not named here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..injection.effects.effect import Effect
    from ..model.extensions import Criterion


@pytest.hookspec
def pytest_sentry_harness_fault_kinds(config: pytest.Config) -> Sequence[type[Effect]] | None:
    """Give the classes of fault kinds that terms may name, in tests and in scenario files.

    Asked once in a session, when the first fault or scenario comes up. A kind of a taken name is refused.
    """


@pytest.hookspec
def pytest_sentry_harness_criteria(config: pytest.Config) -> Sequence[Criterion] | None:
    """Give criteria that scenario files may be judged by: those whose gates name one of their metrics.

    Asked once in a session, when the first scenario file is collected. Taken names are refused.
    """
