"""Change what is billed: plan, price, quantity, rhythm; now or from the next period on.

The new terms price every period that begins after the running one. What is left of the running
period is settled, where the change is to count from now: its days at the old terms are given back
and charged at the new ones, by the proration rule of the terms that were agreed to. Nothing that
is billed is billed anew.
"""

from __future__ import annotations

from datetime import date, datetime

import attrs

from domain.calendar import local_day, start_of_day
from domain.plan import Proration, Terms, Timing
from domain.plan_rules import check_not_in_instalments, check_same_arrangement, check_terms
from domain.pricing import given_back
from domain.refusals import Refused
from domain.schedule import Schedule, due_day
from domain.subscription.events import (
    CreditKind,
    InvoiceLine,
    LineKind,
    SubscriptionEvent,
    TermsChanged,
    When,
)
from domain.subscription.folding import evolve_all
from domain.subscription.invoicing import bill_what_is_due
from domain.subscription.parking import check_not_parked
from domain.subscription.refunding import refund_granted
from domain.subscription.running import (
    Running,
    at_terms,
    credit_for,
    rest_of,
    rule_for,
    running,
)
from domain.subscription.standing import check_active
from domain.subscription.state import Status, Subscription
from domain.subscription.usage_pricing import usage_lines
from domain.subscription.wording import checked_reason


@attrs.frozen(kw_only=True)
class Change:
    """The wish to change terms.

    terms: all of them, the new ones; the trial of the present ones stays, whatever they say.
    proration: instead of the rule of the present terms, or None.
    refund: whether what days that are billed already give back goes back to the payer, as far as
        money came, instead of paying the next invoice.
    """

    terms: Terms
    when: When
    reason: str
    proration: Proration | None = None
    refund: bool = False


def change_terms(
    state: Subscription, wish: Change, *, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """Agree to other terms. Quiet where they are in force, or agreed to, already.

    Another interval begins with a period of its own: where the change counts from now, on this
    day, else where the running period ends.
    Refused: "subscription-not-active"; "cancellation-scheduled"; "currency-fixed"; "kind-fixed",
        "timing-fixed" where the new terms have another one; "instalments-fixed"; "kind-schedule"
        where no periods are billed;
        "change-at-period-end" for another interval from now on where periods are billed
        afterwards; "reason-malformed"; the codes of `check_terms`.
    """
    checked_reason(wish.reason)
    check_not_parked(state)
    _check(state, wish)
    terms = attrs.evolve(wish.terms, trial=state.terms.trial)
    billed, after = bill_what_is_due(state, now=now, zone_version=zone_version)
    if after.status is not Status.ACTIVE or after.next_due_at is None or after.parked:
        return billed
    _check_interval(after, wish)
    if terms == after.agreed:
        return billed
    policy = rule_for(after, wish.proration or state.terms.proration)
    period = running(after, now=now) if wish.when is When.NOW else None
    facts = _changed(after, terms, wish, period, policy, now, zone_version)
    if not wish.refund:
        return (*billed, *facts)
    back = refund_granted(evolve_all(after, facts), facts, reason=wish.reason, now=now)
    return (*billed, *facts, *back)


def _check(state: Subscription, wish: Change) -> None:
    old, new = state.terms, wish.terms
    check_terms(new)
    check_active(state)
    if state.cancellation is not None:
        raise Refused("cancellation-scheduled", "what is going to end cannot be changed")
    check_same_arrangement(old, new)
    if not old.scheduled:
        raise Refused("kind-schedule", f"{old.kind.value} bills no periods that could change")
    check_not_in_instalments(old)


def _check_interval(after: Subscription, wish: Change) -> None:
    """By the terms of the running period: those that are due may just have come into force."""
    other, old = wish.terms.interval != after.terms.interval, after.terms
    if other and wish.when is When.NOW and old.timing is Timing.POSTPAID:
        raise Refused("change-at-period-end", "another interval begins where a period ends")


def _changed(
    state: Subscription,
    terms: Terms,
    wish: Change,
    period: Running | None,
    policy: Proration,
    now: datetime,
    zone_version: str,
) -> tuple[SubscriptionEvent, ...]:
    next_number = state.invoices_issued + 1
    day = local_day(now, state.zone)
    from_invoice = next_number + 1 if served_before_billed(state, day) else next_number
    credits: tuple[SubscriptionEvent, ...] = ()
    lines: tuple[InvoiceLine, ...] = ()
    begins_anew = period is not None and terms.interval != state.terms.interval
    if period is not None:
        unused = rest_of(state, period.cost, LineKind.UNUSED, now=now, policy=policy)
        rest = rest_of(
            state,
            at_terms(period.cost, terms),
            LineKind.REST,
            now=now,
            policy=policy,
            description=terms.description,
        )
        if period.billed:
            credits = credit_for(state, unused, CreditKind.PRORATION, wish.reason, now)
        else:
            lines = tuple(given_back(each) for each in unused)
        if not begins_anew:
            lines = (*lines, *rest)
    schedule = _going_on(state, terms, from_invoice)
    if begins_anew:
        schedule = Schedule(anchor=day, anchor_invoice=next_number, interval=terms.interval)
    # Where nothing is settled for the rest, it was paid for at the old terms, and is worth that.
    settled = begins_anew or policy is not Proration.NONE
    if wish.when is When.NOW and settled and terms.meters != state.meters:
        lines = (*lines, *usage_lines(state, until=now, bounded=False))
    changed = TermsChanged(
        customer_id=state.customer_id,
        terms=terms,
        when=wish.when if settled else When.PERIOD_END,
        from_invoice=from_invoice,
        schedule=schedule,
        lines=lines,
        next_due_at=announced_anew(state, schedule, from_invoice),
        zone_version=zone_version,
        reason=wish.reason,
        effective_at=now,
    )
    return (*credits, changed)


def served_before_billed(state: Subscription, day: date) -> bool:
    """Whether the period that the next invoice bills has begun: postpaid, its terms stay."""
    begins = state.schedule.period(state.invoices_issued + 1).start
    return state.terms.timing is Timing.POSTPAID and begins <= day


def announced_anew(state: Subscription, schedule: Schedule, from_invoice: int) -> datetime | None:
    """An announced instant does not move unless its day does."""
    number = state.invoices_issued + 1
    old = due_day(state.terms, state.schedule.period(number))
    new = due_day(state.terms, schedule.period(number)) if from_invoice == number else old
    return state.next_due_at if new == old else start_of_day(new, state.zone)


def _going_on(state: Subscription, terms: Terms, from_invoice: int) -> Schedule:
    """The same boundaries, or another interval counted from where the last old period ends."""
    _, present = state.plan_of(from_invoice)
    if terms.interval == present.interval:
        return present
    if present.anchor_invoice >= from_invoice:
        return attrs.evolve(present, interval=terms.interval)
    anchor = present.period(from_invoice).start
    return Schedule(anchor=anchor, anchor_invoice=from_invoice, interval=terms.interval)
