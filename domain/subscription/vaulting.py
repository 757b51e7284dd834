"""Get a token: request it, offer the page, vault it, or learn that nobody approved."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never
from uuid import UUID

import attrs

from domain.identity import token_request_id
from domain.ports import (
    Granted,
    NotDone,
    Offered,
    StillOpen,
    TokenAnswer,
    TokenDenied,
    TokenOfferAnswer,
    Unknown,
)
from domain.providers import RULES, Provider
from domain.refusals import Refused
from domain.subscription.events import (
    ApprovalOffered,
    SubscriptionEvent,
    TokenPurpose,
    TokenRefused,
    TokenRequested,
    TokenRequestExpired,
    TokenVaulted,
)
from domain.subscription.standing import check_not_ended
from domain.subscription.state import Subscription
from domain.subscription.vaulted import OpenTokenRequest

# Why a request is no longer waited for, as TokenRequestExpired.reason tells it.
NOT_APPROVED, NOT_ANSWERED = "not approved in time", "the provider did not answer"


@attrs.frozen
class Elsewhere:
    """Where a token is asked for. None, "": where the subscription is charged now."""

    provider: Provider | None = None
    account: str = ""

    def of(self, state: Subscription) -> tuple[Provider, str]:
        """The provider and the account that are meant."""
        return self.provider or state.provider, self.account or state.account


HERE = Elsewhere()


def ask_payer(
    state: Subscription, *, backup: bool, reason: str, now: datetime, where: Elsewhere = HERE
) -> tuple[SubscriptionEvent, ...]:
    """A person or a program wants a token. Quiet while such a request is open.

    backup: for the backup method, which replaces nothing but an older backup.
    where: once the token is there, charges go there; an attempt that is open is still looked up
        where it was made.
    Refused: "subscription-ended"; "token-request-open" while another one is asked for (the other
        method, or elsewhere); "first-method-missing" for a backup of nothing.
    """
    request = state.token_request
    if request is not None and (request.purpose is TokenPurpose.BACKUP) != backup:
        what = request.purpose.value.lower()
        raise Refused("token-request-open", f"the payer is being asked for another one: {what}")
    if request is not None and (request.provider, request.account) != where.of(state):
        what = f"{request.provider.value} account {request.account}"
        raise Refused("token-request-open", f"the payer is being asked for another one: {what}")
    if backup and state.bills and state.token is None:
        raise Refused("first-method-missing", f"{state.subscription_id} has no first method yet")
    return request_token(state, reason=reason, now=now, backup=backup, where=where)


def request_token(
    state: Subscription,
    *,
    reason: str,
    now: datetime,
    backup: bool = False,
    where: Elsewhere = HERE,
) -> tuple[SubscriptionEvent, ...]:
    """Intend to ask for a token. Quiet while a request is open.

    Refused: "subscription-ended".
    """
    check_not_ended(state)
    if state.token_request is not None:
        return ()
    return (requested(state, reason=reason, now=now, backup=backup, where=where),)


def requested(
    state: Subscription,
    *,
    reason: str,
    now: datetime,
    backup: bool = False,
    where: Elsewhere = HERE,
) -> TokenRequested:
    """The intention, under the key of the next request; whether it may be is not asked here."""
    purpose = TokenPurpose.INITIAL if state.token is None else TokenPurpose.REPLACEMENT
    provider, account = where.of(state)
    moves = (provider, account) != (state.provider, state.account)
    rules = RULES[provider]
    number = state.token_requests + 1
    return TokenRequested(
        request_id=token_request_id(state.namespace, number),
        number=number,
        purpose=TokenPurpose.BACKUP if backup else purpose,
        reason=reason,
        key_expires_at=now + rules.token_key_window,
        expires_at=now + rules.token_request_life,
        effective_at=now,
        provider=provider if moves else None,
        account=account if moves else "",
    )


def offered(
    state: Subscription, request_id: UUID, answer: TokenOfferAnswer, *, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """Record what the provider answered to a token request.

    Safe to repeat: only the open request is answered. A doubt changes nothing: no money moves
    by a token request, so it is simply asked again under the same key.
    """
    request = open_request(state, request_id)
    if request is None or request.provider_ref:
        return ()
    match answer:
        case Offered():
            return (
                ApprovalOffered(
                    request_id=request_id,
                    provider_ref=answer.provider_ref,
                    approve_url=answer.approve_url,
                    expires_at=answer.expires_at or request.expires_at,
                    effective_at=now,
                ),
            )
        case TokenDenied():
            return _ended(state, request, _refused(request_id, answer, now), now)
        case Unknown() | NotDone():
            return ()
        case _:
            assert_never(answer)


def completed(
    state: Subscription,
    request_id: UUID,
    answer: TokenAnswer,
    *,
    token_ref: str,
    now: datetime,
) -> tuple[SubscriptionEvent, ...]:
    """Record how an offered request ended, or nothing while it is open.

    token_ref: where the vault keeps the token, if the answer brought one.
    """
    request = open_request(state, request_id)
    if request is None:
        return ()
    match answer:
        case Granted():
            older = state.backup if request.purpose is TokenPurpose.BACKUP else state.token
            vaulted = TokenVaulted(
                request_id=request_id,
                token_ref=token_ref,
                instrument=answer.instrument,
                replaces=None if older is None else older.token_ref,
                effective_at=answer.at or now,
            )
            return _ended(state, request, vaulted, now)
        case TokenDenied():
            return _ended(state, request, _refused(request_id, answer, now), now)
        case StillOpen():
            if now < request.expires_at:
                return ()
            return _ended(state, request, expired(request_id, NOT_APPROVED, now), now)
        case Unknown() | NotDone():
            return ()
        case _:
            assert_never(answer)


def give_up_asking(
    state: Subscription, request_id: UUID, *, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """The provider never answered within its key's window: ask anew under another key."""
    request = open_request(state, request_id)
    if request is None or request.provider_ref or now < request.key_expires_at:
        return ()
    return (
        expired(request_id, NOT_ANSWERED, now),
        requested(
            state,
            reason=NOT_ANSWERED,
            now=now,
            backup=request.purpose is TokenPurpose.BACKUP and not _first_failed(state),
            where=Elsewhere(request.provider, request.account),
        ),
    )


def _ended(
    state: Subscription, request: OpenTokenRequest, answer: SubscriptionEvent, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """The end of a request. If the first method failed while the payer was asked for a backup,
    nobody was asked for a new one: that is done now."""
    if request.purpose is not TokenPurpose.BACKUP or not _first_failed(state):
        return (answer,)
    return (answer, requested(state, reason="the first method was declined", now=now))


def _first_failed(state: Subscription) -> bool:
    return state.collects and state.token is not None and not state.token.usable


def open_request(state: Subscription, request_id: UUID) -> OpenTokenRequest | None:
    """The open request, if it is that one."""
    request = state.token_request
    return request if request is not None and request.request_id == request_id else None


def expired(request_id: UUID, reason: str, now: datetime) -> TokenRequestExpired:
    """A request is waited for no more. reason: NOT_APPROVED or NOT_ANSWERED."""
    return TokenRequestExpired(request_id=request_id, reason=reason, effective_at=now)


def _refused(request_id: UUID, answer: TokenDenied, now: datetime) -> TokenRefused:
    return TokenRefused(
        request_id=request_id, code=answer.code, message=answer.message[:200], effective_at=now
    )
