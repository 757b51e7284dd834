"""Attempts: each against its invoice, its token and its key; and what is owed after retries."""

from __future__ import annotations

from domain.identity import attempt_id, charge_reference
from domain.subscription.events import (
    CaptureAttempted,
    ChargeAttempted,
    ChargeAuthorized,
    ChargeLookedUp,
    ChargeOutcomeUnknown,
    CollectionEnded,
    RetryScheduled,
)
from domain.subscription.owed import RETRIES_USED_UP
from domain.subscription.state import Status
from projections.auditing.book import Book, OpenAttempt, Owed
from projections.auditing.codes import Say
from projections.auditing.first_payments import check_on_page
from projections.auditing.voiding import check_capture, check_reserved


def check_attempt(book: Book, event: ChargeAttempted, say: Say) -> None:
    """An attempt collects all that is open on one invoice, alone, on a token that may be used."""
    number, begun = event.invoice_number, book.beginning
    if book.attempt is not None:
        say(
            "attempt-doubled",
            f"attempt on invoice {number} while {book.attempt.attempt_id} is open",
        )
    on_page = event.token_ref == ""
    if (book.status is Status.PENDING and not on_page) or book.has_ended:
        say("attempt-after-end", f"attempt on invoice {number} when it was {book.status.value}")
    if on_page:
        check_on_page(book, event, say)
    elif event.token_ref == book.backup_ref and book.backup_usable:
        _check_backup(book, number, say)
    elif event.token_ref != book.token_ref or not book.token_usable:
        say("token-unusable", f"attempt on invoice {number} with {event.token_ref}")
    on_backup = event.token_ref == book.backup_ref
    at = book.backup_at if on_backup and book.backup_at is not None else book.charged_at
    if (event.provider, event.account) != at:
        say("attempt-elsewhere", f"through {event.provider.value} account {event.account}")
    if event.customer_id != begun.customer_id:
        say("customer-mixed", f"attempt on invoice {number} is for {event.customer_id}")
    key = attempt_id(begun.namespace, number, event.attempt_number)
    reference = charge_reference(begun.subscription_id, number, event.attempt_number, key)
    if (event.attempt_id, event.reference) != (key, reference):
        say("attempt-key-wrong", f"{event.attempt_id} as {event.reference}, not {key}")
    owed = book.owed.get(number)
    if owed is None:
        say("attempt-without-invoice", f"invoice {number} is not open")
    else:
        _check_owed(owed, event, say)
        if book.contested and not owed.despite:
            say("attempt-while-disputed", f"attempt on invoice {number}")
    named = (event.reference, event.provider, event.account, event.token_ref)
    book.references[event.attempt_id] = named
    book.attempt = OpenAttempt(
        event.attempt_id, number, event.amount, event.token_ref, event.provider
    )


def _check_backup(book: Book, number: int, say: Say) -> None:
    """The backup is tried where the terms say so, once, and after the first method failed."""
    owed = book.owed.get(number)
    if owed is None:
        return
    if not book.agreed_for(book.invoices + 1).terms.backup:
        say("backup-misused", f"attempt on invoice {number}, and the terms know no backup")
    if owed.backup_tried:
        say("backup-misused", f"a second attempt on invoice {number}")
    if book.token_usable and not owed.first_failed:
        say("backup-misused", f"attempt on invoice {number} before the first method failed")
    owed.backup_tried = True


def _check_owed(owed: Owed, event: ChargeAttempted, say: Say) -> None:
    number = event.invoice_number
    if event.attempt_number != owed.attempts + 1:
        say("attempt-number-wrong", f"attempt {event.attempt_number} after {owed.attempts}")
    if (event.amount.minor, event.amount.currency) != (owed.open, owed.currency):
        say(
            "attempt-amount-wrong",
            f"{event.amount} asked, {owed.open} minor units {owed.currency} are open on {number}",
        )
    if owed.ended or owed.disputed or owed.taken_back:
        say("attempt-after-collection-ended", f"invoice {number} was not to be collected")
    if owed.retry_at is not None and event.effective_at < owed.retry_at:
        say("attempt-too-early", f"invoice {number} was to be tried again at {owed.retry_at}")
    owed.attempts = event.attempt_number


def _check_used_up(book: Book, owed: Owed, event: CollectionEnded, say: Say) -> None:
    agreed = book.agreed_for(book.invoices + 1).terms
    waits = agreed.retry.wait_days
    if owed.retries < len(waits):
        words = f"invoice {event.invoice_number} after {owed.retries} retries of {len(waits)}"
        say("collection-end-wrong", words)
    if agreed.backup and book.backup_usable and not owed.backup_tried:
        say("collection-end-wrong", f"invoice {event.invoice_number}, not tried on the backup")
    owed.used_up_at = event.effective_at


def check_progress(
    book: Book,
    event: ChargeAuthorized | CaptureAttempted | ChargeOutcomeUnknown | ChargeLookedUp,
    say: Say,
) -> None:
    """What happens to an attempt before its outcome."""
    attempt = book.attempt
    if attempt is None or attempt.attempt_id != event.attempt_id:
        say("attempt-not-open", f"{type(event).__name__} for {event.attempt_id}")
        return
    match event:
        case ChargeAuthorized():
            check_reserved(attempt, event, say)
        case CaptureAttempted():
            check_capture(book, attempt, event, say)
        case ChargeLookedUp():
            if event.look_number != attempt.looks + 1:
                say("look-number-wrong", f"look {event.look_number} after {attempt.looks}")
            attempt.looks, attempt.unknown = event.look_number, True
        case ChargeOutcomeUnknown():
            attempt.unknown = True


def check_retry(book: Book, event: RetryScheduled | CollectionEnded, say: Say) -> None:
    """A retry or the end of collection: of an open invoice, after an attempt that failed."""
    owed = book.owed.get(event.invoice_number)
    failed = book.failed.get(event.attempt_id) == event.invoice_number
    if isinstance(event, CollectionEnded):
        if owed is None or not failed:
            say("collection-end-wrong", f"invoice {event.invoice_number} after {event.attempt_id}")
        if owed is not None:
            owed.ended = True
            if event.reason == RETRIES_USED_UP:
                _check_used_up(book, owed, event, say)
        return
    if owed is None or not failed or event.retry_number != owed.retries + 1:
        say("retry-wrong", f"retry {event.retry_number} of invoice {event.invoice_number}")
    if owed is not None:
        owed.retries, owed.retry_at = event.retry_number, event.retry_at
        owed.first_failed = False
