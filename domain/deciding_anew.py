"""A history decided anew: each recorded fact is read as a wish, and decided under other terms.

Starts, changes, pauses, credits, usage and ends are decided again, and what falls due between them
is billed; charges are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import assert_never

import attrs

from domain.calendar import start_of_day
from domain.history import Told, credit_at_the_end, moves_days, rule_of, zone_version_of
from domain.plan import PaidTrial, Proration, Terms, on_trial
from domain.recorded import Recorded
from domain.schedule import due_day
from domain.subscription.aligning import aligned, change_anchor
from domain.subscription.changing import Change, change_terms
from domain.subscription.crediting import grant_credit
from domain.subscription.discounting import Reduction, end_discount, grant_discount
from domain.subscription.dunning import reinstate, suspended
from domain.subscription.ending import (
    cancel,
    cancel_as_scheduled,
    schedule_cancellation,
    withdraw_cancellation,
)
from domain.subscription.events import (
    THRESHOLD_REACHED,
    AmountSet,
    CancellationScheduled,
    CancellationWithdrawn,
    ChargeFoundLate,
    ChargeSucceeded,
    CreditGranted,
    CreditKind,
    DiscountEnded,
    DiscountGranted,
    InstalmentsSettled,
    InvoiceIssued,
    SubscriptionCancelled,
    SubscriptionEvent,
    SubscriptionPaused,
    SubscriptionReinstated,
    SubscriptionResumed,
    SubscriptionStarted,
    SubscriptionSuspended,
    TermsChanged,
    TokenVaulted,
    UsageCorrected,
    UsageReported,
)
from domain.subscription.invoicing import bill_what_is_due, closes, first_invoice
from domain.subscription.metering import Report, correct_usage, report_usage
from domain.subscription.pausing import Resume, pause, resume, resume_as_scheduled
from domain.subscription.setting_amounts import set_amount
from domain.subscription.settling import settle_early, settles
from domain.subscription.starting import AGREED_AT_START, Start, start
from domain.subscription.state import Status, Subscription
from domain.subscription.threshold import threshold_invoice

Events = tuple[SubscriptionEvent, ...]
_Wish = (
    TermsChanged
    | SubscriptionPaused
    | SubscriptionResumed
    | SubscriptionSuspended
    | SubscriptionReinstated
    | CreditGranted
    | CancellationScheduled
    | CancellationWithdrawn
    | SubscriptionCancelled
)
_Asked = (
    AmountSet
    | InstalmentsSettled
    | UsageReported
    | UsageCorrected
    | DiscountGranted
    | DiscountEnded
)


@attrs.frozen(kw_only=True)
class OtherPolicy:
    """What is to be different. terms: from those that were agreed to, the others, for every
    version of them. proration: instead of the rule of each change, or None. keeps_paid_trial:
    whether periods of a paid trial cost what was agreed, and are as long."""

    terms: Callable[[Terms], Terms] = lambda agreed: agreed
    proration: Proration | None = None
    keeps_paid_trial: bool = False


def decided(
    state: Subscription | None,
    told: Told,
    policy: OtherPolicy,
) -> Events:
    """What a recorded fact, read as a wish, leads to here."""
    event, now = told.recorded.event, told.recorded.recorded_at
    match event:
        case SubscriptionStarted():
            wish = _start(event, policy, told.log)
            return start(None, wish, now=now, zone_version=event.zone_version)
        case TokenVaulted():
            return (event,)
        case ChargeSucceeded() | ChargeFoundLate() if state and state.status is Status.PENDING:
            return (event,)  # the first payment, on the page that makes the token, begins it
        case InvoiceIssued() if settles(event):
            return ()  # follows from the wish to settle
        case InvoiceIssued() if event.demand == THRESHOLD_REACHED:
            assert state is not None
            # Quiet where the report that came to the threshold has led to it already.
            return threshold_invoice(state, now=now)
        case InvoiceIssued() if event.demand:
            return (event,)  # asked for, whatever the terms of the schedule are
        case InvoiceIssued() if closes(event):
            return ()  # follows from the end
        case InvoiceIssued():
            assert state is not None
            # By when it fell due, not by when it was issued: a late worker changes no money.
            due = event.effective_at
            if state.status is Status.PENDING:
                return first_invoice(state, now=due, zone_version=event.zone_version)
            return bill_what_is_due(state, now=due, zone_version=event.zone_version)[0]
        case CreditGranted() if event.kind is not CreditKind.GOODWILL:
            return ()
        case (
            TermsChanged()
            | SubscriptionPaused()
            | SubscriptionResumed()
            | SubscriptionSuspended()
            | SubscriptionReinstated()
            | CreditGranted()
            | CancellationScheduled()
            | CancellationWithdrawn()
            | SubscriptionCancelled()
        ):
            assert state is not None
            return _wished(state, event, policy, told)
        case (
            AmountSet()
            | InstalmentsSettled()
            | UsageReported()
            | UsageCorrected()
            | DiscountGranted()
            | DiscountEnded()
        ):
            assert state is not None
            return _asked(state, event, now, zone_version_of(told.log))
        case _:
            return ()


def _start(
    event: SubscriptionStarted, policy: OtherPolicy, log: Sequence[Recorded[SubscriptionEvent]]
) -> Start:
    terms = policy.terms(event.terms)
    if policy.keeps_paid_trial and _begins_with_paid_trial(event, log):
        kept = PaidTrial(price=event.terms.price, interval=event.terms.interval, cycles=1)
        terms = on_trial(terms, kept)
    return Start(
        subscription_id=event.subscription_id,
        customer_id=event.customer_id,
        namespace=event.namespace,
        provider=event.provider,
        account=event.account,
        zone=event.zone,
        start=event.start,
        terms=terms,
    )


def _begins_with_paid_trial(
    event: SubscriptionStarted, log: Sequence[Recorded[SubscriptionEvent]]
) -> bool:
    """Whether other terms were agreed to at the start, for when the trial is over."""
    then = log[1].event if len(log) > 1 else None
    if not isinstance(then, TermsChanged) or then.reason != AGREED_AT_START:
        return False
    return then.terms != event.terms


def _agreed_with_the_start(
    state: Subscription, event: TermsChanged, policy: OtherPolicy, told: Told
) -> Events:
    """What counts after a trial that was paid for, or days off the rhythm of the start.

    Where the other terms have another rhythm, the same wish is counted by it.
    """
    terms, schedule = policy.terms(event.terms), event.schedule
    if terms.interval == schedule.interval:
        return (attrs.evolve(event, terms=terms),)
    begun = told.log[0].event
    if isinstance(begun, SubscriptionStarted) and _begins_with_paid_trial(begun, told.log):
        return (
            attrs.evolve(
                event, terms=terms, schedule=attrs.evolve(schedule, interval=terms.interval)
            ),
        )
    if schedule.stub is None:
        return ()  # days of the old rhythm: of the other there are none but the first
    moved = aligned(state.schedule, event.from_invoice, schedule.anchor)
    first = (state.schedule if event.from_invoice > 1 else moved).period(1)
    due = start_of_day(due_day(state.terms, first), state.zone)
    return (attrs.evolve(event, terms=terms, schedule=moved, next_due_at=due),)


def _wished(
    state: Subscription,
    event: _Wish,
    policy: OtherPolicy,
    told: Told,
) -> Events:
    now, zone_version = event.effective_at, zone_version_of(told.log)
    match event:
        case TermsChanged() if state.status is Status.PENDING:
            return _agreed_with_the_start(state, event, policy, told)
        case TermsChanged() if moves_days(event, told.real):
            day, reason = event.schedule.anchor, event.reason
            return change_anchor(state, day, reason=reason, now=now, zone_version=zone_version)
        case TermsChanged():
            change = Change(
                terms=policy.terms(event.terms),
                when=event.when,
                reason=event.reason,
                proration=policy.proration or rule_of(event, told),
            )
            return change_terms(state, change, now=now, zone_version=zone_version)
        case SubscriptionPaused():
            return pause(
                state,
                until=event.until,
                credit=event.unused_from is not None,
                reason=event.reason,
                now=now,
                zone_version=zone_version,
            )
        case SubscriptionResumed():
            return _resumed(state, event, now, zone_version)
        case SubscriptionSuspended():
            # Whether it is paid is not asked here: what was not served stays so.
            active = state.status is Status.ACTIVE
            return (suspended(state, event.invoice_number, now=now),) if active else ()
        case SubscriptionReinstated():
            return reinstate(state, reason=event.reason, now=now, zone_version=zone_version)
        case CreditGranted() if not state.bills:
            # Granted in order to be paid out: the terms that it ended under change nothing of it.
            return (attrs.evolve(event, credit_number=state.credits_granted + 1),)
        case CreditGranted():
            return grant_credit(state, event.amount, reason=event.reason, now=now)
        case CancellationScheduled():
            at = event.at
            return schedule_cancellation(
                state, at=at, reason=event.reason, now=now, zone_version=zone_version
            )
        case CancellationWithdrawn():
            return withdraw_cancellation(
                state, reason=event.reason, now=now, zone_version=zone_version
            )
        case SubscriptionCancelled():
            return cancel_as_scheduled(state, now=now) or cancel(
                state,
                reason=event.reason,
                now=now,
                credit=credit_at_the_end(told.recorded, policy.proration, told.log),
            )
        case _:
            assert_never(event)


def _asked(state: Subscription, event: _Asked, recorded_at: datetime, zone_version: str) -> Events:
    """Usage, amounts, discounts and settlements, as they were asked for."""
    match event:
        case InstalmentsSettled(reason=reason, effective_at=at):
            return settle_early(state, reason=reason, now=at, zone_version=zone_version)
        case AmountSet():
            return set_amount(
                state,
                event.amount,
                reason=event.reason,
                now=event.effective_at,
                zone_version=zone_version,
            )
        case UsageReported():
            report = Report(
                usage_id=event.usage_id,
                meter=event.meter,
                quantity=event.quantity,
                at=event.effective_at,
            )
            return report_usage(state, report, now=recorded_at)
        case UsageCorrected():
            return correct_usage(
                state, event.usage_id, event.quantity, reason=event.reason, now=event.effective_at
            )
        case DiscountGranted():
            wish = Reduction(
                coupon=event.coupon,
                ppm=event.ppm,
                amount=event.amount,
                invoices=event.invoices,
                reason=event.reason,
            )
            return grant_discount(state, wish, now=event.effective_at)
        case DiscountEnded():
            coupons = (
                each.coupon
                for each in state.discounts
                if each.discount_number == event.discount_number
            )
            if (coupon := next(coupons, None)) is None:
                return ()  # what granted it was refused
            return end_discount(state, coupon, reason=event.reason, now=event.effective_at)
        case _:
            assert_never(event)


def _resumed(
    state: Subscription, event: SubscriptionResumed, now: datetime, zone_version: str
) -> Events:
    if state.pause is not None and state.pause.until is not None and now >= state.pause.until:
        return resume_as_scheduled(state, now=now, zone_version=zone_version)
    restarted = event.schedule.anchor != state.schedule.anchor
    how = Resume.RESTART if restarted else Resume.KEEP_ANCHOR
    return resume(state, how=how, reason=event.reason, now=now, zone_version=zone_version)
