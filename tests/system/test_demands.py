"""A rehearsal of charges on demand against both simulators: each is taken once, whatever is
repeated, comes late, or is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.calendar import Interval, Unit
from domain.identity import reference_parts
from domain.money import Money
from domain.plan import Kind, Meter, Reload, RetryPolicy, Terms, Timing
from domain.prices import Tier
from domain.providers import Provider
from domain.subscription.demanding import BalanceReport, Demand
from domain.subscription.metering import Report
from infrastructure.commands.wishes import UsageWish
from infrastructure.simulators.faults import Fault
from tests.system.machine import Billing
from tests.system.puppets import REACHED

FIRST = 1_000_001


def usd(minor: int) -> Money:
    """Cents."""
    return Money(minor, "USD")


def agreed(kind: Kind, timing: Timing = Timing.PREPAID, **changes: object) -> Terms:
    """Terms of a kind, at 12.34."""
    plain = {
        "plan": "p",
        "plan_version": 1,
        "description": "On demand",
        "kind": kind,
        "timing": timing,
        "interval": Interval(Unit.MONTH),
        "price": usd(1234),
        "retry": RetryPolicy((1,)),
    }
    return Terms(**{**plain, **changes})  # type: ignore[arg-type]


RELOAD = Reload(threshold=usd(500), amount=usd(2000), most_a_day=1, most_a_month=5)
DATA = Meter(
    code="data", description="Data", unit="GB", tiers=(Tier(up_to=None, unit_price=usd(40)),)
)
ANY = {"variable": True}
SORTS = (
    agreed(Kind.UNSCHEDULED, **ANY),
    agreed(Kind.UNSCHEDULED, Timing.POSTPAID, **ANY),
    agreed(Kind.IMMEDIATE, **ANY),
    agreed(Kind.DEFERRED, Timing.POSTPAID, **ANY),
    agreed(Kind.UNSCHEDULED, reload=RELOAD, **ANY),
    agreed(Kind.THRESHOLD, meters=(DATA,), threshold=usd(1000)),
)


@pytest.fixture
def billing(machine: type[Billing]) -> Iterator[Billing]:
    """Every sort of customer at both providers, approved."""
    made = machine()
    try:
        made.open_with_customers([(p, each) for each in SORTS for p in Provider])
        made.world.come_to_rest()
        yield made
    finally:
        made.teardown()


def taken(billing: Billing) -> dict[tuple[str, int], int]:
    """(subscription, invoice) -> cents, by the books of both simulators."""
    found: dict[tuple[str, int], int] = {}
    for reference, minor in billing.world.simulators.captured().items():
        parts = reference_parts(reference)
        assert parts is not None
        place = (parts.subscription_id, parts.invoice_number)
        assert place not in found, "charged twice"
        found[place] = minor
    return {place: minor for place, minor in found.items() if place[1] >= FIRST}


def of_sort(billing: Billing, sort: int) -> list[str]:
    """The subscriptions with these terms, one a provider."""
    return billing.names[2 * sort : 2 * sort + 2]


def test_demands_are_charged_once(billing: Billing) -> None:
    """Asked for three times, with an answer lost on the way: one charge each, at both books."""
    lost = REACHED["charge met lost-answer"]
    asked = [name for sort in range(4) for name in of_sort(billing, sort)]
    for puppet in billing.world.simulators.faults.values():
        puppet.coming["charge"].extend([Fault.LOST_ANSWER] * 2)
    wanted = {}
    for place, name in enumerate(asked):
        wish = Demand(
            demand_id="d-1", description="Bag", amount=usd(500 + place), tax=None, reason="asked"
        )
        outcomes = [billing.commands.demand(name, wish) for _ in range(3)]
        assert [each.changed for each in outcomes] == [True, False, False]
        wanted[name, FIRST] = 500 + place
    billing.world.project()
    billing.world.work(100)
    billing.world.come_to_rest()
    assert taken(billing) == wanted
    assert REACHED["charge met lost-answer"] - lost == 4
    billing.check()


def test_reloads_under_duplicate_and_reordered_reports_are_one_charge(billing: Billing) -> None:
    """A balance falls once; five reports of it, each twice and in no order."""
    now = billing.world.clock.now
    balances = [(1, 900), (2, 400), (3, 300), (4, 200), (5, 100)]
    for name in of_sort(billing, 4):
        for minute, minor in [balances[each] for each in (1, 1, 0, 3, 2, 4, 3, 0, 4)]:
            wish = BalanceReport(
                report_id=f"r-{minute}",
                balance=usd(minor),
                at=now - timedelta(minutes=10 - minute),
            )
            billing.commands.report_balance(name, wish)
    billing.world.come_to_rest()
    assert taken(billing) == {(name, FIRST): 2000 for name in of_sort(billing, 4)}
    billing.check()


def test_usage_is_charged_when_it_comes_to_the_threshold(billing: Billing) -> None:
    """30 GB in two reports, each given twice: 12.00, at once."""
    now = billing.world.clock.now
    for name in of_sort(billing, 5):
        reports = [
            UsageWish(
                subscription_id=name,
                report=Report(
                    usage_id=f"u-{number}", meter="data", quantity=15, at=now - timedelta(minutes=5)
                ),
            )
            for number in (1, 2, 1, 2)
        ]
        outcomes = billing.commands.report_usage(reports)
        assert [getattr(each, "changed", None) for each in outcomes] == [True, True, False, False]
    billing.world.project()
    billing.world.work(100)
    billing.world.come_to_rest()
    assert taken(billing) == {(name, FIRST): 1200 for name in of_sort(billing, 5)}
    billing.check()
