"""Loaded by Python at start-up after the agent's ``sitecustomize``, when the harness says so.

Gives way to the one that would have been loaded otherwise. Whatever goes wrong here is said on stderr and
never stops the target.
"""

import importlib
import importlib.util
import os
import sys


def _package() -> str:
    folder = os.path.dirname(os.path.abspath(__file__))
    for _ in range(3):
        folder = os.path.dirname(folder)
    name = "pytest_sentry_harness"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"there is no package in {folder}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return name


def _give_way() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != here]
    this = sys.modules.pop("sitecustomize", None)
    try:
        importlib.import_module("sitecustomize")
    except ModuleNotFoundError as error:
        if error.name != "sitecustomize":
            raise
        if this is not None:
            sys.modules["sitecustomize"] = this


try:
    _give_way()
finally:
    try:
        if os.environ.get("SENTRY_HARNESS_INSIDE"):
            importlib.import_module(f"{_package()}.doctor.inside.start").start()
    except BaseException as error:  # noqa: BLE001 - the target must start, whatever is wrong here
        print(f"sentry-harness: cannot look inside: {type(error).__name__}: {error}", file=sys.stderr)
