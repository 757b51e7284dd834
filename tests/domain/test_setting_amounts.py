"""Amounts that are set for each invoice: before it is issued, by plans that let them vary."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.money import Money
from domain.plan import Kind, Proration, Timing
from domain.subscription.ending import cancel
from domain.subscription.events import AmountSet, InvoiceIssued, When
from domain.subscription.pausing import pause
from domain.subscription.setting_amounts import set_amount
from tests.domain.billing import FEB_10, NOK, billed_until, changed, credits, running
from tests.specimens import ZONE_VERSION, terms
from tests.vocabulary import Given

APR_5 = datetime(2024, 4, 5, 12, tzinfo=UTC)
VARIABLE = terms(kind=Kind.RECURRING, variable=True)


def set_to(start: Given, minor: int) -> Given:
    """The next period's amount was set."""
    facts = set_amount(
        start.state, Money(minor, NOK), reason="read", now=FEB_10, zone_version=ZONE_VERSION
    )
    return start.and_(*facts)


def totals(start: Given) -> list[int]:
    """What each invoice comes to."""
    return [each.total.minor for each in start.facts if isinstance(each, InvoiceIssued)]


def test_set_before_it_is_due_it_is_billed() -> None:
    """The next invoice alone; the one after it is the plan's price again."""
    after = billed_until(set_to(running(VARIABLE), 51234), APR_5)
    assert totals(after) == [29900, 51234, 29900]


def test_billed_afterwards_the_running_period_is_set() -> None:
    """The last one that was set counts."""
    start = running(terms(kind=Kind.RECURRING, variable=True, timing=Timing.POSTPAID))
    after = billed_until(set_to(set_to(start, 1), 0), APR_5)
    assert totals(after) == [0, 29900]


def test_the_same_again_is_quiet() -> None:
    """And the fact names the invoice."""
    start = set_to(running(VARIABLE), 51234)
    fact = start.facts[-1]
    assert isinstance(fact, AmountSet)
    assert fact.invoice_number == 2
    start.when(
        set_amount, Money(51234, NOK), reason="again", now=FEB_10, zone_version=ZONE_VERSION
    ).then_nothing()


@pytest.mark.parametrize(
    ("start", "amount", "code"),
    [
        (running(), Money(1, NOK), "amount-fixed"),
        (running(VARIABLE), Money(-1, NOK), "amount-negative"),
        (running(VARIABLE), Money(1, "USD"), "currency-mixed"),
    ],
)
def test_amounts_that_are_refused(start: Given, amount: Money, code: str) -> None:
    """Each refusal has its code."""
    start.when(
        set_amount, amount, reason="read", now=FEB_10, zone_version=ZONE_VERSION
    ).then_refused(code)


def test_what_was_given_back_at_an_amount_stays_at_it() -> None:
    """Billed afterwards, 19 days were given back at 299.00: a bill of 0.00 would be below it."""
    start = running(terms(kind=Kind.RECURRING, variable=True, timing=Timing.POSTPAID))
    facts = pause(
        start.state, until=None, credit=True, reason="x", now=FEB_10, zone_version=ZONE_VERSION
    )
    start.and_(*facts).when(
        set_amount, Money(0, NOK), reason="read", now=FEB_10, zone_version=ZONE_VERSION
    ).then_refused("amount-fixed")


def test_an_amount_counts_where_it_may_vary() -> None:
    """Another plan with a fixed price was agreed to since."""
    fixed = terms(kind=Kind.RECURRING, plan="fixed")
    after = changed(set_to(running(VARIABLE), 51234), fixed, when=When.PERIOD_END)
    assert totals(billed_until(after, APR_5)) == [29900, 29900, 29900]


def test_after_the_end_there_is_nothing_to_set() -> None:
    """No invoice is to come."""
    start = running(VARIABLE)
    over = start.and_(*cancel(start.state, reason="moved", now=FEB_10))
    over.when(
        set_amount, Money(1, NOK), reason="read", now=FEB_10, zone_version=ZONE_VERSION
    ).then_refused("nothing-to-bill")


def test_days_given_back_are_worth_the_amount_that_was_set() -> None:
    """10 days of March's 31 were used of 512.34; 21 come back: 347.07 (347.069)."""
    march_10 = datetime(2024, 3, 10, 12, tzinfo=UTC)
    start = billed_until(set_to(running(VARIABLE), 51234), march_10)
    facts = cancel(start.state, reason="moved", now=march_10, credit=Proration.BY_DAY)
    period = [each for each in start.facts if isinstance(each, InvoiceIssued)][-1].period
    assert (str(period.start), period.days) == ("2024-02-29", 31)
    assert credits(facts) == [34707]
