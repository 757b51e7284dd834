"""Orders, captures, authorisations: what is sent, and what their states mean.

Sources: reference notes on PayPal, sections 2.5, 2.6 and 4; OpenAPI checkout_orders_v2 and
payments_payment_v2. A COMPLETED order is no proof of payment: it says that a payment resource
exists, which may be declined, pending or only an authorisation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.plan import CaptureMode
from domain.ports import (
    Authorized,
    Captured,
    CaptureOrder,
    ChargeAnswer,
    ChargeOrder,
    Declined,
    Unknown,
)
from domain.subscription.events import DeclineClass
from infrastructure.gateways.exchange import Reply
from infrastructure.gateways.paypal import declines
from infrastructure.gateways.paypal.advice import advice_of, network_in
from infrastructure.gateways.paypal.issues import Meaning
from infrastructure.gateways.paypal.wire import (
    amount_json,
    amount_of,
    items,
    mapping,
    text_of,
    time_of,
)

_DESCRIPTION_LENGTH = 127

# A capture that was refunded since is still a capture: the money moved, and moved back.
_CAPTURED = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
# Of one that is captured in parts the rest is still reserved.
_RESERVED = frozenset({"CREATED", "PARTIALLY_CAPTURED"})


def order_json(order: ChargeOrder, soft_descriptor: str = "") -> dict[str, Any]:
    """The body of POST /v2/checkout/orders. soft_descriptor: "" for the account's own.

    Raises: Refused("money-needs-decimals").
    """
    at_once = order.capture is CaptureMode.AT_ONCE
    unit = {
        "invoice_id": order.reference,
        "custom_id": str(order.attempt_id),
        "description": order.terms.description[:_DESCRIPTION_LENGTH],
        "amount": amount_json(order.amount),
    }
    return {
        "intent": "CAPTURE" if at_once else "AUTHORIZE",
        "purchase_units": [{**unit, **_on_statement(soft_descriptor)}],
        "payment_source": {
            "paypal": {
                "vault_id": order.token.reveal(),
                "stored_credential": {
                    "payment_initiator": "MERCHANT",
                    "usage": "SUBSEQUENT",
                    "usage_pattern": order.terms.usage_pattern,
                },
            }
        },
    }


def _on_statement(soft_descriptor: str) -> dict[str, str]:
    return {"soft_descriptor": soft_descriptor} if soft_descriptor else {}


def capture_json(order: CaptureOrder, soft_descriptor: str = "") -> dict[str, Any]:
    """The body of POST /v2/payments/authorizations/{id}/capture.

    A capture that more may follow has an invoice id of its own: PayPal lets none be captured
    twice, and a capture bears nothing else by which it is found again.
    Raises: Refused("money-needs-decimals").
    """
    reference = order.reference
    if not order.final:
        reference = part_reference(order.reference, order.capture_id)
    return {
        "amount": amount_json(order.amount),
        "invoice_id": reference,
        "final_capture": order.final,
        **_on_statement(soft_descriptor),
    }


def part_reference(reference: str, capture_id: UUID) -> str:
    """The invoice id of one of several captures of a charge; at most 112 characters."""
    return f"{reference}-c{capture_id.hex[:10]}"


_PART_REFERENCE = re.compile(r"(.+)-c[0-9a-f]{10}")


def charge_of_part(invoice_id: str) -> str:
    """The charge's reference behind the invoice id of a capture; any other id is itself."""
    part = _PART_REFERENCE.fullmatch(invoice_id)
    return invoice_id if part is None else part[1]


def order_answer(reply: Reply, now: datetime, *about: str) -> ChargeAnswer:
    """What an order says of the charge; `now` stands in for a time PayPal does not state.

    about: invoice ids, the likeliest first: only captures that bear one of them count. The last of
        several captures bears the charge's reference, each before it one of its own.
    """
    if reply.status >= 400:
        return declines.judged(reply.status, declines.refusal_of(reply.data))
    body = mapping(reply.data)
    order_id = str(body.get("id", ""))
    status = str(body.get("status", ""))
    payments = [mapping(unit.get("payments")) for unit in items(body.get("purchase_units"))]
    captures = [capture for found in payments for capture in items(found.get("captures"))]
    authorizations = [one for found in payments for one in items(found.get("authorizations"))]
    # An authorisation that was captured shows both; the capture is what counts.
    for name in about:
        asked = [one for one in captures if (one.get("invoice_id") or about[-1]) == name]
        if asked:
            return capture_of(asked[-1], now, network_in(body))
    if captures and not about:
        return capture_of(captures[-1], now, network_in(body))
    if authorizations:
        return authorization_of(authorizations[-1], order_id, now, network_in(body))
    if status == "PAYER_ACTION_REQUIRED":
        return Declined(
            decline=DeclineClass.PAYER_ACTION,
            code=status,
            message="the payer has to approve this payment at PayPal",
            provider_ref=order_id,
        )
    if status == "VOIDED":
        return Declined(decline=DeclineClass.SOFT, code="ORDER_VOIDED", message="", at=now)
    return Unknown(reason=f"order {status or 'without a status'}", provider_ref=order_id)


def capture_answer(reply: Reply, now: datetime) -> ChargeAnswer:
    """What the answer to a capture, or a capture that was read, says."""
    if reply.status >= 400:
        return declines.judged(reply.status, declines.refusal_of(reply.data))
    return capture_of(mapping(reply.data), now)


def capture_of(capture: Mapping[str, Any], now: datetime, network: str = "") -> ChargeAnswer:
    """One capture resource. Its time is `create_time`: it never moves when a refund follows.

    network: of the card, "" if it is not known (advice.py).
    """
    capture_id = str(capture.get("id", ""))
    status = str(capture.get("status", ""))
    at = time_of(capture.get("create_time"))
    if status in _CAPTURED:
        amount = amount_of(capture.get("amount"))
        if amount is None or not capture_id:
            return Unknown(reason=f"capture {status} without amount or id", provider_ref=capture_id)
        return Captured(amount=amount, provider_ref=capture_id, at=at or now)
    if status in ("DECLINED", "FAILED"):
        return _declined(capture, f"CAPTURE_{status}", capture_id, at, network)
    reason = mapping(capture.get("status_details")).get("reason", "")
    return Unknown(reason=f"capture {status.lower()} {reason}".strip(), provider_ref=capture_id)


def authorization_of(
    authorization: Mapping[str, Any], order_id: str, now: datetime, network: str = ""
) -> ChargeAnswer:
    """One authorisation resource. An expired one shows as VOIDED. network: as in capture_of."""
    authorization_id = text_of(authorization.get("id"))
    status = text_of(authorization.get("status"))
    at = time_of(authorization.get("create_time"))
    if status in _RESERVED:
        amount = amount_of(authorization.get("amount"))
        if amount is None or not authorization_id:
            return Unknown(reason="authorisation without amount or id")
        return Authorized(
            amount=amount,
            authorization_ref=authorization_id,
            order_ref=order_id or order_id_of(authorization),
            expires_at=time_of(authorization.get("expiration_time")),
            at=at or now,
        )
    if status in ("DENIED", "VOIDED"):
        return _declined(authorization, f"AUTHORIZATION_{status}", authorization_id, at, network)
    return Unknown(
        reason=f"authorisation {status.lower() or 'unreadable'}", provider_ref=authorization_id
    )


def order_id_of(resource: Mapping[str, Any]) -> str:
    """The order that a payment resource belongs to, or ""."""
    related = mapping(mapping(resource.get("supplementary_data")).get("related_ids"))
    return text_of(related.get("order_id"))


def _declined(
    resource: Mapping[str, Any], code: str, provider_ref: str, at: datetime | None, network: str
) -> Declined:
    """A payment resource that came to nothing, with the card network's advice where there is."""
    meaning = declines.MEANING_OF.get(code, Meaning.SOFT).name
    decline = DeclineClass[meaning if meaning in DeclineClass.__members__ else "SOFT"]
    processor = mapping(resource.get("processor_response"))
    retry_not_before = None
    if (advised := advice_of(processor, network)) is not None:
        decline = advised.decline
        if advised.wait is not None and at is not None:
            retry_not_before = at + advised.wait
    reason = str(mapping(resource.get("status_details")).get("reason", ""))
    response = str(processor.get("response_code", ""))
    advice = str(processor.get("payment_advice_code", ""))
    return Declined(
        decline=decline,
        code=code,
        message=" ".join(word for word in (reason, response, advice) if word)[:200],
        retry_not_before=retry_not_before,
        provider_ref=provider_ref,
        at=at,
    )
