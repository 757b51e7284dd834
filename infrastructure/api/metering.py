"""Commands about what invoices to come cost: usage, amounts that are set, discounts.

What each may answer besides what its docstring lists: see commanding.py.
"""

from __future__ import annotations

from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath, JSONBody

from domain.refusals import Refused
from infrastructure.api.asking import (
    AmountWanted,
    Correction,
    DiscountEnd,
    DiscountWanted,
    UsageBatch,
)
from infrastructure.api.idempotency import Post
from infrastructure.api.messages import Accepted
from infrastructure.api.usage_messages import UsageAnswer
from infrastructure.commands.subscriptions import LARGEST_USAGE_BATCH

# 1,000 reports with ids of 64 characters each, and room for spaces.
LARGEST_USAGE_BYTES = 512_000


@post("/usage", status_code=200, sync_to_thread=True, request_max_body_size=LARGEST_USAGE_BYTES)
def report_usage(posted: Post, data: JSONBody[UsageBatch]) -> Response[UsageAnswer]:
    """Count usage of meters: up to 1,000 reports, of any subscriptions, each judged by itself.

    A report counts once, whichever batch it comes in again: its usage_id tells. Give what was
    refused again under another key.
    200: each report with its outcome, in order: `accepted`; `known`, for it was counted before; or
    `refused` with a code: subscription-unknown, subscription-ended, meter-unknown,
    usage-id-reused, usage-malformed, usage-in-the-future, usage-before-start, usage-too-late,
    id-malformed, instant-without-offset, instant-out-of-range. 413: above 512,000 bytes.
    422 usage-batch-malformed: no report, or more than 1,000.
    """
    asked = posted.strictly(data)
    if not 1 <= len(asked.reports) <= LARGEST_USAGE_BATCH:
        reason = f"a batch holds 1 to {LARGEST_USAGE_BATCH} reports"
        raise Refused("usage-batch-malformed", reason)
    wishes = [each.wish() for each in asked.reports]

    def run(command_id: UUID) -> UsageAnswer:
        outcomes = posted.subscriptions.report_usage(wishes, command_id=command_id)
        return UsageAnswer.of(wishes, outcomes, posted.system.ledger.head())

    return posted.answered(asked, UsageAnswer, run, status=200)


@post(
    "/subscriptions/{subscription_id:str}/usage/{usage_id:str}/corrections",
    status_code=201,
    sync_to_thread=True,
)
def correct_usage(
    posted: Post,
    subscription_id: FromPath[str],
    usage_id: FromPath[str],
    data: JSONBody[Correction],
) -> Response[Accepted]:
    """Say what a report should have said. Where it is billed, the difference follows: a line on
    the next invoice, or credit.

    201: corrected, or it says so already. 404 subscription-unknown; usage-unknown, also where it
    was billed more than 92 days ago. 409 subscription-ended. 422 usage-malformed,
    reason-malformed.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.correct_usage(
            subscription_id, usage_id, asked.quantity, reason=asked.reason, command_id=command_id
        ),
    )


@post("/subscriptions/{subscription_id:str}/amounts", status_code=201, sync_to_thread=True)
def set_amount(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[AmountWanted]
) -> Response[Accepted]:
    """Say what the next period costs, before tax that comes on top; a later one replaces it.

    201: set, now or before. 404 subscription-unknown. 409 amount-fixed: the terms do not let it
    vary; nothing-to-bill: no invoice is to come. 422 amount-negative, currency-mixed,
    reason-malformed.
    """
    asked = posted.strictly(data)
    amount = asked.amount.money()
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.set_amount(
            subscription_id, amount, reason=asked.reason, command_id=command_id
        ),
    )


@post("/subscriptions/{subscription_id:str}/discounts", status_code=201, sync_to_thread=True)
def grant_discount(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[DiscountWanted]
) -> Response[Accepted]:
    """Let invoices to come cost less; a coupon counts once a subscription.

    201: granted, now or before with the same values. 404 subscription-unknown. 409 coupon-used:
    it was granted with others; instalments-fixed, subscription-ended. 422 discount-malformed,
    percent-malformed, percent-too-precise, currency-mixed, id-malformed, reason-malformed.
    """
    asked = posted.strictly(data)
    wish = asked.reduction()
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.grant_discount(
            subscription_id, wish, command_id=command_id
        ),
    )


@post(
    "/subscriptions/{subscription_id:str}/discounts/{coupon:str}/end",
    status_code=201,
    sync_to_thread=True,
)
def end_discount(
    posted: Post, subscription_id: FromPath[str], coupon: FromPath[str], data: JSONBody[DiscountEnd]
) -> Response[Accepted]:
    """Reduce no further invoice by a coupon.

    201: ended, or it is used up. 404 subscription-unknown, coupon-unknown. 422 reason-malformed.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.end_discount(
            subscription_id, coupon, reason=asked.reason, command_id=command_id
        ),
    )


METERING = [report_usage, correct_usage, set_amount, grant_discount, end_discount]
