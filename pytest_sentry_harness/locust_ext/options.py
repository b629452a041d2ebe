"""Command-line options of the extension."""

from __future__ import annotations

from typing import Any

SCENARIO = "sentry_harness_scenario"
FOLDER = "sentry_harness_folder"
ARMING = "sentry_harness_arming"
JOURNALS = "sentry_harness_journals"
ADDRESS = "sentry_harness_address"


def add_options(parser: Any, **_: Any) -> None:
    """Add the options to Locust's ``parser``; a listener for ``events.init_command_line_parser``."""
    # Options of a group are not shown in the web pages, which is right: there they would come too late.
    group = parser.add_argument_group("Sentry harness")
    group.add_argument(
        "--sentry-harness-scenario",
        dest=SCENARIO,
        metavar="FILE",
        env_var="LOCUST_SENTRY_HARNESS_SCENARIO",
        default=None,
        help="Scenario to start and judge; the locustfile names the default",
    )
    group.add_argument(
        "--sentry-harness-folder",
        dest=FOLDER,
        metavar="DIRECTORY",
        env_var="LOCUST_SENTRY_HARNESS_FOLDER",
        default=None,
        help="Where to keep the run; default: .sentry-harness/runs",
    )
    group.add_argument(
        "--sentry-harness-arming",
        dest=ARMING,
        metavar="FILE",
        env_var="LOCUST_SENTRY_HARNESS_ARMING",
        default=None,
        help="Arming file of a run that somebody else judges; a master tells its workers what it says",
    )
    group.add_argument(
        "--sentry-harness-address",
        dest=ADDRESS,
        metavar="HOST",
        env_var="LOCUST_SENTRY_HARNESS_ADDRESS",
        default=None,
        help="By which name or address workers on other hosts reach the target; default: 127.0.0.1",
    )
    group.add_argument(
        "--sentry-harness-journals",
        dest=JOURNALS,
        metavar="DIRECTORY",
        env_var="LOCUST_SENTRY_HARNESS_JOURNALS",
        default=None,
        help="Where a worker on another host keeps its journal; default: a temporary folder, until the master has it",
    )
