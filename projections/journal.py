"""The journal: every fact that moves money, as a balanced entry, in the order of the log.

journal(log)      entries, one at a time; memory grows with subscriptions, not with facts
Journal.post      the same for a reader that brings the facts itself
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from domain.books.accounts import Entry
from domain.books.posting import posting_of
from domain.books.standing import Standing
from domain.recorded import Recorded, stored_name
from domain.subscription.events import CreditGranted, InvoiceIssued, SubscriptionStarted

# What is a document of its own towards the customer, and its series.
SERIES = {InvoiceIssued: "I", CreditGranted: "C"}


class Journal:
    """Posts facts in the log's order. Raises, from `post`: Unbalanced."""

    def __init__(self) -> None:
        self._standing: dict[str, Standing] = {}
        self._numbers: Counter[tuple[str, int]] = Counter()

    def post(self, recorded: Recorded[Any]) -> Entry | None:
        """The entry of the next fact, or None where it moves no money."""
        event = recorded.event
        standing = self._standing.get(recorded.stream)
        if standing is None:
            if isinstance(event, SubscriptionStarted):
                self._standing[recorded.stream] = Standing.begun(event)
            return None
        posting = posting_of(standing, event)
        standing.take(event)
        if not posting.lines:
            return None
        year = recorded.recorded_at.year
        series = SERIES.get(type(event))
        return Entry(
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


def about(event: Any) -> str:
    """What an entry is about, as `billing explain` takes it up: an invoice or a credit."""
    number = getattr(event, "invoice_number", None)
    return f"invoice {number}" if number is not None else f"credit {event.credit_number}"
