"""Refunds over HTTP. What each POST may answer besides what its docstring lists: commanding.py."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from infrastructure.api.asking import RefundDecision, RefundWanted
from infrastructure.api.idempotency import Post
from infrastructure.api.messages import Accepted, RefundsAnswer
from infrastructure.api.reading import AtLeast, Books, Limit, Offset, require_view
from infrastructure.commands.finding import refund_of
from projections.refunds import RefundStatus


@post("/subscriptions/{subscription_id:str}/refunds", status_code=201, sync_to_thread=True)
def request_refund(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[RefundWanted]
) -> Response[Accepted]:
    """Pay credit out, the oldest first, through charges that brought money in; another key is
    another refund.

    201: asked for; what comes of it is read from /refunds. 404 subscription-unknown. 409
    nothing-to-refund, credit-too-small, invoice-open, charge-open, charge-not-refundable,
    refund-too-large, discrepancy-unresolved. 422 refund-not-positive, currency-mixed,
    reason-malformed.
    """
    asked = posted.strictly(data)
    amount = None if asked.amount is None else asked.amount.money()
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.refund(
            subscription_id,
            amount,
            attempt_id=asked.attempt_id,
            grant=asked.grant,
            reason=asked.reason,
            command_id=command_id,
        ),
    )


@post("/refunds/{refund_id:uuid}/decision", status_code=201, sync_to_thread=True)
def decide_refund(
    posted: Post, refund_id: FromPath[UUID], data: JSONBody[RefundDecision]
) -> Response[Accepted]:
    """Settle a refund of unknown outcome by a person's own evidence.

    201: settled as said. 404 refund-unknown. 409 refund-not-unknown: it is no open doubt.
    422 reason-malformed, refund-not-positive, refund-above-asked, currency-mixed,
    provider-ref-malformed.
    """
    asked = posted.strictly(data)
    made = None if asked.made is None else asked.made.money()
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.decide_refund(
            refund_of(posted.system, refund_id).subscription_id,
            refund_id,
            made=made,
            provider_ref=asked.provider_ref,
            reason=asked.reason,
            command_id=command_id,
        ),
    )


@get("/refunds", sync_to_thread=True)
def read_refunds(
    system: Books,
    subscription_id: FromQuery[str | None] = None,
    customer_id: FromQuery[str | None] = None,
    status: FromQuery[RefundStatus | None] = None,
    at_least: AtLeast = 0,
    limit: Limit = 100,
    offset: Offset = 0,
) -> RefundsAnswer:
    """Refunds, oldest first, and how they stand. 503 position-not-reached."""
    require_view(system, "refunds", at_least)
    asked: dict[str, Any] = {
        "subscription_id": subscription_id,
        "customer_id": customer_id,
        "status": None if status is None else status.value,
    }
    where = {name: value for name, value in asked.items() if value is not None}
    page = system.views.select("refunds", where, order="requested_at", limit=limit, offset=offset)
    return RefundsAnswer(position=page.position, items=tuple(page.rows.values()))


REFUNDING = [request_refund, decide_refund, read_refunds]
