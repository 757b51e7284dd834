"""Commands on a subscription that runs: change, pause, resume, credit, end, let go on.

What each may answer besides what its docstring lists: see commanding.py. Every refusal leaves
nothing written.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post
from litestar.params import FromPath, JSONBody, RawBody

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
from infrastructure.api.commanding import IdempotencyKey, by
from infrastructure.api.idempotency import once, strictly
from infrastructure.api.messages import Accepted
from infrastructure.api.reading import Books

_AnyRequest = Request[Any, Any, Any]


@post("/subscriptions/{subscription_id:str}/changes", status_code=201, sync_to_thread=True)
def change_terms(
    system: Books,
    request: _AnyRequest,
    subscription_id: FromPath[str],
    data: JSONBody[TermsChange],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """Agree to other terms: now, with the rest of the period billed anew, or from its end on.

    201: agreed, now or before. 404 subscription-unknown. 409 subscription-not-active,
    cancellation-scheduled, currency-fixed, instalments-fixed, change-at-period-end.
    422 with the code of the broken rule.
    """
    asked = strictly(body, data)
    new = asked.terms.new_terms()
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: by(system, request).change_terms(
            subscription_id,
            new,
            when=asked.when,
            reason=asked.reason,
            proration=asked.proration,
            command_id=command_id,
        ),
    )


@post("/subscriptions/{subscription_id:str}/anchor", status_code=201, sync_to_thread=True)
def change_anchor(
    system: Books,
    request: _AnyRequest,
    subscription_id: FromPath[str],
    data: JSONBody[AnchorWanted],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """Let regular periods begin on another day; up to it, a part of a period is billed.

    201: moved, now or before. 404 subscription-unknown. 409 subscription-not-active,
    cancellation-scheduled, change-pending, instalments-fixed, billing-parked.
    422 anchor-out-of-range, reason-malformed.
    """
    asked = strictly(body, data)
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: by(system, request).change_anchor(
            subscription_id, asked.anchor, reason=asked.reason, command_id=command_id
        ),
    )


@post("/subscriptions/{subscription_id:str}/release", status_code=201, sync_to_thread=True)
def release_billing(
    system: Books,
    request: _AnyRequest,
    subscription_id: FromPath[str],
    data: JSONBody[Release],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """Bill on, after a person has looked at a subscription that was parked.

    201: released, or it was not parked. 404 subscription-unknown. 422 reason-malformed.
    """
    asked = strictly(body, data)
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: by(system, request).release(
            subscription_id, reason=asked.reason, command_id=command_id
        ),
    )


@post("/subscriptions/{subscription_id:str}/pause", status_code=201, sync_to_thread=True)
def pause_subscription(
    system: Books,
    request: _AnyRequest,
    subscription_id: FromPath[str],
    data: JSONBody[PauseWanted],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """Bill no period from now on; what is owed is collected.

    201: paused, now or before. 404 subscription-unknown. 409 subscription-not-active,
    cancellation-scheduled, instalments-fixed, trial-not-begun. 422 pause-in-the-past,
    instant-without-offset, instant-out-of-range, reason-malformed.
    """
    asked = strictly(body, data)
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: by(system, request).pause(
            subscription_id,
            until=asked.until,
            credit=asked.credit,
            reason=asked.reason,
            command_id=command_id,
        ),
    )


@post("/subscriptions/{subscription_id:str}/resumption", status_code=201, sync_to_thread=True)
def resume_subscription(
    system: Books,
    request: _AnyRequest,
    subscription_id: FromPath[str],
    data: JSONBody[ResumeWanted],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """Bill periods again.

    201: resumed, or it was not paused. 404 subscription-unknown. 409 subscription-ended.
    422 reason-malformed.
    """
    asked = strictly(body, data)
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: by(system, request).resume(
            subscription_id, how=asked.how, reason=asked.reason, command_id=command_id
        ),
    )


@post("/subscriptions/{subscription_id:str}/credits", status_code=201, sync_to_thread=True)
def grant_credit(
    system: Books,
    request: _AnyRequest,
    subscription_id: FromPath[str],
    data: JSONBody[CreditWanted],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """Give credit that pays the invoices to come; another key is another credit.

    201: granted. 404 subscription-unknown. 409 subscription-ended. 422 credit-not-positive,
    currency-mixed, reason-malformed.
    """
    asked = strictly(body, data)
    amount = asked.amount.money()
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: by(system, request).grant_credit(
            subscription_id, amount, reason=asked.reason, command_id=command_id
        ),
    )


@post("/subscriptions/{subscription_id:str}/cancellation", status_code=201, sync_to_thread=True)
def cancel_subscription(
    system: Books,
    request: _AnyRequest,
    subscription_id: FromPath[str],
    data: JSONBody[Cancellation],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """End billing: now, when the running period is over, or at an instant.

    What is owed stays owed, and a charge that was sent is still settled.
    201: cancelled or planned, now or before. 404 subscription-unknown. 409
    subscription-completed, subscription-not-active, cancellation-at-period-end. 422
    cancellation-ambiguous, cancellation-in-the-past, instant-without-offset,
    instant-out-of-range, reason-malformed.
    """
    asked = strictly(body, data)
    later = asked.later
    commands = by(system, request)
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: (
            commands.schedule_cancellation(
                subscription_id, at=asked.at, reason=asked.reason, command_id=command_id
            )
            if later
            else commands.cancel(
                subscription_id, reason=asked.reason, credit=asked.credit, command_id=command_id
            )
        ),
    )


@post("/subscriptions/{subscription_id:str}/reactivation", status_code=201, sync_to_thread=True)
def withdraw_cancellation(
    system: Books,
    request: _AnyRequest,
    subscription_id: FromPath[str],
    data: JSONBody[Withdrawal],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """Let a subscription go on that was going to end.

    201: it goes on, or no end was planned. 404 subscription-unknown. 409 subscription-ended.
    422 reason-malformed.
    """
    asked = strictly(body, data)
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: by(system, request).withdraw_cancellation(
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
