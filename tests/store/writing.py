"""What the ledger's tests write, and how they fold it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import attrs

from domain.recorded import Stamp
from domain.subscription.events import SubscriptionCancelled
from infrastructure.store.books import Books
from infrastructure.store.ledger import Append, Ledger

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@attrs.frozen
class Tally:
    """A state that shows what was folded: how many events, and the last one's reason."""

    count: int
    last: str


def tally(state: Tally | None, event: Any) -> Tally:
    """Fold one more event into a Tally."""
    return Tally((state.count if state else 0) + 1, getattr(event, "reason", ""))


def open_ledger(books: Books, **options: Any) -> Ledger[Tally]:
    """A ledger over these books that folds to Tally."""
    return Ledger(books, **{"evolve": tally, "state_type": Tally, **options})


def fact(reason: str = "r") -> SubscriptionCancelled:
    """A small event."""
    return SubscriptionCancelled(reason=reason, effective_at=NOW)


def stamp(command_id: UUID | None = None) -> Stamp:
    """A stamp, of a command of its own unless one is given."""
    return Stamp(actor="tests", cause="a test", command_id=command_id or uuid4())


def facts_for(
    stream: str, expected_version: int = 0, *reasons: str, command_id: UUID | None = None
) -> Append:
    """An append of one event a reason (one event without a reason)."""
    events = tuple(fact(reason) for reason in reasons or ("r",))
    return Append(stream, expected_version, events, stamp(command_id))
