"""Faults planted in how billing begins, in anchors that are moved, and in parked billing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs

from domain.money import Money
from domain.plan import Kind
from domain.subscription import events as e
from tests.projections import scenes_of_beginnings as s
from tests.projections.forging import changed, doubled, dropped
from tests.projections.plants_of_changes import Plant


def _later(event: Any) -> Any:
    schedule = event.schedule
    return attrs.evolve(schedule, anchor=schedule.anchor + timedelta(days=1))


def _stub(**other: Any) -> Any:
    """The partial period is another one."""

    def forged(event: Any) -> Any:
        return attrs.evolve(event.schedule, stub=attrs.evolve(event.schedule.stub, **other))

    return forged


PLANTS_OF_BEGINNINGS: list[Plant] = [
    ("regular periods a day late", "schedule-wrong", s.on_trial,
     changed(e.TermsChanged, schedule=_later)),
    ("one trial period less", "schedule-wrong", s.on_trial,
     changed(e.TermsChanged, from_invoice=lambda event: event.from_invoice - 1)),
    ("the trial is another kind", "change-not-allowed", s.on_trial,
     changed(e.TermsChanged, terms=lambda event: attrs.evolve(event.terms, kind=Kind.RECURRING))),
    ("a line before the first period", "parts-wrong", s.on_trial,
     changed(e.TermsChanged, lines=lambda event: _lines())),
    ("the trial's price for the regular periods", "price-not-agreed", s.on_trial,
     changed(e.TermsChanged,
             terms=lambda event: attrs.evolve(event.terms, price=Money(9900, "NOK")))),
    ("a part measured by less", "schedule-wrong", s.aligned,
     changed(e.TermsChanged, schedule=_stub(whole_days=15))),
    ("another anchor than the part ends at", "schedule-wrong", s.aligned,
     changed(e.TermsChanged, schedule=_later)),
    ("the anchor never moved", "period-off-schedule", s.moved, dropped(e.TermsChanged)),
    ("moved a period too early", "change-out-of-step", s.moved,
     changed(e.TermsChanged, from_invoice=lambda event: event.from_invoice + 1)),
    ("moved, the part for another invoice", "schedule-wrong", s.moved,
     changed(e.TermsChanged, schedule=_stub(invoice_number=3))),
    ("a line for the running period", "parts-wrong", s.moved,
     changed(e.TermsChanged, lines=lambda event: _lines())),
    ("resumed, and the regular periods stay where they were", "period-off-schedule", s.trial_paused,
     dropped(e.TermsChanged, when=lambda event: event.reason.startswith("the periods"))),
    ("released, and it was not parked", "parking-wrong", s.released, dropped(e.BillingParked)),
    ("released twice", "parking-wrong", s.released, doubled(e.BillingReleased)),
    ("parked for few lines", "parking-wrong", s.parked,
     changed(e.BillingParked, lines=lambda _: 100)),
    ("parked for another's invoice", "customer-mixed", s.parked,
     changed(e.BillingParked, customer_id=lambda _: "someone")),
    ("billed before anybody looked", "invoice-while-parked", s.released,
     dropped(e.BillingReleased)),
    ("the guard slept", "parking-missing", s.released,
     lambda log: dropped(e.BillingReleased)(dropped(e.BillingParked)(log) or [])),
]  # fmt: skip


def _lines() -> tuple[e.InvoiceLine, ...]:
    books = s.on_trial()
    issued = next(each.event for each in books.log if isinstance(each.event, e.InvoiceIssued))
    lines: tuple[e.InvoiceLine, ...] = issued.lines
    return lines
