"""Reservations: renewed once and late enough, captured as far as they are wanted, or let go."""

from __future__ import annotations

from datetime import datetime

from domain.identity import capture_id, void_id
from domain.providers import RULES
from domain.subscription.events import CaptureAttempted, ChargeAuthorized
from domain.subscription.void_events import AuthorizationVoided, VoidAttempted
from projections.auditing.book import Book, OpenAttempt
from projections.auditing.codes import Say


def check_reserved(attempt: OpenAttempt, event: ChargeAuthorized, say: Say) -> None:
    """The first one is a reservation, a second one renews it; there is no third."""
    attempt.looks, attempt.unknown = 0, False
    attempt.expires_at = event.expires_at
    before, attempt.reserved_ref = attempt.reserved_ref, event.authorization_ref
    since = attempt.reserved_at
    if since is None:
        attempt.reserved_at = event.effective_at
        return
    honoured = RULES[attempt.provider].honour_period
    too_early = honoured is None or event.effective_at < since + honoured
    if attempt.renewed or too_early or before == event.authorization_ref:
        say("renewal-wrong", f"{before} of {since} by {event.authorization_ref}")
    attempt.renewed = True


def check_capture(book: Book, attempt: OpenAttempt, event: CaptureAttempted, say: Say) -> None:
    """A capture is of all that was asked for, or of all that is open by now."""
    attempt.captures, attempt.looks, attempt.unknown = attempt.captures + 1, 0, False
    if _is_wanted(book, attempt, event.effective_at):
        owed = book.owed[attempt.invoice_number]
        minor = min(attempt.amount.minor, owed.open)
    else:
        say("capture-unwanted", f"a capture of {event.amount}")
        minor = attempt.amount.minor
    key = capture_id(attempt.attempt_id, attempt.captures)
    named = (event.amount.minor, event.amount.currency)
    if event.capture_id != key or named != (minor, attempt.amount.currency):
        say("capture-wrong", f"capture {event.capture_id} of {event.amount}")
    attempt.amount = event.amount


def check_void(book: Book, event: VoidAttempted, say: Say) -> None:
    """What is let go was reserved, and is wanted no more; after a doubt again, under its key."""
    attempt = book.attempt
    if attempt is None or attempt.attempt_id != event.attempt_id:
        say("attempt-not-open", f"a void for {event.attempt_id}")
        return
    again = attempt.void_id is not None
    number = attempt.voids if again else attempt.voids + 1
    key = void_id(attempt.attempt_id, number)
    if (event.number, event.void_id) != (number, key):
        say("void-wrong", f"void {event.number} as {event.void_id}, not {number} as {key}")
    if not attempt.reserved_ref or (again and not attempt.unknown):
        say("void-wrong", f"void {event.number}, where nothing is to be let go, or it is under way")
    if not again and _is_wanted(book, attempt, event.effective_at):
        say("void-unfounded", f"void of {attempt.amount} for invoice {attempt.invoice_number}")
    if not event.reason:
        say("void-unfounded", "nobody says why")
    if not again:
        attempt.looks = 0
    attempt.voids, attempt.void_id, attempt.unknown = event.number, event.void_id, False


def check_voided(book: Book, event: AuthorizationVoided, say: Say) -> None:
    """Before it settles the attempt: that we had let it go."""
    attempt = book.attempt
    ours = attempt is not None and attempt.attempt_id == event.attempt_id
    if attempt is not None and ours and attempt.void_id is None:
        say("voided-unfounded", f"{event.attempt_id}, which nobody had wanted to let go")


def _is_wanted(book: Book, attempt: OpenAttempt, at: datetime) -> bool:
    """Whether what is reserved is still to be captured, in full or in part."""
    owed = book.owed.get(attempt.invoice_number)
    if owed is None or owed.ended or owed.disputed or book.has_ended:
        return False
    life, ends = RULES[attempt.provider].reservation_life, attempt.expires_at
    if ends is None and life is not None and attempt.reserved_at is not None:
        ends = attempt.reserved_at + life
    return attempt.void_id is None and (ends is None or at < ends)
