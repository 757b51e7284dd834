"""Start a subscription: agree to terms, and to how billing begins."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from uuid import UUID

import attrs

from domain.calendar import (
    checked_interval,
    count_from,
    local_day,
    start_of_day,
    zone_named,
)
from domain.identity import checked_id
from domain.plan import Kind, PaidTrial, Terms, on_trial
from domain.plan_rules import check_terms
from domain.providers import RULES, Provider
from domain.refusals import Refused
from domain.schedule import Schedule, due_day, schedule_of
from domain.subscription.aligning import aligned
from domain.subscription.discounting import Reduction, grant_discount
from domain.subscription.events import SubscriptionEvent, SubscriptionStarted, TermsChanged, When
from domain.subscription.folding import evolve_all
from domain.subscription.state import Subscription
from domain.taxes import WHOLE_PPM

WAIVED, AGREED_AT_START = "waived-past", "agreed at the start"
MOST_PAST_PERIODS = 999


class Past(Enum):
    """What becomes of periods that are due when it is agreed to. BILL: they are billed. WAIVE:
    their invoices cost nothing. SKIP: billing begins with the first period still to come."""

    BILL = "BILL"
    WAIVE = "WAIVE"
    SKIP = "SKIP"


class FirstPayment(Enum):
    """How the first invoice is paid. CHARGED: with the token, once the payer has approved.
    IN_SESSION: by the payer, on the page that makes the token."""

    CHARGED = "by-token"
    IN_SESSION = "in-session"


@attrs.frozen(kw_only=True)
class Start:
    """The wish to start; see SubscriptionStarted for the fields.

    paid_trial: before the terms, or None.
    anchor: local day on which the first whole period begins, or None: the first day after a
        trial. The days before it are a partial period.
    """

    subscription_id: str
    customer_id: str
    namespace: UUID
    provider: Provider
    account: str
    zone: str
    start: date
    terms: Terms
    paid_trial: PaidTrial | None = None
    anchor: date | None = None
    past: Past = Past.BILL
    first_payment: FirstPayment = FirstPayment.CHARGED


def start(
    state: Subscription | None, wish: Start, *, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """Agree to terms. Quiet when the same subscription was started with the same terms, wherever
    it is charged by now.

    Refused: "subscription-exists" when the id belongs to another agreement; "id-malformed",
        "zone-unknown", "paid-trial-malformed", "past-malformed", "anchor-out-of-range",
        "kind-schedule" for a beginning of its own where no periods are billed,
        "start-too-long-ago" for more than MOST_PAST_PERIODS to waive,
        "first-payment-not-offered" where the provider's page takes none, and the codes of
        `check_terms`.
    """
    checked_id("subscription id", wish.subscription_id)
    checked_id("customer id", wish.customer_id)
    checked_id("account", wish.account)
    zone_named(wish.zone)
    check_terms(wish.terms)
    in_session = wish.first_payment is FirstPayment.IN_SESSION
    if in_session and not RULES[wish.provider].session_pays:
        raise Refused("first-payment-not-offered", f"{wish.provider.value} takes none on its page")
    if state is not None:
        if _is_same(state, wish):
            return ()
        raise Refused("subscription-exists", f"{wish.subscription_id} has other terms")
    first, schedule = _opening(wish, local_day(now, wish.zone))
    facts: tuple[SubscriptionEvent, ...] = (_started(first, now, zone_version),)
    facts = (*facts, *_then(wish, first, schedule, now, zone_version))
    return (*facts, *_waived(wish, evolve_all(None, facts), now))


def _is_same(state: Subscription, wish: Start) -> bool:
    agreed = state.agreed
    # A subscription that has moved is charged elsewhere; it was started where it was.
    same = (state.customer_id, *state.started_at_account, state.zone)
    if same != (wish.customer_id, wish.provider, wish.account, wish.zone):
        return False
    if wish.past is Past.SKIP:  # it began later, perhaps after its trial
        return attrs.evolve(agreed, trial=wish.terms.trial) == wish.terms
    return state.start == wish.start and agreed == wish.terms


def _started(first: Start, now: datetime, zone_version: str) -> SubscriptionStarted:
    first_due_at: datetime | None = None
    if first.terms.scheduled:
        day = due_day(first.terms, schedule_of(first.start, first.terms).period(1))
        first_due_at = start_of_day(day, first.zone)
    return SubscriptionStarted(
        subscription_id=first.subscription_id,
        customer_id=first.customer_id,
        namespace=first.namespace,
        provider=first.provider,
        account=first.account,
        currency=first.terms.price.currency,
        zone=first.zone,
        zone_version=zone_version,
        start=first.start,
        first_due_at=first_due_at,
        terms=first.terms,
        effective_at=now,
    )


def _opening(wish: Start, today: date) -> tuple[Start, Schedule]:
    """With which terms and on which day it begins, and the schedule of what follows a trial."""
    terms = wish.terms
    otherwise = wish.paid_trial or wish.anchor or wish.past is not Past.BILL
    if otherwise and not terms.scheduled:
        raise Refused("kind-schedule", f"{terms.kind.value} is billed when it is asked for")
    if wish.paid_trial is not None:
        terms = _on_trial(wish, wish.paid_trial)
    first = attrs.evolve(wish, terms=terms)
    schedule = schedule_of(wish.start, terms)
    number = schedule.anchor_invoice
    if wish.paid_trial is not None:
        trial = wish.paid_trial
        anchor = count_from(schedule.anchor, trial.interval, trial.cycles)
        regular = Schedule(
            anchor=anchor, anchor_invoice=number + trial.cycles, interval=wish.terms.interval
        )
        return first, regular
    if wish.anchor is not None:
        if wish.past is not Past.BILL:
            raise Refused("past-malformed", "with an anchor of its own, what is past is billed")
        return first, aligned(schedule, number, wish.anchor)
    if wish.past is Past.SKIP and wish.start < today:
        return _skipped(first, schedule, today)
    return first, schedule


def _on_trial(wish: Start, trial: PaidTrial) -> Terms:
    """The terms of the paid trial: those agreed to, at its price and rhythm."""
    checked_interval(trial.interval)
    if type(trial.cycles) is not int or not 1 <= trial.cycles <= 999:
        raise Refused("paid-trial-malformed", "a paid trial has 1 to 999 periods")
    if wish.terms.kind is Kind.INSTALLMENT or wish.anchor or wish.past is not Past.BILL:
        raise Refused("paid-trial-malformed", "it goes with an open end, from the first day on")
    terms = on_trial(wish.terms, trial)
    check_terms(terms)
    return terms


def _skipped(first: Start, schedule: Schedule, today: date) -> tuple[Start, Schedule]:
    """Billing begins with the first period that is still to come, as invoice 1."""
    index = schedule.first_boundary(today) if schedule.anchor < today else 0
    begins = schedule.boundary(index)
    terms = attrs.evolve(first.terms, trial=None)
    regular = attrs.evolve(schedule, anchor_invoice=1 - index, stub=None)
    return attrs.evolve(first, start=begins, terms=terms), regular


def _then(
    wish: Start, first: Start, schedule: Schedule, now: datetime, zone_version: str
) -> tuple[TermsChanged, ...]:
    """What was agreed to for later than the opening: regular terms, or days off its rhythm."""
    opening = schedule_of(first.start, first.terms)
    number = 1 if first.terms.trial is None else 2
    if wish.paid_trial is not None:
        number += wish.paid_trial.cycles
    elif _same_days(opening, schedule, number):
        return ()
    terms = first.terms if wish.paid_trial is None else wish.terms
    period = (opening if number > 1 else schedule).period(1)
    return (
        TermsChanged(
            customer_id=wish.customer_id,
            terms=terms,
            when=When.PERIOD_END,
            from_invoice=number,
            schedule=schedule,
            lines=(),
            next_due_at=start_of_day(due_day(first.terms, period), wish.zone),
            zone_version=zone_version,
            reason=AGREED_AT_START,
            effective_at=now,
        ),
    )


def _same_days(one: Schedule, other: Schedule, first: int) -> bool:
    """A year of months shows every day of the month that an anchor can be clamped to."""
    return all(one.period(number) == other.period(number) for number in range(first, first + 13))


def _waived(wish: Start, state: Subscription, now: datetime) -> tuple[SubscriptionEvent, ...]:
    """The invoices that are due already cost nothing: the first ones, as many as there are."""
    if wish.past is not Past.WAIVE:
        return ()
    due = 0
    for number in range(1, MOST_PAST_PERIODS + 2):
        terms, schedule = state.plan_of(number)
        if start_of_day(due_day(terms, schedule.period(number)), state.zone) > now:
            break
        due += 0 if terms.trial is not None and number == 1 else 1
    if due == 0:
        return ()
    if due > MOST_PAST_PERIODS:
        raise Refused("start-too-long-ago", f"more than {MOST_PAST_PERIODS} periods are due")
    free = Reduction(coupon=WAIVED, ppm=WHOLE_PPM, invoices=due, reason=AGREED_AT_START)
    return grant_discount(state, free, now=now)
