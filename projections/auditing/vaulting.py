"""Starting and tokens: each fact against what went before it."""

from __future__ import annotations

from domain.identity import stream_of, token_request_id
from domain.subscription.events import (
    ApprovalOffered,
    SubscriptionEvent,
    SubscriptionStarted,
    TokenPurpose,
    TokenRefused,
    TokenRequested,
    TokenRequestExpired,
    TokenVaulted,
)
from domain.subscription.state import Status
from domain.subscription.token_events import TokenDeletionRequested, TokenRevoked
from projections.auditing.book import Book
from projections.auditing.codes import Say
from projections.auditing.first_payments import check_first_charge, check_page
from projections.auditing.schedules import announced_for, opening


def check_start(book: Book, event: SubscriptionStarted, stream: str, say: Say) -> None:
    """A start stands once, first, in its own stream, and announces the right day."""
    if book.started is not None:
        say("started-twice", f"{event.subscription_id} was started before")
        return
    if stream != stream_of(event.subscription_id):
        say("stream-misnamed", f"{event.subscription_id} starts in {stream}")
    book.started = event
    book.announced = event.first_due_at
    book.next_start = event.start
    book.agreed = (opening(event.start, event.terms),)
    book.meters = event.terms.meters
    due = event.first_due_at
    if (due is not None) != event.terms.scheduled or (due and not announced_for(book, 1, due)):
        say("started-out-of-step", f"first invoice announced for {event.first_due_at}")


def check_request(book: Book, event: TokenRequested, say: Say) -> None:
    """A token request is the next one, alone, and not after a cancellation."""
    if book.request is not None:
        say("token-request-doubled", f"request {event.number} while another is open")
    if book.status is Status.CANCELLED:
        say("token-request-after-end", f"request {event.number} after the cancellation")
    derived = token_request_id(book.beginning.namespace, event.number)
    if event.number != book.requests + 1 or event.request_id != derived:
        say("token-request-wrong", f"request {event.number} follows request {book.requests}")
    if event.purpose is TokenPurpose.BACKUP and book.token_ref is None:
        say("token-request-wrong", f"request {event.number} for a backup of nothing")
    check_first_charge(book, event, say)
    book.request, book.requests = event.request_id, event.number
    book.request_purpose = event.purpose
    provider, account = book.charged_at
    book.request_at = event.provider or provider, event.account or account
    named = event.provider is not None, event.account != ""
    if named not in ((True, True), (False, False)) or (
        all(named) and book.request_at == book.charged_at
    ):
        say("token-request-wrong", f"request {event.number} is said to be elsewhere")


def check_request_answer(
    book: Book, event: ApprovalOffered | TokenVaulted | TokenRefused | TokenRequestExpired, say: Say
) -> None:
    """An answer belongs to the open request; a new token gives open invoices a fresh start."""
    if book.request is None or book.request != event.request_id:
        say("token-request-not-open", f"{type(event).__name__} for {event.request_id}")
    if isinstance(event, ApprovalOffered):
        check_page(book, event, say)
        return
    book.request = book.first_charge = None
    if not isinstance(event, TokenVaulted):
        return
    book.tokens[event.token_ref] = False
    backup = book.request_purpose is TokenPurpose.BACKUP
    present = book.backup_ref if backup else book.token_ref
    if event.replaces != present:
        say("token-replaces-wrong", f"replaces {event.replaces}, present is {present}")
    if backup:
        book.backup_ref, book.backup_usable = event.token_ref, True
        book.backup_at = book.request_at
        agreed = book.agreed_for(book.invoices + 1).terms.backup
        for owed in book.owed.values():
            owed.backup_tried = False
            owed.ended = owed.ended and not agreed
        return
    book.token_ref, book.token_usable = event.token_ref, True
    book.token_at = book.request_at
    if book.status is Status.PENDING:
        book.status = Status.ACTIVE
    for owed in book.owed.values():
        owed.begin_anew()


_OURS = ("deleted by us", "kept for another subscription")


def check_token_end(book: Book, event: TokenDeletionRequested | TokenRevoked, say: Say) -> None:
    """A token ends once; one that we deleted, we meant to. It is not charged again."""
    ref = event.token_ref
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"the end of {ref} for {event.customer_id}")
    if isinstance(event, TokenDeletionRequested):
        if book.tokens.get(ref) is not False:
            say("token-deletion-wrong", f"{ref}: there is none, or it was let go before")
        book.tokens[ref] = True
    else:
        let_go = book.tokens.pop(ref, None)
        if let_go is None or let_go != (event.reason in _OURS):
            say("token-revocation-wrong", f"{ref}: {event.reason}")
    if ref == book.backup_ref:
        book.backup_usable = False
    if ref != book.token_ref or not book.token_usable:
        return
    book.token_usable = False
    running = book.status is not Status.PENDING and not book.has_ended
    book.ask_anew = running and book.request is None


def check_asked_anew(book: Book, event: SubscriptionEvent, say: Say) -> None:
    """Before any fact: where the first method had just ended, it is a token request.

    Others that were let go with it may stand between.
    """
    if not book.ask_anew or isinstance(event, TokenDeletionRequested):
        return
    if not isinstance(event, TokenRequested):
        say("token-not-asked-for", f"{type(event).__name__} instead of a token request")
    book.ask_anew = False
