"""Credit: numbered, founded, and used up oldest first, never beyond what is left or open."""

from __future__ import annotations

from domain.plan import Kind
from domain.subscription.events import (
    CreditApplied,
    CreditGranted,
    CreditKind,
    InvoiceIssued,
    LineKind,
    SubscriptionCancelled,
    SubscriptionEvent,
    SubscriptionPaused,
    TermsChanged,
    UsageCorrected,
    UsageReported,
)
from projections.auditing.book import Book, Totals, Unused
from projections.auditing.codes import Say
from projections.auditing.late import OF_USAGE
from projections.auditing.parts import check_parts, closes, moment, running
from projections.auditing.refunding import cover_late_refunds, note_credit_after_end
from projections.auditing.resolving import check_overpayment

# What gives back what is billed already: the fact that stands right behind the credit.
_FOUNDED_ON: dict[CreditKind, tuple[type[SubscriptionEvent], ...]] = {
    CreditKind.PRORATION: (TermsChanged,),
    CreditKind.PAUSE: (SubscriptionPaused,),
    CreditKind.CANCELLATION: (SubscriptionCancelled,),
    CreditKind.CORRECTION: (UsageCorrected, UsageReported),
}


def check_grant(book: Book, event: CreditGranted, totals: Totals, say: Say) -> None:
    """A credit is the next one, more than zero, and worked out where it gives days back.

    totals: those of the credit's currency; the credit is added to them.
    """
    number, minor = event.credit_number, event.amount.minor
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"credit {number} is for {event.customer_id}")
    if event.amount.currency != book.beginning.currency:
        say("currency-mixed", f"credit {number} of {event.amount}")
    if number != book.granted + 1:
        say("credit-number-wrong", f"credit {number} after credit {book.granted}")
    if minor <= 0:
        say("credit-not-positive", f"credit {number} of {event.amount}")
    if event.kind is CreditKind.OVERPAYMENT:
        check_overpayment(book, event, say)
    elif event.kind is not CreditKind.GOODWILL:
        _check_lines(book, event, say)
    elif event.lines:
        say("credit-unfounded", f"credit {number} of goodwill with lines")
    book.granted = max(book.granted, number)
    book.credits[number] = book.credits.get(number, 0) + minor
    if book.has_ended:
        note_credit_after_end(book, event)
    if event.kind is not CreditKind.OVERPAYMENT:  # that money was booked when it came
        totals.credited += minor
        totals.credit += minor
    cover_late_refunds(book, totals)


def _check_lines(book: Book, event: CreditGranted, say: Say) -> None:
    """Lines that make the amount; what they give back is judged here, or with the fact behind."""
    what, lines = f"credit {event.credit_number}", event.lines
    if sum(line.amount.minor for line in lines) != event.amount.minor:
        say("credit-total-wrong", f"the lines of {what} do not make {event.amount}")
    corrects = event.kind is CreditKind.CORRECTION
    kinds = (*OF_USAGE, LineKind.DISCOUNT) if corrects else (LineKind.UNUSED,)
    if not lines or any(line.kind not in kinds for line in lines):
        say("credit-unfounded", f"{what} with {len(lines)} lines")
    if not corrects:
        _check_days_given_back(book, event, say, what=what)
        book.given_back = len(book.lines_to_come)
    policy = lines[0].working.policy if lines else ""
    book.unused = Unused(event.kind, event.amount, policy, event.effective_at, lines)


def _check_days_given_back(book: Book, event: CreditGranted, say: Say, *, what: str) -> None:
    """The rest of a period that is on an invoice already, at the price in force."""
    now = moment(book, event.effective_at)
    service = running(book, now)
    paused = book.pause is not None and book.pause.unused_from is not None
    instalments = book.beginning.terms.kind is Kind.INSTALLMENT
    if service is None or not book.prepaid or paused or instalments:
        say("credit-unfounded", f"{what}: no period runs that could be given back")
    else:
        check_parts(event.lines, service, now, say, what=what)


def check_application(book: Book, event: CreditApplied, totals: Totals, say: Say) -> None:
    """Credit pays an open invoice: the oldest first, no more than there is, no more than is open.

    totals: those of the credit's currency.
    """
    number, minor = event.credit_number, event.amount.minor
    what = f"{event.amount} of credit {number} for invoice {event.invoice_number}"
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"{what} of {event.customer_id}")
    if minor <= 0:
        say("credit-not-positive", what)
    left = book.credits.get(number, 0)
    if minor > left or event.amount.currency != book.beginning.currency:
        say("credit-overdrawn", f"{what}: {left} minor units were left")
    if any(older < number for older in book.credits):
        say("credit-out-of-order", f"{what}, while an older one had something left")
    owed = book.owed.get(event.invoice_number)
    open_minor = 0 if owed is None else owed.open
    if minor > open_minor or (owed is not None and owed.currency != event.amount.currency):
        say("credit-above-open", f"{what}: {open_minor} minor units were open")
    if number in book.credits:
        book.credits[number] = left - minor
        if left <= minor:
            del book.credits[number]
    if owed is None or owed.currency != event.amount.currency:
        return
    taken = min(minor, open_minor)
    owed.credited += taken
    totals.open -= taken
    totals.credit -= taken
    if owed.open <= 0:
        book.close(event.invoice_number)


def check_founded(book: Book, event: SubscriptionEvent, say: Say) -> None:
    """Before any fact: what a credit was for stands right behind it, and an invoice is paid from
    credit at once, as far as that goes."""
    unused = book.unused
    if unused is not None and not (
        (isinstance(event, _FOUNDED_ON[unused.kind]) and _at_the_time(event, unused))
        or (unused.kind is CreditKind.CANCELLATION and _closing(event))
    ):
        say("credit-unfounded", f"{unused.amount}, and nothing gave the days back")
        book.unused = None
    number = book.applying
    if number is None or (isinstance(event, CreditApplied) and event.invoice_number == number):
        return
    if credit_lies_idle(book):
        say("credit-not-applied", f"invoice {number} is open, and credit is left")
    book.applying = None


def _at_the_time(event: SubscriptionEvent, unused: Unused) -> bool:
    """Late usage lies before its credit; everything else takes effect with it."""
    return isinstance(event, UsageReported) or event.effective_at == unused.at


def _closing(event: SubscriptionEvent) -> bool:
    """What stands between the credit of a cancellation and the cancellation itself."""
    return isinstance(event, CreditApplied) or (isinstance(event, InvoiceIssued) and closes(event))


def credit_lies_idle(book: Book) -> bool:
    """Whether the invoice just issued is open although there is credit to pay it."""
    return book.applying in book.owed and bool(book.credits)
