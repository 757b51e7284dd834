"""Tests of what is billed beside the schedule: terms, demands, balances, usage.

Oslo, NOK in minor units. Auto-reload: 200.00 when a balance falls below 50.00, at most twice a
day and five times a month. Threshold: data at 0.40 a GB, billed when it comes to 100.00 (250 GB).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs

from domain.money import Money
from domain.plan import Kind, Meter, Reload, Terms, Timing
from domain.prices import Tier
from domain.subscription.demanding import BalanceReport, Demand, demand, report_balance
from domain.subscription.events import InvoiceIssued
from domain.subscription.metering import Report, report_usage
from tests.domain.billing import FEB_10, NOK
from tests.specimens import MINUTE, signed_up, terms
from tests.vocabulary import Given, given

MICROSECOND = timedelta(microseconds=1)


def nok(minor: int) -> Money:
    """Øre."""
    return Money(minor, NOK)


def unscheduled(**changes: Any) -> Terms:
    """Any amount, when it is asked for, prepaid."""
    return terms(**{"kind": Kind.UNSCHEDULED, "variable": True, **changes})


RELOAD = Reload(threshold=nok(5000), amount=nok(20000), most_a_day=2, most_a_month=5)
RELOADED = unscheduled(variable=False, price=nok(20000), reload=RELOAD)
DATA = Meter(
    code="data", description="Data", unit="GB", tiers=(Tier(up_to=None, unit_price=nok(40)),)
)


def by_threshold(timing: Timing = Timing.PREPAID, **changes: Any) -> Terms:
    """A base fee of 299.00, and data that is billed at 100.00."""
    standard = terms(kind=Kind.THRESHOLD, timing=timing, meters=(DATA,), threshold=nok(10000))
    return attrs.evolve(standard, **changes)


def asked(minor: int = 1000, demand_id: str = "d-1", **changes: Any) -> Demand:
    """A wish to charge 10.00."""
    standard = Demand(
        demand_id=demand_id, description="Bag", amount=nok(minor), tax=None, reason="at the desk"
    )
    return attrs.evolve(standard, **changes)


def signed(agreed: Terms) -> Given:
    """Signed up on 20 January, nothing billed."""
    return given(*signed_up(agreed))


def demanded(
    start: Given, minor: int = 1000, demand_id: str = "d-1", at: datetime = FEB_10
) -> Given:
    """Something was asked for."""
    return start.and_(*demand(start.state, asked(minor, demand_id), now=at))


def balance(report_id: str, minor: int, at: datetime) -> BalanceReport:
    """What a customer has left."""
    return BalanceReport(report_id=report_id, balance=nok(minor), at=at)


def reported(start: Given, report_id: str, minor: int, at: datetime) -> Given:
    """A balance was reported a minute later."""
    wish = balance(report_id, minor, at)
    return start.and_(*report_balance(start.state, wish, now=at + MINUTE))


def used(start: Given, quantity: int, at: datetime, usage_id: str) -> Given:
    """Usage was reported a minute later."""
    wish = Report(usage_id=usage_id, meter="data", quantity=quantity, at=at)
    return start.and_(*report_usage(start.state, wish, now=at + MINUTE))


def beside(start: Given) -> list[tuple[int, str, int]]:
    """(number, demand, total) of each invoice beside the schedule."""
    return [
        (fact.invoice_number, fact.demand, fact.total.minor)
        for fact in start.facts
        if isinstance(fact, InvoiceIssued) and fact.demand
    ]


def of_schedule(start: Given) -> list[InvoiceIssued]:
    """The invoices of the schedule."""
    return [fact for fact in start.facts if isinstance(fact, InvoiceIssued) and not fact.demand]
