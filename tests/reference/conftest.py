"""Leave no SDK client behind: the application's set-up is global to the process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sentry_sdk


@pytest.fixture(autouse=True, scope="package")
def _no_client_left() -> Iterator[None]:
    yield
    sentry_sdk.get_global_scope().set_client(None)
