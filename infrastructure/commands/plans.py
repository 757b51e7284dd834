"""What people and programs may ask of the catalogue: the same for the API and the command line.

errors: as in subscriptions.py; the codes are those of domain.catalogue.publishing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime
from uuid import UUID

import attrs

from domain.catalogue.events import PlanEvent
from domain.catalogue.offering import is_on
from domain.catalogue.publishing import Publish, announce_move, publish, retire, withdraw_move
from domain.catalogue.state import Plan, Version
from domain.identity import checked_id, plan_stream
from domain.refusals import Refused
from domain.subscription.state import Status, Subscription
from infrastructure.bootstrap import System
from infrastructure.commands.deciding import TRIES, Deciding, Done, StreamBusy
from infrastructure.commands.wishes import checked_instant, checked_start
from infrastructure.store.ledger import Append, Appended
from projections.table import ColumnValue

PAGE = 500
Decide = Callable[[Plan | None], tuple[PlanEvent, ...]]


class Plans(Deciding):
    """Commands on the plans of one set of books. Blocking; safe for many threads.

    Every command takes a `command_id`: the same one again after a lost answer writes once.
    """

    def find_plan(self, code: str) -> tuple[Plan, int]:
        """A plan and a position at which this is its state. Refused: "plan-unknown"."""
        position = self._ledger.head()
        plan, _ = self._plans.load(checked_id("plan", code))
        if plan is None:
            raise Refused("plan-unknown", f"no version of {code} is published")
        return plan, position

    def publish(self, wish: Publish, *, command_id: UUID | None = None) -> Done:
        """Publish a version. Quiet when it is there. Refused: see publishing.publish."""
        if wish.available_from is not None:
            wish = attrs.evolve(wish, available_from=checked_instant(wish.available_from))

        def decide(plan: Plan | None) -> tuple[PlanEvent, ...]:
            return publish(plan, wish, now=self._clock())

        return self._change_plan(wish.plan, decide, "command:publish", command_id)

    def retire(
        self,
        code: str,
        *,
        retired_at: datetime | None,
        reason: str,
        command_id: UUID | None = None,
    ) -> Done:
        """Let nobody start on it from an instant on; None: now. Refused: see publishing.retire."""
        moment = None if retired_at is None else checked_instant(retired_at)

        def decide(plan: Plan | None) -> tuple[PlanEvent, ...]:
            return retire(plan, retired_at=moment, reason=reason, now=self._clock())

        return self._change_plan(code, decide, "command:retire", command_id)

    def announce_move(
        self,
        code: str,
        *,
        from_version: int,
        to_version: int,
        on: date,
        reason: str,
        command_id: UUID | None = None,
    ) -> Done:
        """Move subscribers to another version from a day on; the workers carry it out.

        Refused: see publishing.announce_move; "start-out-of-range" for the day.
        """
        checked_start(on)

        def decide(plan: Plan | None) -> tuple[PlanEvent, ...]:
            return announce_move(
                plan,
                from_version=from_version,
                to_version=to_version,
                on=on,
                reason=reason,
                now=self._clock(),
            )

        return self._change_plan(code, decide, "command:plan-move", command_id)

    def withdraw_move(
        self,
        code: str,
        *,
        from_version: int,
        to_version: int,
        reason: str,
        command_id: UUID | None = None,
    ) -> Done:
        """Take an announced move back. Refused: see publishing.withdraw_move."""

        def decide(plan: Plan | None) -> tuple[PlanEvent, ...]:
            return withdraw_move(
                plan,
                from_version=from_version,
                to_version=to_version,
                reason=reason,
                now=self._clock(),
            )

        return self._change_plan(code, decide, "command:plan-withdraw", command_id)

    def _change_plan(self, code: str, decide: Decide, cause: str, command_id: UUID | None) -> Done:
        """Decide on one plan and append what follows; see Deciding."""
        stream, stamp = plan_stream(checked_id("plan", code)), self._stamp(cause, command_id)
        for _ in range(TRIES):
            plan, version = self._plans.load(code)
            if command_id is not None and (before := self._written(stream, stamp)):
                return Done(position=before, changed=True)
            events = decide(plan)
            if not events:
                return Done(position=self._ledger.head(), changed=False)
            (result,) = self._ledger.append(
                [Append(stream, version, events, stamp)], now=self._clock()
            )
            if isinstance(result, Appended):
                return Done(position=result.position, changed=True)
        raise StreamBusy(f"plan {code} is being written by others")


# What a move does with each subscription whose terms name the version.
MOVES, PENDING, PAUSED = "will be moved", "once the payer has approved", "once resumed"
OWN_TERMS, ENDING, ENDED = "keep terms of their own", "going to end, stay as they are", "ended"
FATES = (MOVES, PENDING, PAUSED, OWN_TERMS, ENDING, ENDED)


def fate(state: Subscription, version: Version) -> str:
    """What becomes of a subscription when those on a version are moved: one of FATES."""
    if not state.bills:
        return ENDED
    if not is_on(state.agreed, version):
        return OWN_TERMS
    if state.status is Status.PENDING:
        return PENDING
    if state.cancellation is not None:
        return ENDING
    return PAUSED if state.status is Status.PAUSED else MOVES


def survey(
    system: System, version: Version, *, tell: Callable[[int], None] | None = None
) -> Counter[str]:
    """How many subscriptions whose terms name a version have which fate, by the stored rows.

    Read a batch at a time. tell: called with the number read so far.
    """
    found: Counter[str] = Counter()
    for state in _named(system, version):
        found[fate(state, version)] += 1
        if tell is not None and found.total() % PAGE == 0:
            tell(found.total())
    return found


def _named(system: System, version: Version) -> Iterator[Subscription]:
    where: dict[str, ColumnValue] = {
        "plan": version.terms.plan,
        "plan_version": version.number,
    }
    offset = 0
    while True:
        page = system.views.select("due_dates", where, limit=PAGE, offset=offset)
        yield from (row.state for row in page.rows.values())
        if len(page.rows) < PAGE:
            return
        offset += PAGE
