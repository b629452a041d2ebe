"""Examines one process: notes each ``init``, and surveys and probes the SDK when the harness asks.

In a service a thread waits for the questions. A script is examined when it ends, before the SDK's own exit
handler runs, which is also how it is seen whether that one sends what was handed over last.
"""

from __future__ import annotations

import atexit
import contextvars
import os
import sys
import threading
from types import ModuleType
from typing import Any

import wrapt

from . import questions, survey
from .notebook import Notebook
from .probes import Probes, load_points
from .settings import Settings

_MOST_PROCESSES = 4
"""Workers beyond these are like them."""
_SERVICE_SECONDS = 3600.0
_SCRIPT_SECONDS = 30.0


class Examiner:
    """The examiner of one process and of those forked from it."""

    def __init__(self, settings: Settings, notebook: Notebook) -> None:
        self._settings = settings
        self._notebook = notebook
        # Loaded here and now, so that the agent, which starts after us, finds it to arm.
        self._probes = Probes(notebook, load_points())
        self._disabled: frozenset[str] = frozenset()
        self._begin()

    def _begin(self) -> None:
        self._at_work = threading.Lock()
        self._done: set[str] = set()
        self._waiting = False
        self._chosen: bool | None = None

    def install(self) -> None:
        """Wait for the SDK to be imported."""
        self._notebook.write("awake", executable=sys.executable)
        wrapt.register_post_import_hook(self._imported, "sentry_sdk")
        os.register_at_fork(after_in_child=self._forked)

    def _imported(self, module: ModuleType) -> None:
        sdk: Any = module
        self._notebook.write("imported", version=str(sdk.VERSION))
        original = sdk.client._Client.__init__
        examiner = self

        def init(client: Any, *args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            before = survey.before_init()
            original(client, *args, **kwargs)
            examiner._initialised(client, kwargs, before)

        sdk.client._Client.__init__ = init

    def _initialised(self, client: Any, given: dict[str, Any], before: dict[str, Any]) -> None:
        disabled = given.get("disabled_integrations") or ()
        self._disabled = frozenset(str(getattr(entry, "identifier", entry)) for entry in disabled)
        self._notebook.write("init", given=sorted(given), disabled=sorted(self._disabled), **before)
        self._listen()

    def _listen(self) -> None:
        if self._waiting:
            return
        self._waiting = True
        # After the SDK has registered its own exit handler, so that ours runs before.
        atexit.register(self._ending)
        thread = threading.Thread(target=self._answer, name="sentry-harness-doctor", daemon=True)
        contextvars.Context().run(thread.start)

    def _forked(self) -> None:
        had_sdk = self._waiting
        self._begin()
        if had_sdk:
            self._waiting = True  # the exit handler was inherited
            self._notebook.write("forked", parent=os.getppid())
            thread = threading.Thread(target=self._answer, name="sentry-harness-doctor", daemon=True)
            contextvars.Context().run(thread.start)

    def _answer(self) -> None:
        self._through_the_questions(_SERVICE_SECONDS)

    def _ending(self) -> None:
        if len(self._done) < 2 and not questions.asked(self._settings.folder, questions.END):
            self._notebook.write("ending")
            self._through_the_questions(_SCRIPT_SECONDS)

    def _through_the_questions(self, seconds: float) -> None:
        sdk: Any = sys.modules["sentry_sdk"]
        for question, answer in (
            (questions.PROBES, self._survey_and_probe),
            (questions.LAST_WORDS, self._probes.last_words),
        ):
            if not questions.wait_for(self._settings.folder, question, self._settings.lease, seconds):
                return
            if not self._is_chosen():
                return
            with self._at_work:
                if question in self._done:
                    continue
                self._done.add(question)
                answer(sdk)
                self._notebook.write("answered", question=question)

    def _survey_and_probe(self, sdk: Any) -> None:
        self._notebook.write("survey", **survey.of_process(sdk, self._disabled))
        self._probes.send_all(sdk)

    def _is_chosen(self) -> bool:
        """Whether this process is one of those to be probed."""
        if self._chosen is None:
            self._chosen = any(self._claim(number) for number in range(_MOST_PROCESSES))
        return self._chosen

    def _claim(self, number: int) -> bool:
        path = os.path.join(self._settings.folder, f"claim-{number}")
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        return True
