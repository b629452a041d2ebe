"""N+1 queries over all transactions of a run, held against those that the scenario declares."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..model.ledger import Place
from ..model.profiling import QueriesTold
from ..model.scenario import Profiling
from ..protocol.spans import TransactionTold
from .n_plus_one import Repeated, repeated, why_missed
from .wrongs import Findings

_MISSED = "profiling.n_plus_one.missed"
_FALSE = "profiling.n_plus_one.false"
_MOST_TEXT = 100


@dataclass(slots=True)
class _Entry:
    """One query of one route."""

    count: int = 0
    seconds: float = 0.0
    transactions: int = 0
    place: Place | None = None


class QueriesSeen:
    """Takes in one transaction after the other; what is wrong is added to ``wrong``."""

    def __init__(self, rule: Profiling, wrong: Findings) -> None:
        self.missed = 0
        """Transactions in which declared queries were not found, counted for each declaration."""
        self.asked = 0
        """Transactions with a query."""
        self._rule = rule
        self._wrong = wrong
        self._found: dict[tuple[str, str, str], _Entry] = {}
        self._routes: Counter[str] = Counter()

    @property
    def undeclared(self) -> int:
        """Transactions with queries that nobody declared, counted for each query."""
        return sum(entry.transactions for (name, _, _), entry in self._found.items() if not name)

    def see(self, transaction: TransactionTold) -> None:
        """Take in one transaction."""
        runs = list(repeated(transaction)) if transaction.spans else []
        self.asked += bool(runs)
        declared = [each for each in self._rule.n_plus_one if fnmatchcase(transaction.name, each.route)]
        for run in runs:
            if run.counts(self._rule):
                of = (each.name for each in declared if fnmatchcase(run.query, each.description))
                self._take(next(of, ""), run, transaction)
        for each in declared:
            self._routes[each.name] += 1
            reason, words = why_missed(each, runs, self._rule)
            if reason:
                self.missed += 1
                where = f"{words} on {transaction.name!r}"
                self._wrong.add(_MISSED, each.name, reason, where, transaction=transaction)

    def end(self) -> None:
        """No more transactions will come."""
        for declared in self._rule.n_plus_one:
            if not self._routes[declared.name]:
                self.missed += 1
                where = f"no transaction on route {declared.route!r} arrived"
                self._wrong.add(_MISSED, declared.name, "no_transaction", where)

    def told(self) -> tuple[QueriesTold, ...]:
        """What was found, by declaration, route and query."""
        return tuple(
            QueriesTold(
                name=name,
                route=route,
                query=query,
                count=entry.count,
                seconds=entry.seconds,
                transactions=entry.transactions,
                place=entry.place,
            )
            for (name, route, query), entry in sorted(self._found.items())
        )

    def _take(self, name: str, run: Repeated, transaction: TransactionTold) -> None:
        entry = self._found.setdefault((name, transaction.name, run.query), _Entry())
        entry.count, entry.seconds = max(entry.count, run.count), max(entry.seconds, run.seconds)
        entry.transactions += 1
        entry.place = entry.place or run.place
        if not name:
            where = f"{run.query[:_MOST_TEXT]!r} on {transaction.name!r}"
            self._wrong.add(_FALSE, "", "not_declared", where, run.place, transaction=transaction)
