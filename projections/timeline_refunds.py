"""The timeline's words for refunds."""

from __future__ import annotations

from typing import assert_never

from domain.subscription.refund_events import (
    RefundAttempted,
    RefundEvent,
    RefundFailed,
    RefundFoundLate,
    RefundLookedUp,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundSucceeded,
)
from projections.timeline_changes import utc


def words_of_refund(event: RefundEvent) -> str:
    """A fact about a refund in one plain sentence."""
    match event:
        case RefundRequested():
            parts = ", ".join(
                f"{part.amount} of credit {part.credit_number}" for part in event.credits
            )
            return (
                f"{event.amount} is to go back through the charge of invoice "
                f"{event.invoice_number}, taken of credit ({parts}): {event.reason}."
            )
        case RefundAttempted():
            return (
                f"About to send {event.amount} back through {event.provider.value} account "
                f"{event.account}, of {event.charge_ref}; not sent after "
                f"{utc(event.key_expires_at)}."
            )
        case RefundSucceeded():
            return (
                f"{event.amount} went back to the payer for invoice {event.invoice_number} "
                f"({event.provider_ref}), known by {event.evidence}."
            )
        case RefundFailed():
            said = f", {event.message}" if event.message else ""
            return (
                f"The refund for invoice {event.invoice_number} failed: {event.code}{said}; known "
                f"by {event.evidence}. {event.amount} is credit again."
            )
        case RefundFoundLate():
            return (
                f"{event.amount} went back for invoice {event.invoice_number} after all "
                f"({event.provider_ref}), known by {event.evidence}: the refund had been taken for "
                "failed. It takes credit, as far as there is any; a person has to look."
            )
        case RefundOutcomeUnknown():
            ahead = _ahead(event)
            return f"Outcome of the refund unknown ({event.reason}); {ahead}."
        case RefundLookedUp():
            found = f" ({event.provider_ref})" if event.provider_ref else ""
            return (
                f"Look {event.look_number} at the refund at the provider: {event.finding}{found}; "
                f"{_ahead(event)}."
            )
        case _:
            assert_never(event)


def _ahead(event: RefundOutcomeUnknown | RefundLookedUp) -> str:
    if event.next_look_up_at is None:
        return "a person has to decide"
    return f"the provider is asked at {utc(event.next_look_up_at)}"
