"""What people may ask of accounting periods: the same for the API and the command line.

Every decision on a period is made while nobody can add to the log (Ledger.append_held): what was
sealed is then all that came before the seal, and two periods are never changed side by side. What
takes long, adding the books up and chaining the log, is done before; under the lock only the last
facts are read.

errors: as in subscriptions.py; the codes are those of domain.periods.closing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from domain.identity import period_stream
from domain.periods.closing import (
    Before,
    Wish,
    ask_reopening,
    check_closable,
    checked_wish,
    close,
    lock,
    reopen,
)
from domain.periods.events import PeriodEvent
from domain.periods.months import checked_period, following
from domain.periods.state import AccountingPeriod, period_of_facts
from domain.refusals import Refused
from infrastructure.books.summing import SummedBooks
from infrastructure.bootstrap import System
from infrastructure.commands.deciding import Deciding, Done
from infrastructure.store.ledger import Append, Appended

# So many facts may be left to read while everybody waits. More are read before, in so many rounds
# at the most: each has less left to read than the one before.
FEW = 500
_ROUNDS = 10

Events = tuple[PeriodEvent, ...]
# Given the period, the log's last position and the time: what follows.
Decide = Callable[[AccountingPeriod | None, int, datetime], Events]


class Periods(Deciding):
    """Commands on the accounting periods of one set of books. Blocking; safe for many threads.

    Every command takes a `command_id`: the same one again after a lost answer writes once.
    """

    def __init__(self, system: System, *, actor: str) -> None:
        super().__init__(system, actor=actor)
        self._zone = system.settings.cut_off_zone
        self._sealer = system.sealer

    def find_period(self, period: str) -> tuple[AccountingPeriod, int]:
        """A period and a position at which this is its state. Refused: "period-unknown"."""
        position = self._ledger.head()
        found = self._period(checked_period(period))
        if found is None:
            raise Refused("period-unknown", f"{period} was never closed")
        return found, position

    def close(self, wish: Wish, *, command_id: UUID | None = None) -> Done:
        """Close a period, in the zone in which the books are cut off. Quiet when it is closed.

        Refused: see closing.close.
        """
        state = self._period(checked_wish(wish).period)
        if not check_closable(state, wish, Before(), zone=self._zone, now=self._clock()):
            return self._change_period(wish, _nothing, "command:period-close", command_id)
        books = SummedBooks(self._ledger, self._zone, wish.period)
        for _ in range(_ROUNDS):
            head = self._ledger.head()
            books.read_to(head)
            self._sealer.seal_to(head)
            if self._ledger.head() - head <= FEW:
                break

        def decide(period: AccountingPeriod | None, head: int, now: datetime) -> Events:
            books.read_to(head)
            before = books.before()
            if not check_closable(period, wish, before, zone=self._zone, now=now):
                return ()
            return close(
                period,
                wish,
                before,
                books.seal(),
                zone=self._zone,
                position=head,
                head_hash=self._sealer.seal_to(head).chain,
                now=now,
            )

        return self._change_period(wish, decide, "command:period-close", command_id)

    def lock(self, wish: Wish, *, command_id: UUID | None = None) -> Done:
        """Let a closed period never be opened again. Refused: see closing.lock."""

        def decide(period: AccountingPeriod | None, _: int, now: datetime) -> Events:
            return lock(period, wish, now=now)

        return self._change_period(wish, decide, "command:period-lock", command_id)

    def ask_reopening(self, wish: Wish, *, command_id: UUID | None = None) -> Done:
        """Ask for a period to be opened again. Refused: see closing.ask_reopening."""

        def decide(period: AccountingPeriod | None, _: int, now: datetime) -> Events:
            later = self._later_closed(wish.period)
            return ask_reopening(period, wish, later_closed=later, now=now)

        return self._change_period(wish, decide, "command:period-ask-reopen", command_id)

    def reopen(self, wish: Wish, *, command_id: UUID | None = None) -> Done:
        """Approve that a period is opened again. Refused: see closing.reopen."""

        def decide(period: AccountingPeriod | None, _: int, now: datetime) -> Events:
            later = self._later_closed(wish.period)
            return reopen(period, wish, later_closed=later, now=now)

        return self._change_period(wish, decide, "command:period-reopen", command_id)

    def _later_closed(self, period: str) -> bool:
        later = self._period(following(period))
        return later is not None and later.closed

    def _period(self, period: str) -> AccountingPeriod | None:
        facts = self._ledger.read_stream(period_stream(period))
        return period_of_facts(each.event for each in facts)

    def _change_period(
        self, wish: Wish, decide: Decide, cause: str, command_id: UUID | None
    ) -> Done:
        """Decide on one period while nobody else can, and append what follows."""
        stream = period_stream(checked_wish(wish).period)
        stamp, now = self._stamp(cause, command_id), self._clock()
        before: int | None = None

        def append(head: int) -> Append | None:
            nonlocal before
            before = self._written(stream, stamp)
            if before is not None:
                return None
            facts = self._ledger.read_stream(stream)
            events = decide(period_of_facts(each.event for each in facts), head, now)
            return Append(stream, len(facts), events, stamp) if events else None

        result = self._ledger.append_held(append, now=now)
        if isinstance(result, Appended):
            return Done(position=result.position, changed=True)
        if before is not None:
            return Done(position=before, changed=True)
        return Done(position=self._ledger.head(), changed=False)


def _nothing(*_: object) -> Events:
    return ()
