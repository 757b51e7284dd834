"""Which facts follow from a provider's answer to a step. Pure, and safe to repeat."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never, cast

from domain.dispute_ports import DisputeAnswer, DisputeSeen
from domain.ports import (
    ChargeAnswer,
    LookUpAnswer,
    NotDone,
    TokenAnswer,
    TokenEndAnswer,
    TokenGone,
    TokenHeld,
    TokenOfferAnswer,
    TokenShared,
    Unknown,
)
from domain.processes.steps import (
    AskToken,
    Call,
    DeleteToken,
    LookUp,
    LookUpDispute,
    LookUpRefund,
    LookUpToken,
    SeeToken,
    SendCapture,
    SendCharge,
    SendRefund,
    SendRenewal,
    SendVoid,
)
from domain.refund_ports import RefundAnswer, RefundLookUpAnswer, VoidAnswer
from domain.subscription.charging import ANSWER, settle
from domain.subscription.disputing import dispute_seen
from domain.subscription.events import SubscriptionEvent
from domain.subscription.in_session import page_answered, token_seen
from domain.subscription.letting_go import deletion_answered, token_looked_up
from domain.subscription.looking_up import looked_up
from domain.subscription.settling_refunds import refund_looked_up, settle_refund
from domain.subscription.state import Subscription
from domain.subscription.vaulted import OpenTokenRequest
from domain.subscription.voiding import renewed, settle_void

Answer = (
    ChargeAnswer
    | LookUpAnswer
    | TokenOfferAnswer
    | TokenAnswer
    | RefundLookUpAnswer
    | DisputeAnswer
    | VoidAnswer
    | TokenEndAnswer
)


def token_ref_of(request: OpenTokenRequest) -> str:
    """Where the vault keeps the token of a request."""
    return f"token-{request.request_id}"


def follow(
    state: Subscription, call: Call, answer: Answer, *, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """The facts that an answer makes, on the state as it is now.

    A race with a callback, a second worker or a cancellation is decided here: an attempt or a
    request that is no longer open makes no fact.
    """
    match call:
        # Each call has its own kinds of answers; the worker pairs them.
        case AskToken(request=request):
            offer = cast(TokenOfferAnswer, answer)
            return page_answered(state, request.request_id, offer, now=now)
        case SeeToken(request=request):
            token_ref, seen = token_ref_of(request), cast(TokenAnswer, answer)
            return token_seen(state, request.request_id, seen, token_ref=token_ref, now=now)
        case SendCharge(attempt=attempt) | SendCapture(attempt=attempt):
            said = cast(ChargeAnswer, answer)
            return settle(state, attempt.attempt_id, said, evidence=ANSWER, now=now)
        case SendRenewal(attempt=attempt):
            again = cast(ChargeAnswer, answer)
            return renewed(state, attempt.attempt_id, again, evidence=ANSWER)
        case SendVoid(attempt=attempt):
            gone = cast(VoidAnswer, answer)
            return settle_void(state, attempt.attempt_id, gone, evidence=ANSWER, now=now)
        case LookUp(attempt=attempt, evidence=evidence):
            found = cast(LookUpAnswer, answer)
            return looked_up(state, attempt.attempt_id, found, evidence=evidence, now=now)
        case SendRefund(refund=refund):
            done = cast(RefundAnswer, answer)
            return settle_refund(state, refund.refund_id, done, evidence=ANSWER, now=now)
        case LookUpRefund(refund=refund, evidence=evidence):
            shown = cast(RefundLookUpAnswer, answer)
            return refund_looked_up(state, refund.refund_id, shown, evidence=evidence, now=now)
        case LookUpDispute(evidence=evidence):
            if not isinstance(answer, DisputeSeen):
                return ()
            return dispute_seen(state, answer, evidence=evidence, now=now)
        case DeleteToken(token=token):
            forgotten = cast(TokenGone | TokenShared | Unknown | NotDone, answer)
            return deletion_answered(state, token.token_ref, forgotten, evidence=ANSWER, now=now)
        case LookUpToken(token=token, evidence=evidence):
            ref, held = token.token_ref, cast(TokenGone | TokenHeld | Unknown | NotDone, answer)
            return token_looked_up(state, ref, held, evidence=evidence, now=now)
        case _:
            assert_never(call)
