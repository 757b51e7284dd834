"""The lines of an invoice: what the terms give it, what was used, and what waited for it."""

from __future__ import annotations

from fractions import Fraction

from domain.plan import OneTimeKind, Terms
from domain.subscription.events import InvoiceIssued, InvoiceLine, LineKind
from projections.auditing.book import Book
from projections.auditing.codes import Say
from projections.auditing.discounts import takes_off
from projections.auditing.late import OF_USAGE
from projections.auditing.parts import service_of
from projections.auditing.prices import Expected, Price, check_line, check_tax, check_worked_out
from projections.auditing.usage import bill, counted_until, not_billed

_ONCE = {OneTimeKind.PRODUCT: LineKind.PRODUCT, OneTimeKind.SHIPPING: LineKind.SHIPPING}
_OWN = (
    LineKind.PERIOD,
    LineKind.TRIAL,
    LineKind.SETUP_FEE,
    LineKind.PRODUCT,
    LineKind.SHIPPING,
)


def check_lines(book: Book, event: InvoiceIssued, closing: bool, say: Say) -> None:
    """Every line but the discounts is agreed to, used or announced, and nothing is left out."""
    what, number = f"invoice {event.invoice_number}", event.invoice_number
    lines = [line for line in event.lines if not takes_off(line)]
    for line in lines:
        check_worked_out(line, say, what=what)
    own = [line for line in lines if line.kind in _OWN]
    agreed = () if closing else agreed_lines(book, number)
    if [line.kind for line in own] != [each.kind for each in agreed]:
        say("lines-not-agreed", f"{what}: {', '.join(each.kind.value for each in own)}")
    for line, expected in zip(own, agreed, strict=False):
        check_line(line, expected, say, what=what)
    others = tuple(line for line in lines if line.kind not in _OWN)
    waited = waiting(book, closing)
    used = others[: len(others) - len(waited)]
    if others[len(used) :] != waited or any(line.kind not in OF_USAGE for line in used):
        say("parts-not-announced", f"{what}: {len(others)} lines, of which {len(waited)} waited")
        used = tuple(line for line in others if line.kind in OF_USAGE and line not in waited)
    _check_usage(book, event, used, say)


def waiting(book: Book, closing: bool) -> tuple[InvoiceLine, ...]:
    """What was put aside; postpaid, the running period ends unbilled, and what was to change it."""
    if closing and not book.prepaid:
        return tuple(
            line
            for line in book.lines_to_come
            if line.kind in OF_USAGE or line.working.policy == "settled"
        )
    return book.lines_to_come


def used_until(book: Book, event: InvoiceIssued) -> tuple[Expected, ...]:
    """The lines of usage before an invoice takes effect, as far as none has billed it."""
    at = event.effective_at
    stretch = counted_until(book, at, whole=at == book.announced)
    return (*not_billed(book), *(() if stretch is None else bill(stretch)))


def _check_usage(
    book: Book, event: InvoiceIssued, lines: tuple[InvoiceLine, ...], say: Say
) -> None:
    what, agreed = f"invoice {event.invoice_number}", used_until(book, event)
    billed = [_usage(line) for line in lines]
    expected = [(each.kind, each.item, each.price) for each in agreed]
    if billed != expected:
        say("usage-billed-wrong", f"{what}: {len(billed)} lines, not the {len(expected)} of usage")
        return
    for line, each in zip(lines, agreed, strict=True):
        check_tax(line, each.tax, say, what=what)


def _usage(line: InvoiceLine) -> tuple[LineKind, str, Price]:
    working = line.working
    share = Fraction(working.numerator, working.denominator or 1)
    return line.kind, line.item, Price(working.quantity, working.unit_price.minor, share)


def agreed_lines(book: Book, number: int) -> tuple[Expected, ...]:
    """The lines that the terms give an invoice: its period and, on the first, what comes once."""
    terms, service = book.agreed_for(number).terms, service_of(book, number)
    once = _charged_once(terms) if number == 1 else ()
    if number == 1 and terms.trial is not None:
        free = Price(terms.quantity, terms.price.minor, Fraction(0))
        return (Expected(kind=LineKind.TRIAL, price=free, tax=None), *once)
    if service is None:
        return once
    share = Fraction(service.period.days, service.whole_days)
    periods = (
        Expected(
            kind=LineKind.PERIOD,
            price=Price(each.quantity, each.minor, each.share * share),
            tax=terms.tax,
        )
        for each in service.prices
    )
    return (*periods, *once)


def _charged_once(terms: Terms) -> tuple[Expected, ...]:
    fee = terms.setup_fee
    found = [
        Expected(kind=_ONCE[each.kind], price=Price(1, each.amount.minor), tax=each.tax)
        for each in terms.one_time
    ]
    if fee is not None:
        first = Expected(kind=LineKind.SETUP_FEE, price=Price(1, fee.minor), tax=terms.tax)
        found.insert(0, first)
    return tuple(found)
