"""Accounting periods: read, closed, locked, and opened again by two people.

What each may answer besides what its docstring lists: see commanding.py.
"""

from __future__ import annotations

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from domain.periods.months import checked_period
from domain.refusals import Refused
from infrastructure.api.idempotency import Post, Posted
from infrastructure.api.messages import Accepted
from infrastructure.api.period_messages import PeriodAnswer, PeriodsAnswer, PeriodView, PeriodWish
from infrastructure.api.reading import AtLeast, Books, Limit, Offset, require_view
from infrastructure.commands.periods import Periods


@get("/periods", sync_to_thread=True)
def read_periods(
    system: Books, at_least: AtLeast = 0, limit: Limit = 100, offset: Offset = 0
) -> PeriodsAnswer:
    """Every period that was ever closed, with its last seal.

    503 position-not-reached.
    """
    require_view(system, "periods", at_least)
    page = system.views.select("periods", limit=limit, offset=offset)
    found = tuple(PeriodView.of(each) for each in page.rows.values())
    return PeriodsAnswer(position=page.position, items=found)


@get("/periods/{period:str}", sync_to_thread=True)
def read_period(system: Books, period: FromPath[str], at_least: AtLeast = 0) -> PeriodAnswer:
    """One period with its last seal.

    404 period-unknown; 422 period-malformed; 503 position-not-reached.
    """
    require_view(system, "periods", at_least)
    found = system.views.get("periods", checked_period(period))
    if found.row is None:
        raise Refused("period-unknown", f"{period} was never closed")
    return PeriodAnswer(position=found.position, period=PeriodView.of(found.row))


@post("/periods/{period:str}/closing", status_code=201, sync_to_thread=True)
def close_period(
    posted: Post, period: FromPath[str], data: JSONBody[PeriodWish]
) -> Response[Accepted]:
    """Seal what the books come to by the end of a period; what is recorded later counts later.

    201: closed, now or before. 409 period-not-over, period-gap, period-zone-mixed.
    422 period-malformed, id-malformed, reason-malformed.
    """
    asked = posted.strictly(data)
    wish = asked.wish(checked_period(period))
    return posted.once(asked, lambda command_id: _by(posted).close(wish, command_id=command_id))


@post("/periods/{period:str}/lock", status_code=201, sync_to_thread=True)
def lock_period(
    posted: Post, period: FromPath[str], data: JSONBody[PeriodWish]
) -> Response[Accepted]:
    """Let a closed period never be opened again.

    201: locked, now or before. 409 period-not-closed. 422 as closing.
    """
    asked = posted.strictly(data)
    wish = asked.wish(checked_period(period))
    return posted.once(asked, lambda command_id: _by(posted).lock(wish, command_id=command_id))


@post("/periods/{period:str}/reopening-request", status_code=201, sync_to_thread=True)
def ask_reopening(
    posted: Post, period: FromPath[str], data: JSONBody[PeriodWish]
) -> Response[Accepted]:
    """Ask for the last closed period to be opened again; another person approves.

    201: asked, now or before. 409 period-not-closed, period-locked, period-not-latest,
    reopening-asked. 422 as closing.
    """
    asked = posted.strictly(data)
    wish = asked.wish(checked_period(period))
    return posted.once(
        asked, lambda command_id: _by(posted).ask_reopening(wish, command_id=command_id)
    )


@post("/periods/{period:str}/reopening", status_code=201, sync_to_thread=True)
def reopen_period(
    posted: Post, period: FromPath[str], data: JSONBody[PeriodWish]
) -> Response[Accepted]:
    """Approve that a period is opened again.

    201: open, now or before. 409 period-not-closed, period-locked, period-not-latest,
    reopening-not-asked, same-person. 422 as closing.
    """
    asked = posted.strictly(data)
    wish = asked.wish(checked_period(period))
    return posted.once(asked, lambda command_id: _by(posted).reopen(wish, command_id=command_id))


def _by(posted: Posted) -> Periods:
    """Commands in the caller's name."""
    return Periods(posted.system, actor=posted.actor)


CLOSING = [
    *(read_periods, read_period),
    *(close_period, lock_period, ask_reopening, reopen_period),
]
