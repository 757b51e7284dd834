"""Ask before you act: pure answers, nothing written, so no Idempotency-Key.

Each may answer 400 request-malformed, 401, 413, and 422 with the code of the broken rule; the
codes are listed in infrastructure/commands/previews.py, change_previews.py and
settlement_previews.py.
"""

from __future__ import annotations

from litestar import post
from litestar.params import JSONBody, RawBody

from infrastructure.api.idempotency import strictly
from infrastructure.api.reading import Books
from infrastructure.commands.change_previews import ChangeAnswer, ChangeAsked, answer_change, stated
from infrastructure.commands.plan_previews import answer_schedule_by_plan
from infrastructure.commands.previews import (
    PriceAnswer,
    PriceAsked,
    ProrationAnswer,
    ProrationAsked,
    RetriesAnswer,
    RetriesAsked,
    ScheduleAnswer,
    ScheduleAsked,
    answer_price,
    answer_proration,
    answer_retries,
    answer_schedule,
)
from infrastructure.commands.settlement_previews import (
    SettlementAnswer,
    SettlementAsked,
    settlement_of,
)
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.commands.wishes import checked_instant


@post("/previews/schedule", status_code=200, sync_to_thread=True)
def preview_schedule(system: Books, data: JSONBody[ScheduleAsked], body: RawBody) -> ScheduleAnswer:
    """The invoices that terms lead to, with periods, due instants and lines.

    By a published plan's name, with its announced moves. 404 plan-unknown.
    """
    asked = strictly(body, data)
    if asked.plan is not None:
        return answer_schedule_by_plan(system, asked)
    return answer_schedule(asked)


@post("/previews/change", status_code=200, sync_to_thread=True)
def preview_change(system: Books, data: JSONBody[ChangeAsked], body: RawBody) -> ChangeAnswer:
    """What a change would write, and the next invoice: of a subscription, or of none.

    404 subscription-unknown. 409 what the change itself would be refused for.
    """
    asked = strictly(body, data)
    if asked.subscription_id is None or asked.present is not None:
        state, at = stated(asked, system.zone_version)
        return answer_change(asked, state, now=at, zone_version=system.zone_version)
    state, position = Subscriptions(system, actor="api").find(asked.subscription_id)
    at = system.clock() if asked.at is None else checked_instant(asked.at)
    return answer_change(asked, state, now=at, zone_version=system.zone_version, position=position)


@post("/previews/price", status_code=200, sync_to_thread=True)
def preview_price(data: JSONBody[PriceAsked], body: RawBody) -> PriceAnswer:
    """What one period costs: by quantity, usage of each meter, discounts and tax, with working."""
    return answer_price(strictly(body, data))


@post("/previews/proration", status_code=200, sync_to_thread=True)
def preview_proration(data: JSONBody[ProrationAsked], body: RawBody) -> ProrationAnswer:
    """What the rest of a period is worth from an instant on, with its working."""
    return answer_proration(strictly(body, data))


@post("/previews/retries", status_code=200, sync_to_thread=True)
def preview_retries(data: JSONBody[RetriesAsked], body: RawBody) -> RetriesAnswer:
    """When a declined charge would be tried again, and what happens after that."""
    return answer_retries(strictly(body, data))


@post("/previews/settlement", status_code=200, sync_to_thread=True)
def preview_settlement(
    system: Books, data: JSONBody[SettlementAsked], body: RawBody
) -> SettlementAnswer:
    """What paying all instalments that are left at once would come to.

    404 subscription-unknown. 409 what settling itself would be refused for.
    """
    asked = strictly(body, data)
    state, position = Subscriptions(system, actor="api").find(asked.subscription_id)
    return settlement_of(
        state,
        reason=asked.reason,
        now=system.clock() if asked.at is None else asked.at,
        zone_version=system.zone_version,
        position=position,
    )


PREVIEWING = [
    *(preview_schedule, preview_price, preview_change, preview_proration, preview_retries),
    preview_settlement,
]
