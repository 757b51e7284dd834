"""Commands of a person who looks after what was not paid, or not as it was asked for.

What each may answer besides what its docstring lists: see commanding.py. Every refusal leaves
nothing written.
"""

from __future__ import annotations

from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath, JSONBody

from infrastructure.api.asking import Because, DiscrepancyDecision
from infrastructure.api.idempotency import Post
from infrastructure.api.messages import Accepted


@post("/subscriptions/{subscription_id:str}/reinstatement", status_code=201, sync_to_thread=True)
def reinstate_subscription(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[Because]
) -> Response[Accepted]:
    """End a suspension, paid or not; what is owed stays owed.

    201: it goes on, or it was not suspended. 404 subscription-unknown. 409 subscription-ended.
    422 reason-malformed.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.reinstate(
            subscription_id, reason=asked.reason, command_id=command_id
        ),
    )


@post(
    "/subscriptions/{subscription_id:str}/invoices/{invoice_number:int}/write-off",
    status_code=201,
    sync_to_thread=True,
)
def write_off_invoice(
    posted: Post,
    subscription_id: FromPath[str],
    invoice_number: FromPath[int],
    data: JSONBody[Because],
) -> Response[Accepted]:
    """Give up what is left of an invoice, also after the end of the subscription.

    201: written off. 404 subscription-unknown. 409 invoice-not-open, charge-open,
    discrepancy-unresolved. 422 reason-malformed.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.write_off(
            subscription_id, invoice_number, reason=asked.reason, command_id=command_id
        ),
    )


@post(
    "/subscriptions/{subscription_id:str}/invoices/{invoice_number:int}/collection",
    status_code=201,
    sync_to_thread=True,
)
def collect_invoice(
    posted: Post,
    subscription_id: FromPath[str],
    invoice_number: FromPath[int],
    data: JSONBody[Because],
) -> Response[Accepted]:
    """Collect an invoice whose collection had ended; its retries are counted anew.

    201: it is collected, now or before. 404 subscription-unknown. 409 invoice-not-open,
    subscription-ended, discrepancy-unresolved. 422 reason-malformed.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.collect_again(
            subscription_id, invoice_number, reason=asked.reason, command_id=command_id
        ),
    )


@post(
    "/subscriptions/{subscription_id:str}/discrepancies/{attempt_id:uuid}/resolution",
    status_code=201,
    sync_to_thread=True,
)
def resolve_discrepancy(
    posted: Post,
    subscription_id: FromPath[str],
    attempt_id: FromPath[UUID],
    data: JSONBody[DiscrepancyDecision],
) -> Response[Accepted]:
    """Say what becomes of a charge that was not the one asked for; the rest is collected again.
    In the place of the attempt may stand a refund that was found late.

    201: resolved, now or before. 404 subscription-unknown, discrepancy-unknown. 409
    discrepancy-resolved, charge-open, subscription-ended. 422 currency-mixed, reason-malformed,
    resolution-refunds-nothing.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.resolve_discrepancy(
            subscription_id,
            attempt_id,
            asked.resolution,
            reason=asked.reason,
            refund=asked.refund,
            command_id=command_id,
        ),
    )


DUNNING = [reinstate_subscription, write_off_invoice, collect_invoice, resolve_discrepancy]
