"""Cards that expire soon, from the stored agenda: read by the API and the command line."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import attrs

from projections.expiring import ExpiringCard, expiring_cards

if TYPE_CHECKING:
    from infrastructure.bootstrap import System


@attrs.frozen(kw_only=True)
class ExpiringCards:
    """position: at which it is valid. as_of: UTC. cut: whether there are more than were asked for.

    items: the first to expire first.
    """

    position: int
    as_of: datetime
    items: tuple[ExpiringCard, ...]
    cut: bool


def cards_that_expire(system: System, *, days: int, limit: int, offset: int = 0) -> ExpiringCards:
    """Cards whose last day comes within so many days. limit, offset: count subscriptions.

    Raises: ViewMissing.
    """
    now = system.clock()
    # A day more: subscriptions have days of their own, which may be ahead of UTC's.
    latest = (now + timedelta(days=days + 1)).date()
    page = system.views.select(
        "due_dates",
        {},
        at_most={"card_expires_on": latest},
        order="card_expires_on",
        limit=limit,
        offset=offset,
    )
    items = expiring_cards((row.state for row in page.rows.values()), now=now, days=days)
    return ExpiringCards(
        position=page.position, as_of=now, items=items, cut=len(page.rows) >= limit
    )
