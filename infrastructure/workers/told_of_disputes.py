"""What callbacks tell of disputes and reversals, against what a subscription knows."""

from __future__ import annotations

from domain.processes.steps import BookReversal, LookUpDispute
from domain.providers import Provider
from domain.subscription.charging import CALLBACK
from domain.subscription.disputing import charge_of
from domain.subscription.refunds import Collected
from domain.subscription.state import Subscription
from infrastructure.store.inbox import Received


def name_of(one: Received) -> str:
    """The provider's id of the dispute or the reversal, or ""."""
    return one.dispute_ref or ("" if one.reversal is None else one.reversal.provider_ref)


def contested_by(state: Subscription, one: Received) -> tuple[Collected, ...]:
    """The charge that a callback about a dispute or a reversal is about, if it is known."""
    known = state.dispute(one.dispute_ref) if one.dispute_ref else None
    charge = charge_of(state, one.charge_ref)
    if charge is None and known is not None:
        charge = state.charge(known.attempt_id)
    return (charge,) if charge is not None and name_of(one) else ()


def is_too_early(state: Subscription, one: Received) -> bool:
    """Whether it is about a charge that is not known to have brought money in: it waits for that
    fact, and is set aside when it does not come. So is a reversal that does not say how much."""
    if not one.charge_ref and not one.dispute_ref:
        return False
    return not contested_by(state, one) and not _is_over(state, one)


def told_by(state: Subscription, one: Received) -> LookUpDispute | BookReversal | None:
    """What a callback asks us to look at or to record; None when that is over, or too early."""
    if not contested_by(state, one) or _is_over(state, one):
        return None
    if one.reversal is not None:
        return BookReversal(one.reversal, CALLBACK)
    return LookUpDispute(one.dispute_ref, Provider(one.provider), one.account, CALLBACK)


def _is_over(state: Subscription, one: Received) -> bool:
    known = state.dispute(one.dispute_ref) if one.dispute_ref else None
    return known is not None and known.outcome is not None
