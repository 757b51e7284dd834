"""Folding of what is billed: invoices, changes of terms, pauses, credits."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from domain.copying import with_
from domain.identity import on_demand
from domain.money import Money
from domain.prices import Part
from domain.pricing import stated
from domain.schedule import Schedule
from domain.subscription.events import (
    CreditApplied,
    CreditGranted,
    CreditKind,
    InvoiceIssued,
    LineKind,
    SubscriptionPaused,
    SubscriptionReinstated,
    SubscriptionResumed,
    TermsChanged,
    When,
)
from domain.subscription.folding_demands import asked_for, with_open_invoice
from domain.subscription.folding_discounts import nothing_waits, reduces, used_up
from domain.subscription.folding_usage import cut_by_change, cut_by_invoice, without_usage
from domain.subscription.owed import Credit, OpenInvoice
from domain.subscription.served import Cost, Following, Pause
from domain.subscription.state import Status, Subscription

# Credit for days: those that wait for an invoice among them.
_OF_DAYS = (CreditKind.PRORATION, CreditKind.PAUSE, CreditKind.CANCELLATION)


def invoiced(state: Subscription, event: InvoiceIssued) -> Subscription:
    """A period is billed, with whatever lines waited for it; or what was asked for is."""
    if on_demand(event.invoice_number):
        return asked_for(state, event)
    number = event.invoice_number
    terms, schedule = state.plan_of(number + 1)
    later = state.following
    return with_(
        with_open_invoice(cut_by_invoice(state, event), event),
        invoices_issued=number,
        shaped_at=max(state.shaped_at, event.effective_at),
        next_due_at=event.next_due_at,
        billed=_cost(event) or state.billed,
        repriced=None,
        lines_to_come=(),
        given_back=0,
        terms=terms,
        schedule=schedule,
        following=None if later is None or later.from_invoice <= number + 1 else later,
        discounts=nothing_waits(used_up(state.discounts, event)),
        amounts=tuple(each for each in state.amounts if each[0] > number),
        lines_on=(event.due_on, state.lines_due_on(event.due_on) + len(event.lines)),
    )


def _cost(event: InvoiceIssued) -> Cost | None:
    """What the billed period costs, by its own lines and the discounts that stand behind them."""
    parts: list[Part] = []
    left: Money | None = None
    whole_days, tax = 0, None
    for line in event.lines:
        if line.kind is LineKind.TRIAL:
            return Cost(period=event.period, whole_days=event.period.days, parts=(), tax=None)
        working = line.working
        if line.kind is LineKind.PERIOD:
            whole = working.numerator == working.denominator
            whole_days = event.period.days if whole else working.denominator
            tax, left = None if line.tax is None else line.tax.rate, stated(line)
            parts.append(Part(quantity=working.quantity, unit_price=working.unit_price))
        elif not reduces(line):
            left = None
        elif left is not None and event.period.days:
            # Worth what was paid: what discounts left of these days, as of a whole period.
            left += stated(line)
            whole_of = Fraction(whole_days, event.period.days)
            parts[-1] = Part(
                quantity=1,
                unit_price=left,
                times=whole_of.numerator,
                per=whole_of.denominator,
            )
    if not parts:
        return None
    return Cost(period=event.period, whole_days=whole_days, parts=tuple(parts), tax=tax)


def terms_changed(state: Subscription, event: TermsChanged) -> Subscription:
    """Other terms, for the next invoice or for one after it."""
    changed = with_(
        cut_by_change(state, event),
        lines_to_come=(*state.lines_to_come, *without_usage(event)),
        next_due_at=event.next_due_at,
        repriced=event.terms if event.when is When.NOW else state.repriced,
        shaped_at=event.effective_at,
    )
    if event.from_invoice <= state.invoices_issued + 1:
        return with_(
            changed,
            terms=event.terms,
            schedule=event.schedule,
            following=None,
            billed=_not_billed_anew(state, event.schedule),
        )
    later = Following(terms=event.terms, schedule=event.schedule, from_invoice=event.from_invoice)
    return with_(changed, following=later)


def paused(state: Subscription, event: SubscriptionPaused) -> Subscription:
    """No new periods, once the last invoice is issued."""
    pause = Pause(until=event.until, last_invoice=event.last_invoice, unused_from=event.unused_from)
    still_to_come = event.last_invoice > state.invoices_issued
    return with_(
        state,
        status=Status.PAUSED,
        pause=pause,
        shaped_at=event.effective_at,
        lines_to_come=(*state.lines_to_come, *event.lines),
        next_due_at=state.next_due_at if still_to_come else None,
    )


def resumed(state: Subscription, event: SubscriptionResumed) -> Subscription:
    """The pause is over."""
    return with_(going_on(state, event), pause=None)


def going_on(
    state: Subscription, event: SubscriptionResumed | SubscriptionReinstated
) -> Subscription:
    """Periods are billed again, by the schedule that the fact announces."""
    return with_(
        state,
        status=Status.ACTIVE,
        shaped_at=event.effective_at,
        schedule=event.schedule,
        billed=_not_billed_anew(state, event.schedule),
        lines_to_come=(*state.lines_to_come, *event.lines),
        next_due_at=event.next_due_at,
    )


def _not_billed_anew(state: Subscription, schedule: Schedule) -> Cost | None:
    """The latest period that was billed, unless the next one begins in the middle of it: what was
    left of it was given back, and cannot be given back again."""
    anew = schedule.anchor_invoice == state.invoices_issued + 1
    if state.billed is None or (anew and schedule.anchor < state.billed.period.end):
        return None
    return state.billed


def credited(state: Subscription, event: CreditGranted | CreditApplied) -> Subscription:
    """Credit comes, and pays invoices."""
    match event:
        case CreditGranted():
            credit = Credit(credit_number=event.credit_number, left=event.amount)
            of_days = event.kind in _OF_DAYS
            return with_(
                state,
                credits=(*state.credits, credit),
                credits_granted=event.credit_number,
                given_back=len(state.lines_to_come) if of_days else state.given_back,
            )
        case CreditApplied():
            return _applied(state, event)


def _applied(state: Subscription, event: CreditApplied) -> Subscription:
    credits = tuple(
        with_(each, left=each.left - event.amount)
        if each.credit_number == event.credit_number
        else each
        for each in state.credits
    )
    invoices = tuple(
        with_(each, credited=each.credited + event.amount)
        if each.number == event.invoice_number
        else each
        for each in state.open_invoices
    )
    paid = tuple(each for each in invoices if each.open.minor == 0)
    return with_(
        state,
        credits=tuple(each for each in credits if each.left.minor != 0),
        open_invoices=tuple(each for each in invoices if each.open.minor != 0),
        closed_invoices=closed_with(state, paid) if paid else state.closed_invoices,
    )


def closed_with(state: Subscription, closed: Iterable[OpenInvoice]) -> tuple[OpenInvoice, ...]:
    """The closed invoices that are remembered, with these: those that may be open again, because a
    charge of them may be reversed. Their attempts have to be counted on."""
    kept = {each.invoice_number for each in state.collected}
    kept |= {each.invoice_number for each in state.failed_attempts}
    return tuple(each for each in (*state.closed_invoices, *closed) if each.number in kept)
