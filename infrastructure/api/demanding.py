"""Commands about what is billed beside the schedule.

What each may answer besides what its docstring lists: see commanding.py.
"""

from __future__ import annotations

from litestar import Response, post
from litestar.params import FromPath, JSONBody

from infrastructure.api.asked_demands import BalanceSeen, DemandWanted, SettlementWanted
from infrastructure.api.idempotency import Post
from infrastructure.api.messages import Accepted


@post("/subscriptions/{subscription_id:str}/demands", status_code=201, sync_to_thread=True)
def demand(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[DemandWanted]
) -> Response[Accepted]:
    """Charge once, now, beside any schedule; a demand_id is billed once, whatever the key.

    201: billed, now or before (`changed` is false then); a worker charges it. 404
    subscription-unknown. 409 subscription-not-active, subscription-ended, demand-id-reused,
    too-many-demands, amount-fixed, instalments-fixed. 422 amount-not-positive, currency-mixed,
    description-malformed, tax-malformed, percent-malformed, percent-too-precise, id-malformed,
    reason-malformed.
    """
    asked = posted.strictly(data)
    wish = asked.demand()
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.demand(
            subscription_id, wish, command_id=command_id
        ),
    )


@post("/subscriptions/{subscription_id:str}/balance-reports", status_code=201, sync_to_thread=True)
def report_balance(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[BalanceSeen]
) -> Response[Accepted]:
    """Say what a customer has left; below the agreed threshold it is reloaded, once each time.

    201: noted; `changed` is false for a report that is known, or not later than the last one.
    404 subscription-unknown. 409 subscription-not-active, subscription-ended, report-id-reused,
    reload-not-agreed. 422 balance-in-the-future, currency-mixed, id-malformed,
    instant-without-offset, instant-out-of-range.
    """
    asked = posted.strictly(data)
    wish = asked.report()
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.report_balance(
            subscription_id, wish, command_id=command_id
        ),
    )


@post("/subscriptions/{subscription_id:str}/settlement", status_code=201, sync_to_thread=True)
def settle(
    posted: Post, subscription_id: FromPath[str], data: JSONBody[SettlementWanted]
) -> Response[Accepted]:
    """Bill all instalments that are left on one invoice, now; the schedule bills nothing more.

    201: billed; a worker charges it. 404 subscription-unknown. 409 not-instalments,
    nothing-to-settle, already-settled, subscription-not-active, subscription-ended,
    token-unusable, cancellation-scheduled, billing-parked. 422 reason-malformed.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        lambda command_id: posted.subscriptions.settle(
            subscription_id, reason=asked.reason, command_id=command_id
        ),
    )


DEMANDING = [demand, report_balance, settle]
