"""Starts what runs inside: the redirected DSN, and the examiner."""

from __future__ import annotations

import os

from .notebook import Notebook
from .settings import ENVIRONMENT_VARIABLE, read_settings


def start() -> None:
    """Do what the settings say. Raises what is wrong with them, or with ``wrapt``."""
    settings = read_settings(os.environ[ENVIRONMENT_VARIABLE])
    notebook = Notebook(settings.folder)
    if settings.redirect is not None:
        from .redirect import install as install_redirect

        install_redirect(settings.redirect, frozenset(settings.hosts), notebook)
    if settings.examine:
        from .examiner import Examiner

        Examiner(settings, notebook).install()
