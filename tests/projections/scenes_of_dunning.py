"""Short stories of what is not paid, or not as it was asked for, made by the real decisions.

299.00 NOK a month, prepaid, from 31 January 2024 in Oslo; no retries, a grace of ten days.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from domain.plan import DunningEnd, RetryPolicy
from domain.ports import Captured
from domain.subscription.charging import CALLBACK, settle
from domain.subscription.discrepancies import resolve
from domain.subscription.dunning import collect_again, reinstate, write_off
from domain.subscription.events import Resolution, SubscriptionEvent
from domain.subscription.state import Subscription
from tests.books import ZONE_VERSION, Books, Clock
from tests.projections.scenes import billed, signed_up
from tests.replies import Reply
from tests.specimens import PRICE, terms

Decide = Callable[[Subscription], tuple[SubscriptionEvent, ...]]


def decided(books: Books, decide: Decide) -> Books:
    """A person's decision at the books' clock."""
    books.append("s-1", decide(books.states["s-1"]), actor="cli", cause="command:cli")
    return books


def later(books: Books, days: int) -> Books:
    """The clock goes on."""
    books.now += timedelta(days=days)
    return books


def unpaid(end: DunningEnd = DunningEnd.LEAVE_OPEN) -> Books:
    """The first charge is declined, and its retries are used up."""
    return billed(signed_up(terms(retry=RetryPolicy((), end, 10))), Reply.SOFT)


def suspended() -> Books:
    """After the grace; the next period begins 18 days later."""
    books = unpaid(DunningEnd.SUSPEND)
    books.advance(Clock.NEXT_DUE, "s-1")
    books.work("s-1")
    return books


def collected_again(books: Books | None = None) -> Books:
    """A person has it collected, and it is paid."""
    books = later(books or unpaid(), 1)
    decided(books, lambda state: collect_again(state, 1, reason="has money", now=books.now))
    books.work("s-1")
    return books


def reinstated_by_payment() -> Books:
    """Paid while suspended; the next period is billed and paid."""
    books = collected_again(suspended())
    books.intend("s-1")
    return billed(books)


def reinstated_by_a_person() -> Books:
    """Not paid; 40 days later, so that a part of a period is billed, and paid."""
    books = later(suspended(), 40)
    decided(
        books,
        lambda state: reinstate(state, reason="trusted", now=books.now, zone_version=ZONE_VERSION),
    )
    books.work("s-1")
    return books


def written_off() -> Books:
    """Given up after the grace; the next period is billed and paid."""
    books = unpaid(DunningEnd.WRITE_OFF)
    books.advance(Clock.NEXT_DUE, "s-1")
    books.work("s-1")
    return billed(books)


def written_off_by_a_person() -> Books:
    """Given up long before any grace is over."""
    books = later(unpaid(), 1)
    return decided(books, lambda state: write_off(state, 1, reason="moved", now=books.now))


def late_after_write_off() -> Books:
    """The declined charge was made after all."""
    books = written_off_by_a_person()
    (failed,) = books.states["s-1"].failed_attempts
    answer = Captured(amount=PRICE, provider_ref="cap-late", at=books.now)
    return decided(
        books,
        lambda state: settle(state, failed.attempt_id, answer, evidence=CALLBACK, now=books.now),
    )


def _resolved(reply: Reply, resolution: Resolution) -> Books:
    books = later(billed(signed_up(), reply), 1)
    (found,) = books.states["s-1"].unresolved
    return decided(
        books,
        lambda state: resolve(state, found.attempt_id, resolution, reason="seen", now=books.now),
    )


def short_and_accepted() -> Books:
    """Less than asked for; the rest is asked for and paid."""
    books = _resolved(Reply.LESS, Resolution.ACCEPTED)
    books.work("s-1")
    return books


def too_much_and_accepted() -> Books:
    """More than asked for; the surplus pays a part of the next invoice."""
    return billed(_resolved(Reply.MORE, Resolution.ACCEPTED))


def too_much_and_dismissed() -> Books:
    """The surplus was paid back by hand."""
    return billed(_resolved(Reply.MORE, Resolution.DISMISSED))


def foreign_and_dismissed() -> Books:
    """Another currency; the whole is asked for again and paid."""
    books = _resolved(Reply.OTHER_CURRENCY, Resolution.DISMISSED)
    books.work("s-1")
    return books


STORIES = (
    unpaid,
    suspended,
    collected_again,
    reinstated_by_payment,
    reinstated_by_a_person,
    written_off,
    written_off_by_a_person,
    late_after_write_off,
    short_and_accepted,
    too_much_and_accepted,
    too_much_and_dismissed,
    foreign_and_dismissed,
)
