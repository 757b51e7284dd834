"""The same history under other terms or another rule of proration: what would have been billed.

Every wish that the facts record (start, change, pause, credit, usage, discount, end) is decided
again, in order, on the state that the other terms have led to; both are compared up to the last
instant at which the history billed a period. Charges are left out: whether a payer would have paid
another amount, nobody knows. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import assert_never

import attrs

from domain.calendar import start_of_day
from domain.money import Money
from domain.plan import PaidTrial, Proration, Terms, on_trial
from domain.recorded import Recorded
from domain.refusals import Refused
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
    CreditGranted,
    CreditKind,
    DiscountEnded,
    DiscountGranted,
    InstalmentsSettled,
    InvoiceIssued,
    LineKind,
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
    When,
)
from domain.subscription.folding import evolve
from domain.subscription.invoicing import bill_what_is_due, closes
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


@attrs.frozen(kw_only=True)
class _Told:
    """A fact of the history. real: the subscription as it really was before it. log: all facts."""

    recorded: Recorded[SubscriptionEvent]
    real: Subscription | None
    log: Sequence[Recorded[SubscriptionEvent]]


@attrs.frozen(kw_only=True)
class Billed:
    """What one history bills, minor units of `currency`."""

    currency: str
    invoices: int
    billed: int
    credited: int

    @property
    def net(self) -> Money:
        """What is billed and not given back as credit."""
        return Money(self.billed - self.credited, self.currency)


@attrs.frozen(kw_only=True)
class WhatIf:
    """As it was, and as it would have been.

    refused: wishes that the other terms would have had refused, in words.
    """

    was: Billed
    would_be: Billed
    refused: tuple[str, ...]

    @property
    def difference(self) -> Money:
        """What the merchant would have billed more (below zero: less)."""
        return self.would_be.net - self.was.net


def what_if(log: Sequence[Recorded[SubscriptionEvent]], policy: OtherPolicy) -> WhatIf:
    """Decide a subscription's history anew. log: its facts from the first, not empty.

    Refused: what starting refuses of the other terms.
    """
    state: Subscription | None = None
    real: Subscription | None = None
    made: list[SubscriptionEvent] = []
    refused: list[str] = []
    for recorded in log:
        told = _Told(recorded=recorded, real=real, log=log)
        real = evolve(real, recorded.event)
        try:
            facts = _decided(state, told, policy)
        except Refused as refusal:
            if state is None:
                raise
            refused.append(f"{type(recorded.event).__name__} at {recorded.recorded_at}: {refusal}")
            continue
        for fact in facts:
            made.append(fact)
            state = evolve(state, fact)
    was = _billed([recorded.event for recorded in log])
    return WhatIf(was=was, would_be=_billed(made), refused=tuple(refused))


def _decided(
    state: Subscription | None,
    told: _Told,
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
            return _asked(state, event, now, _zone_version(told.log))
        case _:
            return ()


def _moves_days(event: TermsChanged, real: Subscription | None) -> bool:
    """Whether nothing but the days of the periods was to change."""
    assert real is not None, "a stream begins with SubscriptionStarted"
    agreed, schedule = real.plan_of(event.from_invoice)
    stays = event.terms == agreed and event.when is When.PERIOD_END
    return stays and event.schedule != schedule


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
    state: Subscription, event: TermsChanged, policy: OtherPolicy, told: _Told
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
    told: _Told,
) -> Events:
    now, zone_version = event.effective_at, _zone_version(told.log)
    match event:
        case TermsChanged() if state.status is Status.PENDING:
            return _agreed_with_the_start(state, event, policy, told)
        case TermsChanged() if _moves_days(event, told.real):
            day, reason = event.schedule.anchor, event.reason
            return change_anchor(state, day, reason=reason, now=now, zone_version=zone_version)
        case TermsChanged():
            change = Change(
                terms=policy.terms(event.terms),
                when=event.when,
                reason=event.reason,
                proration=policy.proration or _rule_of(event, told),
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
                credit=_credit_at_the_end(told.recorded, policy, told.log),
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


def _rule_of(event: TermsChanged, told: _Told) -> Proration | None:
    """The rule of a change; None: the one that is agreed to. One that counts from now on had a
    rule, even where that came to nothing; another rhythm counts without one, too."""
    assert told.real is not None, "a stream begins with SubscriptionStarted"
    before = told.real.terms
    rule = _policy_of(told.recorded, told.log)
    anew = event.terms.interval != before.interval
    if rule is Proration.NONE and event.when is When.NOW and not anew:
        agreed = before.proration
        return Proration.BY_DAY if agreed is Proration.NONE else None
    return None if rule is before.proration else rule


def _resumed(
    state: Subscription, event: SubscriptionResumed, now: datetime, zone_version: str
) -> Events:
    if state.pause is not None and state.pause.until is not None and now >= state.pause.until:
        return resume_as_scheduled(state, now=now, zone_version=zone_version)
    restarted = event.schedule.anchor != state.schedule.anchor
    how = Resume.RESTART if restarted else Resume.KEEP_ANCHOR
    return resume(state, how=how, reason=event.reason, now=now, zone_version=zone_version)


def _zone_version(log: Sequence[Recorded[SubscriptionEvent]]) -> str:
    begun = log[0].event
    assert isinstance(begun, SubscriptionStarted), "a stream begins with SubscriptionStarted"
    return begun.zone_version


def _beside(
    recorded: Recorded[SubscriptionEvent], log: Sequence[Recorded[SubscriptionEvent]]
) -> list[SubscriptionEvent]:
    """The facts of the same command."""
    return [each.event for each in log if each.command_id == recorded.command_id]


def _policy_of(
    recorded: Recorded[SubscriptionEvent], log: Sequence[Recorded[SubscriptionEvent]]
) -> Proration | None:
    """The rule that a change was settled by, as its lines say; None where nothing was settled."""
    for event in _beside(recorded, log):
        if isinstance(event, TermsChanged | CreditGranted):
            for line in event.lines:
                if line.kind in (LineKind.REST, LineKind.UNUSED):
                    return Proration(line.working.policy)
    return Proration.NONE if isinstance(recorded.event, TermsChanged) else None


def _credit_at_the_end(
    recorded: Recorded[SubscriptionEvent],
    policy: OtherPolicy,
    log: Sequence[Recorded[SubscriptionEvent]],
) -> Proration:
    """The rule that a cancellation gave credit by; NONE where it gave none."""
    given = any(
        isinstance(event, CreditGranted) and event.kind is CreditKind.CANCELLATION
        for event in _beside(recorded, log)
    )
    if not given:
        return Proration.NONE
    return policy.proration or _policy_of(recorded, log) or Proration.NONE


def _billed(facts: Sequence[SubscriptionEvent]) -> Billed:
    begun = facts[0]
    assert isinstance(begun, SubscriptionStarted), "a stream begins with SubscriptionStarted"
    issued = [each for each in facts if isinstance(each, InvoiceIssued)]
    # An overpayment gives money back that was received; it takes nothing off what is billed.
    granted = [
        each
        for each in facts
        if isinstance(each, CreditGranted) and each.kind is not CreditKind.OVERPAYMENT
    ]
    return Billed(
        currency=begun.terms.price.currency,
        invoices=len(issued),
        billed=sum(each.total.minor for each in issued),
        credited=sum(each.amount.minor for each in granted),
    )
