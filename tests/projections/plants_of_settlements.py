"""Faults planted in settlements of instalments; see plants_of_changes.py."""

from __future__ import annotations

from typing import Any

import attrs

from domain.calendar import Period
from domain.identity import ON_DEMAND
from domain.plan import Kind
from domain.subscription import events as e
from domain.subscription.settling import settles
from tests.domain.asking import nok
from tests.projections import scenes_of_settlements as s
from tests.projections.forging import DAY, changed, doubled, dropped, followed, foreign, more
from tests.projections.forging_changes import dearer
from tests.projections.plants_of_changes import Plant
from tests.projections.plants_of_demands import beside, lines_and_total, never

FIRST = ON_DEMAND + 1


def one_less(event: Any) -> Any:
    """All lines but the last."""
    return event.lines[:-1]


def without_last(event: e.InvoiceIssued) -> Any:
    """The total without the last line."""
    return event.total - event.lines[-1].amount


def billed_again(event: e.InvoiceIssued) -> e.InvoiceIssued:
    """The next instalment, as the schedule would have billed it, after the settlement."""
    line, start = event.lines[0], event.period.start
    return attrs.evolve(
        event,
        invoice_number=2,
        demand="",
        period=Period(start, start + 31 * DAY),
        lines=(line,),
        total=line.amount,
    )


PLANTS_OF_SETTLEMENTS: list[Plant] = [
    ("instalments from another one on", "settlement-wrong", s.settled_and_paid,
     changed(e.InstalmentsSettled, first=lambda event: event.first + 1)),
    ("not up to the last", "settlement-wrong", s.settled_and_paid,
     changed(e.InstalmentsSettled, last=lambda event: event.last - 1)),
    ("another amount", "settlement-wrong", s.split_and_settled,
     changed(e.InstalmentsSettled, amount=lambda event: more(event.amount))),
    ("another currency", "currency-mixed", s.settled_and_paid,
     changed(e.InstalmentsSettled, amount=lambda event: foreign(event.amount))),
    ("another invoice", "settlement-wrong", s.settled_and_paid,
     changed(e.InstalmentsSettled, invoice_number=lambda _: FIRST + 1)),
    ("what was due is on it", "settlement-wrong", s.settled_and_paid,
     changed(e.InstalmentsSettled, effective_at=lambda event: event.effective_at + 30 * DAY)),
    ("settled twice", "settlement-wrong", s.settled_and_paid, doubled(e.InstalmentsSettled)),
    ("what is going to end", "settlement-wrong", s.settled_and_paid,
     followed(e.ChargeSucceeded, lambda event: e.CancellationScheduled(
         customer_id="c-1", at=event.effective_at + 20 * DAY, last_invoice=None, reason="x",
         effective_at=event.effective_at))),
    ("no instalments", "settlement-wrong", s.settled_and_paid,
     changed(e.SubscriptionStarted, terms=lambda event: attrs.evolve(
         event.terms, kind=Kind.SUBSCRIPTION, cycles=None))),
    ("nobody settled it", "settlement-unfounded", s.settled_and_paid,
     dropped(e.InstalmentsSettled)),
    ("no invoice", "settlement-missing", s.settled_and_paid,
     never(dropped(e.InvoiceIssued, when=settles))),
    ("billed as a demand", "settlement-missing", s.settled_and_paid,
     changed(e.InvoiceIssued, when=settles, demand=lambda _: "d-1")),
    ("one left out", "lines-not-agreed", s.settled_and_paid,
     changed(e.InvoiceIssued, when=settles, lines=one_less, total=without_last)),
    ("one left out, and the amount with it", "lines-not-agreed", s.settled_with_credit,
     changed(e.InvoiceIssued, when=settles, lines=one_less)),
    ("one billed twice", "lines-not-agreed", s.settled_and_paid,
     changed(e.InvoiceIssued, when=settles, lines=lambda event: (*event.lines, event.lines[0]))),
    ("dearer than agreed", "price-not-agreed", s.split_and_settled, lines_and_total(dearer)),
    ("a rebate that nobody agreed to", "total-wrong", s.settled_and_paid,
     changed(e.InvoiceIssued, when=settles, total=lambda event: event.total - nok(100))),
    ("an amount of its own", "line-wrong", s.settled_and_paid,
     lines_and_total(lambda each: attrs.evolve(each, amount=more(each.amount)))),
    ("the fee left out", "lines-not-agreed", s.settled_before_the_first,
     changed(e.InvoiceIssued, when=settles, lines=lambda event: tuple(
         each for each in event.lines if each.kind is not e.LineKind.SETUP_FEE))),
    ("other days", "period-off-schedule", s.settled_and_paid,
     changed(e.InvoiceIssued, when=settles, period=lambda event: attrs.evolve(
         event.period, end=event.period.end + DAY))),
    ("the schedule bills on", "invoice-after-settlement", s.settled_and_paid,
     followed(e.InvoiceIssued, billed_again, when=settles)),
    ("a next one is announced", "next-due-off-schedule", s.settled_and_paused,
     changed(e.SubscriptionResumed, next_due_at=lambda event: event.effective_at + DAY)),
    ("complete, and not paid", "completion-too-early", s.settled_and_paid,
     dropped(e.ChargeSucceeded, when=lambda event: event.invoice_number == FIRST)),
    ("credit that did not pay it", "credit-not-applied", s.settled_with_credit,
     never(dropped(e.CreditApplied))),
    ("never issued", "attempt-without-invoice", s.settled_and_paid,
     dropped(e.InvoiceIssued, when=beside)),
]  # fmt: skip
