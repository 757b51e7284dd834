"""Which facts follow from a provider's answer to a step. Pure, and safe to repeat."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never, cast

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
    LookUpRefund,
    LookUpToken,
    SeeToken,
    SendCapture,
    SendCharge,
    SendRefund,
)
from domain.refund_ports import RefundAnswer, RefundLookUpAnswer
from domain.subscription.charging import ANSWER, settle
from domain.subscription.events import SubscriptionEvent
from domain.subscription.letting_go import deletion_answered, token_looked_up
from domain.subscription.looking_up import looked_up
from domain.subscription.settling_refunds import refund_looked_up, settle_refund
from domain.subscription.state import Subscription
from domain.subscription.vaulted import OpenTokenRequest
from domain.subscription.vaulting import completed, offered

Answer = (
    ChargeAnswer
    | LookUpAnswer
    | TokenOfferAnswer
    | TokenAnswer
    | RefundLookUpAnswer
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
            return offered(state, request.request_id, cast(TokenOfferAnswer, answer), now=now)
        case SeeToken(request=request):
            token_ref, seen = token_ref_of(request), cast(TokenAnswer, answer)
            return completed(state, request.request_id, seen, token_ref=token_ref, now=now)
        case SendCharge(attempt=attempt) | SendCapture(attempt=attempt):
            said = cast(ChargeAnswer, answer)
            return settle(state, attempt.attempt_id, said, evidence=ANSWER, now=now)
        case LookUp(attempt=attempt, evidence=evidence):
            found = cast(LookUpAnswer, answer)
            return looked_up(state, attempt.attempt_id, found, evidence=evidence, now=now)
        case SendRefund(refund=refund):
            done = cast(RefundAnswer, answer)
            return settle_refund(state, refund.refund_id, done, evidence=ANSWER, now=now)
        case LookUpRefund(refund=refund, evidence=evidence):
            shown = cast(RefundLookUpAnswer, answer)
            return refund_looked_up(state, refund.refund_id, shown, evidence=evidence, now=now)
        case DeleteToken(token=token):
            ref, gone = token.token_ref, cast(TokenGone | TokenShared | Unknown | NotDone, answer)
            return deletion_answered(state, ref, gone, evidence=ANSWER, now=now)
        case LookUpToken(token=token, evidence=evidence):
            ref, held = token.token_ref, cast(TokenGone | TokenHeld | Unknown | NotDone, answer)
            return token_looked_up(state, ref, held, evidence=evidence, now=now)
        case _:
            assert_never(call)
