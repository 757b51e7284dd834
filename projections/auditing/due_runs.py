"""Due runs: the order of their facts, and whether what each told is what the log says.

The order is judged as the facts go by. What a run found and how its items ended is derived again in
a pass of its own, for what was due at a position is asked only once the log is past it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import attrs

from domain.due_runs.events import DueRunBegan, DueRunEnded, DueRunEvent
from domain.due_runs.items import (
    NO_OUTCOME,
    Due,
    ItemEnd,
    RunFacts,
    began,
    ended,
    first_due,
    found_due,
)
from domain.identity import SUBSCRIPTION_STREAMS, due_run_stream
from domain.recorded import Recorded
from domain.subscription.events import SubscriptionStarted
from domain.subscription.folding import evolve
from domain.subscription.state import Subscription
from projections.auditing.codes import Say
from projections.due_runs import ends_of

# What is wrong with which fact: its position, stream, code, words.
SayOf = Callable[[int, str, str, str], None]


@attrs.define
class Told:
    """A run as its facts tell it. ended: None where it did not end; nothing is wrong with that."""

    began: DueRunBegan
    began_at: int
    ended: DueRunEnded | None = None
    ended_at: int = 0

    @property
    def stream(self) -> str:
        """The run's own."""
        return due_run_stream(self.began.run_id)


@attrs.define
class RunOrder:
    """The runs as they follow from the facts so far."""

    _runs: dict[UUID, Told] = attrs.field(factory=dict)

    def judge(self, event: DueRunEvent, position: int, stream: str, say: Say) -> None:
        """A run's fact, recorded at a position, against those before it."""
        if stream != due_run_stream(event.run_id):
            say("run-misnamed", f"a fact of run {event.run_id} in {stream}")
        run = self._runs.get(event.run_id)
        if isinstance(event, DueRunBegan):
            if run is not None:
                say("run-order-wrong", f"run {event.run_id} began again")
                return
            if event.position >= position:
                say("run-position-wrong", f"it knew {event.position}, and stands at {position}")
                return
            self._runs[event.run_id] = Told(event, position)
            return
        if run is None or run.ended is not None:
            what = "had not begun" if run is None else "had ended"
            say("run-order-wrong", f"run {event.run_id} ended, and {what}")
            return
        if event.effective_at < run.began.effective_at:
            say("run-order-wrong", f"run {event.run_id} ended before it began")
        run.ended, run.ended_at = event, position

    @property
    def told(self) -> tuple[Told, ...]:
        """Every run that can be derived again."""
        return tuple(self._runs.values())


@attrs.define
class _Open:
    """A run that goes on. facts: since the position that it knew."""

    told: Told
    found: tuple[Due, ...]
    facts: RunFacts = attrs.field(factory=RunFacts)


class RunCheck:
    """Derives every item of every run and its outcome again, and holds them against its facts.

    Feed it the whole log, from its first position on. Memory grows with subscriptions.
    """

    def __init__(self, told: tuple[Told, ...], say: SayOf) -> None:
        self._say = say
        self._begin = sorted(told, key=lambda each: each.began.position, reverse=True)
        self._open: list[_Open] = []
        self._states: dict[str, Subscription] = {}
        # When each one's first item falls due, asked anew only for those that changed.
        self._due: dict[str, datetime | None] = {}
        self._changed: set[str] = set()

    def see(self, recorded: Recorded[Any]) -> None:
        """The next fact of the log."""
        self._begin_those_before(recorded.position)
        self._end_those_before(recorded.position)
        stream = recorded.stream
        if not stream.startswith(SUBSCRIPTION_STREAMS) or not (self._begin or self._open):
            return
        state = self._states.get(stream)
        if state is None and not isinstance(recorded.event, SubscriptionStarted):
            return
        self._states[stream] = evolve(state, recorded.event)
        self._changed.add(stream)
        for run in self._open:
            run.facts.take(recorded)

    def _begin_those_before(self, position: int) -> None:
        while self._begin and self._begin[-1].began.position < position:
            told = self._begin.pop()
            found = tuple(self._due_by(told.began.until))
            self._check_beginning(told, found)
            if told.ended is not None:
                self._open.append(_Open(told, found))

    def _end_those_before(self, position: int) -> None:
        for run in [each for each in self._open if each.told.ended_at <= position]:
            self._open.remove(run)
            until = run.told.began.until
            self._check_end(run.told, ends_of(run.found, run.facts, self._states, until))

    def _due_by(self, until: datetime) -> Iterator[Due]:
        for stream in self._changed:
            self._due[stream] = first_due(self._states[stream])
        self._changed.clear()
        for stream, due in self._due.items():
            if due is not None and due <= until:
                yield from found_due(stream, self._states[stream], until)

    def _check_beginning(self, told: Told, found: tuple[Due, ...]) -> None:
        known = told.began
        again = began(
            known.run_id, found, until=known.until, position=known.position, now=known.effective_at
        )
        for name in ("items", "sums", "digest"):
            if getattr(again, name) != getattr(known, name):
                words = f"{name}: {_plain(getattr(known, name))}, the log gives "
                self._say(
                    told.began_at,
                    told.stream,
                    "run-found-wrong",
                    words + _plain(getattr(again, name)),
                )

    def _check_end(self, told: Told, ends: tuple[ItemEnd, ...]) -> None:
        known = told.ended
        assert known is not None
        again = ended(known.run_id, ends, now=known.effective_at)
        # A provider may be away: an item that was left is no fault where the run says so.
        if again.digest != known.digest:
            named = {(each.stream, each.invoice_number, each.reason) for each in known.skipped}
            for each in ends:
                if each.reason == NO_OUTCOME and (*each.key, NO_OUTCOME) not in named:
                    words = f"{each.key[0]} invoice {each.key[1]} was due, and has no outcome"
                    self._say(told.ended_at, told.stream, "run-item-open", words)
        for name in ("charged", "declined", "unknown"):
            if getattr(again, name) != getattr(known, name):
                words = f"{getattr(known, name)} {name}, {getattr(again, name)} by the log"
                self._say(told.ended_at, told.stream, "run-outcome-wrong", words)
        if (again.skipped, again.skipped_beyond) != (known.skipped, known.skipped_beyond):
            words = "other items were skipped, or for other reasons, than the log gives"
            self._say(told.ended_at, told.stream, "run-outcome-wrong", words)
        if again.sums != known.sums:
            words = f"{_plain(known.sums)} taken, {_plain(again.sums)} by the log"
            self._say(told.ended_at, told.stream, "run-sum-wrong", words)
        if again.digest != known.digest:
            words = f"outcomes {known.digest[:16]}, {again.digest[:16]} by the log"
            self._say(told.ended_at, told.stream, "run-digest-wrong", words)


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{each.minor} {each.currency}" for each in value) or "nothing"
    return str(value)[:16]
