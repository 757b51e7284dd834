"""Let a token go, or learn that it was revoked: nothing is charged with it from then on.

A deletion is intended first, and then asked for until the provider says that the token is gone;
to ask twice does no harm. A token that an open charge is made with is deleted after that charge
has its outcome: a doubt is looked up, and what is under way must not fail by our own doing.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import assert_never

from domain.ports import NotDone, TokenGone, TokenHeld, TokenShared, Unknown
from domain.refusals import Refused
from domain.subscription.events import SubscriptionEvent
from domain.subscription.folding import evolve_all
from domain.subscription.state import Subscription
from domain.subscription.token_events import TokenDeletionRequested, TokenRevoked
from domain.subscription.vaulted import Token
from domain.subscription.vaulting import request_token
from domain.subscription.wording import checked_reason

Events = tuple[SubscriptionEvent, ...]

# TokenRevoked.reason.
REVOKED, DELETED = "revoked at the provider", "deleted by us"
KEPT = "kept for another subscription"
# TokenRevoked.evidence of KEPT.
VAULT = "vault"


class Which(Enum):
    """Which tokens of a subscription. REPLACED: those that it had before its present ones."""

    ALL = "ALL"
    BACKUP = "BACKUP"
    REPLACED = "REPLACED"


def request_deletion(state: Subscription, which: Which, *, reason: str, now: datetime) -> Events:
    """Intend to have tokens deleted at the provider. Quiet where that is done or intended.

    Where the first method goes while the subscription goes on, the payer is asked for a new one.
    Refused: "reason-malformed"; "token-missing" where there never was such a token.
    """
    checked_reason(reason)
    backup = state.backup
    if (state.token is None and which is Which.ALL) or (backup is None and which is Which.BACKUP):
        raise Refused("token-missing", f"{state.subscription_id} has no such token")
    match which:
        case Which.ALL:
            meant = state.tokens
        case Which.BACKUP:
            meant = tuple(each for each in state.tokens if each == backup)
        case Which.REPLACED:
            meant = state.replaced
        case _:
            assert_never(which)
    facts = tuple(
        TokenDeletionRequested(
            token_ref=each.token_ref,
            customer_id=state.customer_id,
            reason=reason,
            effective_at=now,
        )
        for each in meant
        if each.let_go_at is None
    )
    return _asked_anew(state, facts, now)


def deletion_answered(
    state: Subscription,
    token_ref: str,
    answer: TokenGone | TokenShared | Unknown | NotDone,
    *,
    evidence: str,
    now: datetime,
) -> Events:
    """Record that a token which we let go is gone. Safe to repeat: it goes once.

    A doubt changes nothing: it is asked for again.
    """
    token = state.held(token_ref)
    if token is None or token.let_go_at is None:
        return ()
    match answer:
        case TokenGone():
            return _gone(state, token, DELETED, evidence, now)
        case TokenShared():
            return _gone(state, token, KEPT, VAULT, now)
        case Unknown() | NotDone():
            return ()
        case _:
            assert_never(answer)


def token_looked_up(
    state: Subscription,
    token_ref: str,
    answer: TokenGone | TokenHeld | Unknown | NotDone,
    *,
    evidence: str,
    now: datetime,
) -> Events:
    """Record what a look at a token showed. Only one that is gone makes a fact, once.

    The payer is asked for a new one where it was the first method of what goes on.
    """
    token = state.held(token_ref)
    if token is None or not isinstance(answer, TokenGone):
        return ()
    reason = REVOKED if token.let_go_at is None else DELETED
    return _gone(state, token, reason, evidence, now)


def _gone(state: Subscription, token: Token, reason: str, evidence: str, now: datetime) -> Events:
    fact = TokenRevoked(
        token_ref=token.token_ref,
        customer_id=state.customer_id,
        reason=reason,
        evidence=evidence,
        effective_at=now,
    )
    return _asked_anew(state, (fact,), now)


def _asked_anew(state: Subscription, facts: Events, now: datetime) -> Events:
    """The facts, and a token request where by them the first method cannot be charged any more.

    One that could not be charged before has led to its request already. A payer who is being
    asked for something is not asked twice.
    """
    if not facts or state.token is None or not state.token.usable:
        return facts
    after = evolve_all(state, facts)
    if not after.collects or after.token is None or after.token.usable:
        return facts
    ended = facts[0]
    assert isinstance(ended, TokenDeletionRequested | TokenRevoked)
    return (*facts, *request_token(after, reason=ended.reason, now=now))
