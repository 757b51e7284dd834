"""What people say about exceptions and matches, against the comparison as it stands."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from domain.identity import reconciliation_stream
from domain.refusals import Refused
from domain.settlements.accounts import Listed
from domain.settlements.deciding import assign, confirm, decide
from domain.settlements.events import Decision, ReconciliationEvent
from domain.settlements.state import Said
from infrastructure.books.reconciling import read_reconciliation, tariffs_of, today
from infrastructure.bootstrap import System
from infrastructure.commands.deciding import TRIES, Deciding, Done, StreamBusy
from infrastructure.store.ledger import Append, Appended
from projections.reconciliation import Reported

Say = Callable[[Said], tuple[ReconciliationEvent, ...]]


class Reconciling(Deciding):
    """Commands on exceptions. Blocking; safe for many threads. Each reads the whole log once."""

    def __init__(self, system: System, *, actor: str) -> None:
        super().__init__(system, actor=actor)
        self._system = system

    def assign(
        self, exception_id: str, *, owner: str, reason: str, command_id: UUID | None = None
    ) -> Done:
        """Have somebody look after an exception. Refused: "exception-unknown", see deciding.py."""
        one = self._listed(exception_id)

        def say(said: Said) -> tuple[ReconciliationEvent, ...]:
            return assign(said, one, owner=owner, reason=reason, now=self._clock())

        return self._say(one.place, say, "command:exception-assign", command_id)

    def decide(
        self,
        exception_id: str,
        decision: Decision,
        *,
        evidence: str,
        reason: str,
        command_id: UUID | None = None,
    ) -> Done:
        """Say what an exception is. Refused: "exception-unknown", and see deciding.py."""
        one = self._listed(exception_id)

        def say(said: Said) -> tuple[ReconciliationEvent, ...]:
            return decide(said, one, decision, evidence=evidence, reason=reason, now=self._clock())

        return self._say(one.place, say, "command:exception-decide", command_id)

    def confirm(
        self, line_id: str, movement: str, *, reason: str, command_id: UUID | None = None
    ) -> Done:
        """Say that a line is about a movement.

        line_id: of a line that is listed. movement: its key, or the id of a charge or refund.
        Refused: "line-unknown", "movement-unknown", and see deciding.py.
        """
        known = read_reconciliation(self._ledger)
        reported = known.compare(as_of=today(self._system))
        lines = [line for each in reported.comparison.listed for line in each.lines]
        line = next((each for each in lines if each.line_id == line_id), None)
        if line is None and line_id not in known.said.confirmed:
            raise Refused("line-unknown", f"no line {line_id[:40]!r} is listed")
        names = {movement, f"charge {movement}", f"refund {movement}"}
        ours = next((each for each in known.movements if each.key in names), None)
        if ours is None:
            raise Refused("movement-unknown", f"our books have no {movement[:60]!r}")
        if line is None:
            if known.said.confirmed[line_id] == ours.key:
                return Done(position=self._ledger.head(), changed=False)
            raise Refused("line-confirmed", f"{line_id} was said to be about another movement")
        found = line

        def say(said: Said) -> tuple[ReconciliationEvent, ...]:
            return confirm(said, found, ours, reason=reason, now=self._clock())

        return self._say(found.place, say, "command:match", command_id)

    def report(self) -> Reported:
        """Everything that is matched, listed and proposed now."""
        known = read_reconciliation(self._ledger)
        system = self._system
        return known.compare(as_of=today(system), tariffs=tariffs_of(system.settings))

    def _listed(self, exception_id: str) -> Listed:
        for each in self.report().comparison.listed:
            if each.exception_id == exception_id:
                return each
        raise Refused("exception-unknown", f"no exception {exception_id[:40]!r} is listed now")

    def _say(self, place: str, say: Say, cause: str, command_id: UUID | None) -> Done:
        provider, _, account = place.partition("/")
        stream = reconciliation_stream(provider, account)
        stamp = self._stamp(cause, command_id)
        for _ in range(TRIES):
            said, version = Said(), 0
            for each in self._ledger.read_stream(stream):
                said.take(each.event)
                version = each.version
            if command_id is not None and (before := self._written(stream, stamp)):
                return Done(position=before, changed=True)
            facts = say(said)
            if not facts:
                return Done(position=self._ledger.head(), changed=False)
            append = Append(stream, version, facts, stamp)
            (result,) = self._ledger.append([append], now=self._clock())
            if isinstance(result, Appended):
                return Done(position=result.position, changed=True)
        raise StreamBusy(f"the exceptions of {place} are being written by others")
