"""Tests of what is billed: invoices and credits as an accountant reads them.

Amounts are NOK in minor units. The plan costs 299.00 a month, prepaid, from 31 January 2024 in
Oslo; its first period has 29 days, to 29 February.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs

from domain.money import Money
from domain.plan import Proration, Terms, Timing
from domain.subscription.changing import Change, change_terms
from domain.subscription.events import (
    CreditApplied,
    CreditGranted,
    InvoiceIssued,
    When,
)
from domain.subscription.invoicing import bill_what_is_due
from tests.specimens import DUE, ZONE_VERSION, signed_up, terms
from tests.vocabulary import Facts, Given, given

NOK = "NOK"
# 19 of the first period's 29 days are left; 13:00 in Oslo.
FEB_10 = datetime(2024, 2, 10, 12, tzinfo=UTC)
BIG = Money(49900, NOK)
SMALL = Money(9900, NOK)


def billed_until(start: Given, now: datetime) -> Given:
    """Everything due by then is billed; whether it is paid does not matter here."""
    facts, _ = bill_what_is_due(start.state, now=now, zone_version=ZONE_VERSION)
    return start.and_(*facts)


def running(agreed: Terms | None = None, **changes: Any) -> Given:
    """On 10 February: prepaid, the first period is billed; postpaid, it is not yet."""
    return billed_until(given(*signed_up(agreed, **changes)), FEB_10)


def postpaid(**changes: Any) -> Terms:
    """The same plan, billed at the end of each period."""
    return terms(timing=Timing.POSTPAID, **changes)


def changed(
    start: Given,
    terms_now: Terms,
    *,
    when: When = When.NOW,
    proration: Proration | None = None,
    now: datetime = FEB_10,
) -> Given:
    """The terms were changed."""
    facts = change_terms(
        start.state,
        Change(terms=terms_now, when=when, reason="asked", proration=proration),
        now=now,
        zone_version=ZONE_VERSION,
    )
    return start.and_(*facts)


def at_price(price: Money, **changes: Any) -> Terms:
    """The plan at another price."""
    return attrs.evolve(terms(), plan="other", price=price, **changes)


def invoices(facts: Facts) -> list[tuple[str, str, list[int], int]]:
    """(first day, end, amounts of the lines, left to charge) of each invoice."""
    found = []
    for fact in facts:
        if isinstance(fact, InvoiceIssued):
            applied = sum(
                each.amount.minor
                for each in facts
                if isinstance(each, CreditApplied) and each.invoice_number == fact.invoice_number
            )
            lines = [line.amount.minor for line in fact.lines]
            left = fact.total.minor - applied
            found.append((str(fact.period.start), str(fact.period.end), lines, left))
    return found


def credits(facts: Facts) -> list[int]:
    """Every credit that was granted."""
    return [each.amount.minor for each in facts if isinstance(each, CreditGranted)]


__all__ = [
    "BIG",
    "DUE",
    "FEB_10",
    "NOK",
    "SMALL",
    "at_price",
    "billed_until",
    "changed",
    "credits",
    "invoices",
    "postpaid",
    "running",
]
