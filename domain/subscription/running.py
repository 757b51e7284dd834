"""The period that runs now: what it costs, and what the rest of it is worth."""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.calendar import local_day
from domain.money import total
from domain.plan import Proration, Terms, Timing
from domain.prices import Part
from domain.pricing import AS_GIVEN_BACK, line, parts_of, share_of_rest, stated
from domain.subscription.discounting import with_discounts
from domain.subscription.events import CreditGranted, CreditKind, InvoiceLine, LineKind
from domain.subscription.folding_discounts import reduces
from domain.subscription.served import Cost
from domain.subscription.state import Subscription


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
        cost = _reduced(state, cost) if prepaid else cost
    return Running(cost=cost, billed=prepaid)


def _reduced(state: Subscription, cost: Cost) -> Cost:
    """What is going to be paid for days that wait for the next invoice: what discounts would leave
    of them if it had nothing else."""
    waiting = tuple(
        each
        for each in state.lines_to_come
        if each.kind is LineKind.REST and each.item != AS_GIVEN_BACK
    )
    whole = sum(stated(each).minor for each in waiting)
    # Of all that waits, only these days are reduced.
    reduced = with_discounts(state.discounts, (), state.lines_to_come)
    left = whole + sum(stated(each).minor for each in reduced if reduces(each))
    if left == whole:
        return cost
    parts = (
        attrs.evolve(each, times=each.times * left, per=each.per * whole) for each in cost.parts
    )
    return attrs.evolve(cost, parts=tuple(parts))


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
    return Cost(
        period=state.schedule.period(number),
        whole_days=state.schedule.whole_days(number),
        parts=parts_of(terms, number, state.set_amount(number)),
        tax=terms.tax,
    )


def rest_of(
    state: Subscription,
    cost: Cost,
    kind: LineKind,
    *,
    now: datetime,
    policy: Proration,
    description: str | None = None,
    item: str = "",
) -> tuple[InvoiceLine, ...]:
    """Lines for what is left of a period from the local day of `now` on, at a cost; none where
    that comes to nothing.

    kind: REST is charged; UNUSED gives back, with the sign of what it gives.
    description: of other terms than the present ones, or None. item: of the lines.
    """
    day = local_day(now, state.zone)
    share = share_of_rest(
        cost.period, cost.whole_days, day=day, now=now, zone=state.zone, policy=policy
    )
    words = "unused" if kind is LineKind.UNUSED else "rest"
    what = state.terms.description if description is None else description
    text = f"{what}, {words} {day} to {cost.period.end} (end exclusive)"
    lines = (line(kind, _named(text, part), part, share, cost.tax, item) for part in cost.parts)
    return tuple(each for each in lines if each.amount.minor != 0)


def _named(text: str, part: Part) -> str:
    return f"{text}, {part.words}" if part.words else text


def rule_for(state: Subscription, policy: Proration) -> Proration:
    """The rule that measures the running period. FULL knows one price a period: where that was
    changed on the way, it is measured by day."""
    repriced = state.repriced is not None
    return Proration.BY_DAY if repriced and policy is Proration.FULL else policy


def at_terms(cost: Cost, terms: Terms) -> Cost:
    """The same stretch of service at other terms; a trial stays free."""
    return attrs.evolve(cost, parts=terms.parts, tax=terms.tax) if cost.parts else cost


def credit_for(
    state: Subscription,
    lines: tuple[InvoiceLine, ...],
    kind: CreditKind,
    reason: str,
    now: datetime,
) -> tuple[CreditGranted, ...]:
    """A credit of what lines give back; nothing where they come to nothing."""
    amount = total((each.amount for each in lines), state.currency)
    if amount.minor <= 0:
        return ()
    return (
        CreditGranted(
            customer_id=state.customer_id,
            credit_number=state.credits_granted + 1,
            kind=kind,
            amount=amount,
            lines=lines,
            reason=reason,
            effective_at=now,
        ),
    )
