"""What each fact of a refund did, in a few words, for an explanation."""

from __future__ import annotations

from domain.money import Money
from domain.subscription.events import SubscriptionEvent
from domain.subscription.refund_events import (
    RefundAttempted,
    RefundFailed,
    RefundFoundLate,
    RefundLookedUp,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundSucceeded,
)


def is_refund(event: SubscriptionEvent, named: str) -> bool:
    """Whether a fact asks for the refund of that reference or id."""
    return isinstance(event, RefundRequested) and named in (event.reference, str(event.refund_id))


def words_of_refund_step(event: SubscriptionEvent) -> tuple[Money | None, str, str]:
    """What went back by a fact of a refund, in words, and how it is known."""
    match event:
        case RefundRequested(amount=amount, reason=reason):
            return None, f"asked for {amount}: {reason}", ""
        case RefundAttempted(charge_ref=ref):
            return None, f"about to be sent, of {ref}", ""
        case RefundSucceeded(amount=amount):
            return amount, "gone back", f"{event.provider_ref} ({event.evidence})"
        case RefundFailed(amount=amount, code=code):
            known = f"{event.provider_ref} ({event.evidence})".strip()
            return None, f"failed: {code}; {amount} is credit again", known
        case RefundFoundLate(amount=amount):
            return amount, "gone back after all", f"{event.provider_ref} ({event.evidence})"
        case RefundOutcomeUnknown(reason=reason):
            return None, f"outcome unknown: {reason}", event.provider_ref
        case RefundLookedUp(finding=finding, look_number=look):
            return None, f"look {look}: {finding}", event.provider_ref
        case _:
            return None, type(event).__name__, ""
