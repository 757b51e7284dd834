"""The journal: every fact that moves money, as a balanced entry, in the order of the log.

journal(log)      entries, one at a time; memory grows with subscriptions, not with facts
Journal.post      the same for a reader that brings the facts itself, from any position on
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from domain.books.accounts import Entry
from domain.books.periods import NONE_CLOSED, Closed
from domain.books.posting import posting_of
from domain.books.standing import Standing
from domain.identity import PERIOD_STREAMS
from domain.periods.events import PeriodClosed, PeriodReopened
from domain.recorded import Recorded, stored_name
from domain.subscription.events import CreditGranted, InvoiceIssued, SubscriptionStarted

# What is a document of its own towards the customer, and its series.
SERIES = {InvoiceIssued: "I", CreditGranted: "C"}
# What the streams are called whose facts concern every entry; whoever makes a journal that goes on
# posts them to it first.
FOR_ALL = (PERIOD_STREAMS,)
# How a stream stands before the fact that is to be posted; None: nothing of it is in the books.
StandingOf = Callable[[str], Standing | None]
# The last number of each series and year.
Numbers = Mapping[tuple[str, int], int]


def unknown(_: str) -> None:
    """For a journal that begins with the first fact of the log."""


class Journal:
    """Posts facts in the log's order. Raises, from `post`: Unbalanced.

    standing_of: asked once for a stream that goes on and is not held. numbers: those given so far.
    closed: the periods that are closed by now.
    """

    def __init__(
        self,
        standing_of: StandingOf = unknown,
        numbers: Numbers | None = None,
        closed: Closed = NONE_CLOSED,
    ) -> None:
        self._standing_of = standing_of
        self._standing: dict[str, Standing] = {}
        self._numbers: Counter[tuple[str, int]] = Counter(numbers)
        self.closed = closed

    @property
    def numbers(self) -> Numbers:
        """The last number of each series and year."""
        return self._numbers

    def holds(self, stream: str) -> bool:
        """Whether the stream's standing need not be asked for."""
        return stream in self._standing

    def let_go(self, most: int) -> None:
        """Hold so many streams at the most, those that were posted to last."""
        for stream in list(self._standing)[: max(0, len(self._standing) - most)]:
            del self._standing[stream]

    def post(self, recorded: Recorded[Any]) -> Entry | None:
        """The entry of the next fact, or None where it moves no money."""
        event = recorded.event
        if isinstance(event, PeriodClosed | PeriodReopened):
            self.closed = self.closed.after(event)
            return None
        standing = self._held(recorded)
        if standing is None:
            return None
        posting = posting_of(standing, event)
        standing.take(event)
        if not posting.lines:
            return None
        year = recorded.recorded_at.year
        series = SERIES.get(type(event))
        entry = Entry(
            voucher=self._number("", year),
            document="" if series is None else self._number(f"{series}-", year),
            position=recorded.position,
            stream=recorded.stream,
            fact=stored_name(type(event)),
            about=about(event),
            effective_at=event.effective_at,
            recorded_at=recorded.recorded_at,
            lines=posting.lines,
            recognitions=posting.recognitions,
        )
        return self.closed.routed(entry)

    def _held(self, recorded: Recorded[Any]) -> Standing | None:
        """The standing that a fact is posted to, from now on the one posted to last."""
        stream = recorded.stream
        standing = self._standing.pop(stream, None)
        if standing is None and recorded.version > 1:
            standing = self._standing_of(stream)
        if standing is None:
            # What begins a stream moves no money itself.
            if (begun := _begun(recorded)) is not None:
                self._standing[stream] = begun
            return None
        self._standing[stream] = standing
        return standing

    def _number(self, series: str, year: int) -> str:
        """The next one of a series and year. The log's order makes it, so it is stable for ever."""
        self._numbers[series, year] += 1
        return f"{series}{year}-{self._numbers[series, year]:06}"


def journal(log: Iterable[Recorded[Any]]) -> Iterator[Entry]:
    """The entries of a log from its first position on. Raises: Unbalanced."""
    posts = Journal()
    for recorded in log:
        entry = posts.post(recorded)
        if entry is not None:
            yield entry


def standing_after(facts: Iterable[Recorded[Any]]) -> Standing | None:
    """How a stream stands after all its facts so far; None: nothing of it is in the books."""
    standing: Standing | None = None
    for recorded in facts:
        if standing is not None:
            standing.take(recorded.event)
        else:
            standing = _begun(recorded)
    return standing


def _begun(recorded: Recorded[Any]) -> Standing | None:
    """The standing that a stream's first fact makes; None where its kind is not in the books."""
    event = recorded.event
    return Standing.begun(event) if isinstance(event, SubscriptionStarted) else None


def about(event: Any) -> str:
    """What an entry is about, as `billing explain` takes it up: an invoice or a credit."""
    number = getattr(event, "invoice_number", None)
    return f"invoice {number}" if number is not None else f"credit {event.credit_number}"
