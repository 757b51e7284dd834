"""The timeline's words for usage, for amounts that are set, and for what is asked for."""

from __future__ import annotations

from typing import assert_never

from domain.subscription.events import (
    THRESHOLD_REACHED,
    AmountSet,
    BalanceReported,
    InstalmentsSettled,
    InvoiceIssued,
    LineKind,
    UsageCorrected,
    UsageReported,
)
from domain.subscription.settling import settles
from projections.timeline_changes import in_words, put_on_the_next, utc


def words_of_demand(event: InvoiceIssued) -> str:
    """An invoice beside the schedule in one plain sentence."""
    days, why = f"on {event.period.start}", f"asked for as {event.demand}"
    if any(line.kind is LineKind.RELOAD for line in event.lines):
        why = f"because balance report {event.demand} was too low"
    elif event.demand == THRESHOLD_REACHED:
        days = f"for {event.period.start} to {event.period.end}"
        why = "because usage came to the threshold"
    elif settles(event):
        days = f"for {event.period.start} to {event.period.end}"
        why = "to settle all that was left"
    return (
        f"Invoice {event.invoice_number} issued {days}, {why}: {event.total} "
        f"({in_words(event.lines)})."
    )


def words_of_settlement(event: InstalmentsSettled) -> str:
    """That all instalments which are left are paid at once, in one plain sentence."""
    which = f"instalment {event.first} is"
    if event.last != event.first:
        which = f"instalments {event.first} to {event.last} are"
    return (
        f"Settled early ({event.reason}): {which} billed by invoice {event.invoice_number}, "
        f"{event.amount}; no other invoice is due."
    )


def words_of_usage(event: AmountSet | UsageReported | UsageCorrected | BalanceReported) -> str:
    """Usage, an amount that was set, or a balance, in one plain sentence."""
    match event:
        case AmountSet():
            return f"Invoice {event.invoice_number} is set to bill {event.amount} ({event.reason})."
        case BalanceReported():
            when = utc(event.effective_at)
            return f"A balance of {event.balance} at {when} was reported ({event.report_id})."
        case UsageReported():
            late = put_on_the_next(event.lines)
            return (
                f"{event.quantity} of {event.meter} used at {utc(event.effective_at)} "
                f"({event.usage_id}){late}."
            )
        case UsageCorrected():
            return (
                f"Usage {event.usage_id} of {event.meter} corrected from {event.previous} to "
                f"{event.quantity} ({event.reason}){put_on_the_next(event.lines)}."
            )
        case _:
            assert_never(event)
