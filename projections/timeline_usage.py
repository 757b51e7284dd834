"""The timeline's words for usage, and for amounts that are set."""

from __future__ import annotations

from typing import assert_never

from domain.subscription.events import AmountSet, UsageCorrected, UsageReported
from projections.timeline_changes import put_on_the_next, utc


def words_of_usage(event: AmountSet | UsageReported | UsageCorrected) -> str:
    """Usage, or an amount that was set, in one plain sentence."""
    match event:
        case AmountSet():
            return f"Invoice {event.invoice_number} is set to bill {event.amount} ({event.reason})."
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
