"""What falls due and what waits: the same rows and words for the API and the command line."""

from __future__ import annotations

from datetime import datetime

import attrs

from infrastructure.bootstrap import System
from infrastructure.store.circuits import OpenCircuit
from projections.due_dates import DueDates, DueLine, due_lines
from projections.table import ColumnValue


@attrs.frozen(kw_only=True)
class Due:
    """position: at which the lines are valid. subscriptions: how many rows they were read from.

    outages: accounts that answer nothing just now, so that what needs them waits.
    """

    position: int
    subscriptions: int
    lines: tuple[DueLine, ...]
    outages: tuple[OpenCircuit, ...]


def read_due(
    system: System,
    moment: datetime,
    *,
    customer_id: str | None = None,
    waiting: bool = False,
    limit: int = 100,
    offset: int = 0,
) -> Due:
    """What falls due up to `moment`, UTC, and why other items of those subscriptions wait.

    waiting: instead, what stands still until a person acts or an account is in order again.
    limit, offset: count subscriptions.
    """
    where: dict[str, ColumnValue] = {} if customer_id is None else {"customer_id": customer_id}
    outages = system.circuits.by_account()
    found: dict[str, DueDates] = {}
    if waiting:
        page = system.views.select(
            "due_dates",
            {**where, "stands_still": True},
            order="next_due_at",
            limit=limit,
            offset=offset,
        )
        found.update(page.rows)
    queries: list[dict[str, ColumnValue]] = (
        [{**where, "provider": provider, "account": account} for provider, account in outages]
        if waiting
        else [where]
    )
    for query in queries:
        page = system.views.select(
            "due_dates",
            query,
            at_most={"listed_from": moment},
            order="next_due_at",
            limit=limit,
            offset=offset,
        )
        found.update(page.rows)
    words = {key: str(each) for key, each in outages.items()}
    return Due(
        position=page.position,
        subscriptions=len(found),
        lines=due_lines(found.values(), moment, words),
        outages=tuple(outages.values()),
    )
