"""The timeline's words for reservations that are let go."""

from __future__ import annotations

from typing import assert_never

from domain.subscription.void_events import AuthorizationVoided, VoidAttempted, VoidEvent


def words_of_void(event: VoidEvent) -> str:
    """A fact about a void in one plain sentence."""
    match event:
        case VoidAttempted():
            return f"About to let go of what is reserved, void {event.number}: {event.reason}."
        case AuthorizationVoided():
            return (
                f"What was reserved for invoice {event.invoice_number} is let go, known by "
                f"{event.evidence}; no money has moved."
            )
        case _:
            assert_never(event)
