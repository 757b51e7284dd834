"""Faults planted in changed terms and pauses; those in credit and endings: plants_of_credit.py.

Each stands in a story that is sound without it: what, the code that must name it, the story, the
forger.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from domain.calendar import Interval, Period, Unit
from domain.money import Money
from domain.plan import Kind, Timing
from domain.subscription import events as e
from tests.books import Books
from tests.projections import scenes_of_changes as s
from tests.projections.forging import (
    DAY,
    Forger,
    changed,
    doubled,
    dropped,
    followed,
)
from tests.projections.forging_changes import (
    a_change,
    a_pause,
    days_more,
    dearer,
    doubled_quantity,
    first,
    later,
    line_of,
    rounded_up,
    said_to_stay,
    second,
    sign_turned,
    stub_moved,
    stub_of_less,
    whole,
    with_terms,
    worked,
)

Plant = tuple[str, str, Callable[[], Books], Forger]

_FORTNIGHT = Interval(Unit.WEEK, 2)

CHANGED: list[Plant] = [
    ("more days given back", "share-wrong", s.dearer_now, line_of(e.CreditGranted, days_more)),
    ("more days charged", "share-wrong", s.dearer_now, line_of(e.TermsChanged, days_more)),
    ("given back too dear", "price-not-agreed", s.dearer_now, line_of(e.CreditGranted, dearer)),
    ("charged too dear", "price-not-agreed", s.dearer_now, line_of(e.TermsChanged, dearer)),
    ("charged for two", "quantity-not-agreed", s.dearer_now,
     line_of(e.TermsChanged, doubled_quantity)),
    ("given back for two", "quantity-not-agreed", s.dearer_now_postpaid,
     line_of(e.TermsChanged, doubled_quantity)),
    ("charged instead of given back", "quantity-not-agreed", s.dearer_now_postpaid,
     line_of(e.TermsChanged, sign_turned)),
    ("rounded up on the line", "line-wrong", s.dearer_now_postpaid,
     line_of(e.TermsChanged, rounded_up)),
    ("by two rules", "parts-wrong", s.dearer_now, line_of(e.TermsChanged, whole)),
    ("the rest not charged", "parts-wrong", s.dearer_now,
     changed(e.TermsChanged, lines=lambda _: ())),
    ("the unused days not given back", "parts-wrong", s.dearer_now,
     dropped(e.CreditGranted)),
    ("given back on the bill as well", "parts-wrong", s.dearer_now,
     changed(e.TermsChanged, lines=lambda event: (
         *event.lines, attrs.evolve(event.lines[0], kind=e.LineKind.UNUSED)))),
    ("charged twice", "parts-wrong", s.dearer_now,
     changed(e.TermsChanged, lines=lambda event: event.lines * 2)),
    ("said to stay as it is", "parts-wrong", s.dearer_now, said_to_stay),
    ("the invoice leaves the rest out", "parts-not-announced", s.dearer_now,
     changed(e.InvoiceIssued, when=second, lines=lambda event: event.lines[:1],
             total=lambda event: event.lines[0].amount)),
    ("the invoice has the rest twice", "parts-not-announced", s.dearer_now,
     changed(e.InvoiceIssued, when=second,
             lines=lambda event: (*event.lines, event.lines[1]),
             total=lambda event: event.total + event.lines[1].amount)),
    ("no line for the period", "lines-not-agreed", s.dearer_now,
     changed(e.InvoiceIssued, when=second, lines=lambda event: event.lines[1:],
             total=lambda event: event.lines[1].amount)),
    ("more given back than charged", "total-negative", s.dearer_now_postpaid,
     changed(e.InvoiceIssued, when=first,
             lines=lambda event: event.lines[1:2],
             total=lambda event: event.lines[1].amount)),
    ("the old price once more", "price-not-agreed", s.cheaper_later,
     with_terms(price=Money(9800, "NOK"))),
    ("another quantity than billed", "quantity-not-agreed", s.cheaper_later,
     with_terms(quantity=2)),
    ("another kind", "change-not-allowed", s.cheaper_later,
     with_terms(kind=Kind.INSTALLMENT, cycles=9)),
    ("another timing", "change-not-allowed", s.cheaper_later, with_terms(timing=Timing.POSTPAID)),
    ("another currency", "change-not-allowed", s.cheaper_later,
     with_terms(price=Money(9900, "EUR"))),
    ("a free trial", "change-not-allowed", s.cheaper_later, with_terms(trial=_FORTNIGHT)),
    ("changed when it had ended", "change-not-allowed", s.cancelled_with_credit,
     lambda log: followed(e.SubscriptionCancelled, lambda _: a_change(log))(log)),
    ("from the invoice after", "change-out-of-step", s.cheaper_later,
     changed(e.TermsChanged, from_invoice=lambda event: event.from_invoice + 1)),
    ("from the running period's invoice", "change-out-of-step", s.dearer_now_postpaid,
     changed(e.TermsChanged, from_invoice=lambda event: event.from_invoice - 1)),
    ("days moved by a change of price", "schedule-wrong", s.cheaper_later,
     changed(e.TermsChanged, schedule=lambda event: later(event.schedule))),
    ("another rhythm too late", "schedule-wrong", s.fortnightly_later,
     changed(e.TermsChanged, schedule=lambda event: later(event.schedule))),
    ("another rhythm from tomorrow", "schedule-wrong", s.fortnightly_now,
     changed(e.TermsChanged, schedule=lambda event: later(event.schedule))),
    ("the next invoice announced later", "next-due-off-schedule", s.cheaper_later,
     changed(e.TermsChanged, next_due_at=lambda event: event.next_due_at + 3 * DAY)),
    ("the next invoice not announced", "next-due-off-schedule", s.fortnightly_now,
     changed(e.TermsChanged, next_due_at=lambda _: None)),
    ("another customer's terms", "customer-mixed", s.cheaper_later,
     changed(e.TermsChanged, customer_id=lambda _: "someone")),
]  # fmt: skip


PAUSED: list[Plant] = [
    ("paused twice", "pause-wrong", s.paused_without_credit, doubled(e.SubscriptionPaused)),
    ("paused until yesterday", "pause-wrong", s.paused_until,
     changed(e.SubscriptionPaused, until=lambda event: event.effective_at - DAY)),
    ("another last invoice", "pause-wrong", s.paused_and_kept,
     changed(e.SubscriptionPaused, last_invoice=lambda event: event.last_invoice + 1)),
    ("unused from another day", "pause-wrong", s.paused_and_kept,
     changed(e.SubscriptionPaused, unused_from=lambda event: event.unused_from + DAY)),
    ("paused after its end", "pause-wrong", s.cancelled_with_credit,
     followed(e.SubscriptionCancelled, a_pause)),
    ("no credit for the unused days", "parts-wrong", s.paused_and_kept, dropped(e.CreditGranted)),
    ("credit for days that are paid for", "parts-wrong", s.paused_and_kept,
     changed(e.SubscriptionPaused, unused_from=lambda _: None)),
    ("given back by another rule", "parts-wrong", s.paused_and_kept,
     line_of(e.CreditGranted, whole)),
    ("more days unused", "share-wrong", s.paused_postpaid,
     line_of(e.SubscriptionPaused, days_more)),
    ("unused days not given back", "parts-wrong", s.paused_postpaid,
     changed(e.SubscriptionPaused, lines=lambda _: ())),
    ("the resuming taken out", "invoice-while-paused", s.paused_and_kept,
     dropped(e.SubscriptionResumed)),
    ("resumed twice", "resume-without-pause", s.paused_and_kept, doubled(e.SubscriptionResumed)),
    ("the pause taken out", "resume-without-pause", s.paused_without_credit,
     dropped(e.SubscriptionPaused)),
    ("billed from the day before", "schedule-wrong", s.paused_and_kept,
     changed(e.SubscriptionResumed, schedule=stub_moved)),
    ("a part of a shorter whole", "schedule-wrong", s.paused_and_kept,
     changed(e.SubscriptionResumed, schedule=stub_of_less)),
    ("paused days billed", "schedule-wrong", s.paused_and_restarted,
     changed(e.SubscriptionResumed, schedule=lambda event: attrs.evolve(
         event.schedule, anchor=event.schedule.anchor - 40 * DAY))),
    ("days billed twice", "schedule-wrong", s.paused_without_credit,
     changed(e.SubscriptionResumed, schedule=lambda event: attrs.evolve(
         event.schedule, stub=None, anchor_invoice=event.schedule.anchor_invoice + 1))),
    ("used again and not charged", "parts-wrong", s.paused_within,
     changed(e.SubscriptionResumed, lines=lambda _: ())),
    ("more days used again", "share-wrong", s.paused_within,
     line_of(e.SubscriptionResumed, days_more)),
    ("a part billed as a whole", "share-wrong", s.paused_and_kept,
     changed(e.InvoiceIssued, when=second,
             lines=lambda event: (worked(event.lines[0], numerator=1, denominator=1),),
             total=lambda event: event.lines[0].working.unit_price)),
    ("the gap closed", "period-not-tiled", s.paused_and_restarted,
     changed(e.InvoiceIssued, when=second, period=lambda event: Period(
         event.period.start - DAY, event.period.end))),
    ("the next invoice announced later", "next-due-off-schedule", s.paused_and_kept,
     changed(e.SubscriptionResumed, next_due_at=lambda event: event.next_due_at + 3 * DAY)),
    ("another customer paused", "customer-mixed", s.paused_and_kept,
     changed(e.SubscriptionPaused, customer_id=lambda _: "someone")),
    ("another customer resumed", "customer-mixed", s.paused_and_kept,
     changed(e.SubscriptionResumed, customer_id=lambda _: "someone")),
]  # fmt: skip
