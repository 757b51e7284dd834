"""The guard against billing that runs wild: what it parks, and what it lets pass."""

from __future__ import annotations

from domain.subscription.events import BillingParked, BillingReleased, InvoiceIssued
from projections.auditing.book import Book
from projections.auditing.codes import Say

# Beyond the first invoice of a local day.
_MOST_LINES_A_DAY = 100


def check_lines_of_day(book: Book, event: InvoiceIssued, say: Say) -> None:
    """An invoice that the guard should have stopped, or that was issued while it stopped all."""
    if book.parked:
        say("invoice-while-parked", f"invoice {event.invoice_number} before a person had looked")
    before, lines = _lines_before(book, event), len(event.lines)
    if before and before + lines > _MOST_LINES_A_DAY:
        say("parking-missing", f"{before + lines} lines fell due on {event.due_on}")
    book.lines_on = (event.due_on, before + lines)


def _lines_before(book: Book, event: InvoiceIssued | BillingParked) -> int:
    return book.lines_on[1] if book.lines_on is not None and book.lines_on[0] == event.due_on else 0


def check_parking(book: Book, event: BillingParked | BillingReleased, say: Say) -> None:
    """Parked for too many lines, and released once."""
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"parked for {event.customer_id}")
    match event:
        case BillingParked():
            before = _lines_before(book, event)
            fits = before and event.lines > max(before, _MOST_LINES_A_DAY)
            if book.parked or not fits or event.invoice_number != book.invoices + 1:
                say("parking-wrong", f"{event.lines} lines on {event.due_on}, {before} before it")
            book.parked = True
        case BillingReleased():
            if not book.parked:
                say("parking-wrong", "released, and it was not parked")
            book.parked, book.lines_on = False, None
