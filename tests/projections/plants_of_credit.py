"""Faults planted in credit and in planned endings; see plants_of_changes.py."""

from __future__ import annotations

from datetime import timedelta

from domain.money import Money
from domain.subscription import events as e
from tests.projections import scenes_of_changes as s
from tests.projections.forging import (
    DAY,
    changed,
    doubled,
    dropped,
    followed,
    foreign,
    more,
    repeated_after,
)
from tests.projections.forging_changes import (
    a_gift,
    a_withdrawal,
    an_ending,
    first,
    swapped,
    up_to,
    without_what_was_due,
)
from tests.projections.plants_of_changes import CHANGED, PAUSED, Plant

CREDITED: list[Plant] = [
    ("a credit's number", "credit-number-wrong", s.credited_twice,
     changed(e.CreditGranted, credit_number=lambda _: 7)),
    ("a credit granted twice", "credit-number-wrong", s.credited_twice, doubled(e.CreditGranted)),
    ("a credit of nothing", "credit-not-positive", s.credited_twice,
     changed(e.CreditGranted, amount=lambda _: Money(0, "NOK"))),
    ("nothing taken of a credit", "credit-not-positive", s.credited_twice,
     changed(e.CreditApplied, amount=lambda _: Money(-1, "NOK"))),
    ("more than its line", "credit-total-wrong", s.cancelled_with_credit,
     changed(e.CreditGranted, amount=lambda event: more(event.amount))),
    ("goodwill with a line", "credit-unfounded", s.cancelled_with_credit,
     changed(e.CreditGranted, kind=lambda _: e.CreditKind.GOODWILL)),
    ("given back for no reason", "credit-unfounded", s.dearer_now, dropped(e.TermsChanged)),
    ("given back by a pause that was none", "credit-unfounded", s.dearer_now,
     changed(e.CreditGranted, kind=lambda _: e.CreditKind.PAUSE)),
    ("given back twice", "credit-unfounded", s.cancelled_with_credit, doubled(e.CreditGranted)),
    ("given back, and the log ends", "credit-unfounded", s.dearer_now,
     up_to(e.CreditGranted, and_with=True)),
    ("given back after the period", "credit-unfounded", s.cancelled_with_credit,
     changed(e.CreditGranted, effective_at=lambda event: event.effective_at + 90 * DAY)),
    ("a gift after the end", "credit-after-end", s.cancelled_with_credit,
     followed(e.SubscriptionCancelled, a_gift)),
    ("a gift in francs", "currency-mixed", s.credited_twice,
     changed(e.CreditGranted, amount=lambda event: foreign(event.amount))),
    ("more taken than was left", "credit-overdrawn", s.credited_twice,
     changed(e.CreditApplied, amount=lambda event: more(event.amount))),
    ("taken from no credit", "credit-overdrawn", s.credited_twice,
     changed(e.CreditApplied, credit_number=lambda _: 7)),
    ("taken twice", "credit-overdrawn", s.credited_twice, doubled(e.CreditApplied)),
    ("more than is open", "credit-above-open", s.credited_twice,
     changed(e.CreditApplied, when=lambda event: event.credit_number == 2,
             amount=lambda event: more(event.amount))),
    ("to an invoice that is paid", "credit-above-open", s.credited_twice,
     changed(e.CreditApplied, invoice_number=lambda _: 1)),
    ("the later credit first", "credit-out-of-order", s.credited_twice, swapped(e.CreditApplied)),
    ("charged instead of credited", "credit-not-applied", s.dearer_now, dropped(e.CreditApplied)),
    ("less than could be", "credit-not-applied", s.dearer_now,
     changed(e.CreditApplied, amount=lambda _: Money(1, "NOK"))),
    ("not applied, and the log ends", "credit-not-applied", s.dearer_now,
     up_to(e.CreditApplied, and_with=False)),
    ("asked for in full all the same", "attempt-amount-wrong", s.dearer_now,
     changed(e.ChargeAttempted, when=lambda event: event.invoice_number == 2,
             amount=lambda _: Money(82593, "NOK"))),
    ("another customer's credit", "customer-mixed", s.credited_twice,
     changed(e.CreditGranted, customer_id=lambda _: "someone")),
    ("another customer's invoice", "customer-mixed", s.credited_twice,
     changed(e.CreditApplied, customer_id=lambda _: "someone")),
]  # fmt: skip

ENDED: list[Plant] = [
    ("planned for the past", "cancellation-plan-wrong", s.ended_at_a_date,
     changed(e.CancellationScheduled, at=lambda event: event.effective_at - DAY)),
    ("planned in the middle, postpaid", "cancellation-plan-wrong", s.ended_postpaid,
     changed(e.CancellationScheduled, at=lambda event: event.effective_at + DAY)),
    ("another last invoice", "cancellation-plan-wrong", s.ended_postpaid,
     changed(e.CancellationScheduled, last_invoice=lambda event: event.last_invoice + 1)),
    ("planned after the end", "cancellation-plan-wrong", s.ended_as_planned,
     repeated_after(e.SubscriptionCancelled, e.CancellationScheduled)),
    ("invoiced all the same", "invoice-after-cancellation", s.dearer_now,
     followed(e.InvoiceIssued, an_ending, when=first)),
    ("invoiced beyond the last one", "invoice-after-cancellation", s.went_on_postpaid,
     changed(e.CancellationScheduled, last_invoice=lambda _: 0)),
    ("ended before a period was billed", "cancelled-out-of-step", s.ended_at_a_date,
     without_what_was_due),
    ("withdrawn and never planned", "withdrawal-wrong", s.dearer_now,
     followed(e.InvoiceIssued, a_withdrawal)),
    ("withdrawn twice", "withdrawal-wrong", s.went_on, doubled(e.CancellationWithdrawn)),
    ("withdrawn, and the next invoice moved", "next-due-off-schedule", s.went_on,
     changed(e.CancellationWithdrawn, next_due_at=lambda event: event.next_due_at + 3 * DAY)),
    ("withdrawn, and no invoice announced", "next-due-off-schedule", s.went_on_postpaid,
     changed(e.CancellationWithdrawn, next_due_at=lambda _: None)),
    ("changed while it was to end", "change-not-allowed", s.cheaper_later,
     followed(e.InvoiceIssued, an_ending, when=first)),
    ("completed while paused", "completion-too-early", s.paused_without_credit,
     followed(e.SubscriptionPaused, lambda event: e.SubscriptionCompleted(
         effective_at=event.effective_at + timedelta(hours=1)))),
    ("another customer ends", "customer-mixed", s.ended_as_planned,
     changed(e.CancellationScheduled, customer_id=lambda _: "someone")),
    ("another customer goes on", "customer-mixed", s.went_on,
     changed(e.CancellationWithdrawn, customer_id=lambda _: "someone")),
]  # fmt: skip

PLANTS_OF_CHANGES: list[Plant] = [*CHANGED, *PAUSED, *CREDITED, *ENDED]
