"""The catalogue: its plans, read and changed.

What each may answer besides what its docstring lists: see commanding.py.
"""

from __future__ import annotations

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from domain.identity import checked_id
from domain.refusals import Refused
from infrastructure.api.asking_plans import MoveWanted, MoveWithdrawal, NewVersion, Retirement
from infrastructure.api.idempotency import Post, Posted
from infrastructure.api.messages import Accepted
from infrastructure.api.plan_messages import PlanAnswer, PlansAnswer, PlanView
from infrastructure.api.reading import AtLeast, Books, Limit, Offset, require_view
from infrastructure.bootstrap import System
from infrastructure.commands.plans import Plans

_VIEWS = ("plans", "due_dates")


@get("/plans", sync_to_thread=True)
def read_plans(
    system: Books, at_least: AtLeast = 0, limit: Limit = 100, offset: Offset = 0
) -> PlansAnswer:
    """Every plan with its versions, and how many subscribe to each.

    503 position-not-reached.
    """
    _require(system, at_least)
    page, now = system.views.select("plans", limit=limit, offset=offset), system.clock()
    plans = tuple(PlanView.of(system, each, now) for each in page.rows.values())
    return PlansAnswer(position=page.position, items=plans)


@get("/plans/{code:str}", sync_to_thread=True)
def read_plan(system: Books, code: FromPath[str], at_least: AtLeast = 0) -> PlanAnswer:
    """One plan: versions with their dates and subscribers, and the moves that were announced.

    404 plan-unknown; 422 id-malformed; 503 position-not-reached.
    """
    _require(system, at_least)
    found = system.views.get("plans", checked_id("plan", code))
    if found.row is None:
        raise Refused("plan-unknown", f"no version of {code} is published")
    view = PlanView.of(system, found.row, system.clock())
    return PlanAnswer(position=found.position, plan=view)


@post("/plans/{code:str}/versions", status_code=201, sync_to_thread=True)
def publish_version(
    posted: Post, code: FromPath[str], data: JSONBody[NewVersion]
) -> Response[Accepted]:
    """Publish a version of a plan; the first one makes the plan.

    201: published, now or before. 409 plan-version-fixed, plan-version-gap,
    plan-available-too-early. 422 with the code of the broken rule.
    """
    asked = posted.strictly(data)
    wish = asked.wish(checked_id("plan", code))
    return posted.once(
        asked,
        lambda command_id: _by(posted).publish(wish, command_id=command_id),
    )


@post("/plans/{code:str}/retirement", status_code=201, sync_to_thread=True)
def retire_plan(
    posted: Post, code: FromPath[str], data: JSONBody[Retirement]
) -> Response[Accepted]:
    """Let nobody start on a plan any more; those on it go on.

    201: retired, now or before. 404 plan-unknown. 409 plan-retired.
    422 retirement-in-the-past, instant-without-offset, reason-malformed.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        lambda command_id: _by(posted).retire(
            code, retired_at=asked.retired_at, reason=asked.reason, command_id=command_id
        ),
    )


@post("/plans/{code:str}/moves", status_code=201, sync_to_thread=True)
def announce_move(
    posted: Post, code: FromPath[str], data: JSONBody[MoveWanted]
) -> Response[Accepted]:
    """Move subscribers to another version, with the first period on or after a day.

    201: announced, now or before; the workers carry it out. 404 plan-unknown,
    plan-version-unknown. 409 move-announced, move-in-a-circle, currency-fixed, kind-fixed,
    timing-fixed, instalments-fixed. 422 move-too-soon, move-nowhere, reason-malformed.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        lambda command_id: _by(posted).announce_move(
            code,
            from_version=asked.from_version,
            to_version=asked.to_version,
            on=asked.on,
            reason=asked.reason,
            command_id=command_id,
        ),
    )


@post("/plans/{code:str}/moves/withdrawal", status_code=201, sync_to_thread=True)
def withdraw_move(
    posted: Post, code: FromPath[str], data: JSONBody[MoveWithdrawal]
) -> Response[Accepted]:
    """Take an announced move back; who has been moved stays moved.

    201: withdrawn, now or before. 404 plan-unknown, move-unknown. 422 reason-malformed.
    """
    asked = posted.strictly(data)
    return posted.once(
        asked,
        lambda command_id: _by(posted).withdraw_move(
            code,
            from_version=asked.from_version,
            to_version=asked.to_version,
            reason=asked.reason,
            command_id=command_id,
        ),
    )


def _by(posted: Posted) -> Plans:
    """Commands in the caller's name."""
    return Plans(posted.system, actor=posted.actor)


def _require(system: System, position: int) -> None:
    for name in _VIEWS:
        require_view(system, name, position)


PLANNING = [read_plans, read_plan, publish_version, retire_plan, announce_move, withdraw_move]
