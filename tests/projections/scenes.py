"""Short stories for projections: a subscription that is signed up, and what happens to it."""

from __future__ import annotations

from typing import Any

from domain.plan import Terms
from domain.recorded import Recorded
from domain.subscription.events import SubscriptionEvent
from projections.replay import replay
from projections.table import TableProjection
from tests.books import Books, Clock
from tests.replies import Reply
from tests.specimens import SIGNED_UP, wish


def signed_up(agreed: Terms | None = None, *, into: Books | None = None, **changes: Any) -> Books:
    """Books with one more subscription whose token is vaulted, on 20 January 2024."""
    books = into or Books(SIGNED_UP)
    if agreed is not None:
        changes["terms"] = agreed
    books.sign_up(wish(**changes))
    return books


def billed(books: Books, reply: Reply = Reply.YES, subscription_id: str = "s-1") -> Books:
    """The clock goes to what is due next, and the provider answers so."""
    books.advance(Clock.NEXT_DUE, subscription_id)
    books.work(subscription_id, reply)
    return books


def rows(projection: TableProjection[Any], books: Books, **limits: Any) -> dict[str, Any]:
    """The projection's rows."""
    return replay(projection, books.log, **limits)


def facts(books: Books, kind: type[SubscriptionEvent]) -> list[Any]:
    """The facts of one kind, in order."""
    return [each.event for each in books.log if isinstance(each.event, kind)]


def last(books: Books) -> Recorded[SubscriptionEvent]:
    """The last recorded fact."""
    return books.log[-1]
