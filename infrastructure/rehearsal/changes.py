"""What a tenth of the customers of a rehearsal wish for on the way, drawn by a seed.

Each of them makes one wish, at noon of the tenth day of one of the months that they are billed for:
another price, another quantity, a pause, credit, or an end.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time, timedelta

import attrs

from domain.calendar import Interval, Unit, count_from
from domain.money import Money
from domain.plan import Proration
from domain.refusals import Refused
from domain.subscription.events import When
from infrastructure.commands.customers import CustomerRow
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.commands.wishes import NewTerms
from infrastructure.rehearsal.plan import Window

ONE_IN = 10
_TENTH_DAY = timedelta(days=9)
# What is billed for fewer months has no middle.
_FEWEST_MONTHS = 2


@attrs.frozen(kw_only=True)
class PlannedChange:
    """One customer's wish. at: UTC instant. kind: a key of KINDS, or of another such table."""

    at: datetime
    subscription_id: str
    kind: str


def planned_changes(
    rows: Iterable[CustomerRow], plan: Window, seed: str
) -> tuple[PlannedChange, ...]:
    """The wishes of a rehearsal, in the order of time; the same seed, the same wishes."""
    drawn = random.Random(f"changes/{seed}")  # noqa: S311 - a rehearsal's dice
    found = []
    for row in rows:
        months = min(row.months or 0, plan.months)
        if months < _FEWEST_MONTHS or drawn.randrange(ONE_IN):
            continue
        first = count_from(row.start, Interval(Unit.MONTH), drawn.randrange(months))
        at = datetime.combine(first + _TENTH_DAY, time(12), tzinfo=UTC)
        kind = drawn.choice(list(KINDS))
        found.append(PlannedChange(at=at, subscription_id=row.subscription_id, kind=kind))
    return tuple(sorted(found, key=lambda each: (each.at, each.subscription_id)))


Kinds = Mapping[str, Callable[[Subscriptions, PlannedChange], None]]


def carry_out(commands: Subscriptions, wish: PlannedChange, kinds: Kinds) -> str:
    """Give the command, by the table; the kind, or with the code of its refusal: who never approved
    or has left cannot change anything."""
    try:
        kinds[wish.kind](commands, wish)
    except Refused as refused:
        return f"{wish.kind}: refused, {refused.code}"
    return wish.kind


def _price(commands: Subscriptions, wish: PlannedChange) -> Money:
    """What the customer pays a unit and period."""
    return commands.find(wish.subscription_id)[0].terms.price


def _upgrade(commands: Subscriptions, wish: PlannedChange) -> None:
    price = _price(commands, wish)
    dearer = NewTerms(price=Money(price.minor * 3 // 2, price.currency))
    commands.change_terms(wish.subscription_id, dearer, when=When.NOW, reason="wants more")


def _downgrade(commands: Subscriptions, wish: PlannedChange) -> None:
    price = _price(commands, wish)
    cheaper = NewTerms(price=Money(price.minor * 2 // 3 + 1, price.currency))
    commands.change_terms(wish.subscription_id, cheaper, when=When.NOW, reason="wants less")


def _downgrade_later(commands: Subscriptions, wish: PlannedChange) -> None:
    price = _price(commands, wish)
    cheaper = NewTerms(price=Money(price.minor * 2 // 3 + 1, price.currency))
    commands.change_terms(wish.subscription_id, cheaper, when=When.PERIOD_END, reason="wants less")


def _two(commands: Subscriptions, wish: PlannedChange) -> None:
    commands.change_terms(
        wish.subscription_id, NewTerms(quantity=2), when=When.NOW, reason="one more user"
    )


def _yearly(commands: Subscriptions, wish: PlannedChange) -> None:
    price = _price(commands, wish)
    yearly = NewTerms(interval=Interval(Unit.YEAR), price=Money(price.minor * 10, price.currency))
    commands.change_terms(wish.subscription_id, yearly, when=When.NOW, reason="pays by the year")


def _pause(commands: Subscriptions, wish: PlannedChange) -> None:
    until = wish.at + timedelta(days=40)
    commands.pause(wish.subscription_id, until=until, credit=True, reason="travels")


def _short_pause(commands: Subscriptions, wish: PlannedChange) -> None:
    until = wish.at + timedelta(days=8)
    commands.pause(wish.subscription_id, until=until, credit=True, reason="travels")


def _thank(commands: Subscriptions, wish: PlannedChange) -> None:
    price = _price(commands, wish)
    half = Money(price.minor // 2 + 1, price.currency)
    commands.grant_credit(wish.subscription_id, half, reason="an outage")


def _end_later(commands: Subscriptions, wish: PlannedChange) -> None:
    commands.schedule_cancellation(wish.subscription_id, at=None, reason="moves")


def _end_now(commands: Subscriptions, wish: PlannedChange) -> None:
    commands.cancel(wish.subscription_id, reason="moved", credit=Proration.BY_DAY)


KINDS: Kinds = {
    "upgrade": _upgrade,
    "downgrade": _downgrade,
    "downgrade at the period's end": _downgrade_later,
    "one more user": _two,
    "by the year": _yearly,
    "pause": _pause,
    "short pause": _short_pause,
    "credit": _thank,
    "cancelled at the period's end": _end_later,
    "cancelled with credit": _end_now,
}
