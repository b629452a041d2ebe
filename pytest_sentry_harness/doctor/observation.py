"""A command under observation: the embedded server, a project, the lease, and the agent's environment.

What a run has, without scenario, load and judge. Nothing leaves for any other Sentry.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..harness.lease import Lease
from ..injection.environment import agent_environment
from ..model.arming import ArmedFault, Arming
from ..plan.arming_file import write_arming
from ..server.client import EmbeddedServer, ServerClient
from ..server.views import Project
from ..targets.placeholders import MEANINGS, standard_values
from .inside import settings as inside

HOSTS = ("127.0.0.1", "localhost", "::1")
_PLACEHOLDER = re.compile(r"\{(" + "|".join(MEANINGS) + r")\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What is up while a command is observed."""

    folder: Path
    server: EmbeddedServer
    client: ServerClient
    project: Project
    arming: Arming
    settings: inside.Settings

    @property
    def ledger(self) -> Path:
        """Folder of the journals."""
        return self.folder / "ledger"

    @property
    def notes(self) -> Path:
        """Folder of the notebooks, and of the questions to those who write them."""
        return self.folder / "notes"

    @property
    def log(self) -> Path:
        """What the command printed, where it is not passed through."""
        return self.folder / "output.log"

    def values(self, port: int) -> dict[str, str]:
        """The value of every placeholder."""
        return standard_values(
            port=port,
            dsn=self.project.dsn,
            run_dir=self.folder,
            sentry_host=f"127.0.0.1:{self.server.port}",
            project=self.project.project_id,
        )

    def environment(self, values: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
        """The command's environment: ours, ``SENTRY_DSN``, ``extra`` with placeholders filled, and the agent."""
        env = {**os.environ, "SENTRY_DSN": self.project.dsn}
        env.update({name: fill_known(text, values) for name, text in extra.items()})
        # Last, so that nothing is hidden: programs installed beside the harness are found without activating.
        env["PATH"] = os.pathsep.join([env.get("PATH", os.defpath), str(Path(sys.executable).parent)])
        env = agent_environment(self.folder / "arming.json", env)
        env[inside.ENVIRONMENT_VARIABLE] = str(self.folder / "inside.json")
        return env


@contextmanager
def observe(
    folder: Path,
    *,
    name: str,
    faults: Sequence[ArmedFault] = (),
    redirect: bool = False,
    examine: bool = False,
    hosts: Sequence[str] = (),
) -> Iterator[Observation]:
    """Start everything on ``folder``, which is made when missing; stop it at the end.

    ``redirect``: events for other Sentries come here, too. ``examine``: look inside and allow probes.
    Raises ``UsageError`` when the folder holds something already, ``ServerError`` when the server does not start.
    """
    folder = folder.absolute()
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(
            "the folder is not empty", where=str(folder), hint="name one that is, or that does not exist yet"
        )
    for part in ("ledger", "notes"):
        (folder / part).mkdir(parents=True)
    with EmbeddedServer.start(folder / "store") as server, server.client() as client:
        project = client.create_project(name[:200] or "observed")
        allowed = (*HOSTS, *hosts)
        arming = Arming(
            run_id=f"observed-{secrets.token_hex(4)}",
            key=secrets.token_hex(32),
            seed=0,
            faults=tuple(faults),
            journal_dir=str(folder / "ledger"),
            lease=str(folder / "lease"),
            hosts=allowed,
            # Nothing of the application's is armed; refusing would leave the SDK unwatched, and free to send.
            allow_production=True,
            every_event=True,
        )
        settings = inside.Settings(
            folder=str(folder / "notes"),
            redirect=project.dsn if redirect else None,
            hosts=allowed,
            examine=examine,
            lease=str(folder / "lease"),
        )
        write_arming(arming, folder / "arming.json")
        inside.write_settings(settings, folder / "inside.json")
        try:
            with Lease(folder / "lease"):
                yield Observation(
                    folder=folder,
                    server=server,
                    client=client,
                    project=project,
                    arming=arming,
                    settings=settings,
                )
        finally:
            (folder / "arming.json").unlink(missing_ok=True)  # it holds the key


def fill_known(text: str, values: Mapping[str, str]) -> str:
    """``text`` with the known placeholders replaced; other braces stay, as code given to ``-c`` has them."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text)


def mentions(words: Sequence[str], name: str) -> bool:
    """Whether the placeholder ``name`` is in one of ``words``."""
    return any(f"{{{name}}}" in word for word in words)
