"""What each fact of a dispute did, in a few words, for an explanation."""

from __future__ import annotations

from typing import assert_never

from domain.money import Money
from domain.subscription.dispute_events import (
    ChargeReversed,
    DisputeAdvanced,
    DisputeClosed,
    DisputeEvent,
    DisputeOpened,
)


def words_of_reversal(event: ChargeReversed) -> str:
    """What was taken back, by the provider's names for it."""
    named = ", ".join(each for each in (event.provider_ref, event.dispute_ref) if each)
    of = f" ({named})" if named else ""
    return f"taken back by the provider of what paid invoice {event.invoice_number}{of}"


def words_of_dispute_step(event: DisputeEvent) -> tuple[Money | None, str]:
    """What a charge lost by a fact of a dispute, or None, in words."""
    match event:
        case DisputeOpened():
            return None, f"disputed: {event.amount}, {event.reason} ({event.dispute_ref})"
        case DisputeAdvanced():
            return None, f"dispute {event.dispute_ref}: {event.stage}, {event.status}"
        case DisputeClosed():
            return None, f"dispute {event.dispute_ref} {event.outcome.value.lower()}"
        case ChargeReversed():
            return -event.amount, words_of_reversal(event)
        case _:
            assert_never(event)
