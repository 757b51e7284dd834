"""What can be commanded. Each POST carries an Idempotency-Key; a repeat gets the first answer.

What changes a subscription that runs: changing.py. Besides what each docstring lists, every POST
may answer 400 request-malformed or idempotency-key-missing, 401, 413, 422 idempotency-key-reused,
and 503.
"""

from __future__ import annotations

import asyncio
import time
from typing import Annotated
from uuid import UUID, uuid4

from litestar import Response, post
from litestar.params import FromPath, JSONBody, QueryParameter

from infrastructure.api.asking import Decision, StartRequest, TokenDeletion, TokenWanted
from infrastructure.api.idempotency import Post
from infrastructure.api.messages import Accepted, TokenAnswer
from infrastructure.api.reading import token_answer
from infrastructure.bootstrap import System
from infrastructure.commands.finding import charge_of

LONGEST_WAIT_S = 30.0
_LOOK_EVERY_S = 0.1

WaitSeconds = Annotated[float, QueryParameter(ge=0, le=LONGEST_WAIT_S, description="Seconds.")]


@post("/subscriptions", status_code=201, sync_to_thread=True)
def start_subscription(posted: Post, data: JSONBody[StartRequest]) -> Response[Accepted]:
    """Start a subscription; billing begins once the payer has approved.

    201: started, or it was before with the same terms (`changed` is false then).
    409 subscription-exists: the id has other terms. 422 with the code of the broken rule.
    By a plan's name also: 404 plan-unknown, plan-version-unknown; 409 plan-retired,
    plan-not-available, plan-version-not-available, plan-version-moved; 422 terms-ambiguous.
    With a first payment in the session also 409 first-payment-not-due: nothing is owed by now;
    422 first-payment-not-offered: the provider's page takes no payment.
    """
    asked = posted.strictly(data)
    wish = asked.wish(uuid4())
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.start(
            wish, request_token=asked.request_token, command_id=command_id
        ),
    )


@post("/subscriptions/{subscription_id:str}/token-requests", status_code=202)
async def request_token(
    posted: Post,
    subscription_id: FromPath[str],
    data: JSONBody[TokenWanted],
    wait_s: WaitSeconds = 0.0,
) -> Response[TokenAnswer]:
    """Ask for the payer's approval. While a request is open, it is that one.

    wait_s: wait that long for the provider's page; the link is in the answer once it is there.
    202: the request is written. 404 subscription-unknown. 409 subscription-ended,
    token-request-open (the other method's, or elsewhere), first-method-missing (for a backup of
    nothing). 422 account-unknown. With a first payment in the session also 409 token-usable,
    charge-open, first-payment-not-due; 422 first-payment-not-offered, first-payment-elsewhere.
    """
    asked = posted.strictly(data)

    def command() -> Response[Accepted]:
        return posted.once(
            asked,
            status=202,
            run=lambda command_id: posted.subscriptions.request_token(
                subscription_id,
                reason=asked.reason,
                backup=asked.backup,
                provider=asked.provider,
                account=asked.account,
                first_payment=asked.first_payment,
                command_id=command_id,
            ),
        )

    given = await asyncio.to_thread(command)
    answer = await _page(posted.system, subscription_id, wait_s)
    return Response(content=answer, status_code=given.status_code, headers=given.headers)


@post("/subscriptions/{subscription_id:str}/token/deletion", status_code=202, sync_to_thread=True)
def delete_tokens(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[TokenDeletion]
) -> Response[Accepted]:
    """Charge nothing with the tokens from now on, and have the provider forget them. Where billing
    goes on, the payer is asked for another.

    202: intended (`changed` is false where it was before); a worker asks the provider until they
    are gone. 404 subscription-unknown. 409 token-missing: there never was such a token.
    422 reason-malformed.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        status=202,
        run=lambda command_id: posted.subscriptions.delete_tokens(
            subscription_id, asked.which, reason=asked.reason, command_id=command_id
        ),
    )


async def _page(system: System, subscription_id: str, wait_s: float) -> TokenAnswer:
    """The token's state, once there is a page to show, or when the time is up."""
    deadline = time.monotonic() + wait_s
    while True:
        answer = await asyncio.to_thread(token_answer, system, subscription_id)
        open_and_bare = answer.token.request_id is not None and not answer.token.approve_url
        if not open_and_bare or time.monotonic() + _LOOK_EVERY_S > deadline:
            return answer
        await asyncio.sleep(_LOOK_EVERY_S)


@post("/attempts/{attempt_id:uuid}/decision", status_code=201, sync_to_thread=True)
def decide_attempt(
    posted: Post, attempt_id: FromPath[UUID], data: JSONBody[Decision]
) -> Response[Accepted]:
    """Settle a charge of unknown outcome by a person's own evidence.

    201: settled as said. 404 attempt-unknown. 409 attempt-not-unknown: it is no open doubt.
    422 reason-malformed, received-not-positive, provider-ref-malformed.
    """
    asked = posted.strictly(data)
    received = None if asked.received is None else asked.received.money()
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.decide_by_person(
            charge_of(posted.system, attempt_id).subscription_id,
            attempt_id,
            received=received,
            provider_ref=asked.provider_ref,
            reason=asked.reason,
            command_id=command_id,
        ),
    )


COMMANDING = [start_subscription, request_token, delete_tokens, decide_attempt]
