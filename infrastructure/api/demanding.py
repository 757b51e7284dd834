"""Commands about what is billed beside the schedule.

What each may answer besides what its docstring lists: see commanding.py.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post
from litestar.params import FromPath, JSONBody, RawBody

from infrastructure.api.asked_demands import BalanceSeen, DemandWanted
from infrastructure.api.commanding import IdempotencyKey, by
from infrastructure.api.idempotency import once, strictly
from infrastructure.api.messages import Accepted
from infrastructure.api.reading import Books

_AnyRequest = Request[Any, Any, Any]


@post("/subscriptions/{subscription_id:str}/demands", status_code=201, sync_to_thread=True)
def demand(
    system: Books,
    request: _AnyRequest,
    subscription_id: FromPath[str],
    data: JSONBody[DemandWanted],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """Charge once, now, beside any schedule; a demand_id is billed once, whatever the key.

    201: billed, now or before (`changed` is false then); a worker charges it. 404
    subscription-unknown. 409 subscription-not-active, subscription-ended, demand-id-reused,
    too-many-demands, amount-fixed, instalments-fixed. 422 amount-not-positive, currency-mixed,
    description-malformed, tax-malformed, percent-malformed, percent-too-precise, id-malformed,
    reason-malformed.
    """
    asked = strictly(body, data)
    wish = asked.demand()
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: by(system, request).demand(subscription_id, wish, command_id=command_id),
    )


@post("/subscriptions/{subscription_id:str}/balance-reports", status_code=201, sync_to_thread=True)
def report_balance(
    system: Books,
    request: _AnyRequest,
    subscription_id: FromPath[str],
    data: JSONBody[BalanceSeen],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
) -> Response[Accepted]:
    """Say what a customer has left; below the agreed threshold it is reloaded, once each time.

    201: noted; `changed` is false for a report that is known, or not later than the last one.
    404 subscription-unknown. 409 subscription-not-active, subscription-ended, report-id-reused,
    reload-not-agreed. 422 balance-in-the-future, currency-mixed, id-malformed,
    instant-without-offset, instant-out-of-range.
    """
    asked = strictly(body, data)
    wish = asked.report()
    return once(
        request,
        system,
        idempotency_key,
        asked,
        201,
        lambda command_id: by(system, request).report_balance(
            subscription_id, wish, command_id=command_id
        ),
    )


DEMANDING = [demand, report_balance]
