"""Usage while workers bill, and while the connections of whoever reports it are cut."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from domain.money import Money
from domain.plan import Kind, Meter, Terms
from domain.prices import Tier
from domain.refusals import Refused
from domain.subscription.events import InvoiceIssued, UsageReported
from domain.subscription.metering import Report
from domain.taxes import TaxRate
from infrastructure.commands.subscriptions import StreamBusy, Subscriptions, UsageWish
from tests.specimens import terms
from tests.system import oracle
from tests.system.customers import customers
from tests.system.house import AWAY, House
from tests.system.recovery import Moments
from tests.waiting import until

MANY, EACH = 6, 30


def metered() -> Terms:
    """10.00 a month and 0.50 a GB, with 25 % tax on top of both."""
    tax = TaxRate(code="NO-25", ppm=250_000, included=False)
    tiers = (Tier(up_to=None, unit_price=Money(50, "USD")),)
    meter = Meter(code="data", description="Data", unit="GB", tiers=tiers, tax=tax)
    return terms(kind=Kind.RECURRING, price=Money(1000, "USD"), meters=(meter,), tax=tax)


def wishes(home: House) -> list[UsageWish]:
    """One GB of each customer in every one of so many hours that have passed."""
    return [
        UsageWish(
            subscription_id=f"s-{number}",
            report=Report(
                usage_id=f"u-{hour}", meter="data", quantity=1, at=home.now - timedelta(hours=hour)
            ),
        )
        for hour in range(1, EACH + 1)
        for number in range(MANY)
    ]


def report(home: House, batch: Sequence[UsageWish]) -> list[Any]:
    """What came of a batch, given again until it is answered."""
    commands = Subscriptions(home.system, actor="test")
    for _ in range(200):
        try:
            return commands.report_usage(batch)
        except (*AWAY, StreamBusy):
            continue
    raise AssertionError("never answered")


def test_F17_F21_usage_counts_once_whatever_is_cut(home: House) -> None:
    """Four callers report the same usage in other orders while sessions are cut and a worker
    bills: each report counts once, and is billed and paid with its tax."""
    home.move_in(customers(MANY, terms=metered()))
    home.forward(days=3)
    home.start_worker()
    told = wishes(home)
    chance = random.Random(17)
    orders = [chance.sample(told, len(told)) for _ in range(4)]
    moments = Moments(chance, count=4, between=(0.02, 0.1))
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(report, home, order) for order in orders]
        until(lambda: _cut(home, moments) or all(each.done() for each in running), "answers")
    for each in running:
        assert not any(isinstance(outcome, Refused) for outcome in each.result())
    facts = home.facts(UsageReported)
    assert len(facts) == MANY * EACH
    home.send_home()
    with home.helper():
        home.play(days=31)
    invoices = home.facts(InvoiceIssued)
    # The second month has the usage: 10.00 + 30 x 0.50, and a quarter of that.
    assert sorted(each.total.minor for each in invoices) == [1250] * MANY + [3125] * MANY
    oracle.check(home)


def _cut(home: House, moments: Moments) -> bool:
    if moments.now():
        home.cut_connections(of="append_events")
    return False
