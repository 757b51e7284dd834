"""Parts of a period: which one runs, and what the rest of it is worth, worked out anew."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction

import attrs

from domain.calendar import local_day, start_of_day
from domain.plan import Kind, Proration, Terms
from domain.subscription.events import InvoiceIssued, InvoiceLine, LineKind
from projections.auditing.book import Book, Service
from projections.auditing.codes import Say
from projections.auditing.discounts import share_left
from projections.auditing.prices import (
    Price,
    agreed_prices,
    check_tax,
    check_worked_out,
    half_up,
    with_tax,
)
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
    """A period at the terms that it is served under now; a free trial stays free.

    Paid in advance, it is worth what discounts are going to leave of it on the next invoice.
    """
    terms = book.repriced
    if terms is None or not service.prices:
        return service
    fresh = at_terms(service, terms)
    if not book.prepaid:
        return fresh
    share = share_left(book.lines_to_come, book.coupons)
    prices = (attrs.evolve(each, share=each.share * share) for each in fresh.prices)
    return attrs.evolve(fresh, prices=tuple(prices))


def at_terms(service: Service, terms: Terms) -> Service:
    """The same days at other terms."""
    if not service.prices:
        return service
    return attrs.evolve(service, prices=agreed_prices(terms), tax=terms.tax)


def _to_be_billed(book: Book) -> Service | None:
    return None if book.announced is None else service_of(book, book.invoices + 1)


def service_of(book: Book, invoice_number: int) -> Service | None:
    """What an invoice to come bills, by what was agreed to for it."""
    agreed = book.agreed_for(invoice_number)
    period = days_of(agreed.schedule, invoice_number)
    if period is None:
        return None
    instalment = agreed.terms.kind is Kind.INSTALLMENT  # whole, however short its period is
    return Service(
        period=period,
        whole_days=period.days if instalment else whole_days_of(agreed.schedule, invoice_number),
        prices=_prices(book, agreed.terms, invoice_number),
        tax=agreed.terms.tax,
    )


def _prices(book: Book, terms: Terms, number: int) -> tuple[Price, ...]:
    """What the whole period of an invoice costs: set, stated, or by the terms' price."""
    trials = 0 if terms.trial is None else 1
    if number <= trials:
        return ()
    if terms.variable and number in book.amounts:
        return (Price(1, book.amounts[number]),)
    if terms.instalments and number - trials <= len(terms.instalments):
        return (Price(1, terms.instalments[number - trials - 1].minor),)
    return agreed_prices(terms)


def rest_of(service: Service, policy: Proration, now: Moment) -> Fraction:
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


def worth(service: Service, policy: Proration, now: Moment) -> int:
    """What the rest of a period costs, minor units: each price of it rounded half up, and taxed."""
    return sum(_worth(each, service, policy, now) for each in service.prices)


def _worth(price: Price, service: Service, policy: Proration, now: Moment) -> int:
    return with_tax(half_up(price.of(rest_of(service, policy, now))), service.tax)


def rule_for(book: Book, terms: Terms) -> Proration:
    """The terms' rule; FULL knows one price a period, and by day where that was changed."""
    rule = terms.proration
    return Proration.BY_DAY if book.repriced and rule is Proration.FULL else rule


def policy_named(name: str) -> Proration | None:
    """The rule of that name, or None."""
    return _POLICIES.get(name)


def check_parts(
    lines: tuple[InvoiceLine, ...],
    service: Service,
    now: Moment,
    say: Say,
    *,
    what: str,
    given_back: bool = False,
    item: str = "",
) -> None:
    """Lines for the rest of a running period: one for each of its prices that is not nothing.

    given_back: whether they are deductions on an invoice; then their quantities are negative.
    """
    policy = policy_named(lines[0].working.policy) if lines else None
    prices = service.prices
    if policy is not None:
        prices = tuple(each for each in prices if _worth(each, service, policy, now) != 0)
    if len(lines) > len(prices) or (policy is not None and len(lines) != len(prices)):
        say("parts-wrong", f"{what}: {len(lines)} lines for the rest, not {len(prices)}")
    for line, price in zip(lines, prices, strict=False):
        _check_part(line, price, service, now, say, what=what, sign=-1 if given_back else 1)
        if line.item != item:
            say("parts-wrong", f"{what}: {line.description!r} is for {line.item!r}")


def _check_part(
    line: InvoiceLine,
    price: Price,
    service: Service,
    now: Moment,
    say: Say,
    *,
    what: str,
    sign: int,
) -> None:
    """A line for the rest of a running period: its price, quantity, share, tax and amount."""
    working = line.working
    check_worked_out(line, say, what=what)
    check_tax(line, service.tax, say, what=what)
    if working.unit_price.minor != price.minor:
        say("price-not-agreed", f"{what}: {working.unit_price} a unit of the running period")
    if working.quantity != sign * price.quantity:
        say("quantity-not-agreed", f"{what}: {working.quantity}, not {sign * price.quantity}")
    policy = policy_named(working.policy)
    left = (service.period.end - now.day).days
    if policy is None or working.denominator == 0:
        say("share-wrong", f"{what}: by the rule {working.policy!r}")
    elif (
        Fraction(working.numerator, working.denominator)
        != price.share * rest_of(service, policy, now)
        or working.days != left
    ):
        share = f"{working.numerator}/{working.denominator} for {working.days} days"
        say("share-wrong", f"{what}: {share}, {left} days are left")


def of_kind(lines: tuple[InvoiceLine, ...], kind: LineKind) -> tuple[InvoiceLine, ...]:
    """The lines of one kind."""
    return tuple(each for each in lines if each.kind is kind)


def closes(event: InvoiceIssued) -> bool:
    """Whether it bills no period, and is the last: what waited when a subscription ends."""
    of_period = any(line.kind in (LineKind.PERIOD, LineKind.TRIAL) for line in event.lines)
    return bool(event.lines) and not of_period and event.next_due_at is None
