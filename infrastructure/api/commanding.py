"""What can be commanded. Each POST carries an Idempotency-Key; a repeat gets the first answer.

What changes a subscription that runs: changing.py. Besides what each docstring lists, every POST
may answer 400 request-malformed or idempotency-key-missing, 401, 413, 422 idempotency-key-reused,
and 503.
"""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any
from uuid import UUID, uuid4

from litestar import Request, Response, post
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter, RawBody

from domain.refusals import Refused
from infrastructure.api.asking import Decision, StartRequest, TokenWanted
from infrastructure.api.callers import actor_of, caller_of
from infrastructure.api.idempotency import once, strictly
from infrastructure.api.messages import Accepted, TokenAnswer
from infrastructure.api.reading import Books, token_answer
from infrastructure.bootstrap import System
from infrastructure.commands.subscriptions import Subscriptions

LONGEST_WAIT_S = 30.0
_LOOK_EVERY_S = 0.1

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(name="Idempotency-Key", required=False, description="1-200 visible ASCII."),
]
WaitSeconds = Annotated[float, QueryParameter(ge=0, le=LONGEST_WAIT_S, description="Seconds.")]
AnyRequest = Request[Any, Any, Any]


def by(system: System, request: AnyRequest) -> Subscriptions:
    """Commands in the caller's name."""
    return Subscriptions(system, actor=actor_of(caller_of(request)))


@post("/subscriptions", status_code=201, sync_to_thread=True)
def start_subscription(
    system: Books,
    request: AnyRequest,
    data: JSONBody[StartRequest],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """Start a subscription; billing begins once the payer has approved.

    201: started, or it was before with the same terms (`changed` is false then).
    409 subscription-exists: the id has other terms. 422 with the code of the broken rule.
    By a plan's name also: 404 plan-unknown, plan-version-unknown; 409 plan-retired,
    plan-not-available, plan-version-not-available, plan-version-moved; 422 terms-ambiguous.
    """
    asked = strictly(body, data)
    wish = asked.wish(uuid4())
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: by(system, request).start(
            wish, request_token=asked.request_token, command_id=command_id
        ),
    )


@post("/subscriptions/{subscription_id:str}/token-requests", status_code=202)
async def request_token(
    system: Books,
    request: AnyRequest,
    subscription_id: FromPath[str],
    data: JSONBody[TokenWanted],
    body: RawBody,
    wait_s: WaitSeconds = 0.0,
    idempotency_key: IdempotencyKey = None,
) -> Response[TokenAnswer]:
    """Ask for the payer's approval. While a request is open, it is that one.

    wait_s: wait that long for the provider's page; the link is in the answer once it is there.
    202: the request is written. 404 subscription-unknown. 409 subscription-ended,
    token-request-open (the other method's), first-method-missing (for a backup of nothing).
    """
    asked = strictly(body, data)

    def command() -> Response[Accepted]:
        return once(
            request,
            system,
            idempotency_key,
            asked,
            202,
            lambda command_id: by(system, request).request_token(
                subscription_id, reason=asked.reason, backup=asked.backup, command_id=command_id
            ),
        )

    given = await asyncio.to_thread(command)
    answer = await _page(system, subscription_id, wait_s)
    return Response(content=answer, status_code=given.status_code, headers=given.headers)


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
    system: Books,
    request: AnyRequest,
    attempt_id: FromPath[UUID],
    data: JSONBody[Decision],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """Settle a charge of unknown outcome by a person's own evidence.

    201: settled as said. 404 attempt-unknown. 409 attempt-not-unknown: it is no open doubt.
    422 reason-malformed, received-not-positive, provider-ref-malformed.
    """
    asked = strictly(body, data)
    received = None if asked.received is None else asked.received.money()
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: by(system, request).decide_by_person(
            _subscription_of(system, attempt_id),
            attempt_id,
            received=received,
            provider_ref=asked.provider_ref,
            reason=asked.reason,
            command_id=command_id,
        ),
    )


def _subscription_of(system: System, attempt_id: UUID) -> str:
    charge = system.views.get("charges", str(attempt_id)).row
    if charge is None:
        raise Refused("attempt-unknown", f"there is no attempt {attempt_id}")
    subscription_id: str = charge.subscription_id
    return subscription_id


COMMANDING = [start_subscription, request_token, decide_attempt]
