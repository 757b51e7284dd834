"""Customers of every sort, for houses to bill."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid5

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import CaptureMode, Terms
from domain.providers import Provider
from domain.subscription.starting import Start
from tests.specimens import terms

_SPACE = UUID("c5b14a52-9f57-4d35-8d62-7b2f6f0f1c77")
FIRST_DAY = date(2025, 1, 31)
SORTS = tuple(product(Provider, CaptureMode))


def customer(number: int, **changes: Any) -> Start:
    """The nth customer, from 0: providers and captures take turns, amounts tell them apart."""
    provider, capture = SORTS[number % len(SORTS)]
    agreed: Terms = terms(
        interval=Interval(Unit.MONTH),
        price=Money(10_000 + number, "USD"),
        capture=capture,
    )
    name = f"s-{number}"
    given = {
        "subscription_id": name,
        "customer_id": f"c-{number}",
        "namespace": uuid5(_SPACE, name),
        "provider": provider,
        "account": "main",
        "zone": "UTC",
        "start": FIRST_DAY,
        "terms": agreed,
    }
    return Start(**{**given, **changes})


def customers(count: int, *, days: int = 1, **changes: Any) -> list[Start]:
    """So many of them, whose first days are spread over so many days."""
    return [
        customer(number, start=FIRST_DAY + timedelta(days=number % days), **changes)
        for number in range(count)
    ]
