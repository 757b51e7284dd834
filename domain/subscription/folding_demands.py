"""Folding of what is asked for beside the schedule: it moves nothing of the schedule."""

from __future__ import annotations

from datetime import timedelta

from domain.copying import with_
from domain.identity import ON_DEMAND
from domain.money import zero
from domain.pricing import stated
from domain.subscription.charge_lines import taxed_parts
from domain.subscription.demanded import Demanded, Reloaded, Reloading
from domain.subscription.events import BalanceReported, InvoiceIssued, LineKind
from domain.subscription.folding_discounts import used_up
from domain.subscription.folding_usage import REMEMBERED, cut_by_threshold
from domain.subscription.owed import OpenInvoice
from domain.subscription.state import Subscription

# Longer than a calendar month: what is older counts towards no cap.
RELOADS_KEPT = timedelta(days=40)


def with_open_invoice(state: Subscription, event: InvoiceIssued) -> Subscription:
    """An invoice is open, if there is something to pay."""
    if event.total.minor <= 0:
        return state
    invoice = OpenInvoice(
        number=event.invoice_number,
        due_at=event.effective_at,
        total=event.total,
        paid=zero(event.total.currency),
        credited=zero(event.total.currency),
        parts=taxed_parts(event.lines),
        written_off=zero(event.total.currency),
        reversed=zero(event.total.currency),
    )
    return with_(state, open_invoices=(*state.open_invoices, invoice))


def asked_for(state: Subscription, event: InvoiceIssued) -> Subscription:
    """What was asked for is owed: a demand, a reload, instalments that were left, or usage that
    came to the threshold."""
    number = event.invoice_number - ON_DEMAND
    changed = with_(with_open_invoice(state, event), asked_for=number)
    match event.lines[0].kind if event.lines else None:
        case LineKind.DEMAND:
            return _demanded(changed, event)
        case LineKind.RELOAD:
            return _reloaded(changed, event)
        case LineKind.PERIOD | LineKind.TRIAL:
            return changed
        case _:
            return with_(
                cut_by_threshold(changed, event), discounts=used_up(state.discounts, event)
            )


def _demanded(state: Subscription, event: InvoiceIssued) -> Subscription:
    line = event.lines[0]
    demand = Demanded(
        demand_id=event.demand,
        description=line.description,
        amount=stated(line),
        tax=None if line.tax is None else line.tax.rate,
        at=event.effective_at,
    )
    since = event.effective_at - REMEMBERED
    kept = tuple(each for each in state.demands if each.at >= since)
    return with_(state, demands=(*kept, demand))


def _reloaded(state: Subscription, event: InvoiceIssued) -> Subscription:
    since = event.effective_at - RELOADS_KEPT
    kept = tuple(each for each in state.reloads if each.at >= since)
    reload = Reloaded(report_id=event.demand, at=event.effective_at)
    present = state.reloading
    return with_(
        state,
        reloads=(*kept, reload),
        reloading=None if present is None else with_(present, reloaded=True),
    )


def reported(state: Subscription, event: BalanceReported) -> Subscription:
    """The latest balance. A crossing lasts until a balance is at or above the threshold again."""
    agreed, before = state.terms.reload, state.reloading
    below = agreed is not None and event.balance.minor < agreed.threshold.minor
    now = Reloading(
        report_id=event.report_id,
        balance=event.balance,
        at=event.effective_at,
        below=below,
        reloaded=below and before is not None and before.reloaded,
    )
    return with_(state, reloading=now)
