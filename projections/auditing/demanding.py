"""Invoices beside the schedule: demands, reloads, usage that came to a threshold, settlements.

They count in a series of their own and leave what the audit knows of the schedule alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from domain.calendar import Period, local_day
from domain.identity import ON_DEMAND
from domain.plan import Kind, Reload, Terms
from domain.subscription.events import (
    BalanceReported,
    InvoiceIssued,
    LineKind,
    SubscriptionEvent,
)
from domain.subscription.state import Status
from projections.auditing.beside import Asked, Crossing
from projections.auditing.book import Book, Owed, Totals
from projections.auditing.codes import Say
from projections.auditing.prices import Expected, Price, check_line, check_worked_out, tax_of_lines
from projections.auditing.settlements import check_settlement, settles
from projections.auditing.thresholds import check_threshold

_REMEMBERED = timedelta(days=92)
# Between a decision and its append; a day may end meanwhile.
_APPENDED_WITHIN = timedelta(minutes=10)


def beside_schedule(event: InvoiceIssued) -> bool:
    """Whether an invoice says that it was asked for, by its number or by its words."""
    return event.invoice_number > ON_DEMAND or bool(event.demand)


def check_beside(
    book: Book, event: InvoiceIssued, recorded_at: datetime, totals: Totals, say: Say
) -> None:
    """An invoice of the second series against what was agreed to, and itself.

    totals: those of the invoice's currency; the invoice is added to them.
    """
    number, beside = event.invoice_number, book.beside
    if number <= ON_DEMAND or not event.demand:
        say("series-mixed", f"invoice {number} for {event.demand!r}")
    elif number <= ON_DEMAND + beside.issued:
        say("invoice-doubled", f"invoice {number} after {ON_DEMAND + beside.issued}")
    elif number != ON_DEMAND + beside.issued + 1:
        say("invoice-number-wrong", f"invoice {number} after {ON_DEMAND + beside.issued}")
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"invoice {number} is for {event.customer_id}")
    if event.next_due_at is not None or event.zone_version:
        say("next-due-off-schedule", f"invoice {number} announces {event.next_due_at}")
    if event.due_on != local_day(event.effective_at, book.beginning.zone):
        say("due-day-wrong", f"invoice {number} is due on {event.due_on}")
    if recorded_at < event.effective_at:
        say("invoice-too-early", f"invoice {number} was recorded at {recorded_at}")
    _check_amounts(book, event, say)
    kinds = tuple(line.kind for line in event.lines)
    if kinds == (LineKind.DEMAND,):
        _check_demand(book, event, say)
    elif kinds == (LineKind.RELOAD,):
        _check_reload(book, event, say)
    elif settles(event):
        check_settlement(book, event, say)
    else:
        check_threshold(book, event, say)
    beside.issued = max(beside.issued, number - ON_DEMAND)
    if event.total.minor > 0:
        book.owed[number] = Owed(total=event.total.minor, currency=event.total.currency)
        book.applying = number
        totals.billed += event.total.minor
        totals.open += event.total.minor


def _check_amounts(book: Book, event: InvoiceIssued, say: Say) -> None:
    number, currency = event.invoice_number, book.beginning.currency
    taxes = [line.tax.tax for line in event.lines if line.tax is not None]
    amounts = [event.total, *(line.amount for line in event.lines), *taxes]
    if any(each.currency != currency for each in amounts):
        say("currency-mixed", f"invoice {number} is not all in {currency}")
    if sum(line.amount.minor for line in event.lines) != event.total.minor:
        say("total-wrong", f"the lines of invoice {number} do not make {event.total}")
    if (None if event.tax is None else event.tax.minor) != tax_of_lines(event.lines):
        say("tax-total-wrong", f"the lines of invoice {number} do not hold {event.tax}")


# --- demands ------------------------------------------------------------------------------------


def _check_demand(book: Book, event: InvoiceIssued, say: Say) -> None:
    """Asked for once, of a subscription that runs, for what may be asked for."""
    number, line, beside = event.invoice_number, event.lines[0], book.beside
    terms = _terms(book)
    _check_day(book, event, say)
    if terms.kind is Kind.INSTALLMENT:
        say("demand-not-allowed", f"invoice {number} of instalments")
    minor, rate = terms.price.minor, terms.tax
    if terms.variable:
        minor, rate = line.working.unit_price.minor, None if line.tax is None else line.tax.rate
    if minor <= 0:
        say("price-not-agreed", f"invoice {number}: {line.working.unit_price}")
    _check_line(event, Expected(kind=LineKind.DEMAND, price=Price(1, minor), tax=rate), say)
    if any(each.asked_by == event.demand for each in beside.demands):
        say("demand-doubled", f"{event.demand} was billed before invoice {number}")
    today = local_day(event.effective_at, book.beginning.zone)
    if _on(book, beside.demands, today) >= terms.most_demands_a_day:
        say("demand-too-many", f"invoice {number} is one too many on {today}")
    beside.demands = _with(beside.demands, event)


def _check_line(event: InvoiceIssued, agreed: Expected, say: Say) -> None:
    what = f"invoice {event.invoice_number}"
    for line in event.lines:
        check_worked_out(line, say, what=what)
        check_line(line, agreed, say, what=what)


def _check_day(book: Book, event: InvoiceIssued, say: Say) -> None:
    number = event.invoice_number
    if book.status is not Status.ACTIVE:
        say("invoice-after-end", f"invoice {number} when it was {book.status.value}")
    day = local_day(event.effective_at, book.beginning.zone)
    if event.period != Period(day, day + timedelta(days=1)):
        say("period-off-schedule", f"invoice {number} is not of {day}")


def _terms(book: Book) -> Terms:
    return book.agreed_for(book.invoices + 1).terms


def _with(known: tuple[Asked, ...], event: InvoiceIssued) -> tuple[Asked, ...]:
    since = event.effective_at - _REMEMBERED
    kept = tuple(each for each in known if each.at >= since)
    return (*kept, Asked(event.demand, event.effective_at))


def _on(book: Book, asked: Iterable[Asked], day: date) -> int:
    return sum(1 for each in asked if local_day(each.at, book.beginning.zone) == day)


def _in_month(book: Book, asked: Iterable[Asked], day: date) -> int:
    days = (local_day(each.at, book.beginning.zone) for each in asked)
    return sum(1 for each in days if (each.year, each.month) == (day.year, day.month))


# --- auto-reload --------------------------------------------------------------------------------


def check_balance(book: Book, event: BalanceReported, recorded_at: datetime, say: Say) -> None:
    """A balance is later than the one before it; too low, it is reloaded by the next fact."""
    beside, agreed = book.beside, _terms(book).reload
    what = f"balance {event.report_id}"
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"{what} of {event.customer_id}")
    if event.balance.currency != book.beginning.currency:
        say("currency-mixed", f"{what} of {event.balance}")
    if agreed is None or book.status is not Status.ACTIVE:
        say("balance-wrong", f"{what} when it was {book.status.value}, auto-reload {agreed}")
        return
    before = beside.crossing
    if before is not None and event.effective_at <= before.at:
        say("balance-wrong", f"{what} at {event.effective_at} is not later than {before.at}")
    if event.effective_at > recorded_at:
        say("balance-wrong", f"{what} at {event.effective_at}, recorded at {recorded_at}")
    below = event.balance.minor < agreed.threshold.minor
    billed = below and before is not None and before.billed
    beside.crossing = Crossing(event.report_id, event.effective_at, below=below, billed=billed)
    room = _has_room(book, agreed, recorded_at) and _has_room(
        book, agreed, recorded_at - _APPENDED_WITHIN
    )
    beside.awaits_reload = below and not billed and room


def _has_room(book: Book, agreed: Reload, at: datetime) -> bool:
    day, reloads = local_day(at, book.beginning.zone), book.beside.reloads
    within_day = _on(book, reloads, day) < agreed.most_a_day
    return within_day and _in_month(book, reloads, day) < agreed.most_a_month


def check_reloaded(book: Book, event: SubscriptionEvent, say: Say) -> None:
    """Before any fact: a balance that was too low is reloaded by the fact right behind it."""
    if not book.beside.awaits_reload:
        return
    book.beside.awaits_reload = False
    kinds = [line.kind for line in event.lines] if isinstance(event, InvoiceIssued) else []
    if kinds != [LineKind.RELOAD]:
        say("reload-missing", "a balance is too low, and nothing was charged")


def _check_reload(book: Book, event: InvoiceIssued, say: Say) -> None:
    """One a crossing, of the agreed amount, within the caps."""
    number, beside, agreed = event.invoice_number, book.beside, _terms(book).reload
    _check_day(book, event, say)
    crossing = beside.crossing
    if agreed is None or crossing is None or not crossing.below:
        say("reload-unfounded", f"invoice {number}, and no balance was too low")
        return
    if crossing.report_id != event.demand:
        say("reload-unfounded", f"invoice {number} for {event.demand}, not {crossing.report_id}")
    if crossing.billed:
        say("reload-doubled", f"invoice {number} for a crossing that has one")
    price = Price(1, agreed.amount.minor)
    _check_line(event, Expected(kind=LineKind.RELOAD, price=price, tax=None), say)
    if not _has_room(book, agreed, event.effective_at):
        say("reload-above-cap", f"invoice {number} at {event.effective_at}")
    crossing.billed = True
    beside.reloads = _with(beside.reloads, event)
