"""Usage that was billed because it came to the threshold: all of it, once, and not before."""

from __future__ import annotations

from datetime import date, timedelta

from domain.calendar import Period, local_day
from domain.subscription.events import THRESHOLD_REACHED, InvoiceIssued, LineKind
from domain.subscription.state import Status
from projections.auditing.book import Book, Stretch
from projections.auditing.codes import Say
from projections.auditing.discounts import check_discounts
from projections.auditing.late import issued_under
from projections.auditing.prices import check_line, check_worked_out, sum_stated, with_tax
from projections.auditing.usage import bill, cut_through


def check_threshold(book: Book, event: InvoiceIssued, say: Say) -> None:
    """The usage of all meters since it was last billed, up to the last of it; it came to the
    threshold."""
    number, terms = event.invoice_number, book.agreed_for(book.invoices + 1).terms
    what = f"invoice {number}"
    if terms.threshold is None or event.demand != THRESHOLD_REACHED:
        say("lines-not-agreed", f"{what} for {event.demand!r}: {len(event.lines)} lines")
    if book.status not in (Status.ACTIVE, Status.PAUSED):
        say("invoice-after-end", f"{what} when it was {book.status.value}")
    stretch = cut_through(book, event.effective_at, issued_under(book, event))
    period = Period(_begins(book, stretch), _day_after(book, event))
    if event.period != period:
        say("period-off-schedule", f"{what}, not {period.start} to {period.end}")
    if max((use.at for use in stretch.uses.values()), default=None) != event.effective_at:
        say("due-instant-moved", f"{what} at {event.effective_at}, when nothing was used")
    agreed = bill(stretch)
    usage = [line for line in event.lines if line.kind is not LineKind.DISCOUNT]
    if [(line.kind, line.item) for line in usage] != [(each.kind, each.item) for each in agreed]:
        say("threshold-usage-wrong", f"{what}: {len(usage)} lines, not the {len(agreed)} of usage")
    for line, expected in zip(usage, agreed, strict=False):
        check_worked_out(line, say, what=what)
        check_line(line, expected, say, what=what)
    comes_to = sum(with_tax(sum_stated((each,)), each.tax) for each in agreed)
    if terms.threshold is not None and comes_to < terms.threshold.minor:
        say("threshold-not-reached", f"{what}: {comes_to} minor units of usage")
    if event.lines:
        check_discounts(book, event, say)


def _begins(book: Book, stretch: Stretch) -> date:
    begun = book.beginning
    return begun.start if stretch.begins is None else local_day(stretch.begins, begun.zone)


def _day_after(book: Book, event: InvoiceIssued) -> date:
    return local_day(event.effective_at, book.beginning.zone) + timedelta(days=1)
