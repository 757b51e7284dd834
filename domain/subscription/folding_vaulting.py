"""Folding of tokens: asked for, offered, vaulted; and what is collected again because of one."""

from __future__ import annotations

from domain.copying import with_
from domain.subscription.events import (
    ApprovalOffered,
    TokenPurpose,
    TokenRequested,
    TokenVaulted,
)
from domain.subscription.folding_payments import COLLECTED_ANEW
from domain.subscription.owed import FOR_A_PERSON, OpenInvoice
from domain.subscription.state import Status, Subscription
from domain.subscription.vaulted import OpenTokenRequest, Token


def vaulted(
    state: Subscription, event: TokenRequested | ApprovalOffered | TokenVaulted
) -> Subscription:
    """A token is asked for, offered, and there."""
    match event:
        case TokenRequested():
            request = OpenTokenRequest(
                provider=event.provider or state.provider,
                account=event.account or state.account,
                request_id=event.request_id,
                number=event.number,
                purpose=event.purpose,
                requested_at=event.effective_at,
                key_expires_at=event.key_expires_at,
                expires_at=event.expires_at,
                first_charge=event.first_charge,
            )
            return with_(state, token_request=request, token_requests=event.number)
        case ApprovalOffered():
            if state.token_request is None:
                return state
            offered = with_(
                state.token_request,
                provider_ref=event.provider_ref,
                approve_url=event.approve_url,
                expires_at=event.expires_at,
            )
            paid = state.open_attempt
            if paid is not None and paid.attempt_id == offered.first_charge:
                # By its session it is looked up.
                paid = with_(paid, order_ref=event.provider_ref, page_until=event.expires_at)
            return with_(state, token_request=offered, open_attempt=paid)
        case TokenVaulted():
            at = state.token_request or state
            token = Token(
                provider=at.provider,
                account=at.account,
                token_ref=event.token_ref,
                instrument=event.instrument,
                usable=True,
            )
            if _answers_for_backup(state):
                return with_(
                    state,
                    backup=token,
                    replaced=_replaced(state, state.backup),
                    token_request=None,
                    open_invoices=tuple(
                        _for_backup(each, agreed=state.terms.backup) for each in state.open_invoices
                    ),
                )
            status = Status.ACTIVE if state.status is Status.PENDING else state.status
            return with_(
                state,
                provider=token.provider,
                account=token.account,
                token=token,
                replaced=_replaced(state, state.token),
                token_request=None,
                status=status,
                open_invoices=tuple(_collectible_again(each) for each in state.open_invoices),
            )


def _replaced(state: Subscription, older: Token | None) -> tuple[Token, ...]:
    """The tokens of before, with one more; one that is gone is nowhere."""
    return state.replaced if older is None or older.gone else (*state.replaced, older)


def _answers_for_backup(state: Subscription) -> bool:
    request = state.token_request
    return request is not None and request.purpose is TokenPurpose.BACKUP


def _collectible_again(invoice: OpenInvoice) -> OpenInvoice:
    """A new token gives every open invoice a fresh start, unless a person has to look first."""
    return invoice if invoice.ended in FOR_A_PERSON else with_(invoice, **COLLECTED_ANEW)


def _for_backup(invoice: OpenInvoice, *, agreed: bool) -> OpenInvoice:
    """A new backup may be tried for every open invoice. Where the terms agree to one, an invoice
    whose collection had ended is tried on it, unless a person has to look first."""
    if agreed and invoice.ended not in FOR_A_PERSON:
        return with_(invoice, backup_tried=False, ended="")
    return with_(invoice, backup_tried=False)
