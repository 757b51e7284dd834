"""Faults planted in dunning and in resolved discrepancies; see plants_of_changes.py."""

from __future__ import annotations

from typing import Any

import attrs

from domain.money import Money
from domain.subscription import events as e
from tests.projections import scenes_of_dunning as s
from tests.projections.forging import (
    DAY,
    NOBODY,
    Log,
    changed,
    doubled,
    dropped,
    followed,
    foreign,
    more,
    renumbered,
    repeated_after,
)
from tests.projections.forging_changes import up_to
from tests.projections.plants_of_changes import Plant


def less(money: Money) -> Money:
    return Money(money.minor - 1, money.currency)


def given_up(event: Any) -> e.SubscriptionEvent:
    """A write-off of all that an invoice asked for, by a person."""
    return e.InvoiceWrittenOff(
        customer_id=event.customer_id,
        invoice_number=event.invoice_number,
        amount=event.amount,
        reason="forged",
        effective_at=event.effective_at,
    )


def a_suspension(event: Any) -> e.SubscriptionEvent:
    return e.SubscriptionSuspended(
        customer_id=event.customer_id,
        invoice_number=event.invoice_number,
        last_invoice=event.invoice_number,
        reason="retries-used-up",
        effective_at=event.effective_at,
    )


def collected(event: Any) -> e.SubscriptionEvent:
    return e.CollectionResumed(
        customer_id="c-1",
        invoice_number=event.invoice_number,
        reason="forged",
        effective_at=event.effective_at,
    )


def a_refund_that_was_none(event: Any) -> e.SubscriptionEvent:
    return e.CreditGranted(
        customer_id=event.customer_id,
        credit_number=1,
        kind=e.CreditKind.OVERPAYMENT,
        amount=event.amount,
        lines=(),
        reason="forged",
        effective_at=event.effective_at,
    )


def a_resolution(event: Any) -> e.SubscriptionEvent:
    return e.DiscrepancyResolved(
        attempt_id=event.attempt_id,
        customer_id=event.customer_id,
        invoice_number=event.invoice_number,
        resolution=e.Resolution.DISMISSED,
        received=event.amount,
        reason="forged",
        effective_at=event.effective_at,
    )


def billed_all_the_same(log: Log) -> Log | None:
    """The suspension stands before an invoice that came before it."""
    places = [place for place, each in enumerate(log) if isinstance(each.event, e.InvoiceIssued)]
    stops = [each for each in log if isinstance(each.event, e.SubscriptionSuspended)]
    if not stops or len(places) < 2:
        return None
    stop = attrs.evolve(
        stops[0], event=attrs.evolve(stops[0].event, effective_at=log[places[1]].effective_at)
    )
    rest = [each for each in log if not isinstance(each.event, e.SubscriptionReinstated)]
    at = next(i for i, each in enumerate(rest) if each.event == log[places[1]].event)
    rest = [each for each in rest if not isinstance(each.event, e.SubscriptionSuspended)]
    at -= 1
    return renumbered([*rest[:at], stop, *rest[at:]])


PLANTS_OF_DUNNING: list[Plant] = [
    ("given up in another amount", "write-off-above-open", s.written_off,
     changed(e.InvoiceWrittenOff, amount=lambda event: more(event.amount))),
    ("given up in part", "write-off-wrong", s.written_off,
     changed(e.InvoiceWrittenOff, amount=lambda event: less(event.amount))),
    ("given up twice", "write-off-wrong", s.written_off, doubled(e.InvoiceWrittenOff)),
    ("given up in francs", "write-off-wrong", s.written_off,
     changed(e.InvoiceWrittenOff, amount=lambda event: foreign(event.amount))),
    ("given up for no reason", "write-off-wrong", s.written_off_by_a_person,
     changed(e.InvoiceWrittenOff, reason=lambda _: "")),
    ("given up though it is paid", "write-off-wrong", s.collected_again,
     followed(e.ChargeSucceeded, given_up)),
    ("given up while a charge is out", "write-off-wrong", s.collected_again,
     followed(e.ChargeAttempted, given_up)),
    ("given up by the plan before its grace", "dunning-too-early", s.written_off,
     changed(e.InvoiceWrittenOff, effective_at=lambda event: event.effective_at - DAY)),
    ("given up by a plan that leaves it open", "dunning-too-early", s.written_off_by_a_person,
     changed(e.InvoiceWrittenOff, reason=lambda _: "retries-used-up")),
    ("another customer's loss", "customer-mixed", s.written_off,
     changed(e.InvoiceWrittenOff, customer_id=lambda _: "someone")),
    ("suspended before its grace", "dunning-too-early", s.suspended,
     changed(e.SubscriptionSuspended, effective_at=lambda event: event.effective_at - DAY)),
    ("suspended while it was collected", "dunning-too-early", s.suspended,
     dropped(e.CollectionEnded)),
    ("suspended though paid", "suspension-wrong", s.too_much_and_accepted,
     followed(e.ChargeSucceeded, a_suspension)),
    ("suspended twice", "suspension-wrong", s.suspended, doubled(e.SubscriptionSuspended)),
    ("suspended after another invoice", "suspension-wrong", s.suspended,
     changed(e.SubscriptionSuspended, last_invoice=lambda event: event.last_invoice + 1)),
    ("another customer is suspended", "customer-mixed", s.suspended,
     changed(e.SubscriptionSuspended, customer_id=lambda _: "someone")),
    ("billed while suspended", "invoice-while-suspended", s.reinstated_by_a_person,
     dropped(e.SubscriptionReinstated)),
    ("billed and suspended, changed places", "invoice-while-suspended", s.reinstated_by_payment,
     billed_all_the_same),
    ("completed while suspended", "completion-too-early", s.suspended,
     followed(e.SubscriptionSuspended,
              lambda event: e.SubscriptionCompleted(effective_at=event.effective_at))),
    ("reinstated unpaid, without a reason", "reinstatement-wrong", s.reinstated_by_a_person,
     changed(e.SubscriptionReinstated, reason=lambda _: "")),
    ("reinstated by a payment that was none", "reinstatement-wrong", s.reinstated_by_a_person,
     changed(e.SubscriptionReinstated, invoice_number=lambda _: 1)),
    ("reinstated by another invoice", "reinstatement-wrong", s.reinstated_by_payment,
     changed(e.SubscriptionReinstated, invoice_number=lambda _: 2)),
    ("reinstated twice", "reinstatement-wrong", s.reinstated_by_payment,
     doubled(e.SubscriptionReinstated)),
    ("reinstated on other days", "schedule-wrong", s.reinstated_by_a_person,
     changed(e.SubscriptionReinstated,
             schedule=lambda event: attrs.evolve(event.schedule, stub=None))),
    ("reinstated, and the next invoice moved", "next-due-off-schedule", s.reinstated_by_payment,
     changed(e.SubscriptionReinstated, next_due_at=lambda event: event.next_due_at + 3 * DAY)),
    ("another customer is reinstated", "customer-mixed", s.reinstated_by_payment,
     changed(e.SubscriptionReinstated, customer_id=lambda _: "someone")),
    ("ended with retries left", "collection-end-wrong", s.too_much_and_accepted,
     followed(e.ChargeSucceeded, lambda event: e.CollectionEnded(
         attempt_id=event.attempt_id, invoice_number=1, reason="retries-used-up",
         effective_at=event.effective_at))),
    ("collected again though paid", "collection-resumed-wrong", s.collected_again,
     followed(e.ChargeSucceeded, collected)),
    ("collected again and again", "collection-resumed-wrong", s.collected_again,
     doubled(e.CollectionResumed)),
    ("collected again for no reason", "collection-resumed-wrong", s.collected_again,
     changed(e.CollectionResumed, reason=lambda _: "")),
    ("collected, and nobody said so", "attempt-after-collection-ended", s.collected_again,
     dropped(e.CollectionResumed)),
    ("another customer is collected from", "customer-mixed", s.collected_again,
     changed(e.CollectionResumed, customer_id=lambda _: "someone")),
    ("resolved twice", "resolution-unfounded", s.short_and_accepted,
     doubled(e.DiscrepancyResolved)),
    ("resolved, and there was nothing", "resolution-unfounded", s.collected_again,
     followed(e.ChargeSucceeded, a_resolution)),
    ("resolved for another attempt", "resolution-unfounded", s.short_and_accepted,
     changed(e.DiscrepancyResolved, attempt_id=lambda _: NOBODY)),
    ("resolved in another amount", "resolution-wrong", s.short_and_accepted,
     changed(e.DiscrepancyResolved, received=lambda event: more(event.received))),
    ("resolved for another invoice", "resolution-wrong", s.short_and_accepted,
     changed(e.DiscrepancyResolved, invoice_number=lambda _: 2)),
    ("resolved for no reason", "resolution-wrong", s.short_and_accepted,
     changed(e.DiscrepancyResolved, reason=lambda _: "")),
    ("resolved while a charge is out", "resolution-wrong", s.short_and_accepted,
     lambda log: moved_behind(log, e.DiscrepancyResolved)),
    ("francs accepted", "resolution-wrong", s.foreign_and_dismissed,
     changed(e.DiscrepancyResolved, resolution=lambda _: e.Resolution.ACCEPTED)),
    ("another customer's discrepancy", "customer-mixed", s.short_and_accepted,
     changed(e.DiscrepancyResolved, customer_id=lambda _: "someone")),
    ("collected before anybody looked", "attempt-after-collection-ended", s.short_and_accepted,
     dropped(e.DiscrepancyResolved)),
    ("accepted, and not credited", "overpayment-not-credited", s.too_much_and_accepted,
     dropped(e.CreditGranted)),
    ("accepted, and the log ends", "overpayment-not-credited", s.too_much_and_accepted,
     up_to(e.DiscrepancyResolved, and_with=True)),
    ("accepted, and it was dismissed", "overpayment-not-credited", s.too_much_and_dismissed,
     changed(e.DiscrepancyResolved, resolution=lambda _: e.Resolution.ACCEPTED)),
    ("credit of an overpayment that was not one", "credit-unfounded", s.collected_again,
     followed(e.ChargeSucceeded, a_refund_that_was_none)),
    ("dismissed, and credited", "credit-unfounded", s.too_much_and_accepted,
     changed(e.DiscrepancyResolved, resolution=lambda _: e.Resolution.DISMISSED)),
    ("credited twice", "credit-unfounded", s.too_much_and_accepted, doubled(e.CreditGranted)),
    ("more credited than was too much", "credit-total-wrong", s.too_much_and_accepted,
     changed(e.CreditGranted, amount=lambda event: more(event.amount))),
    ("goodwill in its place", "overpayment-not-credited", s.too_much_and_accepted,
     changed(e.CreditGranted, kind=lambda _: e.CreditKind.GOODWILL)),
    ("charged after it was given up", "attempt-without-invoice", s.late_after_write_off,
     repeated_after(e.InvoiceWrittenOff, e.ChargeAttempted)),
]  # fmt: skip


def moved_behind(log: Log, kind: type) -> Log | None:
    """The first fact of a kind changes places with the one after it."""
    for place, each in enumerate(log[:-1]):
        if isinstance(each.event, kind):
            return renumbered([*log[:place], log[place + 1], each, *log[place + 2 :]])
    return None
