"""Faults planted beside the schedule: demands, reloads, thresholds; see plants_of_changes.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from domain.identity import ON_DEMAND
from domain.subscription import events as e
from domain.subscription.crediting import grant_credit
from tests.books import Books
from tests.domain.asking import nok
from tests.projections import scenes_of_demands as s
from tests.projections.forging import (
    DAY,
    Forger,
    Log,
    changed,
    doubled,
    dropped,
    followed,
    more,
    renumbered,
)
from tests.projections.forging_changes import dearer, doubled_quantity
from tests.projections.plants_of_changes import Plant

FIRST = ON_DEMAND + 1


def beside(event: Any) -> bool:
    """An invoice of the second series."""
    return bool(event.demand)


def second(event: Any) -> bool:
    """The second one of it."""
    return bool(event.invoice_number == FIRST + 1)


def of_schedule(event: Any) -> bool:
    """An invoice of the first series."""
    return not event.demand


def line(forge: Callable[[e.InvoiceLine], e.InvoiceLine]) -> Callable[[Any], Any]:
    """The first line, forged."""
    return lambda event: (forge(event.lines[0]), *event.lines[1:])


def lines_and_total(forge: Callable[[e.InvoiceLine], e.InvoiceLine]) -> Forger:
    """The first line forged, and the total with it."""
    return changed(
        e.InvoiceIssued,
        when=beside,
        lines=line(forge),
        total=lambda event: event.total + forge(event.lines[0]).amount - event.lines[0].amount,
    )


def of_kind(kind: e.LineKind) -> Callable[[Any], Any]:
    """The first line of another kind."""
    return line(lambda each: attrs.evolve(each, kind=kind))


def never(forge: Forger) -> Forger:
    """The invoice's own attempts and money left out, so that it alone is judged."""

    def forged(log: Log) -> Log | None:
        kept = [
            each
            for each in forge(log) or []
            if not isinstance(each.event, e.ChargeAttempted | e.ChargeSucceeded)
        ]
        return renumbered(kept) or None

    return forged


def with_credit() -> Books:
    """Credit, granted before a demand."""
    books = s.running(s.unscheduled())
    books.append("s-1", grant_credit(books.states["s-1"], nok(400), reason="x", now=books.now))
    return s.demanded(books)


def a_demand(event: Any) -> e.InvoiceIssued:
    """A demand on what the schedule billed."""
    return attrs.evolve(
        event,
        invoice_number=FIRST,
        demand="d-9",
        next_due_at=None,
        zone_version="",
        lines=of_kind(e.LineKind.DEMAND)(event),
    )


DEMANDED: list[Plant] = [
    ("a demand in the first series", "series-mixed", s.two_demands,
     changed(e.InvoiceIssued, when=beside, invoice_number=lambda _: 1)),
    ("a demand without its id", "series-mixed", s.two_demands,
     changed(e.InvoiceIssued, when=beside, demand=lambda _: "")),
    ("an invoice of the schedule with an id", "series-mixed", s.a_demand_in_between,
     changed(e.InvoiceIssued, when=of_schedule, demand=lambda _: "d-9")),
    ("a number left out", "invoice-number-wrong", s.two_demands,
     changed(e.InvoiceIssued, when=second, invoice_number=lambda _: FIRST + 2)),
    ("a demand issued twice", "invoice-doubled", s.two_demands,
     doubled(e.InvoiceIssued, when=beside)),
    ("an id billed twice", "demand-doubled", s.two_demands,
     changed(e.InvoiceIssued, when=second, demand=lambda _: "d-1")),
    ("a demand of instalments", "demand-not-allowed", s.of_instalments,
     followed(e.InvoiceIssued, a_demand)),
    ("one too many in a day", "demand-too-many", s.two_demands,
     followed(e.InvoiceIssued, lambda event: attrs.evolve(
         event, invoice_number=FIRST + 2, demand="d-3"), when=second)),
    ("a fixed price that varies", "price-not-agreed", s.two_demands_at_a_fixed_price,
     lines_and_total(dearer)),
    ("two instead of one", "quantity-not-agreed", s.two_demands,
     lines_and_total(doubled_quantity)),
    ("a total of its own", "total-wrong", s.two_demands,
     changed(e.InvoiceIssued, when=beside, total=lambda event: more(event.total))),
    ("an amount of its own", "line-wrong", s.two_demands,
     lines_and_total(lambda each: attrs.evolve(each, amount=more(each.amount)))),
    ("tax that no line has", "tax-total-wrong", s.two_demands,
     changed(e.InvoiceIssued, when=beside, tax=lambda _: nok(1))),
    ("a next one announced", "next-due-off-schedule", s.two_demands,
     changed(e.InvoiceIssued, when=beside, next_due_at=lambda event: event.effective_at)),
    ("due another day", "due-day-wrong", s.two_demands,
     changed(e.InvoiceIssued, when=beside, due_on=lambda event: event.due_on + DAY)),
    ("of another day", "period-off-schedule", s.two_demands,
     changed(e.InvoiceIssued, when=beside, period=lambda event: attrs.evolve(
         event.period, end=event.period.end + DAY))),
    ("asked for tomorrow", "invoice-too-early", s.two_demands,
     changed(e.InvoiceIssued, when=beside,
             effective_at=lambda event: event.effective_at + DAY)),
    ("somebody else's", "customer-mixed", s.two_demands,
     changed(e.InvoiceIssued, when=beside, customer_id=lambda _: "someone")),
    ("never issued", "attempt-without-invoice", s.two_demands,
     dropped(e.InvoiceIssued, when=beside)),
    ("of what has ended", "invoice-after-end", s.two_demands,
     followed(e.TokenVaulted, lambda event: e.SubscriptionCancelled(
         reason="x", effective_at=event.effective_at))),
    ("credit that did not pay it", "credit-not-applied", with_credit,
     never(dropped(e.CreditApplied))),
]  # fmt: skip

RELOADED: list[Plant] = [
    ("a low balance and no reload", "reload-missing", s.reloaded,
     never(dropped(e.InvoiceIssued))),
    ("a reload without a balance", "reload-unfounded", s.reloaded,
     dropped(e.BalanceReported, when=lambda event: event.report_id == "r-2")),
    ("a reload for another report", "reload-unfounded", s.reloaded,
     changed(e.InvoiceIssued, demand=lambda _: "r-1")),
    ("a reload of a high balance", "reload-unfounded", s.reloaded,
     changed(e.BalanceReported, when=lambda event: event.report_id == "r-2",
             balance=lambda _: nok(5000))),
    ("a second reload for one crossing", "reload-doubled", s.reloaded_twice,
     changed(e.BalanceReported, when=lambda event: event.report_id == "r-2",
             balance=lambda _: nok(0))),
    ("more than the day's cap", "reload-above-cap", s.reloaded_twice,
     followed(e.BalanceReported, lambda event: a_reload(event),
              when=lambda event: event.report_id == "r-5")),
    ("another amount", "price-not-agreed", s.reloaded, lines_and_total(dearer)),
    ("a balance that is older", "balance-wrong", s.reloaded,
     changed(e.BalanceReported, when=lambda event: event.report_id == "r-3",
             effective_at=lambda event: event.effective_at - DAY)),
    ("a balance to come", "balance-wrong", s.reloaded,
     changed(e.BalanceReported, when=lambda event: event.report_id == "r-4",
             effective_at=lambda event: event.effective_at + DAY)),
    ("a balance nobody asked for", "balance-wrong", s.two_demands,
     followed(e.TokenVaulted, lambda event: e.BalanceReported(
         customer_id="c-1", report_id="r", balance=nok(1), effective_at=event.effective_at))),
    ("somebody else's balance", "customer-mixed", s.reloaded,
     changed(e.BalanceReported, customer_id=lambda _: "someone")),
]  # fmt: skip


def a_reload(event: e.BalanceReported) -> e.InvoiceIssued:
    """One more, as it would be without caps."""
    issued = [each.event for each in s.reloaded().log if isinstance(each.event, e.InvoiceIssued)]
    return attrs.evolve(
        issued[0],
        invoice_number=FIRST + 2,
        demand=event.report_id,
        effective_at=event.effective_at,
    )


THRESHOLDS: list[Plant] = [
    ("usage left out", "threshold-usage-wrong", s.at_the_threshold,
     changed(e.InvoiceIssued, when=beside, lines=lambda _: ())),
    ("units left out", "quantity-not-agreed", s.at_the_threshold,
     lines_and_total(lambda each: attrs.evolve(each, working=attrs.evolve(
         each.working, quantity=each.working.quantity - 1)))),
    ("usage too dear", "price-not-agreed", s.at_the_threshold, lines_and_total(dearer)),
    ("usage that was not reported", "quantity-not-agreed", s.at_the_threshold,
     changed(e.UsageReported, quantity=lambda event: event.quantity + 1)),
    ("usage that does not come to it", "threshold-not-reached", s.at_the_threshold,
     changed(e.UsageReported, quantity=lambda _: 1)),
    ("billed at another instant", "due-instant-moved", s.at_the_threshold,
     changed(e.InvoiceIssued, when=beside,
             effective_at=lambda event: event.effective_at + s.MINUTE)),
    ("other days", "period-off-schedule", s.at_the_threshold,
     changed(e.InvoiceIssued, when=beside, period=lambda event: attrs.evolve(
         event.period, start=event.period.start + DAY))),
    ("no threshold was agreed to", "lines-not-agreed", s.two_demands,
     changed(e.InvoiceIssued, when=beside, lines=of_kind(e.LineKind.USAGE))),
    ("less taken off", "discount-wrong", s.reduced_at_the_threshold,
     changed(e.DiscountGranted, ppm=lambda _: 200_000)),
    ("the period bills it again", "usage-billed-wrong", s.at_the_threshold,
     never(dropped(e.InvoiceIssued, when=beside))),
]  # fmt: skip

PLANTS_OF_DEMANDS: list[Plant] = [*DEMANDED, *RELOADED, *THRESHOLDS]
