"""The arms of a launch: which there are, and how one is started."""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ...errors import TargetError
from ...injection.environment import agent_environment
from ...model.arming import ArmedMeasuring, Arming
from ...model.overhead import WITH, OverheadArm
from ...model.scenario import Scenario
from ...plan.arming_file import write_arming
from ...server.behaviour import Rule
from ...server.client import EmbeddedServer, ServerClient
from ...server.views import Project
from ...targets.command import CommandTarget, start_command
from ...targets.placeholders import fill, fill_all, standard_values
from .client import ArmClient, Prepared
from .inside import Inside, Told
from .machine import ProcessTree

_ARMING = "arming.json"


def arms_of(scenario: Scenario) -> tuple[OverheadArm, ...]:
    """The arms that ``scenario`` asks for: without Sentry, with it, and the further ones."""
    assert scenario.overhead is not None  # whoever asks has looked
    return (
        scenario.overhead.without,
        OverheadArm(name=WITH, link=scenario.link),
        *scenario.overhead.arms,
    )


@dataclass(slots=True)
class RunningArm:
    """One arm of a launch, up and ready."""

    arm: OverheadArm
    project: Project
    target: CommandTarget
    tree: ProcessTree
    client: ArmClient
    inside: Inside
    prepared: dict[str, Prepared] = field(default_factory=dict)
    """Each kind of request, ready to be sent."""
    raised: list[str] = field(default_factory=list)
    """Trace ids of the requests that raised on purpose."""
    told: list[Told] = field(default_factory=list)
    """What its processes said of themselves last."""

    @property
    def name(self) -> str:
        """The arm's name."""
        return self.arm.name

    def flush(self, timeout: float) -> None:
        """Let the SDK send what it holds, in all processes."""
        self.told = self.inside.flush(self.tree.pids, timeout) or self.told

    def close(self) -> None:
        """Stop it, in the way the scenario says."""
        self.client.close()
        self.target.stop()
        self.target.__exit__()
        (self.inside.folder / _ARMING).unlink(missing_ok=True)  # it holds the key


def start_arm(
    scenario: Scenario,
    arm: OverheadArm,
    *,
    folder: Path,
    port: int,
    server: EmbeddedServer,
    client: ServerClient,
    environment: dict[str, str] | None = None,
) -> RunningArm:
    """Start ``arm`` of ``scenario`` on ``port``, with a project and a ``folder`` (made here) of its own, and wait until it is ready.

    ``environment``: what all arms of the launch have in common, beside what the scenario says. Raises
    ``TargetError`` naming the arm.
    """
    folder.mkdir(parents=True)
    project = client.create_project(f"{scenario.name[:120]} {arm.name} {folder.name}"[:200])
    if arm.link:
        client.behave(project.project_id, [Rule(**asdict(each)) for each in arm.link])
    key = secrets.token_hex(32)
    arming = folder / _ARMING
    write_arming(_arming(scenario, arm, folder, key), arming)
    values = standard_values(
        port=port,
        dsn=project.dsn,
        run_dir=folder,
        sentry_host=f"127.0.0.1:{server.port}",
        project=project.project_id,
    )
    where = f"{scenario.path}: arm {arm.name!r}"
    env = {**os.environ, **(environment or {})}
    env |= fill_all(scenario.target.env | arm.env, values, where=f"{where} env")
    env["PATH"] = os.pathsep.join([env.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    target = replace(scenario.target, env={})
    try:
        running = start_command(
            target,
            fill(arm.command or target.command or "", values, where=f"{where} command"),
            env=agent_environment(arming, env),
            cwd=target.cwd or scenario.path.parent,
            log=folder / "target.log",
            port=port,
        )
    except TargetError as error:
        arming.unlink(missing_ok=True)
        raise named(error, arm.name) from error
    return RunningArm(
        arm=arm,
        project=project,
        target=running,
        tree=ProcessTree(running.pid),
        client=ArmClient(arm.name, running.base_url),
        inside=Inside(folder, key),
    )


def named(error: TargetError, arm: str) -> TargetError:
    """``error``, saying which arm it was."""
    return TargetError(f"arm {arm!r}: {error.what}", where=error.where, hint=error.hint)


def _arming(scenario: Scenario, arm: OverheadArm, folder: Path, key: str) -> Arming:
    return Arming(
        run_id=folder.parent.parent.name,
        key=key,
        seed=scenario.seed,
        faults=(),
        journal_dir=str(folder),
        lease=str(folder / "lease"),
        hosts=("127.0.0.1", "localhost", "::1", *scenario.safety.hosts),
        measuring=ArmedMeasuring(folder=str(folder), init=arm.init),
    )
