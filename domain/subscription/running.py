"""The period that runs now: what it costs, and what the rest of it is worth."""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.calendar import local_day
from domain.money import zero
from domain.plan import Proration, Terms, Timing
from domain.pricing import line, share_of_rest
from domain.schedule import is_trial
from domain.subscription.events import CreditGranted, CreditKind, InvoiceLine, LineKind
from domain.subscription.state import Cost, Subscription


@attrs.frozen(kw_only=True)
class Running:
    """The running period. billed: whether its invoice is issued (prepaid) or still to come."""

    cost: Cost
    billed: bool


def running(state: Subscription, *, now: datetime) -> Running | None:
    """The period that `now` lies in, at what it costs now; None before and between periods.

    Everything due must have been billed: the caller sees to it.
    """
    prepaid = state.terms.timing is Timing.PREPAID
    cost = state.billed if prepaid else _unbilled(state)
    if cost is None or not cost.period.start <= local_day(now, state.zone) < cost.period.end:
        return None
    if state.repriced is not None:
        cost = at_terms(cost, state.repriced)
    return Running(cost=cost, billed=prepaid)


def last_before_standstill(state: Subscription, *, now: datetime) -> int:
    """The number of the last invoice where billing stops now: the latest one, or the next where
    service until now is billed afterwards. Everything due must have been billed."""
    period = running(state, now=now)
    to_come = period is not None and not period.billed
    return state.invoices_issued + (1 if to_come else 0)


def _unbilled(state: Subscription) -> Cost | None:
    """The period that the next invoice is going to bill."""
    number, terms = state.invoices_issued + 1, state.terms
    if state.next_due_at is None:
        return None
    trial = is_trial(terms, number)
    return Cost(
        period=state.schedule.period(number),
        whole_days=state.schedule.whole_days(number),
        unit_price=zero(state.currency) if trial else terms.price,
        quantity=terms.quantity,
    )


def rest_of(
    state: Subscription,
    cost: Cost,
    kind: LineKind,
    *,
    now: datetime,
    policy: Proration,
    description: str | None = None,
) -> InvoiceLine:
    """A line for what is left of a period from the local day of `now` on, at a cost.

    kind: REST is charged; UNUSED gives back, with a positive quantity where it becomes a credit.
    description: of other terms than the present ones, or None.
    """
    day = local_day(now, state.zone)
    share = share_of_rest(
        cost.period, cost.whole_days, day=day, now=now, zone=state.zone, policy=policy
    )
    words = "unused" if kind is LineKind.UNUSED else "rest"
    what = state.terms.description if description is None else description
    text = f"{what}, {words} {day} to {cost.period.end} (end exclusive)"
    return line(kind, text, cost.unit_price, cost.quantity, share)


def rule_for(state: Subscription, policy: Proration) -> Proration:
    """The rule that measures the running period. FULL knows one price a period: where that was
    changed on the way, it is measured by day."""
    repriced = state.repriced is not None
    return Proration.BY_DAY if repriced and policy is Proration.FULL else policy


def worth_saying(line: InvoiceLine) -> tuple[InvoiceLine, ...]:
    """The line, unless it comes to nothing."""
    return () if line.amount.minor == 0 else (line,)


def given_back(unused: InvoiceLine) -> InvoiceLine:
    """The same line as a deduction on an invoice."""
    working = attrs.evolve(unused.working, quantity=-unused.working.quantity)
    return attrs.evolve(unused, amount=-unused.amount, working=working)


def at_terms(cost: Cost, terms: Terms) -> Cost:
    """The same stretch of service at other terms; a trial stays free."""
    if cost.unit_price.minor == 0:
        return cost
    return attrs.evolve(cost, unit_price=terms.price, quantity=terms.quantity)


def credit_for(
    state: Subscription, unused: InvoiceLine, kind: CreditKind, reason: str, now: datetime
) -> tuple[CreditGranted, ...]:
    """A credit of what a line gives back; nothing where it comes to nothing."""
    if unused.amount.minor <= 0:
        return ()
    return (
        CreditGranted(
            customer_id=state.customer_id,
            credit_number=state.credits_granted + 1,
            kind=kind,
            amount=unused.amount,
            lines=(unused,),
            reason=reason,
            effective_at=now,
        ),
    )
