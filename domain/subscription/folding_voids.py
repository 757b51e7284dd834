"""Folding of a reservation's life: made, renewed, captured in full or in part, let go."""

from __future__ import annotations

from domain.copying import with_
from domain.subscription.events import CaptureAttempted, ChargeAuthorized
from domain.subscription.owed import Attempt
from domain.subscription.void_events import VoidAttempted


def reserved_anew(attempt: Attempt, event: ChargeAuthorized) -> Attempt:
    """The attempt with a reservation, or with one that took the place of the first."""
    renews = attempt.authorization_ref not in ("", event.authorization_ref)
    return with_(
        attempt,
        authorization_ref=event.authorization_ref,
        order_ref=event.order_ref,
        authorized_at=attempt.authorized_at or event.effective_at,
        expires_at=event.expires_at,
        renewed=attempt.renewed or renews,
        unknown=False,
        looks=0,
        next_look_up_at=None,
    )


def captured_next(attempt: Attempt, event: CaptureAttempted) -> Attempt:
    """The attempt whose capture is about to be sent; from now on it asks for what that asks for."""
    return with_(
        attempt,
        amount=event.amount,
        ordered=attempt.ordered or attempt.amount,
        capture_id=event.capture_id,
        captures=attempt.captures + 1,
        attempted_at=event.effective_at,
        key_expires_at=event.key_expires_at,
        unknown=False,
        looks=0,
        next_look_up_at=None,
    )


def void_begun(attempt: Attempt, event: VoidAttempted) -> Attempt:
    """The attempt that is about to be let go. The looks of a void are counted through its
    repeats, so that they come to an end."""
    again = attempt.void_id == event.void_id
    return with_(
        attempt,
        voids=event.number,
        void_id=event.void_id,
        voided_at=event.effective_at,
        unknown=False,
        looks=attempt.looks if again else 0,
        next_look_up_at=None,
    )
