"""One claimed subscription, as a worker holds it while it is taken as far as it can go."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import attrs

from domain.restorations.lost import Verdict
from domain.subscription.state import Subscription
from infrastructure.store.agenda import Claim


class LeaseLost(Exception):
    """Another worker may hold this subscription by now; nothing more is sent from here."""


@attrs.define
class Hand:
    """One claimed subscription in a worker's hand.

    taken_before: whether the attempt found open may have been sent by somebody else.
    refunds_taken: refunds that may have been. refunds_held: those that the provider would not do
        just now; the rest of the work goes on.
    not_renewed: captures before which the provider would not renew the reservation.
    tokens_held: the same of tokens to be deleted; delete_again_at: when the first of them is asked
        for again.
    position: the last position written here.
    unanswered: whether a look at the provider was certainly not carried out.
    lost: by invoice numbers, what was shown of charges that lost books may have made; see lost.py.
    looked: attempts that were looked up here, and may be carried on with.
    refused: disputes and reversals, by the provider's ids, that a person has to look at, and why.
    check_lease_at: monotonic seconds after which the lease is asked for before a call.
    """

    claim: Claim
    state: Subscription
    version: int
    taken_before: bool
    check_lease_at: float
    position: int = 0
    not_before: datetime | None = None
    snapshot_due: bool = False
    unanswered: bool = False
    refunds_taken: set[UUID] = attrs.field(factory=set)
    refunds_held: set[UUID] = attrs.field(factory=set)
    refused: dict[str, str] = attrs.field(factory=dict)
    not_renewed: set[UUID] = attrs.field(factory=set)
    tokens_held: set[str] = attrs.field(factory=set)
    looked: set[UUID] = attrs.field(factory=set)
    lost: dict[int, Verdict] = attrs.field(factory=dict)
    delete_again_at: datetime | None = None

    def __attrs_post_init__(self) -> None:
        if self.taken_before:
            self.refunds_taken |= attempted_refunds(self.state)


def attempted_refunds(state: Subscription) -> set[UUID]:
    """The refunds without outcome that somebody was about to send."""
    return {each.refund_id for each in state.refunds if each.attempted_at is not None}
