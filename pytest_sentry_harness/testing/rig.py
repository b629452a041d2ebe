"""A rig: server and target are started once, then many small plans are played, each with an account of its own.

What a plan costs does not depend on how many were played before it.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .. import clock
from ..errors import InjectionError, UsageError, did_you_mean
from ..harness.facts import unfinished
from ..harness.folder import RunFolder
from ..harness.judge import reconcile_folder
from ..harness.lease import Lease
from ..harness.run import arming_of
from ..harness.target import check_target, create_project, rules, start_target
from ..load.load_ledger import LoadLedger
from ..load.script import exchange
from ..model.scenario import LinkRule, LoadRequest, Scenario, Target
from ..plan.arming_file import write_arming
from ..plan.scenario import load_scenario, parse_scenario
from ..reconcile.reconcile import Reconciliation
from ..server.client import EmbeddedServer, ServerClient
from ..server.views import Project
from ..targets.command import CommandTarget
from .episode import Episode
from .evidence import Tails
from .manner import Fresh, Manner, Tally
from .plan import Plan, PlannedFault, Points, Send, faults_at, faults_of
from .plan_files import keep, test_name
from .played import LostEventError, Played
from .scenario_text import scenario_text


class Rig:
    """Plays plans, one at a time. Made by ``running_rig``; used by one thread."""

    def __init__(
        self,
        scenario: Scenario,
        folder: RunFolder,
        server: EmbeddedServer,
        client: ServerClient,
        project: Project,
        faults: tuple[PlannedFault, ...],
        manner: Manner,
    ) -> None:
        self.scenario = scenario
        self.folder = folder
        self.faults = faults
        """Everything that can be met."""
        self.manner = manner
        self.tally = Tally()
        self._server = server
        self._client = client
        self._project = project
        self._target: CommandTarget | None = None
        self._link_changed = False
        arming = arming_of(scenario, folder)
        write_arming(arming, folder.arming)
        self._load = LoadLedger(arming, "", _nothing)
        self._tails = Tails(folder.ledger, client)

    # -- playing -----------------------------------------------------------------------------------

    def play(self, plan: Plan) -> Played:
        """Send the plan's requests with exactly its faults, and wait until it is known what became of each.

        Raises ``UsageError`` for a fault the rig was not made with, ``InjectionError`` when one cannot be
        armed, ``EvidenceError`` when the account does not close.
        """
        self.check_faults(plan.faults)
        episode = self.begin()
        if plan.link:
            self.misbehave(*plan.link)
        for send in plan.sends:
            episode.send(send)
        return episode.settle(plan)

    def check(self, plan: Plan, *, name: str = "") -> Played:
        """``play``, and raise ``LostEventError`` when an event was lost.

        The plan is then written as a scenario file; of all the plans that failed under one ``name`` (that
        of the test, unless given) the last is kept, and of those that Hypothesis tries that is the smallest.
        """
        __tracebackhide__ = True
        played = self.play(plan)
        if played.lost or played.trouble:
            raise LostEventError(played, self.write(plan, name=name) if plan.faults else None)
        return played

    def begin(self) -> Episode:
        """Begin to play step by step: the target is fresh if it has to be, the link behaves."""
        self._ready()
        self.tally.strays += self._tails.begin().strays
        before = self.manner.before_each
        if before is not None:
            self._send_before(before)
        return Episode(self, self._load, self._tails)

    def check_faults(self, faults: tuple[PlannedFault, ...]) -> None:
        """Raise ``UsageError`` unless the rig was made with all of ``faults``."""
        for fault in faults:
            if fault not in self.faults:
                raise UsageError(
                    f"the rig was not made with {fault!r}",
                    where="plan",
                    hint=did_you_mean(fault.name, [known.name for known in self.faults]),
                )

    # -- the world of the target -------------------------------------------------------------------

    def start(self) -> None:
        """Start the target and wait until it is ready. Raises ``TargetError``, ``InjectionError``."""
        target = start_target(self.scenario, self.folder, self._server, self._project)
        assert isinstance(target, CommandTarget)
        self._target = target
        self._tails.read()
        self.check_points()

    @property
    def host(self) -> str:
        """Base URL of the target; another one after each restart."""
        return self.target.base_url

    @property
    def target(self) -> CommandTarget:
        """The target that runs at present."""
        assert self._target is not None, "the rig is not running"
        return self._target

    @property
    def link_changed(self) -> bool:
        """Whether the link has misbehaved since the target was fresh."""
        return self._link_changed

    def misbehave(self, *link: LinkRule) -> None:
        """Let the link to Sentry misbehave by these rules, from now on; they replace those in force."""
        self._client.behave(self._project.project_id, rules(link))
        self._link_changed = True

    def behave_well(self) -> None:
        """Let the link behave. What the SDK has learnt of it (limits, back-off) stays with the SDK."""
        self._client.behave_well(self._project.project_id)

    def restart(self, *, kill: bool = False) -> str:
        """Stop the target (``kill``: with SIGKILL) and start it anew; says how it ended."""
        ending = self.stop_target(kill=kill)
        self.start()
        self.tally.restarts += 1
        return ending

    def reset(self) -> None:
        """Forget everything: the link behaves, and the target is a new one."""
        self.behave_well()
        self.restart(kill=True)
        self._link_changed = False

    def stop_target(self, *, kill: bool = False) -> str:
        """Stop the target and leave it so; says how it ended."""
        if self._target is None:
            return ""
        return str(self._target.wait(0.0) if kill else self._target.stop())

    # -- what is left ------------------------------------------------------------------------------

    def scenario_of(self, plan: Plan, *, name: str = "plan") -> str:
        """The scenario file that plays ``plan`` by itself."""
        return plan.to_scenario(
            self.scenario.target,
            name=name,
            question="Does every fault of this plan reach us?",
            headers=self.manner.headers,
            hosts=self.scenario.safety.hosts,
        )

    def write(self, plan: Plan, *, name: str = "") -> Path:
        """Write the scenario file of ``plan`` to ``.sentry-harness/plans``; gives its path."""
        name = name or test_name()
        return keep(self.scenario_of(plan, name=name), name)

    def total(self) -> Reconciliation:
        """The account of all plans, made anew from the rig's folder: it must come to the sum of theirs."""
        return reconcile_folder(self.folder, self.scenario)

    def close(self) -> None:
        """Stop the target. The server is stopped by whoever started it."""
        self._load.close("the rig ended")
        self.stop_target()
        self.tally.strays += self._tails.begin().strays
        self._tails.close()

    # -- inner workings ----------------------------------------------------------------------------

    def _ready(self) -> None:
        """A plan begins where the one before cannot have left anything behind."""
        if not self.target.running or self._link_changed or self.manner.fresh == "each_plan":
            # Limits, back-off and downsampling of an SDK cannot be taken back from outside.
            self.reset()

    def _send_before(self, send: Send) -> None:
        request = send.load_request(self.manner.headers)
        try:
            status = exchange(self.host, request, {}).status_code
        except (OSError, http.client.HTTPException) as error:
            raise UsageError(f"before_each was not answered: {error}", where=send.request) from error
        if status >= 400:
            raise UsageError(f"before_each was answered {status}", where=send.request)

    def check_points(self) -> None:
        """Raise ``InjectionError`` when a fault can never be met."""
        for name, point in self._tails.points.items():
            if point.state in ("missing", "refused"):
                near = f"nearest: {', '.join(point.nearest)}" if point.nearest else None
                raise InjectionError(
                    f"the fault point is {point.state}" + (f": {point.note}" if point.note else ""),
                    where=f"fault {name!r} at {point.point}",
                    hint=near or f"the target's log is {self.folder.target_log}",
                )


@contextmanager
def running_rig(
    target: Target | str | Path,
    points: Points | None = None,
    *,
    fresh: Fresh = "when_needed",
    before_each: Send | None = None,
    headers: Mapping[str, str] | None = None,
    patience: float = 5.0,
    linger: float = 0.0,
    folder: Path | None = None,
) -> Iterator[Rig]:
    """Start server and target, armed with every fault of ``points``, and stop both at the end.

    ``target`` is the path of a scenario file, whose target it is, or a ``Target`` as such a file describes it;
    ``points`` may be left out with a scenario file: then its own faults can be met. ``fresh``: when the
    target is started anew; ``before_each`` is a request sent before each plan, without faults, and
    ``headers`` are added to each request. ``patience`` and ``linger``: see ``Manner``. ``folder`` is where
    the run's folder is made; a temporary one unless given.

    Raises ``ScenarioError`` for faults that are not valid, ``TargetError`` or ``ServerError`` when something
    does not start, ``InjectionError`` when a fault cannot be armed.
    """
    manner = Manner(
        fresh=fresh, before_each=before_each, headers=headers or {}, patience=patience, linger=linger
    )
    with ExitStack() as house:
        base = (
            Path(house.enter_context(TemporaryDirectory(prefix="sentry-harness-")))
            if folder is None
            else folder
        )
        scenario, faults = _scenario(target, points, base)
        check_target(scenario)
        run = RunFolder.create(scenario, base)
        server = house.enter_context(EmbeddedServer.start(run.store))
        client = house.enter_context(server.client())
        project = create_project(scenario, client)
        run.write_facts(unfinished(scenario, run, clock.wall()))
        house.enter_context(Lease(run.lease))
        house.callback(run.arming.unlink, missing_ok=True)
        rig = Rig(scenario, run, server, client, project, faults, manner)
        house.callback(rig.close)
        rig.start()
        yield rig


def _scenario(
    target: Target | str | Path, points: Points | None, base: Path
) -> tuple[Scenario, tuple[PlannedFault, ...]]:
    """The scenario a rig runs by: the target, every fault, and no load of its own."""
    own: Scenario | None = None
    if not isinstance(target, Target):
        own = load_scenario(Path(target))
        points = faults_of(target) if points is None else points
        target = own.target
    faults = tuple(dict.fromkeys(faults_at(points or ())))
    if target.command is None or target.ready is None or target.wait:
        raise UsageError(
            "a rig needs a target that it starts, and that says when it is ready",
            where="target",
            hint='give it command and ready: Target(command="{python} app.py {port}", ready="/health")',
        )
    base.mkdir(parents=True, exist_ok=True)
    path = base / "rig.toml"
    text = scenario_text(
        name="rig" if own is None else own.name,
        question="",
        target=target,
        requests=[LoadRequest(method="GET", path=target.ready, faults=())],
        faults=faults,
        hosts=() if own is None else own.safety.hosts,
    )
    path.write_text(text, encoding="utf-8")
    return parse_scenario(text, path), faults


def _nothing() -> None:
    """A rig never has enough."""
