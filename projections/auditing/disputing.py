"""Disputes and reversals: opened and closed once, taken back once, and never above what came."""

from __future__ import annotations

from collections.abc import Callable

from domain.subscription.dispute_events import (
    ChargeReversed,
    DisputeAdvanced,
    DisputeClosed,
    DisputeOpened,
    DisputeOutcome,
)
from domain.subscription.events import SubscriptionEvent
from projections.auditing.book import Book, Contested, Owed, Returned, Totals
from projections.auditing.codes import Say

# Lost for one of these, a method is not charged again.
_NOT_CHARGED_AFTER = ("CANCELED_RECURRING_BILLING", "UNAUTHORISED")
TotalsOf = Callable[[str], Totals]


def check_dispute(
    book: Book, event: DisputeOpened | DisputeAdvanced | DisputeClosed, say: Say
) -> None:
    """A dispute is about a charge that brought money in, moves while it is open, and ends once."""
    match event:
        case DisputeOpened():
            _check_opened(book, event, say)
        case DisputeAdvanced():
            known = _open(book, event.dispute_ref, say)
            if known is None:
                return
            if (known.stage, known.status) == (event.stage, event.status):
                say("dispute-wrong", f"{event.dispute_ref} moved to where it was")
            known.stage, known.status = event.stage, event.status
        case DisputeClosed():
            _check_closed(book, event, say)


def _check_opened(book: Book, event: DisputeOpened, say: Say) -> None:
    what = f"dispute {event.dispute_ref} about {event.attempt_id}"
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"{what} of {event.customer_id}")
    charge = book.captured.get(event.attempt_id)
    if charge is None or charge.invoice_number != event.invoice_number:
        say("dispute-charge-wrong", f"{what}: it did not pay invoice {event.invoice_number}")
    if not event.dispute_ref or event.dispute_ref in book.disputes:
        say("dispute-wrong", f"{what} was opened before, or has no name")
        return
    book.disputes[event.dispute_ref] = Contested(event.attempt_id, event.reason, event.stage)
    for owed in book.owed.values():
        owed.despite = False


def _open(book: Book, dispute_ref: str, say: Say) -> Contested | None:
    known = book.disputes.get(dispute_ref)
    if known is None or not known.open:
        say("dispute-not-open", f"a fact about {dispute_ref}")
        return None
    return known


def _check_closed(book: Book, event: DisputeClosed, say: Say) -> None:
    known = _open(book, event.dispute_ref, say)
    if known is None:
        return
    known.open = False
    lost, minor = event.outcome is DisputeOutcome.LOST, event.amount.minor
    if event.attempt_id != known.attempt_id:
        say("dispute-charge-wrong", f"{event.dispute_ref} ends as one about {event.attempt_id}")
    if minor < 0 or (minor and not lost):
        say("dispute-wrong", f"{event.dispute_ref} {event.outcome.value}, for {event.amount}")
    if not lost:
        return
    charge = book.captured.get(known.attempt_id)
    if charge is not None and known.reason in _NOT_CHARGED_AFTER:
        book.token_usable = book.token_usable and charge.token_ref != book.token_ref
        book.backup_usable = book.backup_usable and charge.token_ref != book.backup_ref
    told = any(
        each.attempt_id == known.attempt_id
        and (each.dispute_ref == event.dispute_ref or (each.provider_ref and each.minor == minor))
        for each in book.returned
    )
    if minor and not told:
        book.awaited = Returned(known.attempt_id, minor, "", event.dispute_ref)


def check_taken_back(book: Book, event: SubscriptionEvent, say: Say) -> None:
    """Before any fact: what a lost dispute took from us is taken back right behind it."""
    if book.awaited is None:
        return
    if not isinstance(event, ChargeReversed) or _returned(event) != book.awaited:
        say("reversal-missing", f"{book.awaited.dispute_ref} is lost, and nothing taken back")
    book.awaited = None


def check_reversal(book: Book, event: ChargeReversed, totals: TotalsOf, say: Say) -> None:
    """Money is taken back of a charge that brought it in, once, and is owed again."""
    what = f"{event.amount} of {event.attempt_id}"
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"{what} of {event.customer_id}")
    if event.amount.currency != book.beginning.currency:
        say("currency-mixed", what)
    if event.amount.minor <= 0:
        say("reversal-wrong", f"{what} takes nothing back")
    returned = _returned(event)
    if _is_repeat(book, returned):
        say("reversal-doubled", f"{what} for {event.provider_ref or event.dispute_ref}")
    book.returned.append(returned)
    disputed = book.disputes.get(event.dispute_ref)
    if event.dispute_ref and (disputed is None or disputed.attempt_id != event.attempt_id):
        say("reversal-wrong", f"{what} for a dispute that is not about it: {event.dispute_ref}")
    charge = book.captured.get(event.attempt_id)
    if charge is None or charge.invoice_number != event.invoice_number:
        say("reversal-wrong", f"{what}: it did not pay invoice {event.invoice_number}")
    if charge is not None:
        charge.reversed += event.amount.minor
        if charge.refunded + charge.reversed > charge.minor:
            back = charge.refunded + charge.reversed
            say("returned-above-captured", f"{back} minor units of {charge.minor}: {what}")
    _open_again(book, event)
    sums = totals(event.amount.currency)
    sums.reversed += event.amount.minor
    sums.open += event.amount.minor


def _returned(event: ChargeReversed) -> Returned:
    return Returned(event.attempt_id, event.amount.minor, event.provider_ref, event.dispute_ref)


def _is_repeat(book: Book, one: Returned) -> bool:
    """Whether it was told before under the same name of the provider's."""
    same = [each for each in book.returned if each.attempt_id == one.attempt_id]
    if one.provider_ref:
        return any(each.provider_ref == one.provider_ref for each in same)
    return bool(one.dispute_ref) and any(each.dispute_ref == one.dispute_ref for each in same)


def _open_again(book: Book, event: ChargeReversed) -> None:
    number = event.invoice_number
    owed = book.owed.get(number) or book.closed_ones.pop(number, None)
    if owed is None:
        owed = Owed(total=0, currency=event.amount.currency)
    if number not in book.owed:
        owed.used_up_at, owed.despite = None, False
        book.owed[number] = owed
    owed.reversed += event.amount.minor
    owed.charged, owed.taken_back = False, True
    owed.begin_anew()
