"""The anchor: on which day periods begin. It is moved by one period off the rhythm.

What runs is left alone: the partial period lies between the end of what is running, or of a
trial, and the new anchor, and costs its days of a whole one.
"""

from __future__ import annotations

from datetime import date, datetime

from domain.calendar import Period, count_from, local_day
from domain.plan import Kind
from domain.refusals import Refused
from domain.schedule import Schedule, Stub
from domain.subscription.changing import announced_anew, served_before_billed
from domain.subscription.events import (
    SubscriptionEvent,
    SubscriptionReinstated,
    SubscriptionResumed,
    TermsChanged,
    When,
)
from domain.subscription.invoicing import bill_what_is_due
from domain.subscription.parking import check_not_parked
from domain.subscription.state import Status, Subscription
from domain.subscription.wording import checked_reason

MOVED = "the periods before it were moved"


def change_anchor(
    state: Subscription, anchor: date, *, reason: str, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """Let regular periods begin on another day. Quiet where they do.

    anchor: local day; from the end of what runs, or of a trial, less than a whole period later.
    Refused: "anchor-out-of-range"; "subscription-not-active" where nothing is billed, or nothing
        more; "change-pending" where other terms were agreed to for a later period;
        "cancellation-scheduled"; "instalments-fixed"; "reason-malformed".
    """
    checked_reason(reason)
    check_not_parked(state)
    billed, after = bill_what_is_due(state, now=now, zone_version=zone_version)
    if after.parked:
        return billed
    if after.status not in (Status.ACTIVE, Status.PENDING) or after.next_due_at is None:
        raise Refused("subscription-not-active", f"{state.subscription_id} is not billed")
    if after.cancellation is not None:
        raise Refused("cancellation-scheduled", "what is going to end cannot be changed")
    if after.terms.kind is Kind.INSTALLMENT:
        raise Refused("instalments-fixed", "instalments are paid when it was agreed")
    number = after.invoices_issued + 1
    _, schedule = after.plan_of(number)
    begun = served_before_billed(after, local_day(now, after.zone))
    if begun or (schedule.stub is not None and schedule.stub.invoice_number == number):
        number += 1  # what runs already, or is off the rhythm already, stays as it is
    if after.following is not None and after.following.from_invoice > number:
        raise Refused("change-pending", "other terms were agreed to for a later period")
    terms, schedule = after.plan_of(number)
    moved = aligned(schedule, number, anchor)
    if moved == schedule or schedule.period(number).start == anchor:
        return billed
    changed = TermsChanged(
        customer_id=state.customer_id,
        terms=terms,
        when=When.PERIOD_END,
        from_invoice=number,
        schedule=moved,
        lines=(),
        next_due_at=announced_anew(after, moved, number),
        zone_version=zone_version,
        reason=reason,
        effective_at=now,
    )
    return (*billed, changed)


def moved_along(
    state: Subscription, resumed: SubscriptionResumed | SubscriptionReinstated
) -> tuple[TermsChanged, ...]:
    """Terms that were agreed to for a later invoice begin where the periods before them now end:
    days that a standstill has moved move them, too. Nothing where they fit as they are."""
    later = state.following
    if later is None:
        return ()
    number, old = later.from_invoice, later.schedule
    begins = resumed.schedule.period(number).start
    if old.period(number).start == begins:
        return ()
    schedule = Schedule(anchor=begins, anchor_invoice=number, interval=old.interval)
    if old.stub is not None:
        # An anchor that was wished for stays, as far as it can be reached.
        anchor = old.boundary(old.first_boundary(max(begins, old.anchor)))
        if anchor < count_from(begins, old.interval, 1):
            schedule = aligned(schedule, number, anchor)
    return (
        TermsChanged(
            customer_id=state.customer_id,
            terms=later.terms,
            when=When.PERIOD_END,
            from_invoice=number,
            schedule=schedule,
            lines=(),
            next_due_at=resumed.next_due_at,
            zone_version=resumed.zone_version,
            reason=MOVED,
            effective_at=resumed.effective_at,
        ),
    )


def aligned(schedule: Schedule, invoice_number: int, anchor: date) -> Schedule:
    """The schedule with its anchor moved: the invoice of that number bills up to the anchor.

    Raises: Refused("anchor-out-of-range").
    """
    begins = schedule.period(invoice_number).start
    if not begins <= anchor < count_from(begins, schedule.interval, 1):
        raise Refused("anchor-out-of-range", f"{anchor} is not in the period from {begins} on")
    if anchor == begins:
        return Schedule(anchor=anchor, anchor_invoice=invoice_number, interval=schedule.interval)
    before = count_from(anchor, schedule.interval, -1)
    stub = Stub(
        invoice_number=invoice_number,
        period=Period(begins, anchor),
        whole_days=(anchor - before).days,
    )
    return Schedule(
        anchor=anchor,
        anchor_invoice=invoice_number + 1,
        interval=schedule.interval,
        stub=stub,
    )
