"""Folding of usage: what is counted now, and what a late report may still change."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.copying import with_
from domain.plan import Meter, Timing
from domain.schedule import is_trial
from domain.subscription.events import (
    OF_USAGE,
    InvoiceIssued,
    InvoiceLine,
    TermsChanged,
    UsageCorrected,
    UsageReported,
    When,
)
from domain.subscription.folding_discounts import bill_of
from domain.subscription.state import Subscription
from domain.subscription.used import Bill, Counted, Usage

# How long after its stretch was billed usage may be reported or corrected. Its ids are kept so
# long, too: a repeat is then known as one.
REMEMBERED = timedelta(days=92)


def used(state: Subscription, event: UsageReported | UsageCorrected) -> Subscription:
    """Usage comes, or is corrected, where it belongs: counted now, or in a stretch before that."""
    match event:
        case UsageReported():
            usage = Usage(
                usage_id=event.usage_id,
                meter=event.meter,
                reported=event.quantity,
                quantity=event.quantity,
                at=event.effective_at,
            )
            stretch = stretch_of(state, event.effective_at)
            changed = _with_lines(state, event, stretch)
            if stretch is None:
                return with_(changed, usage=(*state.usage, usage))
            counted = tuple(
                with_(each, usage=(*each.usage, usage)) if holds(each, event.effective_at) else each
                for each in state.counted
            )
            return with_(changed, counted=counted)
        case UsageCorrected(usage_id=name):
            held = (each for each in state.counted if any(u.usage_id == name for u in each.usage))
            changed = _with_lines(state, event, next(held, None))
            counted = tuple(
                with_(each, usage=_corrected(each.usage, event)) for each in state.counted
            )
            return with_(changed, usage=_corrected(state.usage, event), counted=counted)


def _with_lines(
    state: Subscription, event: UsageReported | UsageCorrected, stretch: Counted | None
) -> Subscription:
    """Lines wait for the next invoice; but where that bills the whole stretch anyway, older facts
    have lines for what it counts already."""
    if stretch is not None and stretch.bill is None:
        return state
    return with_(state, lines_to_come=(*state.lines_to_come, *event.lines))


def _corrected(usage: tuple[Usage, ...], event: UsageCorrected) -> tuple[Usage, ...]:
    return tuple(
        with_(each, quantity=event.quantity) if each.usage_id == event.usage_id else each
        for each in usage
    )


def stretch_of(state: Subscription, at: datetime) -> Counted | None:
    """The stretch before the present one that an instant lies in, or None: it is counted now, or
    too old."""
    return next((each for each in reversed(state.counted) if holds(each, at)), None)


def holds(stretch: Counted, at: datetime) -> bool:
    """Whether an instant lies in a stretch."""
    return (stretch.begins is None or stretch.begins <= at) and at < stretch.ends


def cut_by_invoice(state: Subscription, event: InvoiceIssued) -> Subscription:
    """What was used before an invoice's due instant is billed by it."""
    meters = _next_meters(state, event.invoice_number)
    if not (meters or state.meters or state.usage or state.counted):
        return state
    bill = bill_of(state.discounts, event)
    billed = tuple(each if each.bill else with_(each, bill=bill) for each in state.counted)
    whole = event.effective_at == state.next_due_at and serves_a_period(state)
    waited = with_(state, counted=billed)
    return _cut(waited, event.effective_at, meters, bounded=whole, bill=bill)


def _next_meters(state: Subscription, number: int) -> tuple[Meter, ...]:
    """By which usage is counted from an invoice's due instant on."""
    prepaid = state.terms.timing is Timing.PREPAID
    return state.plan_of(number if prepaid else number + 1)[0].meters


def meters_at(state: Subscription, at: datetime) -> tuple[Meter, ...]:
    """By which usage at an instant is counted that is not billed yet."""
    due = state.next_due_at
    if due is None or at < due:
        return state.meters
    return _next_meters(state, state.invoices_issued + 1)


def serves_a_period(state: Subscription) -> bool:
    """Whether the usage that is counted now is of a period: prepaid, none was served before the
    first invoice."""
    return state.terms.timing is Timing.POSTPAID or state.invoices_issued > 0


def cut_by_change(state: Subscription, event: TermsChanged) -> Subscription:
    """What was used before other meters count is billed by those that counted, on the next
    invoice: until then it is no line that waits, late usage may still change it."""
    if event.when is not When.NOW or event.terms.meters == state.meters:
        return state
    return _cut(state, event.effective_at, event.terms.meters, bounded=False, bill=None)


def without_usage(event: TermsChanged) -> tuple[InvoiceLine, ...]:
    """What waits for the next invoice; see `cut_by_change` for the rest."""
    return tuple(each for each in event.lines if each.kind not in OF_USAGE)


def not_billed(state: Subscription) -> Counted | None:
    """All usage that is not billed yet, up to its last instant, that one included; None where
    there is none."""
    if not state.usage:
        return None
    return Counted(
        begins=state.counted_from,
        ends=max(each.at for each in state.usage),
        meters=state.meters,
        usage=state.usage,
        bounded=False,
        free=counts_for_nothing(state),
    )


def cut_by_threshold(state: Subscription, event: InvoiceIssued) -> Subscription:
    """All usage so far is billed, in the middle of a period. What is reported later for the last
    instant of it is counted on; what is earlier is late."""
    stretch = not_billed(state)
    if stretch is None:
        return state
    stretch = with_(stretch, bill=bill_of(state.discounts, event))
    kept = _kept(state.counted, stretch.ends)
    return with_(state, usage=(), counted=(*kept, stretch), counted_from=stretch.ends)


def counts_for_nothing(state: Subscription) -> bool:
    """Whether the stretch that is counted now is a free trial's."""
    number = state.invoices_issued + (0 if state.terms.timing is Timing.PREPAID else 1)
    return is_trial(state.terms, number)


def _kept(counted: tuple[Counted, ...], at: datetime) -> tuple[Counted, ...]:
    """The stretches that may still change, or are not billed yet. Those on one invoice are kept
    together: what a discount takes off one of them depends on the others."""
    bills = {
        each.bill.invoice_number
        for each in counted
        if each.bill is not None and each.ends >= at - REMEMBERED
    }
    return tuple(each for each in counted if each.bill is None or each.bill.invoice_number in bills)


def _cut(
    state: Subscription,
    at: datetime,
    meters: tuple[Meter, ...],
    *,
    bounded: bool,
    bill: Bill | None,
) -> Subscription:
    if not meters and not state.meters and not state.usage:
        return state
    stretch = Counted(
        begins=state.counted_from,
        ends=at,
        meters=state.meters,
        usage=tuple(each for each in state.usage if each.at < at),
        bounded=bounded,
        free=counts_for_nothing(state),
        bill=bill,
    )
    kept = _kept(state.counted, at)
    later = tuple(each for each in state.usage if each.at >= at)
    if state.counted_from is not None and at <= state.counted_from:
        return with_(state, meters=meters)
    return with_(state, meters=meters, usage=later, counted=(*kept, stretch), counted_from=at)
