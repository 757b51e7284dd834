"""Refunds: credit that is there, through a charge that holds it, sent once, settled once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import attrs

from domain.identity import refund_id, refund_reference
from domain.subscription.events import (
    ChargeFoundLate,
    ChargeSucceeded,
    CreditApplied,
    CreditGranted,
    SubscriptionEvent,
)
from domain.subscription.refund_events import (
    CreditPart,
    RefundAttempted,
    RefundFailed,
    RefundLookedUp,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundSucceeded,
)
from projections.auditing.book import Book, Captured, Refunding, Totals
from projections.auditing.codes import Say

_LONGEST = timedelta(days=366)
_NOT_MADE = "NOT-MADE"
_CHARGE_REVERSED = "CHARGE-REVERSED"
_PERSON = "person: "
TotalsOf = Callable[[str], Totals]


def note_captured(book: Book, event: ChargeSucceeded | ChargeFoundLate) -> None:
    """Money that came may go back, for a year."""
    asked = book.references.get(event.attempt_id)
    if asked is None:
        return
    disputed = {each.attempt_id for each in book.late_refunds.values() if not each.resolved}
    book.captured = {
        key: each
        for key, each in book.captured.items()
        if each.at >= event.effective_at - _LONGEST
        or each.refunding
        or key in disputed
        or _contested(book, key)
    }
    book.captured[event.attempt_id] = Captured(
        event.invoice_number,
        *asked,
        event.provider_ref,
        event.amount.minor,
        event.amount.currency,
        event.effective_at,
    )


def _contested(book: Book, attempt: UUID) -> bool:
    return any(each.open and each.attempt_id == attempt for each in book.disputes.values())


def check_refund_request(book: Book, event: RefundRequested, totals: TotalsOf, say: Say) -> None:
    """It takes credit that is there, oldest first, and no more than is left of its charge."""
    what = f"refund {event.refund_number} of {event.attempt_id}"
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"{what} for {event.customer_id}")
    if event.amount.currency != book.beginning.currency:
        say("currency-mixed", f"{what} of {event.amount}")
    if book.owed:
        say("refund-before-payment", f"{what}, and invoices {sorted(book.owed)} are open")
    charge = book.captured.get(event.attempt_id)
    if charge is None or event.effective_at > charge.at + _LONGEST:
        say("refund-charge-wrong", f"{what}: nothing came by it that could go back")
    if charge is not None:
        _check_charge(charge, event, say, what=what)
    if _contested(book, event.attempt_id):
        say("refund-while-disputed", what)
    _take(book, event, say, what=what)
    if event.refund_id in book.refunds:
        say("refund-key-wrong", f"{what}: {event.refund_id} is open already")
    book.refunds[event.refund_id] = Refunding(event)
    sums = totals(event.amount.currency)
    sums.credit -= event.amount.minor
    sums.refunding += event.amount.minor


def _check_charge(charge: Captured, event: RefundRequested, say: Say, *, what: str) -> None:
    number = charge.refunds + 1
    key = refund_id(event.attempt_id, number)
    named = (event.refund_number, event.refund_id, event.reference)
    if named != (number, key, refund_reference(charge.reference, number)):
        say("refund-key-wrong", f"{what} is {event.refund_id} as {event.reference}, not {key}")
    if (event.invoice_number, event.amount.currency) != (charge.invoice_number, charge.currency):
        say("refund-charge-wrong", f"{what}: it collected invoice {charge.invoice_number}")
    if event.amount.minor > charge.left:
        say("refund-above-captured", f"{what}: {charge.left} minor units are left of it")
    charge.refunds = max(charge.refunds, event.refund_number)
    charge.refunding += event.amount.minor


def _take(book: Book, event: RefundRequested, say: Say, *, what: str) -> None:
    parts = [part.amount.minor for part in event.credits]
    if sum(parts) != event.amount.minor or min(parts, default=0) <= 0 or event.amount.minor <= 0:
        say("refund-credit-wrong", f"{what}: {parts} minor units of credit for {event.amount}")
    for part in event.credits:
        number, left = part.credit_number, book.credits.get(part.credit_number, 0)
        if part.amount.minor > left:
            say("credit-overdrawn", f"{what}: {left} minor units were left of credit {number}")
        if any(older < number for older in book.credits):
            say("credit-out-of-order", f"{what}, while one older than {number} had something left")
        put(book, number, left - part.amount.minor)


def put(book: Book, number: int, minor: int) -> None:
    """So much is left of a credit."""
    if minor > 0:
        book.credits[number] = minor
    else:
        book.credits.pop(number, None)


def check_refund_attempt(book: Book, event: RefundAttempted, say: Say) -> None:
    """It is sent as it was asked for, through the charge's own account, once."""
    refund = book.refunds.get(event.refund_id)
    if refund is None:
        say("refund-not-open", f"an attempt at {event.refund_id}")
        return
    if _contested(book, refund.asked.attempt_id):
        say("refund-while-disputed", f"{event.refund_id} was about to be sent")
    if refund.attempted:
        say("refund-sent-twice", f"{event.refund_id} was about to be sent before")
    refund.attempted = True
    wanted = (refund.asked.attempt_id, refund.asked.amount)
    if (event.attempt_id, event.amount) != wanted:
        say("refund-attempt-wrong", f"{event.amount} of {event.attempt_id}, not {wanted}")
    charge = book.captured.get(refund.asked.attempt_id)
    at = (event.provider, event.account)
    if charge is not None and at != (charge.provider, charge.account):
        say("refund-attempt-wrong", f"through {event.provider.value} account {event.account}")
    named = (event.charge_reference, event.charge_ref)
    if charge is not None and named != (charge.reference, charge.provider_ref):
        say("refund-attempt-wrong", f"of {named}, not {(charge.reference, charge.provider_ref)}")
    if event.key_expires_at <= event.effective_at:
        say("refund-attempt-wrong", f"its key expired at {event.key_expires_at}")


def check_refund_doubt(book: Book, event: RefundOutcomeUnknown | RefundLookedUp, say: Say) -> None:
    """A doubt about what may have been sent; looks count from one."""
    refund = _sent(book, event.refund_id, say)
    if refund is None:
        return
    if isinstance(event, RefundOutcomeUnknown):
        refund.unknown = True
        return
    if not refund.unknown:
        say("refund-not-open", f"a look at {event.refund_id}, of which nobody was in doubt")
    if event.look_number != refund.looks + 1:
        say("look-number-wrong", f"look {event.look_number} after {refund.looks}")
    refund.looks = event.look_number


def check_refund_outcome(
    book: Book, event: RefundSucceeded | RefundFailed, totals: TotalsOf, say: Say
) -> None:
    """One outcome; what did not go back is credit again."""
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"an outcome of {event.refund_id} for {event.customer_id}")
    never_sent = isinstance(event, RefundFailed) and event.code == _CHARGE_REVERSED
    refund = (_let_go if never_sent else _sent)(book, event.refund_id, say)
    if refund is None:
        return
    del book.refunds[event.refund_id]
    asked, by_person = refund.asked, event.evidence.startswith(_PERSON)
    what = f"{type(event).__name__} of {event.amount}, where {asked.amount} was asked for"
    if (event.attempt_id, event.invoice_number) != (asked.attempt_id, asked.invoice_number):
        say("refund-outcome-wrong", f"{what}: it names another charge")
    if event.amount.currency != asked.amount.currency:
        say("refund-outcome-wrong", f"{what}: another currency")
    other = event.amount.minor != asked.amount.minor
    less = isinstance(event, RefundSucceeded) and 0 < event.amount.minor < asked.amount.minor
    if other and not (less and by_person):
        say("refund-outcome-wrong", what)
    if by_person and not refund.unknown:
        say("refund-outcome-wrong", f"{what}: decided by a person, and there was no doubt")
    if isinstance(event, RefundFailed) and event.code == _NOT_MADE and not refund.unknown:
        say("refund-outcome-wrong", f"{what}: not made, and nobody had been in doubt")
    gone = event.amount.minor if isinstance(event, RefundSucceeded) else 0
    if isinstance(event, RefundFailed):
        _note_failed(book, event, asked)
    sums = totals(asked.amount.currency)
    _settle(book, refund.asked, min(gone, asked.amount.minor), sums, say)


def _settle(book: Book, asked: RefundRequested, gone: int, sums: Totals, say: Say) -> None:
    charge = book.captured.get(asked.attempt_id)
    if charge is not None:
        charge.refunding -= asked.amount.minor
        charge.refunded += gone
        if gone and charge.refunded + charge.reversed > charge.minor:
            say("returned-above-captured", f"{asked.refund_id} of a charge of {charge.minor}")
    sums.refunding -= asked.amount.minor
    sums.refunded += gone
    sums.credit += asked.amount.minor - gone
    for part in _coming_back(asked.credits, asked.amount.minor - gone):
        number = part.credit_number
        put(book, number, book.credits.get(number, 0) + part.amount.minor)
    cover_late_refunds(book, sums)


def cover_late_refunds(book: Book, sums: Totals) -> None:
    """Whatever credit there is covers refunds that were found late, in the order of finding, until
    somebody has looked. sums: those of the subscription's currency."""
    for late in book.late_refunds.values():
        if late.resolved or late.amount.currency != book.beginning.currency:
            continue
        for number in sorted(book.credits):
            taken = min(late.missing, book.credits[number])
            late.missing -= taken
            put(book, number, book.credits[number] - taken)
            sums.credit -= taken
            sums.open -= taken


def _note_failed(book: Book, event: RefundFailed, asked: RefundRequested) -> None:
    book.failed_refunds = {
        key: each
        for key, each in book.failed_refunds.items()
        if each.effective_at >= event.effective_at - _LONGEST
    }
    book.failed_refunds[event.refund_id] = asked


def _coming_back(parts: tuple[CreditPart, ...], minor: int) -> list[CreditPart]:
    """The newest parts, as far as they make so much."""
    back = []
    for part in reversed(parts):
        taken = min(minor, part.amount.minor)
        minor -= taken
        amount = attrs.evolve(part.amount, minor=taken)
        back.append(attrs.evolve(part, amount=amount))
    return back


def _sent(book: Book, key: UUID, say: Say) -> Refunding | None:
    """The open refund of that key, which was about to be sent."""
    refund = book.refunds.get(key)
    if refund is None or not refund.attempted:
        say("refund-not-open", f"a fact about {key}, which is not under way")
    return refund


def _let_go(book: Book, key: UUID, say: Say) -> Refunding | None:
    """The refund of that key, which was not sent, of a charge that was reversed too far for it."""
    refund = book.refunds.get(key)
    if refund is None or refund.attempted:
        say("refund-not-open", f"{key} was let go, which is not waiting")
        return refund
    charge = book.captured.get(refund.asked.attempt_id)
    if charge is not None and (not charge.reversed or charge.left >= 0):
        say("refund-outcome-wrong", f"{key} was let go, and {charge.left} minor units are left")
    return refund


def note_credit_after_end(book: Book, event: CreditGranted) -> None:
    """Credit after the end is granted only to go back, or to pay what is still open."""
    if book.to_go_back is None:
        book.to_go_back = sum(book.credits.values()) - event.amount.minor


def check_goes_back(book: Book, event: SubscriptionEvent, say: Say) -> None:
    """Before any fact: credit that was granted after the end is used up at once."""
    if isinstance(event, CreditApplied | RefundRequested):
        return
    if lies_after_end(book):
        say("credit-after-end", f"{sum(book.credits.values())} minor units are left of it")
    book.to_go_back = None


def lies_after_end(book: Book) -> bool:
    """Whether more credit is left than there was before a grant after the end."""
    return book.to_go_back is not None and sum(book.credits.values()) > book.to_go_back
