"""Commands of a person who looks after what was not paid, or not as it was asked for.

What each may answer besides what its docstring lists: see commanding.py. Every refusal leaves
nothing written.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.params import FromPath, JSONBody, RawBody

from infrastructure.api.asking import Because, DiscrepancyDecision
from infrastructure.api.commanding import IdempotencyKey, by
from infrastructure.api.idempotency import once, strictly
from infrastructure.api.messages import Accepted
from infrastructure.api.reading import Books

_AnyRequest = Request[Any, Any, Any]


@post("/subscriptions/{subscription_id:str}/reinstatement", status_code=201, sync_to_thread=True)
def reinstate_subscription(
    system: Books,
    request: _AnyRequest,
    subscription_id: FromPath[str],
    data: JSONBody[Because],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """End a suspension, paid or not; what is owed stays owed.

    201: it goes on, or it was not suspended. 404 subscription-unknown. 409 subscription-ended.
    422 reason-malformed.
    """
    asked = strictly(body, data)
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: by(system, request).reinstate(
            subscription_id, reason=asked.reason, command_id=command_id
        ),
    )


@post(
    "/subscriptions/{subscription_id:str}/invoices/{invoice_number:int}/write-off",
    status_code=201,
    sync_to_thread=True,
)
def write_off_invoice(
    system: Books,
    request: _AnyRequest,
    subscription_id: FromPath[str],
    invoice_number: FromPath[int],
    data: JSONBody[Because],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """Give up what is left of an invoice, also after the end of the subscription.

    201: written off. 404 subscription-unknown. 409 invoice-not-open, charge-open,
    discrepancy-unresolved. 422 reason-malformed.
    """
    asked = strictly(body, data)
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: by(system, request).write_off(
            subscription_id, invoice_number, reason=asked.reason, command_id=command_id
        ),
    )


@post(
    "/subscriptions/{subscription_id:str}/invoices/{invoice_number:int}/collection",
    status_code=201,
    sync_to_thread=True,
)
def collect_invoice(
    system: Books,
    request: _AnyRequest,
    subscription_id: FromPath[str],
    invoice_number: FromPath[int],
    data: JSONBody[Because],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """Collect an invoice whose collection had ended; its retries are counted anew.

    201: it is collected, now or before. 404 subscription-unknown. 409 invoice-not-open,
    subscription-ended, discrepancy-unresolved. 422 reason-malformed.
    """
    asked = strictly(body, data)
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: by(system, request).collect_again(
            subscription_id, invoice_number, reason=asked.reason, command_id=command_id
        ),
    )


@post(
    "/subscriptions/{subscription_id:str}/discrepancies/{attempt_id:uuid}/resolution",
    status_code=201,
    sync_to_thread=True,
)
def resolve_discrepancy(
    system: Books,
    request: _AnyRequest,
    subscription_id: FromPath[str],
    attempt_id: FromPath[UUID],
    data: JSONBody[DiscrepancyDecision],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """Say what becomes of a charge that was not the one asked for; the rest is collected again.

    201: resolved, now or before. 404 subscription-unknown, discrepancy-unknown. 409
    discrepancy-resolved, charge-open, subscription-ended. 422 currency-mixed, reason-malformed.
    """
    asked = strictly(body, data)
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: by(system, request).resolve_discrepancy(
            subscription_id,
            attempt_id,
            asked.resolution,
            reason=asked.reason,
            command_id=command_id,
        ),
    )


DUNNING = [reinstate_subscription, write_off_invoice, collect_invoice, resolve_discrepancy]
