"""Commands on a subscription that runs: change, pause, resume, credit, end, let go on.

What each may answer besides what its docstring lists: see commanding.py. Every refusal leaves
nothing written.
"""

from __future__ import annotations

from litestar import Response, post
from litestar.params import FromPath, JSONBody

from infrastructure.api.asking import (
    AnchorWanted,
    Cancellation,
    CreditWanted,
    PauseWanted,
    Release,
    ResumeWanted,
    TermsChange,
    Withdrawal,
)
from infrastructure.api.idempotency import Post
from infrastructure.api.messages import Accepted


@post("/subscriptions/{subscription_id:str}/changes", status_code=201, sync_to_thread=True)
def change_terms(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[TermsChange]
) -> Response[Accepted]:
    """Agree to other terms: now, with the rest of the period billed anew, or from its end on.

    201: agreed, now or before. 404 subscription-unknown. 409 subscription-not-active,
    cancellation-scheduled, currency-fixed, instalments-fixed, change-at-period-end.
    422 with the code of the broken rule.
    """
    asked = posted.strictly(data)
    new = asked.terms.new_terms()
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.change_terms(
            subscription_id,
            new,
            when=asked.when,
            reason=asked.reason,
            proration=asked.proration,
            refund=asked.refund,
            command_id=command_id,
        ),
    )


@post("/subscriptions/{subscription_id:str}/anchor", status_code=201, sync_to_thread=True)
def change_anchor(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[AnchorWanted]
) -> Response[Accepted]:
    """Let regular periods begin on another day; up to it, a part of a period is billed.

    201: moved, now or before. 404 subscription-unknown. 409 subscription-not-active,
    cancellation-scheduled, change-pending, instalments-fixed, billing-parked.
    422 anchor-out-of-range, reason-malformed.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.change_anchor(
            subscription_id, asked.anchor, reason=asked.reason, command_id=command_id
        ),
    )


@post("/subscriptions/{subscription_id:str}/release", status_code=201, sync_to_thread=True)
def release_billing(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[Release]
) -> Response[Accepted]:
    """Bill on, after a person has looked at a subscription that was parked.

    201: released, or it was not parked. 404 subscription-unknown. 422 reason-malformed.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.release(
            subscription_id, reason=asked.reason, command_id=command_id
        ),
    )


@post("/subscriptions/{subscription_id:str}/pause", status_code=201, sync_to_thread=True)
def pause_subscription(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[PauseWanted]
) -> Response[Accepted]:
    """Bill no period from now on; what is owed is collected.

    201: paused, now or before. 404 subscription-unknown. 409 subscription-not-active,
    cancellation-scheduled, instalments-fixed, trial-not-begun. 422 pause-in-the-past,
    instant-without-offset, instant-out-of-range, reason-malformed.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.pause(
            subscription_id,
            until=asked.until,
            credit=asked.credit,
            reason=asked.reason,
            command_id=command_id,
        ),
    )


@post("/subscriptions/{subscription_id:str}/resumption", status_code=201, sync_to_thread=True)
def resume_subscription(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[ResumeWanted]
) -> Response[Accepted]:
    """Bill periods again.

    201: resumed, or it was not paused. 404 subscription-unknown. 409 subscription-ended.
    422 reason-malformed.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.resume(
            subscription_id, how=asked.how, reason=asked.reason, command_id=command_id
        ),
    )


@post("/subscriptions/{subscription_id:str}/credits", status_code=201, sync_to_thread=True)
def grant_credit(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[CreditWanted]
) -> Response[Accepted]:
    """Give credit that pays the invoices to come; another key is another credit.

    201: granted. 404 subscription-unknown. 409 subscription-ended. 422 credit-not-positive,
    currency-mixed, reason-malformed.
    """
    asked = posted.strictly(data)
    amount = asked.amount.money()
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.grant_credit(
            subscription_id, amount, reason=asked.reason, command_id=command_id
        ),
    )


@post("/subscriptions/{subscription_id:str}/cancellation", status_code=201, sync_to_thread=True)
def cancel_subscription(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[Cancellation]
) -> Response[Accepted]:
    """End billing: now, when the running period is over, or at an instant.

    What is owed stays owed, and a charge that was sent is still settled.
    201: cancelled or planned, now or before. 404 subscription-unknown. 409
    subscription-completed, subscription-not-active, cancellation-at-period-end. 422
    cancellation-ambiguous, cancellation-in-the-past, instant-without-offset,
    instant-out-of-range, reason-malformed.
    """
    asked = posted.strictly(data)
    later = asked.later
    commands = posted.subscriptions
    return posted.once(
        asked,
        lambda command_id: (
            commands.schedule_cancellation(
                subscription_id, at=asked.at, reason=asked.reason, command_id=command_id
            )
            if later
            else commands.cancel(
                subscription_id,
                reason=asked.reason,
                credit=asked.credit,
                refund=asked.refund,
                command_id=command_id,
            )
        ),
    )


@post("/subscriptions/{subscription_id:str}/reactivation", status_code=201, sync_to_thread=True)
def withdraw_cancellation(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[Withdrawal]
) -> Response[Accepted]:
    """Let a subscription go on that was going to end.

    201: it goes on, or no end was planned. 404 subscription-unknown. 409 subscription-ended.
    422 reason-malformed.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.withdraw_cancellation(
            subscription_id, reason=asked.reason, command_id=command_id
        ),
    )


CHANGING = [
    change_terms,
    change_anchor,
    release_billing,
    pause_subscription,
    resume_subscription,
    grant_credit,
    cancel_subscription,
    withdraw_cancellation,
]
