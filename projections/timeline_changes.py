"""The timeline's words for what changes a bill: terms, pauses, credit, planned cancellations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import assert_never

from domain.calendar import Interval
from domain.plan import Terms, Timing
from domain.schedule import Schedule
from domain.subscription.events import (
    CancellationScheduled,
    CancellationWithdrawn,
    CreditApplied,
    CreditGranted,
    CreditKind,
    DiscountEnded,
    DiscountGranted,
    InvoiceLine,
    SubscriptionPaused,
    SubscriptionResumed,
    TermsChanged,
    When,
)

_Changing = (
    TermsChanged
    | SubscriptionPaused
    | SubscriptionResumed
    | CreditGranted
    | CreditApplied
    | DiscountGranted
    | DiscountEnded
    | CancellationScheduled
    | CancellationWithdrawn
)

_WHY = {
    CreditKind.PRORATION: "days given back by a change of terms",
    CreditKind.PAUSE: "days given back by a pause",
    CreditKind.CANCELLATION: "days given back by the cancellation",
    CreditKind.GOODWILL: "goodwill",
    CreditKind.CORRECTION: "usage that was billed and corrected",
    CreditKind.OVERPAYMENT: "money that an invoice did not need",
}


def words_of_change(event: _Changing) -> str:
    """A fact that changes what is billed, in one plain sentence."""
    match event:
        case TermsChanged():
            return _changed(event)
        case SubscriptionPaused():
            return _paused(event)
        case SubscriptionResumed():
            return (
                f"Resumed ({event.reason}): {days_billed(event.schedule)}"
                f"{put_on_the_next(event.lines)}; {ahead(event.next_due_at)}."
            )
        case CreditGranted():
            lines = f": {in_words(event.lines)}" if event.lines else ""
            return (
                f"Credit {event.credit_number} of {event.amount} granted, {_WHY[event.kind]} "
                f"({event.reason}){lines}."
            )
        case CreditApplied():
            return (
                f"Credit {event.credit_number} paid {event.amount} of invoice "
                f"{event.invoice_number}."
            )
        case DiscountGranted():
            return _discount(event)
        case DiscountEnded():
            return f"Discount {event.discount_number} ended ({event.reason})."
        case CancellationScheduled():
            return _planned(event)
        case CancellationWithdrawn():
            return (
                f"The planned cancellation is withdrawn ({event.reason}); "
                f"{ahead(event.next_due_at)}."
            )
        case _:
            assert_never(event)


def _discount(event: DiscountGranted) -> str:
    off = f"{event.amount}" if event.ppm is None else f"{Decimal(event.ppm) / 10_000:f} %"
    which = "every invoice" if event.invoices is None else f"{event.invoices} invoice(s)"
    return (
        f"Discount {event.discount_number} ({event.coupon}) granted: {off} off {which} to come "
        f"({event.reason})."
    )


def _changed(event: TermsChanged) -> str:
    terms = event.terms
    running = (
        "the running period counts from now on, too"
        if event.when is When.NOW
        else "the running period stays as it is"
    )
    return (
        f"Terms changed ({event.reason}): plan {terms.plan} version {terms.plan_version}, "
        f"{rhythm(terms)}, from invoice {event.from_invoice} on; {running}"
        f"{put_on_the_next(event.lines)}; {days_billed(event.schedule)}; "
        f"{ahead(event.next_due_at)}."
    )


def _paused(event: SubscriptionPaused) -> str:
    until = "until it is resumed" if event.until is None else f"until {utc(event.until)}"
    last = (
        "no invoice is issued before that"
        if event.last_invoice == 0
        else f"invoice {event.last_invoice} is the last one before that"
    )
    unused = (
        "the running period stays paid for"
        if event.unused_from is None
        else f"service is not paid for from {event.unused_from} on"
    )
    lines = f" ({in_words(event.lines)})" if event.lines else ""
    return f"Paused {until} ({event.reason}); {last}; {unused}{lines}."


def _planned(event: CancellationScheduled) -> str:
    if event.at is not None:
        return (
            f"Going to be cancelled at {utc(event.at)} ({event.reason}); nothing that falls due "
            "then or later is billed."
        )
    return (
        f"Going to end ({event.reason}): invoice {event.last_invoice} is the last one, and it is "
        "complete when that is paid."
    )


def days_billed(schedule: Schedule) -> str:
    """Which days are billed: the anchor, and the one period that is off the rhythm."""
    days = f"periods are counted {_every(schedule.interval)} from {schedule.anchor}"
    stub = schedule.stub
    if stub is None:
        return days
    part = stub.period
    return f"{days}, and invoice {stub.invoice_number} bills {part.start} to {part.end}"


def put_on_the_next(lines: Sequence[InvoiceLine]) -> str:
    """The lines that wait for the next invoice, or nothing."""
    return f"; on the next invoice: {in_words(lines)}" if lines else ""


def in_words(lines: Sequence[InvoiceLine]) -> str:
    """Lines of an invoice or a credit, each with its amount."""
    return "; ".join(f"{line.description} {line.amount}" for line in lines)


def ahead(next_due_at: datetime | None) -> str:
    """When the next invoice is due."""
    if next_due_at is None:
        return "no other invoice is due"
    return f"the next invoice is due at {utc(next_due_at)}"


def rhythm(terms: Terms) -> str:
    """What is charged how often, e.g. "3 x 299.00 NOK every 1 month(s) in advance"."""
    moment = "in advance" if terms.timing is Timing.PREPAID else "in arrears"
    units = "" if terms.quantity == 1 else f"{terms.quantity} x "
    price = f"{units}{terms.price}"
    if terms.tiers:
        price = f"{terms.quantity} by {len(terms.tiers)} {terms.tiering.value.lower()} tier(s)"
    elif terms.instalments:
        price = ", ".join(str(each) for each in terms.instalments)
    usage = "".join(f", and usage of {each.code}" for each in terms.meters)
    varies = ", unless another amount is set" if terms.variable else ""
    if not terms.scheduled:
        return f"{price} {moment} when it is asked for{varies}{_reload(terms)}"
    at_once = f", at once when it comes to {terms.threshold}" if terms.threshold else ""
    return f"{price} {_every(terms.interval)} {moment}{varies}{usage}{at_once}"


def _reload(terms: Terms) -> str:
    reload = terms.reload
    if reload is None:
        return ""
    return (
        f", and {reload.amount} when a balance falls below {reload.threshold}, at most "
        f"{reload.most_a_day} a day and {reload.most_a_month} a month"
    )


def _every(interval: Interval) -> str:
    return f"every {interval.count} {interval.unit.value.lower()}(s)"


def utc(instant: datetime) -> str:
    """An instant to the minute, e.g. "2024-01-30 23:00Z"."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M}Z"
