"""Start the scenario's target, or reach the one that runs already."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path

from ..errors import ScenarioError
from ..injection.environment import agent_environment
from ..model.scenario import LinkRule, Scenario
from ..protocol.dsn import Dsn, parse_dsn
from ..server.behaviour import Rule
from ..server.client import EmbeddedServer, ServerClient
from ..server.views import Project
from ..targets.command import CommandTarget, free_port, start_command
from ..targets.placeholders import fill, fill_all, names, standard_values
from ..targets.url import LOOPBACK, UrlTarget, check_host, reach_url
from .folder import RunFolder


def check_target(scenario: Scenario) -> None:
    """Refuse what reading the file alone could not find wrong. Raises ``ScenarioError``."""
    target, where = scenario.target, f"{scenario.path}: [target]"
    names(target.command or "", where=f"{where} command")
    for key, text in target.env.items():
        names(text, where=f"{where} env.{key}")
    if target.url is not None:
        check_host(target.url, scenario.safety)
        listening_dsn(scenario)
    rules(scenario.link)


def listening_dsn(scenario: Scenario) -> Dsn | None:
    """The DSN of a service that runs already, at whose address the embedded server has to listen."""
    text = scenario.target.dsn
    if text is None:
        return None
    dsn = parse_dsn(text)
    if dsn.host not in LOOPBACK or dsn.scheme != "http" or dsn.path or not dsn.project_id.isdecimal():
        raise ScenarioError(
            f"the embedded server cannot listen at {dsn.redacted}: it stands on this machine, without TLS",
            where=f"{scenario.path}: [target] dsn",
            hint='write dsn = "http://key@127.0.0.1:9311/1", with a number for the project',
        )
    return dsn


def rules(link: tuple[LinkRule, ...]) -> list[Rule]:
    """The link's rules as the server takes them. Raises ``UsageError`` for what they cannot be."""
    return [Rule(**asdict(each)) for each in link]


def create_project(scenario: Scenario, client: ServerClient) -> Project:
    """The project the target sends to: a new one, or the one its DSN names."""
    dsn = listening_dsn(scenario)
    name = scenario.name[:200]
    if dsn is None:
        project = client.create_project(name)
    else:
        project = client.create_project(name, project_id=dsn.project_id, public_key=dsn.public_key)
    if scenario.link:
        client.behave(project.project_id, rules(scenario.link))
    return project


def start_target(
    scenario: Scenario, folder: RunFolder, server: EmbeddedServer, project: Project
) -> CommandTarget | UrlTarget:
    """The target, ready. Raises ``TargetError`` when it does not get so far."""
    target, where = scenario.target, f"{scenario.path}: [target]"
    if target.url is not None:
        return reach_url(target, scenario.safety)
    port = free_port()
    values = standard_values(
        port=port,
        dsn=project.dsn,
        run_dir=folder.path,
        sentry_host=f"127.0.0.1:{server.port}",
        project=project.project_id,
    )
    env = {**os.environ, **fill_all(target.env, values, where=f"{where} env")}
    # Last, so that nothing is hidden: programs installed beside the harness are found without activating.
    env["PATH"] = os.pathsep.join([env.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    return start_command(
        target,
        fill(target.command or "", values, where=f"{where} command"),
        env=agent_environment(folder.arming, env),
        cwd=target.cwd or scenario.path.parent,
        log=folder.target_log,
        port=port,
    )
