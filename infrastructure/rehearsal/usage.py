"""What the customers of a rehearsal use, drawn by a seed, and how it is reported.

A tenth of those with a plain plan get a meter beside it; who has meters already keeps them. Each
meter is used three times a month and most of it is reported the same day; some is reported after
its invoice was issued, some twice, and some is corrected.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta

import attrs

from domain.calendar import Interval, Unit, count_from
from domain.money import Money
from domain.plan import Kind, Meter, Terms
from domain.prices import Tier
from domain.refusals import Refused
from domain.subscription.metering import Report
from infrastructure.commands.customers import CustomerRow
from infrastructure.commands.subscriptions import Subscriptions, UsageWish
from infrastructure.rehearsal.plan import Window

ONE_IN = 10
_DAYS_OF_USE = (timedelta(days=2), timedelta(days=11), timedelta(days=20))
_LARGEST_USE = 400
# After every invoice that the usage could have been on.
_LATE = timedelta(days=40)
_REPEATED_AFTER, _CORRECTED_AFTER = timedelta(days=1), timedelta(days=25)
_ONE_IN_LATE, _ONE_IN_REPEATED, _ONE_IN_CORRECTED = 6, 5, 8


@attrs.frozen(kw_only=True)
class PlannedUsage:
    """One report, or its correction. at: UTC instant at which it is told.

    kind: how it is reported, for the figures. corrected: what it should have said, or None.
    """

    at: datetime
    kind: str
    wish: UsageWish
    corrected: int | None = None


def with_meters(rows: Sequence[CustomerRow], seed: str) -> list[CustomerRow]:
    """The customers, a tenth of the plain ones with a meter; the same seed, the same ones."""
    drawn = random.Random(f"meters/{seed}")  # noqa: S311 - a rehearsal's dice
    found = []
    for row in rows:
        terms = row.terms  # None on a published plan, whose terms are the catalogue's
        if terms is not None and terms.kind is Kind.SUBSCRIPTION and not drawn.randrange(ONE_IN):
            row = attrs.evolve(row, terms=_metered(terms))
        found.append(row)
    return found


def _metered(terms: Terms) -> Terms:
    """100 units a period are free, the others cost 3 minor units for two, up to a cap."""
    currency = terms.currency
    meter = Meter(
        code="data",
        description="Data",
        unit="GB",
        tiers=(
            Tier(up_to=100, unit_price=Money(0, currency)),
            Tier(up_to=None, unit_price=Money(3, currency), per=2),
        ),
        cap=Money(1000, currency),
        tax=terms.tax,
    )
    return attrs.evolve(terms, kind=Kind.RECURRING, meters=(meter,))


def planned_usage(rows: Iterable[CustomerRow], plan: Window, seed: str) -> tuple[PlannedUsage, ...]:
    """All that is reported, in the order of time; the same seed, the same usage."""
    drawn = random.Random(f"usage/{seed}")  # noqa: S311 - a rehearsal's dice
    found: list[PlannedUsage] = []
    for row in rows:
        for meter in () if row.terms is None else row.terms.meters:
            for month in range(plan.months + 1):
                first = count_from(row.start, Interval(Unit.MONTH), month)
                for number, days in enumerate(_DAYS_OF_USE, start=1):
                    used_at = datetime.combine(first + days, time(10), tzinfo=UTC)
                    report = Report(
                        usage_id=f"{meter.code}-{month}-{number}",
                        meter=meter.code,
                        quantity=drawn.randint(1, _LARGEST_USE),
                        at=used_at,
                    )
                    wish = UsageWish(subscription_id=row.subscription_id, report=report)
                    found += _told(wish, drawn)
    played = (each for each in found if each.at < plan.until)
    return tuple(sorted(played, key=lambda each: (each.at, each.wish.subscription_id, each.kind)))


def _told(wish: UsageWish, drawn: random.Random) -> list[PlannedUsage]:
    """How one use is reported."""
    report = wish.report
    late = not drawn.randrange(_ONE_IN_LATE)
    at = report.at + (_LATE if late else timedelta(hours=2))
    told = [PlannedUsage(at=at, kind="late" if late else "in time", wish=wish)]
    if not drawn.randrange(_ONE_IN_REPEATED):
        told.append(PlannedUsage(at=at + _REPEATED_AFTER, kind="repeated", wish=wish))
    if not drawn.randrange(_ONE_IN_CORRECTED):
        right = drawn.choice((0, report.quantity // 2, report.quantity + 50))
        told.append(
            PlannedUsage(at=at + _CORRECTED_AFTER, kind="corrected", wish=wish, corrected=right)
        )
    return told


def report_together(commands: Subscriptions, planned: Sequence[PlannedUsage]) -> Counter[str]:
    """Tell what falls on one instant: reports in one batch, corrections one by one; what came of
    them, in words."""
    counts: Counter[str] = Counter()
    reports = [each for each in planned if each.corrected is None]
    outcomes = commands.report_usage([each.wish for each in reports])
    for each, outcome in zip(reports, outcomes, strict=True):
        if isinstance(outcome, Refused):
            counts[f"{each.kind}: refused, {outcome.code}"] += 1
        else:
            counts[f"{each.kind}: {'counted' if outcome.changed else 'known'}"] += 1
    for each in planned:
        if each.corrected is not None:
            counts[_correct(commands, each, each.corrected)] += 1
    return counts


def _correct(commands: Subscriptions, planned: PlannedUsage, quantity: int) -> str:
    wish = planned.wish
    try:
        done = commands.correct_usage(
            wish.subscription_id, wish.report.usage_id, quantity, reason="the meter was wrong"
        )
    except Refused as refused:
        return f"corrected: refused, {refused.code}"
    return "corrected: counted" if done.changed else "corrected: nothing to do"
