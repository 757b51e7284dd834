"""Whom a rehearsal pays something back, drawn by a seed: a tenth of the customers, once each.

At noon of the twelfth day of one of their months: a part of a month's price, a whole one, or what
is unused, with the end of the subscription.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time, timedelta

from domain.calendar import Interval, Unit, count_from
from domain.money import Money
from domain.plan import Proration
from infrastructure.commands.customers import CustomerRow
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.rehearsal.changes import PlannedChange
from infrastructure.rehearsal.plan import Window

ONE_IN = 10
_TWELFTH_DAY = timedelta(days=11)
# How many: most get a part back.
_DRAWN = ("a part refunded",) * 3 + ("refunded in full",) * 2 + ("cancelled with refund",)


def planned_refunds(
    rows: Iterable[CustomerRow], plan: Window, seed: str
) -> tuple[PlannedChange, ...]:
    """The refunds of a rehearsal, in the order of time; the same seed, the same refunds."""
    drawn = random.Random(f"refunds/{seed}")  # noqa: S311 - a rehearsal's dice
    found = []
    for row in rows:
        months = min(row.months or 0, plan.months)
        if months < 1 or drawn.randrange(ONE_IN):
            continue
        first = count_from(row.start, Interval(Unit.MONTH), drawn.randrange(months))
        at = datetime.combine(first + _TWELFTH_DAY, time(12), tzinfo=UTC)
        kind = drawn.choice(_DRAWN)
        found.append(PlannedChange(at=at, subscription_id=row.subscription_id, kind=kind))
    return tuple(sorted(found, key=lambda each: (each.at, each.subscription_id)))


def _refund(commands: Subscriptions, wish: PlannedChange, part: int) -> None:
    """The latest charge, or one over so many of it."""
    state, _ = commands.find(wish.subscription_id)
    left = state.collected[-1].left.minor if state.collected else 0
    amount = Money(max(left // part, 1), state.currency)
    commands.refund(wish.subscription_id, amount, grant=True, reason="an outage")


def _part(commands: Subscriptions, wish: PlannedChange) -> None:
    _refund(commands, wish, 3)


def _whole(commands: Subscriptions, wish: PlannedChange) -> None:
    _refund(commands, wish, 1)


def _cancelled(commands: Subscriptions, wish: PlannedChange) -> None:
    commands.cancel(
        wish.subscription_id, reason="not content", credit=Proration.BY_DAY, refund=True
    )


REFUND_KINDS: Mapping[str, Callable[[Subscriptions, PlannedChange], None]] = {
    "a part refunded": _part,
    "refunded in full": _whole,
    "cancelled with refund": _cancelled,
}
