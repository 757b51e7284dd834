"""Say that an outcome is unknown: from then on an attempt is looked up, never sent."""

from __future__ import annotations

from datetime import datetime

from domain.providers import LOOK_UP_WAITS
from domain.subscription.events import ChargeOutcomeUnknown
from domain.subscription.state import Attempt


def doubt(attempt: Attempt, reason: str, provider_ref: str, now: datetime) -> ChargeOutcomeUnknown:
    """We cannot tell whether money moved; the provider is asked after the first wait."""
    return ChargeOutcomeUnknown(
        attempt_id=attempt.attempt_id,
        reason=reason[:200],
        provider_ref=provider_ref,
        next_look_up_at=now + LOOK_UP_WAITS[0],
        effective_at=now,
    )


def not_to_be_sent(
    attempt: Attempt | None, reason: str, now: datetime
) -> tuple[ChargeOutcomeUnknown, ...]:
    """An open attempt is wanted no more. It may have been sent, so it stays open, as a doubt."""
    if attempt is None or attempt.unknown:
        return ()
    return (doubt(attempt, reason, "", now),)
