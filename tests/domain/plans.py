"""Tests of the catalogue: the plan "gold" with a price a version, and who is on it.

Amounts are NOK in minor units. Version 1 costs 299.00 a month, prepaid; version 2 399.00, 3 499.00.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from domain.catalogue.events import PlanEvent
from domain.catalogue.folding import evolve_plan
from domain.catalogue.publishing import Publish, announce_move, publish
from domain.catalogue.state import Plan
from domain.money import Money
from domain.plan import Terms
from tests.specimens import terms

NOW = datetime(2024, 1, 10, 9, tzinfo=UTC)
MARCH = date(2024, 3, 1)
PRICES = (29900, 39900, 49900)


def version(number: int, **changes: Any) -> Terms:
    """The terms of a version."""
    price = Money(PRICES[number - 1], "NOK")
    return terms(**{"plan_version": number, "price": price, **changes})


def wish(number: int, agreed: Terms | None = None, **changes: Any) -> Publish:
    """The wish to publish a version."""
    asked = {"plan": "gold", "version": number, "reason": "prices", **changes}
    return Publish(terms=agreed or version(number), **asked)


def gold(count: int = 2, **changes: Any) -> Plan:
    """So many versions, all available since NOW. changes: of their terms."""
    plan: Plan | None = None
    for number in range(1, count + 1):
        for fact in publish(plan, wish(number, version(number, **changes)), now=NOW):
            plan = evolve_plan(plan, fact)
    assert plan is not None
    return plan


def after(plan: Plan | None, *events: PlanEvent) -> Plan:
    """The plan after more facts."""
    for event in events:
        plan = evolve_plan(plan, event)
    assert plan is not None
    return plan


def moved(
    plan: Plan, from_version: int = 1, to_version: int = 2, on: date = MARCH, now: datetime = NOW
) -> Plan:
    """The plan with a move announced."""
    facts = announce_move(
        plan, from_version=from_version, to_version=to_version, on=on, reason="prices", now=now
    )
    return after(plan, *facts)


__all__ = ["MARCH", "NOW", "after", "gold", "moved", "version", "wish"]
