"""How a subscription stands, for wishes that need it to go on."""

from __future__ import annotations

from domain.refusals import Refused
from domain.subscription.state import Status, Subscription


def check_not_ended(state: Subscription) -> None:
    """Refused: "subscription-ended" where it was cancelled or completed."""
    if not state.bills:
        raise Refused("subscription-ended", _words(state))


def check_active(state: Subscription) -> None:
    """Refused: "subscription-not-active" unless it is ACTIVE."""
    if state.status is not Status.ACTIVE:
        raise Refused("subscription-not-active", _words(state))


def _words(state: Subscription) -> str:
    return f"{state.subscription_id} is {state.status.value}"
