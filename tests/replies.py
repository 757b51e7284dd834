"""What a provider may answer, as plain words, and the port's answer for each call and word."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from domain.money import Money
from domain.plan import CaptureMode
from domain.ports import (
    Authorized,
    Captured,
    Declined,
    Granted,
    NotDone,
    NotFound,
    Offered,
    Secret,
    StillOpen,
    TokenDenied,
    TokenGone,
    TokenHeld,
    TokenShared,
    Unknown,
)
from domain.processes.answers import Answer
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
    SendRenewal,
    SendVoid,
)
from domain.refund_ports import RefundDenied, Refunded, VoidDenied, Voided
from domain.subscription.events import DeclineClass, Instrument
from domain.subscription.owed import Attempt

_CARD = Instrument(kind="card", brand="Visa", last_digits="1111", expires="2029-04")


class Reply(Enum):
    """What the provider says; read for each call by `reply_to`."""

    YES = "yes"
    RESERVED = "reserved"
    LESS = "less"
    MORE = "more"
    OTHER_CURRENCY = "other-currency"
    SOFT = "soft"
    SOFT_LATER = "soft-later"
    HARD = "hard"
    PAYER_ACTION = "payer-action"
    MERCHANT = "merchant"
    UNKNOWN = "unknown"
    NOT_FOUND = "not-found"
    NOT_DONE = "not-done"


def reply_to(call: Call, reply: Reply, now: datetime) -> Answer:
    """The answer to a call that a reply stands for; some port answer for every pair."""
    match call:
        case AskToken():
            return _offer(reply, call)
        case SeeToken():
            return _approval(reply, now)
        case DeleteToken() | LookUpToken():
            return _ended(reply, call)
        case SendRefund(refund=refund) | LookUpRefund(refund=refund):
            if isinstance(call, LookUpRefund) and reply is Reply.NOT_FOUND:
                return NotFound(finding="no refund under this reference")
            return _refunded(reply, refund.amount, refund.reference, now)
        case SendVoid():
            return _voided(reply, now)
        case SendRenewal(attempt=attempt):
            return _renewed(reply, attempt, now)
        case LookUp(attempt=attempt) if attempt.void_id is not None and reply is Reply.YES:
            return Declined(
                decline=DeclineClass.SOFT, code="AUTHORIZATION_VOIDED", message="", at=now
            )
        case SendCharge(attempt=attempt):
            reserve = attempt.capture is CaptureMode.AFTER_AUTHORIZATION
        case SendCapture(attempt=attempt):
            reserve = False
        case LookUp(attempt=attempt):
            reserve = (
                attempt.capture is CaptureMode.AFTER_AUTHORIZATION and attempt.capture_id is None
            )
            if reply is Reply.NOT_FOUND:
                return NotFound(finding="no charge under this reference")
    if reply is Reply.RESERVED or (reserve and reply is Reply.YES):
        return Authorized(
            amount=attempt.amount,
            authorization_ref=attempt.authorization_ref or f"auth-{attempt.reference}",
            order_ref=f"order-{attempt.reference}",
            expires_at=now + timedelta(days=29),
            at=now,
        )
    return _charged(reply, attempt.amount, attempt.reference, now)


def _voided(reply: Reply, now: datetime) -> Answer:
    match reply:
        case Reply.UNKNOWN | Reply.NOT_FOUND:
            return Unknown(reason="ReadTimeout")
        case Reply.NOT_DONE:
            return NotDone(reason="429", retry_after_s=1.0)
        case Reply.LESS | Reply.MORE | Reply.OTHER_CURRENCY:
            return VoidDenied(code="PREVIOUSLY_CAPTURED", message="captured", captured=True)
        case Reply.HARD | Reply.MERCHANT | Reply.PAYER_ACTION:
            return VoidDenied(code="PERMISSION_DENIED", message="no void for this account")
    return Voided(at=now)


def _renewed(reply: Reply, attempt: Attempt, now: datetime) -> Answer:
    if reply in (Reply.YES, Reply.RESERVED):
        return Authorized(
            amount=attempt.amount,
            authorization_ref=f"auth-{attempt.reference}-again",
            order_ref=attempt.order_ref,
            expires_at=attempt.expires_at,
            at=now,
        )
    answer = _charged(reply, attempt.amount, attempt.reference, now)
    return Unknown(reason="captured by a renewal") if isinstance(answer, Captured) else answer


def _offer(reply: Reply, call: AskToken) -> Answer:
    match reply:
        case Reply.HARD | Reply.MERCHANT:
            return TokenDenied(code="INVALID_REQUEST", message="the request is not well formed")
        case Reply.UNKNOWN | Reply.NOT_FOUND:
            return Unknown(reason="ReadTimeout")
        case Reply.NOT_DONE:
            return NotDone(reason="ConnectError")
    ref = f"setup-{call.request.request_id.hex[:12]}"
    return Offered(provider_ref=ref, approve_url=f"https://pay.example/{ref}", expires_at=None)


def _approval(reply: Reply, now: datetime) -> Answer:
    match reply:
        case Reply.HARD | Reply.MERCHANT:
            return TokenDenied(code="cancelled", message="the payer turned back")
        case Reply.SOFT | Reply.PAYER_ACTION | Reply.RESERVED:
            return StillOpen()
        case Reply.UNKNOWN | Reply.NOT_FOUND:
            return Unknown(reason="ReadTimeout")
        case Reply.NOT_DONE:
            return NotDone(reason="429", retry_after_s=1.0)
    return Granted(token=Secret("tok"), instrument=_CARD, at=now)


def _ended(reply: Reply, call: DeleteToken | LookUpToken) -> Answer:
    match reply:
        case Reply.UNKNOWN | Reply.NOT_FOUND:
            return Unknown(reason="ReadTimeout")
        case Reply.NOT_DONE:
            return NotDone(reason="ConnectError")
        case Reply.LESS | Reply.MERCHANT:
            return TokenShared() if isinstance(call, DeleteToken) else TokenHeld()
    return TokenGone()


_DECLINES = {
    Reply.SOFT: (DeclineClass.SOFT, "INSUFFICIENT_FUNDS"),
    Reply.SOFT_LATER: (DeclineClass.SOFT, "TRY_LATER"),
    Reply.HARD: (DeclineClass.HARD, "CARD_CLOSED"),
    Reply.PAYER_ACTION: (DeclineClass.PAYER_ACTION, "PAYER_ACTION_REQUIRED"),
    Reply.MERCHANT: (DeclineClass.MERCHANT, "PERMISSION_DENIED"),
}


def _charged(reply: Reply, asked: Money, reference: str, now: datetime) -> Answer:
    match reply:
        case Reply.UNKNOWN | Reply.NOT_FOUND:
            return Unknown(reason="ReadTimeout: no answer after 30 s")
        case Reply.NOT_DONE:
            return NotDone(reason="ConnectError")
        case Reply.SOFT | Reply.SOFT_LATER | Reply.HARD | Reply.PAYER_ACTION | Reply.MERCHANT:
            kind, code = _DECLINES[reply]
            return Declined(
                decline=kind,
                code=code,
                message="declined by the bank",
                retry_not_before=now + timedelta(days=9) if reply is Reply.SOFT_LATER else None,
                at=now,
            )
    return Captured(amount=received(reply, asked), provider_ref=f"cap-{reference}", at=now)


def _refunded(reply: Reply, asked: Money, reference: str, now: datetime) -> Answer:
    match reply:
        case Reply.UNKNOWN | Reply.NOT_FOUND:
            return Unknown(reason="ReadTimeout: no answer after 30 s")
        case Reply.RESERVED | Reply.PAYER_ACTION:
            return Unknown(reason="PENDING at the provider", provider_ref=f"ref-{reference}")
        case Reply.NOT_DONE:
            return NotDone(reason="ConnectError")
        case Reply.SOFT | Reply.SOFT_LATER | Reply.HARD | Reply.MERCHANT:
            return RefundDenied(code="REFUND_NOT_ALLOWED", message="refused", at=now)
    return Refunded(amount=received(reply, asked), provider_ref=f"ref-{reference}", at=now)


def received(reply: Reply, asked: Money) -> Money:
    """What the provider took where it was asked for `asked`."""
    match reply:
        case Reply.LESS:
            return Money(max(asked.minor - 100, 1), asked.currency)
        case Reply.MORE:
            return Money(asked.minor + 100, asked.currency)
        case Reply.OTHER_CURRENCY:
            return Money(asked.minor, "EUR" if asked.currency != "EUR" else "USD")
        case _:
            return asked
