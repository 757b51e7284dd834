"""Pause billing, and go on with it: at the old days or from the day on which it is resumed."""

from __future__ import annotations

from datetime import date, datetime

import attrs

from domain.calendar import local_day
from domain.plan import Kind
from domain.pricing import given_back
from domain.refusals import Refused
from domain.subscription.aligning import moved_along
from domain.subscription.completing import with_completion
from domain.subscription.events import (
    CreditKind,
    InvoiceLine,
    LineKind,
    SubscriptionEvent,
    SubscriptionPaused,
    SubscriptionResumed,
)
from domain.subscription.invoicing import bill_what_is_due
from domain.subscription.parking import check_not_parked
from domain.subscription.resuming import Resume, announced, served_from
from domain.subscription.running import (
    credit_for,
    last_before_standstill,
    rest_of,
    rule_for,
    running,
)
from domain.subscription.standing import check_active, check_not_ended
from domain.subscription.state import Status, Subscription
from domain.subscription.wording import checked_reason

__all__ = ["PAUSE_OVER", "Resume", "pause", "resume", "resume_as_scheduled"]


# What facts say where the time that was named at the pause has come.
PAUSE_OVER = "the pause is over"


def pause(
    state: Subscription,
    *,
    until: datetime | None,
    credit: bool,
    reason: str,
    now: datetime,
    zone_version: str,
) -> tuple[SubscriptionEvent, ...]:
    """Bill no period from now on. Quiet when it is paused already.

    until: UTC instant at which it resumes by itself, keeping the anchor; or None.
    credit: whether the rest of the running period is not paid for, by the terms' proration rule.
    Refused: "subscription-not-active"; "pause-in-the-past"; "instalments-fixed" for a credit on
        instalments; "cancellation-scheduled" while it is going to end; "trial-not-begun";
        "kind-schedule" where no periods are billed; "reason-malformed".
    """
    checked_reason(reason)
    check_not_parked(state)
    if state.status is Status.PAUSED:
        return ()
    check_active(state)
    if until is not None and until <= now:
        raise Refused("pause-in-the-past", f"{until} is not after {now}")
    if state.cancellation is not None:
        raise Refused("cancellation-scheduled", "what is going to end cannot be paused")
    if credit and state.terms.kind is Kind.INSTALLMENT:
        raise Refused("instalments-fixed", "instalments add up to what was agreed")
    if not state.terms.scheduled:
        raise Refused("kind-schedule", "no periods are billed; charge nothing meanwhile")
    billed, after = bill_what_is_due(state, now=now, zone_version=zone_version)
    if after.status is not Status.ACTIVE or after.parked:
        return billed
    if after.terms.trial and not after.invoices_issued and running(after, now=now) is None:
        raise Refused("trial-not-begun", "the free days would pass during the pause")
    return (*billed, *_paused(after, until, credit, reason, now))


def _paused(
    state: Subscription, until: datetime | None, credit: bool, reason: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    day, period = local_day(now, state.zone), running(state, now=now)
    credits: tuple[SubscriptionEvent, ...] = ()
    lines: tuple[InvoiceLine, ...] = ()
    unused_from: date | None = None
    if period is not None and credit:
        unused_from = day
        unused = rest_of(
            state,
            period.cost,
            LineKind.UNUSED,
            now=now,
            policy=rule_for(state, state.terms.proration),
        )
        if period.billed:
            credits = credit_for(state, unused, CreditKind.PAUSE, reason, now)
        else:
            lines = tuple(given_back(each) for each in unused)
    paused = SubscriptionPaused(
        customer_id=state.customer_id,
        until=until,
        last_invoice=last_before_standstill(state, now=now),
        unused_from=unused_from,
        lines=lines,
        reason=reason,
        effective_at=now,
    )
    return (*credits, paused)


def resume(
    state: Subscription, *, how: Resume, reason: str, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """Bill periods again. Quiet when it is not paused.

    Days of a period that is paid for, or still to be billed, are not billed again: where it is
    resumed within that period, billing goes on as if it had not been paused, but for the days
    given back, which are charged from the day of resuming on.
    Refused: "subscription-ended" once it has ended; "reason-malformed".
    """
    checked_reason(reason)
    check_not_ended(state)
    if state.pause is None:
        return ()
    check_not_parked(state)
    billed, after = bill_what_is_due(state, now=now, zone_version=zone_version)
    if after.parked:
        return billed
    assert after.pause is not None
    schedule, lines = served_from(after, after.pause.unused_from, how, now)
    resumed = SubscriptionResumed(
        customer_id=state.customer_id,
        schedule=schedule,
        lines=lines,
        next_due_at=announced(attrs.evolve(after, pause=None), schedule),
        zone_version=zone_version,
        reason=reason,
        effective_at=now,
    )
    # What was left to pay may have been paid while it was paused.
    facts = (*billed, resumed, *moved_along(after, resumed))
    return with_completion(state, facts, now=now)


def resume_as_scheduled(
    state: Subscription, *, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """The end of a pause whose time has come."""
    planned = state.pause
    if planned is None or planned.until is None or now < planned.until or state.parked:
        return ()
    # By the time that was named, not by when somebody got round to it.
    return resume(
        state,
        how=Resume.KEEP_ANCHOR,
        reason=PAUSE_OVER,
        now=planned.until,
        zone_version=zone_version,
    )
