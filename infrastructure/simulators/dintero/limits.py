"""How often a card may fail: the schemes' limits, as Dintero's acquirers hold merchants to them.

Mastercard 10 failed attempts in 24 hours, Visa 15 in 30 days, per card number; a success begins
the count anew, and an issuer's "do not retry" blocks the card at once. What is refused for a limit
never reaches the issuer, so it does not count. Source: Dintero, "Tokenization error handling".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from infrastructure.simulators.dintero.tables import Card, iso

_HOUR = 3_600_000_000  # microseconds
DO_NOT_RETRY = "DO_NOT_RETRY"


class Limit(NamedTuple):
    """At most `failures` in `window` microseconds; legacy: the word for it until 2025-09."""

    failures: int
    window: int
    legacy: str


LIMITS: dict[str, Limit] = {
    "Mastercard": Limit(10, 24 * _HOUR, "DAILY_LIMIT_EXCEEDED"),
    "Visa": Limit(15, 30 * 24 * _HOUR, "MONTHLY_LIMIT_EXCEEDED"),
}


class AttemptLimits:
    """The counts of one account's cards. legacy: the form of errors used until 2025-09."""

    def __init__(self, *, legacy: bool) -> None:
        self._legacy = legacy
        self._failed: dict[str, list[int]] = {}
        self._blocked: set[str] = set()

    def refusal(self, card: Card, at: int) -> Mapping[str, Any] | None:
        """Why a card may not be tried at `at` (microseconds since 1970); None: it may."""
        if card.number in self._blocked:
            return self._error("The card must not be tried again", DO_NOT_RETRY)
        limit = LIMITS.get(card.brand)
        if limit is None:
            return None
        counted = [each for each in self._failed.get(card.number, ()) if each > at - limit.window]
        if len(counted) < limit.failures:
            return None
        free_at = counted[len(counted) - limit.failures] + limit.window
        return self._error("Too many failed attempts on the card", limit.legacy, iso(free_at))

    def failed(self, card: Card, error: Mapping[str, Any], at: int) -> None:
        """The issuer has refused it."""
        self._failed.setdefault(card.number, []).append(at)
        codes = error.get("retry_policy", {}).get("retry_codes", [])
        if DO_NOT_RETRY in codes or error.get("type") == DO_NOT_RETRY:
            self._blocked.add(card.number)

    def succeeded(self, card: Card) -> None:
        """The count begins anew."""
        self._failed.pop(card.number, None)

    def _error(self, message: str, legacy: str, free_at: str = "") -> Mapping[str, Any]:
        error: dict[str, Any] = {"code": "AUTHORIZATION_FAILED", "message": message}
        if self._legacy:
            return error | {"type": legacy}
        # The newer words have none for a limit; the policy says until when.
        codes = ["RETRY_AFTER_DELAY"] if free_at else [DO_NOT_RETRY]
        policy = {"retry_codes": codes} | ({"retry_after": free_at} if free_at else {})
        return error | {"type": ["DECLINED"], "retry_policy": policy}
