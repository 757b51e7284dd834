"""Accounting periods: who closed and opened what in which order, and whether each seal holds.

The order is judged as the facts go by. What was sealed is judged in a pass of its own, for the
zone in which its days end must be known before the first entry is added up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

import attrs

from domain.books.accounts import Unbalanced
from domain.calendar import start_of_day
from domain.identity import period_stream
from domain.periods.events import (
    PeriodClosed,
    PeriodEvent,
    PeriodLocked,
    PeriodReopened,
    PeriodReopeningAsked,
)
from domain.periods.months import first_day_after, following
from domain.recorded import Recorded
from domain.refusals import Refused
from projections.auditing.codes import Say
from projections.journal import Journal
from projections.period_sums import PeriodSums

ChainAt = Callable[[int], str | None]


@attrs.define
class PeriodOrder:
    """The closed periods as they follow from the facts so far.

    zone: of all of them; "": none was closed. blind: a fact could not be read; nothing is judged.
    """

    zone: str = ""
    blind: bool = False
    _first: str = ""
    _closed: list[str] = attrs.field(factory=list)
    _locked: set[str] = attrs.field(factory=set)
    _asked: dict[str, str] = attrs.field(factory=dict)

    def judge(self, event: PeriodEvent, position: int, stream: str, say: Say) -> None:
        """A period's fact, recorded at a position, against those before it."""
        if stream != period_stream(event.period):
            say("period-misnamed", f"a fact of {event.period} in {stream}")
        if self.blind:
            return
        match event:
            case PeriodClosed():
                self._close(event, position, say)
            case PeriodLocked():
                if event.period not in self._closed or event.period in self._locked:
                    say("period-lock-wrong", f"{event.period} was not closed, or locked before")
                self._locked.add(event.period)
                self._asked.pop(event.period, None)
            case PeriodReopeningAsked():
                self._check_last(event.period, say)
                if event.period in self._asked:
                    say("period-reopening-wrong", f"{event.period} was asked for before")
                self._asked[event.period] = event.asked_by
            case PeriodReopened():
                self._reopen(event, say)
            case _:
                assert_never(event)

    def _close(self, event: PeriodClosed, position: int, say: Say) -> None:
        expected = following(self._closed[-1]) if self._closed else self._first
        if expected not in ("", event.period):
            say("period-out-of-order", f"{event.period} was closed where {expected} was next")
        if self.zone not in ("", event.zone):
            say("period-zone-mixed", f"{event.period} in {event.zone}, others in {self.zone}")
        ended = start_of_day(first_day_after(event.period), event.zone)
        if event.effective_at < ended:
            say("period-too-early", f"{event.period} ended at {ended}")
        if event.position != position - 1:
            say("period-position-wrong", f"it holds {event.position}, and stands at {position}")
        self._first = self._first or event.period
        self.zone = self.zone or event.zone
        if event.period not in self._closed:
            self._closed = sorted([*self._closed, event.period])

    def _reopen(self, event: PeriodReopened, say: Say) -> None:
        self._check_last(event.period, say)
        asked_by = self._asked.pop(event.period, None)
        if asked_by != event.asked_by:
            say("period-reopening-wrong", f"{event.asked_by} had not asked for {event.period}")
        if event.asked_by.casefold() == event.approved_by.casefold():
            say("period-same-person", f"{event.approved_by} approved what {event.asked_by} asked")
        if event.period in self._closed:
            self._closed.remove(event.period)

    def _check_last(self, period: str, say: Say) -> None:
        if self._closed[-1:] != [period] or period in self._locked:
            say("period-reopening-wrong", f"{period} was not the last one closed, or was locked")


class SealCheck:
    """Adds the books up again and holds each seal against them.

    zone: in which days end. chain_at: the hash chain that was sealed at a position, hex; None where
    it is not known. Feed it the whole log, from its first position on.
    """

    def __init__(self, zone: str, chain_at: ChainAt) -> None:
        self._zone, self._chain_at = zone, chain_at
        self._journal, self._sums = Journal(), PeriodSums(zone)

    def see(self, recorded: Recorded[Any], say: Say) -> None:
        """The next fact of the log."""
        event = recorded.event
        if isinstance(event, PeriodClosed):
            chain = self._chain_at(event.position)
            if chain is not None and chain != event.head_hash:
                words = f"{event.period}: {event.head_hash[:16]} of position {event.position}"
                say("seal-hash-wrong", f"{words}, sealed is {chain[:16]}")
        if isinstance(event, PeriodClosed) and event.zone == self._zone:
            self._check(event, say)
        elif isinstance(event, PeriodLocked):
            self._sums.settle_before(event.period)
        try:
            entry = self._journal.post(recorded)
        except (Unbalanced, KeyError, Refused) as error:
            say("seal-wrong", f"position {recorded.position} cannot be posted: {error}")
            return
        if entry is not None:
            self._sums.take(entry)

    def _check(self, event: PeriodClosed, say: Say) -> None:
        found = self._sums.seal(event.period)
        if found.totals != event.totals:
            differing = [each for each in event.totals if each not in found.totals]
            named = f"{differing[0].role} in {differing[0].currency}" if differing else "an account"
            say("seal-wrong", f"{event.period}: the facts give other totals, first of {named}")
        if found.entries != event.entries:
            words = f"{event.entries} entries sealed, {found.entries} by the facts"
            say("seal-wrong", f"{event.period}: {words}")
        if found.digest != event.digest:
            say("seal-wrong", f"{event.period}: balances {event.digest}, by the facts otherwise")
