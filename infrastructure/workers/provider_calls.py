"""Do what a step asks for: turn it into an order, hand it to the subscription's gateway."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never
from uuid import UUID

from domain.calendar import local_day
from domain.plan import PaidTrial
from domain.ports import (
    CaptureOrder,
    ChargeLine,
    ChargeOrder,
    ChargeQuery,
    FirstCharge,
    Gateway,
    NotDone,
    Secret,
    TokenOrder,
    TokenQuery,
)
from domain.processes.answers import Answer
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
from domain.refund_ports import RefundOrder, RefundQuery, VoidOrder
from domain.subscription.charge_lines import charge_lines
from domain.subscription.in_session import awaited, may_open
from domain.subscription.owed import Attempt
from domain.subscription.refunds import OpenRefund
from domain.subscription.state import Subscription
from domain.subscription.vaulted import OpenTokenRequest, Token

# (provider, account) -> gateway
Gateways = Mapping[tuple[str, str], Gateway]


async def ask(
    gateways: Gateways,
    state: Subscription,
    call: Call,
    *,
    token: Secret | None,
    now: datetime,
) -> Answer:
    """The provider's answer to one step.

    token: the vaulted token, for SendCharge, DeleteToken and LookUpToken. Without it, or without
        settings for the account, nothing is sent and the answer is NotDone: the charge waits, it
        is not declined.
    now: judged once more before anything is sent: a worker that slept between its decision and
        this moment does not send under a key that the provider may have forgotten.
    """
    asked = _subject(call)
    gateway = gateways.get((asked.provider.value, asked.account))
    if gateway is None:
        return NotDone(reason=f"no settings for {asked.provider.value} account {asked.account}")
    if (
        isinstance(call, SendCharge | SendCapture | SendRenewal)
        and now >= call.attempt.key_expires_at
    ):
        return NotDone(reason="the key's window ended before it was sent")
    if isinstance(call, SendRefund) and not _may_be_sent(call.refund, now):
        return NotDone(reason="the key's window ended before the refund was sent")
    match call:
        case AskToken(request=request, only_look=only_look):
            if request.first_charge and not only_look and not may_open(state, request, now):
                return NotDone(reason="its payment is not to be made any more")
            return await gateway.request_token(_token_order(state, call, now))
        case SeeToken(request=request):
            query = TokenQuery(
                request_id=request.request_id,
                provider_ref=request.provider_ref,
                reference=request.reference,
            )
            return await gateway.complete_token(query)
        case SendCharge(attempt=attempt):
            if token is None:
                return NotDone(reason="the token vault has no such token")
            return await gateway.charge(_charge_order(state, attempt, token))
        case SendCapture(attempt=attempt, capture_id=capture_id):
            return await gateway.capture(_capture_order(state, attempt, capture_id))
        case SendRenewal(attempt=attempt, capture_id=capture_id):
            return await gateway.reauthorize(_capture_order(state, attempt, capture_id))
        case SendVoid(attempt=attempt, void_id=void_id):
            return await gateway.void(
                VoidOrder(
                    void_id=void_id,
                    reference=attempt.reference,
                    authorization_ref=attempt.authorization_ref,
                )
            )
        case LookUp(attempt=attempt, since=since):
            return await gateway.look_up(_query(state, attempt, now, since))
        case SendRefund(refund=refund):
            return await gateway.refund(_refund_order(refund))
        case LookUpRefund(refund=refund, since=since):
            return await gateway.look_up_refund(_refund_query(refund, now, since))
        case LookUpDispute(dispute_ref=dispute_ref):
            return await gateway.look_up_dispute(dispute_ref)
        case DeleteToken(token=asked_of) | LookUpToken(token=asked_of):
            if token is None:
                return NotDone(reason="the token vault has no such token")
            if isinstance(call, LookUpToken):
                return await gateway.look_up_token(token, asked_of.instrument)
            return await gateway.delete_token(token, asked_of.instrument)
        case _:
            assert_never(call)


def _subject(call: Call) -> OpenTokenRequest | Attempt | OpenRefund | LookUpDispute | Token:
    """What a call is about; it names the account."""
    match call:
        case LookUpDispute():
            return call
        case AskToken() | SeeToken():
            return call.request
        case SendRefund() | LookUpRefund():
            return call.refund
        case DeleteToken() | LookUpToken():
            return call.token
        case SendCharge() | SendCapture() | SendRenewal() | SendVoid() | LookUp():
            return call.attempt


def _token_order(state: Subscription, call: AskToken, now: datetime) -> TokenOrder:
    """The payer is shown the terms that were agreed to last, billed by them yet or not."""
    starts_later = state.start > local_day(now, state.zone)
    return TokenOrder(
        request_id=call.request.request_id,
        subscription_id=state.subscription_id,
        customer_id=state.customer_id,
        terms=state.agreed,
        start_date=state.start.isoformat() if starts_later else None,
        paid_trial=_before_the_agreed(state),
        first=_first_charge(state, call.request),
        only_look=call.only_look,
    )


def _first_charge(state: Subscription, request: OpenTokenRequest) -> FirstCharge | None:
    attempt = awaited(state, request)
    if attempt is None:
        return None
    return FirstCharge(
        attempt_id=attempt.attempt_id,
        reference=attempt.reference,
        amount=attempt.amount,
        capture=attempt.capture,
        lines=_lines(state, attempt),
    )


def _before_the_agreed(state: Subscription) -> PaidTrial | None:
    """The paid periods that are still to come before the terms that were agreed to last."""
    later, terms = state.following, state.terms
    if later is None:
        return None
    first_paid = 1 if terms.trial is None else 2
    cycles = later.from_invoice - max(first_paid, state.invoices_issued + 1)
    if cycles < 1 or not terms.price.minor:
        return None
    return PaidTrial(price=terms.price, interval=terms.interval, cycles=cycles)


def _charge_order(state: Subscription, attempt: Attempt, token: Secret) -> ChargeOrder:
    charged = state.token_of(attempt.token_ref) or state.token
    assert charged is not None, "an attempt is made with a vaulted token"
    return ChargeOrder(
        attempt_id=attempt.attempt_id,
        reference=attempt.reference,
        amount=attempt.amount,
        token=token,
        instrument=charged.instrument,
        terms=state.terms,
        subscription_id=state.subscription_id,
        customer_id=state.customer_id,
        capture=attempt.capture,
        lines=_lines(state, attempt),
    )


def _lines(state: Subscription, attempt: Attempt) -> tuple[ChargeLine, ...]:
    """What is charged, by rate of tax: the same for the charge and for its capture, also where
    that is of a part."""
    for invoice in state.open_invoices:
        if invoice.number == attempt.invoice_number:
            ordered = attempt.ordered or attempt.amount
            return charge_lines(invoice, ordered, state.terms.description)
    return ()


def _capture_order(state: Subscription, attempt: Attempt, capture_id: UUID) -> CaptureOrder:
    return CaptureOrder(
        attempt_id=attempt.attempt_id,
        capture_id=capture_id,
        reference=attempt.reference,
        amount=attempt.amount,
        authorization_ref=attempt.authorization_ref,
        lines=_lines(state, attempt),
    )


def _query(
    state: Subscription, attempt: Attempt, now: datetime, since: datetime | None
) -> ChargeQuery:
    earlier = [each.due_at for each in state.open_invoices if each.number == attempt.invoice_number]
    earlier += [] if since is None else [since]
    return ChargeQuery(
        attempt_id=attempt.attempt_id,
        reference=attempt.reference,
        amount=attempt.amount,
        attempted_at=attempt.attempted_at,
        now=now,
        provider_ref=attempt.provider_ref,
        authorization_ref=attempt.authorization_ref,
        order_ref=attempt.order_ref,
        capture_id=attempt.capture_id,
        since=min([attempt.attempted_at, *earlier]),
    )


def _may_be_sent(refund: OpenRefund, now: datetime) -> bool:
    return refund.key_expires_at is not None and now < refund.key_expires_at


def _refund_order(refund: OpenRefund) -> RefundOrder:
    return RefundOrder(
        refund_id=refund.refund_id,
        reference=refund.reference,
        amount=refund.amount,
        charge_reference=refund.charge_reference,
        charge_ref=refund.charge_ref,
        reason=refund.reason,
    )


def _refund_query(refund: OpenRefund, now: datetime, since: datetime | None) -> RefundQuery:
    attempted_at = refund.attempted_at or refund.requested_at
    return RefundQuery(
        refund_id=refund.refund_id,
        reference=refund.reference,
        amount=refund.amount,
        charge_reference=refund.charge_reference,
        charge_ref=refund.charge_ref,
        provider_ref=refund.provider_ref,
        attempted_at=attempted_at,
        now=now,
        since=min(attempted_at, refund.requested_at, since or attempted_at),
    )
