"""Disputes of one account, and the money that they take back. Nothing here knows HTTP.

A dispute decided for the buyer takes back what is disputed, as far as it is left of the capture. A
refund of all that is left closes it for the buyer, and nothing more moves.
Sources: reference notes on PayPal, section 5; OpenAPI customer_disputes_v1.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from infrastructure.simulators.paypal.payments import Capture

OPEN, RESOLVED = "OPEN", "RESOLVED"
BUYER, SELLER = "RESOLVED_BUYER_FAVOUR", "RESOLVED_SELLER_FAVOUR"
OUTCOMES = frozenset({BUYER, SELLER, "RESOLVED_WITH_PAYOUT", "CANCELED_BY_BUYER", "NONE"})
CREATED, UPDATED = "CREATED", "UPDATED"


@attrs.frozen(kw_only=True)
class Reversal:
    """Money that was taken back of a capture. minor: minor units."""

    reversal_id: str
    capture: Capture
    minor: int
    at_us: int


@attrs.define(kw_only=True)
class Dispute:
    """A payer contests a capture. minor: of it, in minor units; outcome "" while it is open."""

    dispute_id: str
    capture: Capture
    minor: int
    reason: str
    opened_us: int
    changed_us: int
    stage: str = "INQUIRY"
    status: str = OPEN
    outcome: str = ""
    refunded: int = 0
    reversal: Reversal | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has no outcome."""
        return self.status != RESOLVED


class Contested:
    """All disputes and reversals, by the capture they are about.

    told: called with a dispute and what happened to it; told_of_reversal: with a reversal.
    """

    def __init__(self) -> None:
        self.disputes: dict[str, Dispute] = {}
        self.reversals: list[Reversal] = []
        self.told: Callable[[Dispute, str], None] = lambda *_: None
        self.told_of_reversal: Callable[[Reversal], None] = lambda _: None

    def open_about(self, capture_id: str) -> Dispute | None:
        """The open dispute about a capture: there is one at a time."""
        about = (each for each in self.disputes.values() if each.capture.capture_id == capture_id)
        return next((each for each in about if each.is_open), None)

    def reversed(self, capture_id: str) -> int:
        """Minor units taken back of a capture."""
        return sum(each.minor for each in self.reversals if each.capture.capture_id == capture_id)

    def close_by_refund(self, capture_id: str, minor: int, at_us: int) -> None:
        """All of a capture was given back: the buyer is in the right, and nothing more moves."""
        dispute = self.open_about(capture_id)
        if dispute is not None:
            dispute.outcome, dispute.status = BUYER, RESOLVED
            dispute.refunded, dispute.changed_us = minor, at_us
            self.told(dispute, RESOLVED)
