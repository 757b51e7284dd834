"""First payments: made on the page that makes the token, by one request, for one attempt."""

from __future__ import annotations

from domain.providers import RULES
from domain.subscription.events import (
    ApprovalOffered,
    ChargeAttempted,
    CreditApplied,
    SubscriptionEvent,
    TokenPurpose,
    TokenRequested,
)
from domain.subscription.state import Status
from projections.auditing.book import Book
from projections.auditing.codes import Say


def check_named(book: Book, event: SubscriptionEvent, say: Say) -> None:
    """Before any fact: what a request names is attempted at once; what was billed before there
    was a token is paid on a page."""
    named, early = book.named_next, book.billed_early
    if named is not None and not _attempts(event, named):
        say("first-charge-wrong", f"{type(event).__name__} instead of attempt {named}")
    book.named_next = None
    if early is None or isinstance(event, CreditApplied):
        return
    book.billed_early = None
    if not isinstance(event, TokenRequested) or event.first_charge is None:
        say("invoice-before-token", f"invoice {early}, and {type(event).__name__} follows it")


def _attempts(event: SubscriptionEvent, named: object) -> bool:
    return isinstance(event, ChargeAttempted) and (event.attempt_id, event.token_ref) == (named, "")


def check_first_charge(book: Book, event: TokenRequested, say: Say) -> None:
    """A page takes a payment where the provider's can, and where no token could be charged."""
    book.first_charge = book.named_next = event.first_charge
    if event.first_charge is None:
        return
    provider, _ = book.charged_at
    elsewhere = event.provider is not None or event.purpose is TokenPurpose.BACKUP
    if elsewhere or book.token_usable or not RULES[provider].session_pays:
        say("first-charge-wrong", f"request {event.number} has attempt {event.first_charge} paid")


def check_on_page(book: Book, event: ChargeAttempted, say: Say) -> None:
    """An attempt without a token is the one that the open request names."""
    if book.first_charge != event.attempt_id:
        say("first-charge-wrong", f"attempt {event.attempt_id} has no token, and no page")


def check_page(book: Book, event: ApprovalOffered, say: Say) -> None:
    """The payer is shown no page whose payment is settled already."""
    named, attempt = book.first_charge, book.attempt
    if named is not None and (attempt is None or attempt.attempt_id != named):
        say("page-after-payment", f"{event.provider_ref}, and attempt {named} is settled")


def begin(book: Book) -> None:
    """The first money begins what waited for it."""
    if book.status is Status.PENDING:
        book.status = Status.ACTIVE
