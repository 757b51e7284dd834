"""The timeline's words for disputes and reversals."""

from __future__ import annotations

from typing import assert_never

from domain.subscription.dispute_events import (
    ChargeReversed,
    DisputeAdvanced,
    DisputeClosed,
    DisputeEvent,
    DisputeOpened,
)


def words_of_dispute(event: DisputeEvent) -> str:
    """A fact about a dispute, or a reversal, in one plain sentence."""
    match event:
        case DisputeOpened():
            return (
                f"The payer disputes {event.amount} of the charge of invoice "
                f"{event.invoice_number} ({event.dispute_ref}): {event.reason}, {event.stage}; "
                f"known by {event.evidence}. Nothing is collected by itself until it is over."
            )
        case DisputeAdvanced():
            return (
                f"Dispute {event.dispute_ref}: {event.stage}, {event.status}; known by "
                f"{event.evidence}."
            )
        case DisputeClosed():
            taken = f"{event.amount} was taken from us" if event.amount.minor else "nothing moved"
            return (
                f"Dispute {event.dispute_ref} is over, {event.outcome.value.lower()} "
                f"({event.provider_outcome}): {taken}; known by {event.evidence}."
            )
        case ChargeReversed():
            named = ", ".join(each for each in (event.provider_ref, event.dispute_ref) if each)
            return (
                f"The provider took {event.amount} back of the charge of invoice "
                f"{event.invoice_number}{f' ({named})' if named else ''}, known by "
                f"{event.evidence}. So much is owed again, until a person decides."
            )
        case _:
            assert_never(event)
