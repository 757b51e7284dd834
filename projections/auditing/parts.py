"""Parts of a period: which one runs, and what the rest of it is worth, worked out anew."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction

import attrs

from domain.calendar import local_day, start_of_day
from domain.money import Money, rounded
from domain.plan import Proration
from domain.subscription.events import InvoiceIssued, InvoiceLine, LineKind
from projections.auditing.book import Book, Service
from projections.auditing.codes import Say
from projections.auditing.schedules import days_of, whole_days_of

_POLICIES = {policy.value: policy for policy in Proration}


@attrs.frozen(kw_only=True)
class Moment:
    """An instant (UTC), and the local day that it falls on in a zone."""

    at: datetime
    day: date
    zone: str


def moment(book: Book, at: datetime) -> Moment:
    """An instant in the subscription's own zone."""
    zone = book.beginning.zone
    return Moment(at=at, day=local_day(at, zone), zone=zone)


def running(book: Book, now: Moment) -> Service | None:
    """The period that a day lies in, at the price in force; None before and between periods."""
    service = book.billed if book.prepaid else _to_be_billed(book)
    if service is None or not service.period.start <= now.day < service.period.end:
        return None
    return at_present_price(book, service)


def at_present_price(book: Book, service: Service) -> Service:
    """A period at the terms that it is served under now; a free trial stays free."""
    terms = book.repriced
    if terms is None or service.price == 0:
        return service
    return attrs.evolve(service, price=terms.price.minor, quantity=terms.quantity)


def _to_be_billed(book: Book) -> Service | None:
    return None if book.announced is None else service_of(book, book.invoices + 1)


def service_of(book: Book, invoice_number: int) -> Service | None:
    """What an invoice to come bills, by what was agreed to for it."""
    agreed = book.agreed_for(invoice_number)
    period = days_of(agreed.schedule, invoice_number)
    if period is None:
        return None
    free = invoice_number == 1 and agreed.terms.trial is not None
    return Service(
        period=period,
        whole_days=whole_days_of(agreed.schedule, invoice_number),
        price=0 if free else agreed.terms.price.minor,
        quantity=agreed.terms.quantity,
    )


def share_left(service: Service, policy: Proration, now: Moment) -> Fraction:
    """Which part of a whole period's price the rest of a period from now on stands for."""
    period = service.period
    of_a_whole = Fraction(period.days, service.whole_days)
    match policy:
        case Proration.BY_DAY:
            return Fraction((period.end - now.day).days, service.whole_days)
        case Proration.BY_SECOND:
            begins, ends = start_of_day(period.start, now.zone), start_of_day(period.end, now.zone)
            second = timedelta(seconds=1)
            left = (ends - max(begins, now.at)) // second
            return Fraction(left, (ends - begins) // second) * of_a_whole
        case Proration.NONE:
            return Fraction(0)
        case Proration.FULL:
            return of_a_whole


def worth(service: Service, policy: Proration, now: Moment, currency: str) -> int:
    """What the rest of a period costs, minor units, rounded half up."""
    exact = service.price * service.quantity * share_left(service, policy, now)
    return rounded(exact, currency).minor


def policy_named(name: str) -> Proration | None:
    """The rule of that name, or None."""
    return _POLICIES.get(name)


def check_part(
    line: InvoiceLine, service: Service, now: Moment, say: Say, *, what: str, given_back: bool
) -> None:
    """A line for the rest of a running period: its price, quantity, share and amount.

    given_back: whether it is a deduction on an invoice; then its quantity is negative.
    """
    working = line.working
    check_worked_out(line, say, what=what)
    if working.unit_price.minor != service.price:
        say("price-not-agreed", f"{what}: {working.unit_price} a unit of the running period")
    sign = -1 if given_back else 1
    if working.quantity != sign * service.quantity:
        say("quantity-not-agreed", f"{what}: {working.quantity}, not {sign * service.quantity}")
    policy = policy_named(working.policy)
    left = (service.period.end - now.day).days
    if policy is None or working.denominator == 0:
        say("share-wrong", f"{what}: by the rule {working.policy!r}")
    elif (
        Fraction(working.numerator, working.denominator) != share_left(service, policy, now)
        or working.days != left
    ):
        share = f"{working.numerator}/{working.denominator} for {working.days} days"
        say("share-wrong", f"{what}: {share}, {left} days are left")


def check_worked_out(line: InvoiceLine, say: Say, *, what: str) -> None:
    """A line's amount is what its own working yields."""
    if line.amount != _worked_out(line):
        say("line-wrong", f"{what}: {line.description!r} is not {line.amount}")


def _worked_out(line: InvoiceLine) -> Money | None:
    """The amount that a line's working yields, or None where it yields none."""
    working = line.working
    if working.denominator == 0:
        return None
    exact = Fraction(working.quantity * working.unit_price.minor * working.numerator)
    exact /= working.denominator
    if (working.rounding == "none") != (exact.denominator == 1):
        return None
    return rounded(exact, working.unit_price.currency)


def of_kind(lines: tuple[InvoiceLine, ...], kind: LineKind) -> tuple[InvoiceLine, ...]:
    """The lines of one kind."""
    return tuple(each for each in lines if each.kind is kind)


def closes(event: InvoiceIssued) -> bool:
    """Whether it bills nothing but the rest of a period, and is the last: what waited when a
    subscription ends."""
    rest = bool(event.lines) and all(line.kind is LineKind.REST for line in event.lines)
    return rest and event.next_due_at is None
