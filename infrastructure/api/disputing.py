"""Disputes and reversals over HTTP. What a POST may answer besides: commanding.py."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from infrastructure.api.asking import ReversalSaid
from infrastructure.api.idempotency import Post
from infrastructure.api.messages import Accepted, DisputesAnswer
from infrastructure.api.reading import AtLeast, Books, Limit, Offset, require_view
from infrastructure.commands.finding import charge_of


@post("/attempts/{attempt_id:uuid}/reversal", status_code=201, sync_to_thread=True)
def reverse_charge(
    posted: Post, attempt_id: FromPath[UUID], data: JSONBody[ReversalSaid]
) -> Response[Accepted]:
    """Say that a provider took money back of a charge: it is owed again, until a person decides.

    201: recorded, now or before. 404 attempt-unknown. 409 charge-unknown: it brought nothing in, or
    long ago; reversal-above-captured. 422 reversal-not-positive, currency-mixed, reason-malformed,
    provider-ref-malformed.
    """
    said = posted.strictly(data)
    return posted.once(
        said,
        lambda command_id: posted.subscriptions.reverse(
            charge_of(posted.system, attempt_id).subscription_id,
            attempt_id,
            said.amount.money(),
            reason=said.reason,
            provider_ref=said.provider_ref,
            command_id=command_id,
        ),
    )


@get("/disputes", sync_to_thread=True)
def read_disputes(
    system: Books,
    subscription_id: FromQuery[str | None] = None,
    customer_id: FromQuery[str | None] = None,
    open_only: FromQuery[bool] = False,
    at_least: AtLeast = 0,
    limit: Limit = 100,
    offset: Offset = 0,
) -> DisputesAnswer:
    """Disputes, oldest first, and how they stand. 503 position-not-reached."""
    require_view(system, "disputes", at_least)
    asked: dict[str, Any] = {
        "subscription_id": subscription_id,
        "customer_id": customer_id,
        "open": True if open_only else None,
    }
    where = {name: value for name, value in asked.items() if value is not None}
    page = system.views.select("disputes", where, order="opened_at", limit=limit, offset=offset)
    return DisputesAnswer(position=page.position, items=tuple(page.rows.values()))


DISPUTING = [reverse_charge, read_disputes]
