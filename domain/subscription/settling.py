"""Settle an instalment plan early: all that is left of it is billed at once.

One invoice of the second series takes the place of those that the schedule would still have
issued, with the lines that each of them would have had, so everything adds up to what was agreed
to. There is no rebate: the terms know none. It is collected as any invoice; when it is paid, the
subscription is complete.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.calendar import Period
from domain.plan import Kind, Terms
from domain.pricing import lines_of
from domain.refusals import Refused
from domain.schedule import is_trial, last_invoice
from domain.subscription.beside import invoice_beside
from domain.subscription.completing import with_completion
from domain.subscription.events import (
    SETTLEMENT,
    InstalmentsSettled,
    InvoiceIssued,
    InvoiceLine,
    LineKind,
    SubscriptionEvent,
)
from domain.subscription.invoicing import bill_what_is_due
from domain.subscription.parking import check_not_parked
from domain.subscription.standing import check_active, check_not_ended
from domain.subscription.state import Subscription
from domain.subscription.wording import checked_reason


def settle_early(
    state: Subscription, *, reason: str, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """Bill all instalments that are not billed yet, now. What fell due before is billed as it is.

    Refused: "not-instalments"; "already-settled"; "nothing-to-settle" where all are billed;
        "subscription-not-active"; "subscription-ended"; "token-unusable" where nothing can be
        charged; "cancellation-scheduled" while it is going to end; "billing-parked";
        "reason-malformed".
    """
    checked_reason(reason)
    _check(state)
    billed, after = bill_what_is_due(state, now=now, zone_version=zone_version)
    if after.parked:
        return billed
    left = range(after.invoices_issued + 1, (last_invoice(after.terms) or 0) + 1)
    if not left:
        raise Refused("nothing-to-settle", f"{state.subscription_id} has its last invoice")
    return (*billed, *_settled(after, left, reason, now))


def _check(state: Subscription) -> None:
    what = state.subscription_id
    if state.terms.kind is not Kind.INSTALLMENT:
        raise Refused("not-instalments", f"{what} has no last payment that could come earlier")
    check_not_ended(state)
    if state.settled is not None:
        number = state.settled.invoice_number
        raise Refused("already-settled", f"invoice {number} bills all that was left")
    check_active(state)
    check_not_parked(state)
    if state.cancellation is not None:
        raise Refused("cancellation-scheduled", "withdraw the planned end first")
    backup = state.backup if state.terms.backup else None
    if not any(each is not None and each.usable for each in (state.token, backup)):
        raise Refused("token-unusable", f"{what} has no token that can be charged")


def _settled(
    state: Subscription, left: range, reason: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    terms = state.terms
    lines = tuple(line for number in left for line in _lines(state, number))
    begins, ends = (state.plan_of(each)[1].period(each) for each in (left[0], left[-1]))
    period = Period(begins.start, ends.end)
    issued = invoice_beside(state, lines, SETTLEMENT, period, at=now, now=now)
    invoice = issued[0]
    assert isinstance(invoice, InvoiceIssued)
    settled = InstalmentsSettled(
        invoice_number=invoice.invoice_number,
        first=max(1, instalment_of(terms, left[0])),
        last=instalment_of(terms, left[-1]),
        amount=invoice.total,
        reason=reason,
        effective_at=now,
    )
    return with_completion(state, (settled, *issued), now=now)


def _lines(state: Subscription, number: int) -> tuple[InvoiceLine, ...]:
    """The lines that the schedule would have given an invoice, each payment by its number."""
    terms, schedule = state.plan_of(number)
    lines = lines_of(terms, number, schedule)
    if is_trial(terms, number):
        return lines
    which = f"instalment {instalment_of(terms, number)} of {terms.cycles}"
    return tuple(
        attrs.evolve(line, description=f"{which}: {line.description}")
        if line.kind is LineKind.PERIOD
        else line
        for line in lines
    )


def settles(invoice: InvoiceIssued) -> bool:
    """Whether an invoice bills instalments that are settled, and nothing that a caller calls so."""
    asked_for = (LineKind.DEMAND, LineKind.RELOAD)
    return invoice.demand == SETTLEMENT and invoice.lines[0].kind not in asked_for


def instalment_of(terms: Terms, invoice_number: int) -> int:
    """Which instalment an invoice of the schedule bills, from 1; 0 for the free trial's."""
    return invoice_number - (0 if terms.trial is None else 1)
