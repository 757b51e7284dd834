"""Words that callers put into facts."""

from __future__ import annotations

from domain.refusals import Refused


def checked_reason(reason: str) -> str:
    """1-200 printable characters. Raises: Refused("reason-malformed")."""
    if not 1 <= len(reason) <= 200 or not reason.isprintable():
        raise Refused("reason-malformed", "a reason is 1-200 printable characters")
    return reason
