"""Due runs over books in memory: workers work until nothing is due, as `billing run` lets them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any
from uuid import UUID, uuid5

import attrs

from domain.due_runs.events import DueRunEvent
from domain.due_runs.items import Due, RunFacts, began, ended, found_due
from domain.identity import SUBSCRIPTION_STREAMS, due_run_stream, event_id, stream_of
from domain.processes.agenda import agenda_of, next_due
from domain.recorded import Recorded
from domain.subscription.state import Subscription
from projections.due_runs import DUE_RUNS, DueRun, ends_of
from projections.replay import replay
from tests.books import Books
from tests.replies import Reply, reply_to
from tests.specimens import SIGNED_UP, wish

RUN = UUID("5f1d3c52-7f0e-4f3e-9a52-0d6f6a3b7c55")
_MOST_CALLS = 300


def states_of(books: Books) -> dict[str, Subscription]:
    """By stream."""
    return {stream_of(name): state for name, state in books.states.items()}


def work_until(books: Books, until: datetime, replies: Iterator[Reply]) -> bool:
    """Work, moving the clock from one due instant to the next; whether it came to rest."""
    for _ in range(_MOST_CALLS):
        if _worked(books, replies):
            continue
        dues = [next_due(agenda_of(state)) for state in books.states.values()]
        due = min((each for each in dues if each is not None), default=None)
        if due is None or due > until:
            books.now = max(books.now, until)
            return True
        # What was left alone just now is looked at again a minute later.
        books.now = max(due, min(books.now + timedelta(minutes=1), until))
        if books.now >= until and not _worked(books, replies):
            return True
    return False


def _worked(books: Books, replies: Iterator[Reply]) -> bool:
    """Whether anybody had something to do."""
    before = len(books.log)
    for name, state in list(books.states.items()):
        due = next_due(agenda_of(state))
        if due is None or due > books.now:
            continue
        call = books.intend(name)
        if call is not None:
            books.answer(name, call, reply_to(call, next(replies), books.now))
    return len(books.log) > before


@attrs.define
class InMemory:
    """One run. log: with its facts in it."""

    row: DueRun
    log: tuple[Recorded[Any], ...]
    rested: bool


def run(books: Books, until: datetime, replies: Iterator[Reply], run_id: UUID = RUN) -> InMemory:
    """A due run from now until an instant, with its manifest."""
    position, found = begin(books, until, run_id)
    rested = work_until(books, until, replies)
    end(books, run_id, until, position, found)
    log: Sequence[Any] = books.log
    return InMemory(replay(DUE_RUNS, log)[str(run_id)], tuple(log), rested)


def begin(books: Books, until: datetime, run_id: UUID) -> tuple[int, tuple[Due, ...]]:
    """A run begins: the position that it knows, and what is due."""
    position, states = len(books.log), states_of(books)
    found = tuple(each for name in states for each in found_due(name, states[name], until))
    _record(books, began(run_id, found, until=until, position=position, now=books.now))
    return position, found


def end(
    books: Books,
    run_id: UUID,
    until: datetime,
    position: int,
    found: tuple[Due, ...],
) -> None:
    """It ends. position, found: of its beginning."""
    facts = RunFacts()
    for recorded in books.log[position:]:
        if recorded.stream.startswith(SUBSCRIPTION_STREAMS):
            facts.take(recorded)
    ends = ends_of(found, facts, states_of(books), until)
    _record(books, ended(run_id, ends, now=books.now))


def runs_of(books: Books, spans: Iterable[timedelta], replies: Iterator[Reply]) -> None:
    """Runs one after the other, beside one that never ends."""
    begin(books, books.now, uuid5(RUN, "interrupted"))
    for number, span in enumerate(spans):
        run(books, books.now + span, replies, uuid5(RUN, f"run {number}"))


def _record(books: Books, event: DueRunEvent) -> None:
    stream = due_run_stream(event.run_id)
    version = books.versions[stream] = books.versions.get(stream, 0) + 1
    command = uuid5(event.run_id, str(version))
    log: list[Any] = books.log
    log.append(
        Recorded(
            position=len(log) + 1,
            stream=stream,
            version=version,
            event_id=event_id(command, stream, version),
            recorded_at=books.now,
            actor="cli:kari",
            cause="command:run",
            command_id=command,
            event=event,
        )
    )


def run_story() -> Books:
    """A story of a customer who does not always pay, with a run after it."""
    books = Books(SIGNED_UP)
    books.sign_up(wish())
    run(books, books.now + timedelta(days=70), cycle([Reply.YES, Reply.SOFT]))
    return books
