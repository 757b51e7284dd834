"""The guard against billing that runs wild: it stops, a person looks, it goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from domain.calendar import Period
from domain.money import Money
from domain.plan import OneTime, OneTimeKind
from domain.processes.agenda import agenda_of
from domain.subscription.changing import Change, change_terms
from domain.subscription.events import BillingParked, BillingReleased, InvoiceIssued, When
from domain.subscription.invoicing import issue_invoice
from domain.subscription.parking import MOST_LINES_A_DAY, release
from domain.subscription.pausing import pause
from tests.domain.billing import BIG, NOK, at_price, billed_until, running
from tests.specimens import ZONE_VERSION, terms
from tests.vocabulary import Given

MARCH = datetime(2024, 3, 1, tzinfo=UTC)


def wild() -> Given:
    """An invoice of a hundred lines fell due on the day on which the next one is due."""
    start = running()
    issued = next(each for each in start.facts if isinstance(each, InvoiceIssued))
    day = start.state.schedule.period(2).start
    many = attrs.evolve(
        issued,
        invoice_number=2,
        period=Period(day, day + timedelta(days=1)),
        due_on=day,
        lines=issued.lines * MOST_LINES_A_DAY,
        next_due_at=start.state.next_due_at,
    )
    return start.and_(many)


def test_too_many_lines_on_one_day_wait_for_a_person() -> None:
    """Not issued; shown in the agenda, with nothing due."""
    start = wild()
    schedule = attrs.evolve(start.state.schedule, anchor_invoice=2)
    state = attrs.evolve(start.state, schedule=schedule)
    (fact,) = issue_invoice(state, now=MARCH, zone_version=ZONE_VERSION)
    assert fact == BillingParked(
        customer_id="c-1",
        invoice_number=3,
        due_on=state.schedule.period(3).start,
        lines=MOST_LINES_A_DAY + 1,
        effective_at=MARCH,
    )


def parked() -> Given:
    """Billing waits."""
    fact = BillingParked(
        customer_id="c-1",
        invoice_number=2,
        due_on=running().state.schedule.period(2).start,
        lines=MOST_LINES_A_DAY + 1,
        effective_at=MARCH,
    )
    return running().and_(fact)


def test_while_it_waits_nothing_is_billed_or_changed() -> None:
    """The agenda names it, and workers find nothing to do."""
    start = parked()
    start.when(issue_invoice, now=MARCH, zone_version=ZONE_VERSION).then_nothing()
    (item,) = [each for each in agenda_of(start.state) if each.kind.value == "invoice"]
    assert (item.due_at, "parked" in item.why) == (None, True)
    change = Change(terms=at_price(BIG), when=When.NOW, reason="asked")
    start.when(change_terms, change, now=MARCH, zone_version=ZONE_VERSION).then_refused(
        "billing-parked"
    )
    start.when(
        pause, until=None, credit=False, reason="x", now=MARCH, zone_version=ZONE_VERSION
    ).then_refused("billing-parked")


def test_released_it_goes_on() -> None:
    """With the invoice that it had stopped at; a second release is quiet."""
    start = (
        parked()
        .when(release, reason="looked", now=MARCH)
        .then(BillingReleased(customer_id="c-1", reason="looked", effective_at=MARCH))
    )
    start.when(release, reason="looked", now=MARCH).then_nothing()
    assert len([each for each in billed_until(start, MARCH).facts if _issued(each)]) == 2


def _issued(fact: Any) -> bool:
    return isinstance(fact, InvoiceIssued)


@pytest.mark.parametrize("count", [1, 10])
def test_one_long_invoice_a_day_is_no_reason(count: int) -> None:
    """However many lines it has; nor are years of periods billed at once, a day each."""
    box = OneTime(kind=OneTimeKind.PRODUCT, description="Box", amount=Money(100, NOK))
    start = running(terms(one_time=(box,) * count))
    after = billed_until(start, datetime(2044, 3, 1, tzinfo=UTC))
    assert not any(isinstance(each, BillingParked) for each in after.facts)
    assert after.state.invoices_issued == 242
