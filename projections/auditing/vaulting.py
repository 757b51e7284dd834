"""Starting, tokens and ending: each fact against what went before it."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.calendar import start_of_day
from domain.identity import stream_of, token_request_id
from domain.refusals import Refused
from domain.schedule import due_day, period_of
from domain.subscription.events import (
    ApprovalOffered,
    SubscriptionCancelled,
    SubscriptionCompleted,
    SubscriptionStarted,
    TokenRefused,
    TokenRequested,
    TokenRequestExpired,
    TokenVaulted,
)
from domain.subscription.state import Status
from projections.auditing.book import Book
from projections.auditing.codes import Say

# Announced instants stay when a zone's rules change; no such change moves midnight by a day.
ZONE_RULES_MOVE_AT_MOST = timedelta(hours=26)


def check_start(book: Book, event: SubscriptionStarted, stream: str, say: Say) -> None:
    """A start stands once, first, in its own stream, and announces the right day."""
    if book.started is not None:
        say("started-twice", f"{event.subscription_id} was started before")
        return
    if stream != stream_of(event.subscription_id):
        say("stream-misnamed", f"{event.subscription_id} starts in {stream}")
    book.started = event
    book.announced = event.first_due_at
    book.last_end = event.start
    if not announced_for(book, 1, event.first_due_at):
        say("started-out-of-step", f"first invoice announced for {event.first_due_at}")


def announced_for(book: Book, invoice_number: int, instant: datetime) -> bool:
    """Whether an announced instant is where the terms put the nth invoice."""
    begun = book.beginning
    try:
        day = due_day(begun.terms, period_of(begun.start, begun.terms, invoice_number))
        return abs(start_of_day(day, begun.zone) - instant) <= ZONE_RULES_MOVE_AT_MOST
    except Refused:
        return False


def check_request(book: Book, event: TokenRequested, say: Say) -> None:
    """A token request is the next one, alone, and not after a cancellation."""
    if book.request is not None:
        say("token-request-doubled", f"request {event.number} while another is open")
    if book.status is Status.CANCELLED:
        say("token-request-after-end", f"request {event.number} after the cancellation")
    derived = token_request_id(book.beginning.namespace, event.number)
    if event.number != book.requests + 1 or event.request_id != derived:
        say("token-request-wrong", f"request {event.number} follows request {book.requests}")
    book.request, book.requests = event.request_id, event.number


def check_request_answer(
    book: Book, event: ApprovalOffered | TokenVaulted | TokenRefused | TokenRequestExpired, say: Say
) -> None:
    """An answer belongs to the open request; a new token gives open invoices a fresh start."""
    if book.request is None or book.request != event.request_id:
        say("token-request-not-open", f"{type(event).__name__} for {event.request_id}")
    if isinstance(event, ApprovalOffered):
        return
    book.request = None
    if not isinstance(event, TokenVaulted):
        return
    if event.replaces != book.token_ref:
        say("token-replaces-wrong", f"replaces {event.replaces}, present is {book.token_ref}")
    book.token_ref, book.token_usable = event.token_ref, True
    if book.status is Status.PENDING:
        book.status = Status.ACTIVE
    for owed in book.owed.values():
        owed.retries, owed.retry_at, owed.ended = 0, None, False


def check_end(book: Book, event: SubscriptionCancelled | SubscriptionCompleted, say: Say) -> None:
    """A subscription ends once; by itself only when nothing is due or open any more."""
    if book.status in (Status.CANCELLED, Status.COMPLETED):
        say("ended-twice", f"{type(event).__name__} when it was {book.status.value}")
    if isinstance(event, SubscriptionCancelled):
        book.status, book.announced, book.request = Status.CANCELLED, None, None
        return
    if not all_is_paid(book):
        say("completion-too-early", f"{len(book.owed)} open, next due {book.announced}")
    book.status = Status.COMPLETED


def all_is_paid(book: Book) -> bool:
    """Whether the last invoice was issued and none is open."""
    return book.invoices > 0 and book.announced is None and not book.owed
