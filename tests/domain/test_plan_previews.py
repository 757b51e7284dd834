"""The schedule of a plan to come: what who starts on it is billed, with its announced moves.

Periods begin on 31 January, 29 February, 31 March, 30 April 2024, in Oslo; see plans.py.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from domain.calendar import Interval, Unit
from domain.catalogue.publishing import withdraw_move
from domain.catalogue.state import Plan
from domain.money import Money
from domain.plan import PaidTrial, Terms, Timing
from domain.previews import ScheduledInvoice, preview_schedule
from domain.subscription.events import InvoiceIssued
from tests.domain.plans import MARCH, NOW, PRICES, after, gold, moved, version
from tests.domain.test_moving import MAY, bill
from tests.specimens import START, ZONE, instalments, signed_up
from tests.vocabulary import given

YEAR = Interval(Unit.YEAR)


def shown(agreed: Terms, plan: Plan | None, **changes: Any) -> tuple[ScheduledInvoice, ...]:
    """The first four invoices."""
    return preview_schedule(START, agreed, ZONE, **{"count": 4, "plan": plan, **changes})


def versions(found: tuple[ScheduledInvoice, ...]) -> list[int]:
    """What each invoice bills."""
    return [each.plan_version for each in found]


def amounts(found: tuple[ScheduledInvoice, ...]) -> list[int]:
    """What each comes to, in øre."""
    return [sum(line.amount.minor for line in each.lines) for each in found]


def test_the_period_from_the_day_on_has_the_new_price() -> None:
    """29 February is before 1 March, 31 March is not."""
    found = shown(version(1, quantity=2), moved(gold(2)))
    assert versions(found) == [1, 1, 2, 2]
    assert amounts(found) == [59800, 59800, 79800, 79800]
    assert amounts(shown(version(1), None)) == [29900] * 4


@pytest.mark.parametrize("interval", [Interval(Unit.MONTH), Interval(Unit.WEEK, 3), YEAR])
@pytest.mark.parametrize("timing", list(Timing))
@pytest.mark.parametrize("day", [date(2024, 2, 29), MARCH, date(2024, 3, 31)])
def test_it_shows_what_is_billed(day: date, timing: Timing, interval: Interval) -> None:
    """Period by period, whichever rhythm the version has that everybody is moved to."""
    plan = moved(two(timing, interval), on=day)
    story = bill(given(*signed_up(version(1, timing=timing))), plan, MAY + timedelta(days=366))
    billed = [each for each in story.facts if isinstance(each, InvoiceIssued)]
    found = shown(version(1, timing=timing), plan, count=30)
    assert len(billed) >= 2
    for seen, real in zip(found, billed, strict=False):
        assert (seen.invoice_number, seen.period) == (real.invoice_number, real.period)
        assert (seen.due_at, seen.lines) == (real.effective_at, real.lines)


def two(timing: Timing, interval: Interval) -> Plan:
    """Version 1 by the month, and version 2 in another rhythm."""
    plan = gold(2, timing=timing)
    first, second = plan.versions
    return Plan(
        code=plan.code,
        versions=(
            first,
            type(second)(
                number=2,
                terms=version(2, timing=timing, interval=interval),
                available_from=second.available_from,
            ),
        ),
    )


def test_moves_lead_on_and_some_were_taken_back() -> None:
    """From 1 to 2 in March, from 2 to 3 in April; then the first is withdrawn."""
    plan = moved(moved(gold(3)), 2, 3, on=date(2024, 4, 1))
    assert amounts(shown(version(1), plan)) == [PRICES[0], PRICES[0], PRICES[1], PRICES[2]]
    later = NOW + timedelta(days=1)
    facts = withdraw_move(plan, from_version=1, to_version=2, reason="not yet", now=later)
    assert versions(shown(version(1), after(plan, *facts))) == [1] * 4


def test_who_is_not_moved() -> None:
    """A price of one's own, and instalments."""
    plan = moved(gold(2))
    own = version(1, price=Money(19900, "NOK"))
    assert amounts(shown(own, plan)) == [19900] * 4
    assert amounts(shown(instalments(3), plan)) == [29900] * 3


def test_a_trial_goes_before_the_move() -> None:
    """Two months at 99.00 from 31 January: the first regular period, from 31 March, is moved."""
    intro = PaidTrial(price=Money(9900, "NOK"), interval=Interval(Unit.MONTH), cycles=2)
    found = shown(version(1), moved(gold(2)), paid_trial=intro)
    assert amounts(found) == [9900, 9900, 39900, 39900]
