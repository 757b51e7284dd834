"""Logs of drawn histories into which somebody closes periods, and opens them again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any
from uuid import UUID, uuid5

import attrs
from hypothesis import strategies as st

from domain.calendar import local_day
from domain.identity import event_id, period_stream
from domain.periods.closing import Before, Wish, ask_reopening, close, lock, reopen
from domain.periods.events import PeriodEvent
from domain.periods.months import first_day_after, following, period_of
from domain.periods.state import AccountingPeriod, evolve_period
from domain.recorded import Recorded
from projections.journal import Journal
from projections.period_sums import PeriodSums
from tests.projections.stories import story

_SPACE = UUID("1c5b1d3e-4f0a-4a44-9b0e-7b1f6c9b2d55")
CHAIN = "ab" * 32


class Deed(Enum):
    """What somebody does after a fact. CLOSE: every period that is over."""

    NOTHING = "nothing"
    CLOSE = "close"
    CLOSE_ONE = "close-one"
    REOPEN = "reopen"
    LOCK = "lock"


_DEEDS = st.sampled_from(
    [*[Deed.NOTHING] * 3, *[Deed.CLOSE] * 6, Deed.CLOSE_ONE, *[Deed.REOPEN] * 2, Deed.LOCK]
)
DEEDS = st.lists(_DEEDS, min_size=1, max_size=12)
ZONES = st.sampled_from(["UTC", "Europe/Oslo", "America/Los_Angeles", "Pacific/Kiritimati"])


@attrs.define
class ClosingBooks:
    """A log that grows by given facts and by the deeds of people."""

    zone: str
    log: list[Recorded[Any]] = attrs.field(factory=list)
    states: dict[str, AccountingPeriod] = attrs.field(factory=dict)
    journal: Journal = attrs.field(factory=Journal)
    sums: PeriodSums = attrs.field(init=False)
    versions: dict[str, int] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.sums = PeriodSums(self.zone)

    def take(self, recorded: Recorded[Any]) -> None:
        """One more fact of the history, at the position that is next here."""
        self._add(attrs.evolve(recorded, position=len(self.log) + 1))

    def _add(self, recorded: Recorded[Any]) -> None:
        self.log.append(recorded)
        entry = self.journal.post(recorded)
        if entry is not None:
            self.sums.take(entry)

    def do(self, deed: Deed) -> None:
        """What somebody does now, if it can be done."""
        closed = self.journal.closed.periods
        last = self.states.get(closed[-1]) if closed else None
        match deed:
            case Deed.CLOSE:
                while self._close():
                    pass
            case Deed.CLOSE_ONE:
                self._close()
            case Deed.REOPEN if last is not None and last.locked is None:
                asking = Wish(period=last.period, by="kari", reason="a report came late")
                self._record(ask_reopening(last, asking, later_closed=False, now=self._now))
                approving = Wish(period=last.period, by="ola", reason="seen it")
                asked = self.states[last.period]
                self._record(reopen(asked, approving, later_closed=False, now=self._now))
            case Deed.LOCK if last is not None:
                wish = Wish(period=last.period, by="kari", reason="filed")
                self._record(lock(last, wish, now=self._now))

    @property
    def _now(self) -> Any:
        return self.log[-1].recorded_at

    @property
    def before(self) -> Before:
        """What was closed up to now."""
        if not self.states:
            return Before()
        closed = self.journal.closed.periods
        expected = following(closed[-1]) if closed else min(self.states)
        return Before(zone=self.zone, expected=expected)

    def _close(self) -> bool:
        """Close the next period that is over; whether there was one."""
        before = self.before
        today = local_day(self._now, self.zone)
        name = before.expected or period_of(local_day(self.log[0].recorded_at, self.zone))
        if today < first_day_after(name):
            return False
        wish = Wish(period=name, by="kari", reason="month end")
        self._record(
            close(
                self.states.get(name),
                wish,
                before,
                self.sums.seal(name),
                zone=self.zone,
                position=len(self.log),
                head_hash=CHAIN,
                now=self._now,
            )
        )
        return True

    def _record(self, events: Sequence[PeriodEvent]) -> None:
        for event in events:
            stream = period_stream(event.period)
            version = self.versions[stream] = self.versions.get(stream, 0) + 1
            command = uuid5(_SPACE, f"{stream}/{version}")
            self._add(
                Recorded(
                    position=len(self.log) + 1,
                    stream=stream,
                    version=version,
                    event_id=event_id(command, stream, version),
                    recorded_at=self._now,
                    actor="cli:kari",
                    cause="command:period",
                    command_id=command,
                    event=event,
                )
            )
            self.states[event.period] = evolve_period(self.states.get(event.period), event)


def with_deeds(
    log: Sequence[Recorded[Any]], deeds: Sequence[Deed], zone: str
) -> Iterator[ClosingBooks]:
    """The books after each fact and what somebody did after it; the deeds begin again."""
    books = ClosingBooks(zone)
    for place, recorded in enumerate(log):
        books.take(recorded)
        books.do(deeds[place % len(deeds)])
        yield books


def closed_books(log: Sequence[Recorded[Any]], deeds: Sequence[Deed], zone: str) -> ClosingBooks:
    """The books after all of it."""
    *_, books = with_deeds(log, deeds, zone)
    return books


def closed_story() -> ClosingBooks:
    """A story in which periods are closed, opened again and locked."""
    deeds = [Deed.CLOSE, Deed.CLOSE, Deed.REOPEN, Deed.CLOSE, Deed.CLOSE_ONE, Deed.LOCK]
    return closed_books(story(3).log, deeds, "Europe/Oslo")
