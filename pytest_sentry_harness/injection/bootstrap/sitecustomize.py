"""Loaded by Python at start-up, before the application's own code, when the harness says so.

Gives way to the ``sitecustomize`` that would have been loaded otherwise, and then starts what the environment
asks for (the agent; what looks inside for ``exec`` and ``doctor``) from the package this file belongs to, found
by its place and not by ``sys.path``. Whatever goes wrong with it is said on stderr and never stops the target.
"""

import importlib
import importlib.util
import os
import sys

_WORK = (
    # First, so that the agent finds the fault points it brings.
    ("SENTRY_HARNESS_INSIDE", "doctor.inside.start", "cannot look inside"),
    ("SENTRY_HARNESS_ARMING", "injection.start", "the agent cannot start"),
)


def _start(module_name: str) -> None:
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    name = "pytest_sentry_harness"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, os.path.join(package, "__init__.py"), submodule_search_locations=[package]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"there is no package in {package}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    importlib.import_module(f"{name}.{module_name}").start()


def _give_way() -> None:
    # First, since it may set a tracer (coverage), which the agent then leaves in place.
    here = os.path.dirname(os.path.abspath(__file__))
    # Not made absolute: a relative entry is never ours, and the working folder may be gone.
    sys.path[:] = [entry for entry in sys.path if os.path.normpath(entry) != here]
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
    for variable, module_name, trouble in _WORK:
        try:
            if os.environ.get(variable):
                _start(module_name)
        except BaseException as error:  # noqa: BLE001 - the target must start, whatever is wrong here
            print(f"sentry-harness: {trouble}: {type(error).__name__}: {error}", file=sys.stderr)
