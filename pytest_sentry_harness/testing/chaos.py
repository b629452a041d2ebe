"""A Hypothesis state machine that sends requests, injects faults, breaks the link and ends the target.

After each step the account must close; when it is over, no loss may be unexplained. Subclass ``ChaosMachine``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ..model.account import LossClass, State
from ..model.scenario import LinkRule
from .episode import Episode
from .plan import Plan, PlannedFault, Send
from .played import LostEventError, Played
from .rig import Rig
from .strategies import LINKS, plans

_OUTAGE = (LinkRule(reset="before"),)
_MOST_FAULTS = 3
_MOST_SENDS = 4
_MOST_RESTARTS = 2


class ChaosMachine(RuleBasedStateMachine):
    """Rules over a running rig. A subclass says which rig and which requests, and may add rules of its own.

    ``rig``: a rig that runs, with the faults to inject. ``requests``: what to send. ``kills``: whether the target
    may be ended and started anew; ``links``: the ways the link may misbehave, empty for none.
    """

    rig: ClassVar[Rig]
    requests: ClassVar[Sequence[str | Send]] = ()
    kills: ClassVar[bool] = True
    links: ClassVar[Sequence[tuple[LinkRule, ...]]] = (*LINKS[1:], _OUTAGE)

    def __init__(self) -> None:
        super().__init__()
        self.pending: list[PlannedFault] = []
        """Faults the next request meets."""
        self.link_is_bad = False
        self.excused = False
        """Whether losses may be: the link misbehaved, or the target was killed."""
        self.restarts = 0
        self.episode: Episode | None = None
        self.played: Played | None = None
        """What it came to, at the end."""

    # -- rules -------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        """Each example begins with a target and a link that nothing has happened to."""
        self.episode = self.rig.begin()

    @rule(data=st.data())
    @precondition(lambda self: len(self.pending) < _MOST_FAULTS)
    def inject(self, data: st.DataObject) -> None:
        """The next request shall meet one fault more."""
        left = [fault for fault in self.rig.faults if fault not in self.pending]
        if left:
            self.pending.append(data.draw(st.sampled_from(left), label="fault"))

    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        """Send a request, with the faults that were injected for it."""
        send = data.draw(_one_of(self.requests), label="request")
        faults, self.pending = tuple(self.pending), []
        self._episode.send(Send(send.request, faults, send.json, send.body, send.headers))

    @rule(data=st.data())
    def send_several(self, data: st.DataObject) -> None:
        """Send a few requests, one after the other, each with faults of its own."""
        several = plans(self.rig.faults, _one_of(self.requests), max_size=_MOST_SENDS)
        for send in data.draw(several, label="plan").sends:
            self._episode.send(send)

    @rule(data=st.data())
    @precondition(lambda self: bool(self.links) and not self.link_is_bad)
    def link_misbehaves(self, data: st.DataObject) -> None:
        """From now on the link to Sentry is bad: limits, refusals, resets, an outage."""
        self.rig.misbehave(*data.draw(st.sampled_from(list(self.links)), label="link"))
        self.link_is_bad = self.excused = True

    @rule()
    @precondition(lambda self: self.link_is_bad)
    def link_recovers(self) -> None:
        """The link behaves again. What the SDK was told (limits, back-off) may last."""
        self.rig.behave_well()
        self.link_is_bad = False

    @rule()
    def wait(self) -> None:
        """Time passes until nothing is on its way any more."""
        self._episode.wait()

    @rule(kill=st.booleans())
    @precondition(lambda self: self.kills and self.restarts < _MOST_RESTARTS)
    def restart(self, kill: bool) -> None:
        """The target is stopped in order, or killed, and started anew. It takes a second or two: not often."""
        self.restarts += 1
        if kill:
            self.excused = True
        self.rig.restart(kill=kill)

    # -- what must hold ----------------------------------------------------------------------------

    @invariant()
    def the_account_closes(self) -> None:
        """Every fault asked for is in exactly one state, whatever is happening (``EvidenceError`` if not)."""
        if self.episode is not None:
            self._episode.account()

    def allowed(self, loss: LossClass) -> bool:
        """Whether an event may have been lost like this. Unless overridden: yes, if it is explained, and
        the link misbehaved or the target was killed.
        """
        return self.excused and loss.state is not State.UNEXPLAINED_LOSS

    def teardown(self) -> None:
        """It is over: what became of each fault? Raises ``LostEventError`` for losses that are not allowed."""
        if self.episode is None:
            return
        self.played = self._episode.settle()
        if self.played.trouble or not all(self.allowed(loss) for loss in self.played.lost):
            # With a link that changed on the way there is no scenario file that tells the whole story.
            plan = Plan(self._episode.sent)
            path = None if self.excused else self.rig.write(plan, name=type(self).__name__)
            raise LostEventError(self.played, path)

    @property
    def _episode(self) -> Episode:
        assert self.episode is not None, "the example has not begun"
        return self.episode


def _one_of(requests: Sequence[str | Send]) -> st.SearchStrategy[Send]:
    return st.sampled_from([Send(each) if isinstance(each, str) else each for each in requests])
