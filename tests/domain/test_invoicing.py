"""Invoices: each period once, with its working; and what the fold makes of payments."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction

import attrs
import pytest

from domain.calendar import Interval, Period, Unit
from domain.money import LARGEST_MINOR, Money
from domain.plan import Terms, Timing
from domain.pricing import lines_of
from domain.schedule import due_day, is_trial, last_invoice, schedule_of
from domain.subscription.charging import attempt_charge
from domain.subscription.events import (
    ChargeSucceeded,
    InvoiceIssued,
    InvoiceLine,
    LineKind,
    SubscriptionCancelled,
    SubscriptionCompleted,
    Working,
)
from domain.subscription.invoicing import issue_invoice
from domain.subscription.state import Subscription
from tests.specimens import (
    DAY,
    DUE,
    HOUR,
    MINUTE,
    NEXT_DUE,
    PRICE,
    START,
    ZONE_VERSION,
    instalments,
    key,
    signed_up,
    started,
    terms,
)
from tests.vocabulary import Facts, given, play

TWO_WEEKS = Interval(Unit.WEEK, 2)
FEE = Money(9900, "NOK")


def invoice(state: Subscription, now: datetime) -> Facts:
    """Issue what is due."""
    return issue_invoice(state, now=now, zone_version=ZONE_VERSION)


def first_invoice() -> InvoiceIssued:
    """January 31 to February 29, due on January 31 in Oslo."""
    return InvoiceIssued(
        customer_id="c-1",
        invoice_number=1,
        period=Period(date(2024, 1, 31), date(2024, 2, 29)),
        due_on=date(2024, 1, 31),
        lines=(
            InvoiceLine(
                kind=LineKind.PERIOD,
                description="Gold membership, 2024-01-31 to 2024-02-29 (end exclusive)",
                amount=PRICE,
                working=Working(
                    quantity=1,
                    unit_price=PRICE,
                    numerator=1,
                    denominator=1,
                    days=29,
                    policy="whole-period",
                    rounding="none",
                ),
            ),
        ),
        total=PRICE,
        next_due_at=NEXT_DUE,
        zone_version=ZONE_VERSION,
        effective_at=DUE,
    )


def test_a_due_period_is_billed() -> None:
    """At its announced instant, however late the worker comes."""
    given(*signed_up()).when(invoice, DUE).then(first_invoice())
    given(*signed_up()).when(invoice, DUE + 20 * DAY).then(first_invoice())


def test_nothing_is_billed_before_it_is_due() -> None:
    """Not a second early."""
    given(*signed_up()).when(invoice, DUE - MINUTE / 60).then_nothing()


def test_a_billed_period_is_not_billed_again() -> None:
    """The same worker, another worker, a clock that went back: the next one is due next."""
    billed = given(*signed_up(), first_invoice())
    for now in (DUE, DUE + HOUR, DUE - 2 * HOUR, NEXT_DUE - MINUTE):
        billed.when(invoice, now).then_nothing()


def test_a_subscription_without_a_token_is_not_billed() -> None:
    """Billing begins with the first token; then what fell due meanwhile is billed."""
    given(started()).when(invoice, DUE + DAY).then_nothing()


def test_after_the_end_nothing_is_billed() -> None:
    """Neither after a cancellation nor after the last payment."""
    for end in (
        SubscriptionCancelled(reason="moved", effective_at=DUE),
        SubscriptionCompleted(effective_at=DUE),
    ):
        given(*signed_up(), end).when(invoice, NEXT_DUE).then_nothing()


def test_the_last_instalment_announces_no_next_one() -> None:
    """Three payments are three, not four; a trial is none of them."""
    for agreed, invoices in ((instalments(3), 3), (instalments(3, trial=TWO_WEEKS), 4)):
        run = play(*signed_up(agreed))
        run.decide(invoice, DUE + 400 * DAY)
        while run.decide(invoice, DUE + 400 * DAY):
            pass
        issued = run.of(InvoiceIssued)
        assert [each.next_due_at is None for each in issued] == [False] * (invoices - 1) + [True]
        assert last_invoice(agreed) == invoices
        assert sum(each.total.minor for each in issued) == 3 * PRICE.minor
    assert last_invoice(terms()) is None


@pytest.mark.parametrize(
    ("agreed", "expected"),
    [
        # (period start, period end, due day) of the first invoices, from 31 January 2024.
        (
            terms(),
            ["01-31 02-29 01-31", "02-29 03-31 02-29", "03-31 04-30 03-31", "04-30 05-31 04-30"],
        ),
        (
            terms(timing=Timing.POSTPAID),
            ["01-31 02-29 02-29", "02-29 03-31 03-31", "03-31 04-30 04-30"],
        ),
        (
            terms(trial=TWO_WEEKS),
            ["01-31 02-14 01-31", "02-14 03-14 02-14", "03-14 04-14 03-14"],
        ),
        (
            terms(trial=Interval(Unit.MONTH), timing=Timing.POSTPAID),
            ["01-31 02-29 02-29", "02-29 03-29 03-29", "03-29 04-29 04-29"],
        ),
        (
            terms(interval=Interval(Unit.DAY, 10)),
            ["01-31 02-10 01-31", "02-10 02-20 02-10", "02-20 03-01 02-20"],
        ),
        (
            terms(interval=TWO_WEEKS),
            ["01-31 02-14 01-31", "02-14 02-28 02-14", "02-28 03-13 02-28"],
        ),
    ],
)
def test_F24_periods_and_due_days(agreed: Terms, expected: list[str]) -> None:
    """Hand-checked: each period ends where the next begins."""
    for number, row in enumerate(expected, start=1):
        period = schedule_of(START, agreed).period(number)
        found = (period.start, period.end, due_day(agreed, period))
        assert " ".join(day.isoformat()[5:] for day in found) == row


def test_the_trial_is_free_and_the_setup_fee_is_asked_once() -> None:
    """Line by line: free trial with the fee, then periods at their price."""
    agreed = terms(trial=TWO_WEEKS, setup_fee=FEE)
    sums = []
    for number in (1, 2, 3):
        lines = lines_of(agreed, number, schedule_of(START, agreed))
        sums.append([(line.kind, line.amount.minor) for line in lines])
        assert is_trial(agreed, number) is (number == 1)
    assert sums == [
        [(LineKind.TRIAL, 0), (LineKind.SETUP_FEE, 9900)],
        [(LineKind.PERIOD, 29900)],
        [(LineKind.PERIOD, 29900)],
    ]
    without_trial = terms(setup_fee=FEE)
    lines = lines_of(without_trial, 1, schedule_of(START, without_trial))
    assert [line.amount.minor for line in lines] == [29900, 9900]


def test_every_line_is_what_its_working_yields() -> None:
    """A reader can recompute each amount."""
    agreed = terms(trial=TWO_WEEKS, setup_fee=FEE)
    for number in (1, 2):
        for line in lines_of(agreed, number, schedule_of(START, agreed)):
            work = line.working
            exact = (
                work.quantity * work.unit_price.minor * Fraction(work.numerator, work.denominator)
            )
            assert exact == line.amount.minor
            assert work.rounding == "none"


def test_a_free_trial_leaves_nothing_to_collect() -> None:
    """Its invoice is issued for the record; nothing is charged."""
    run = play(*signed_up(terms(trial=TWO_WEEKS)))
    assert run.at(DUE) == ["InvoiceIssued"]
    assert run.state.open_invoices == ()


def test_F25_an_announced_due_instant_does_not_move() -> None:
    """New rules of a zone count for the instants that are announced after them."""
    announced = datetime(2024, 1, 31, 3, 30, tzinfo=UTC)  # by an older tz database
    start = (started(first_due_at=announced), *signed_up()[1:])
    given(*start).when(invoice, DUE).then_nothing()
    (issued,) = (
        given(*start)
        .when(lambda state: issue_invoice(state, now=announced, zone_version="2026a"))
        .facts
    )
    assert issued == attrs.evolve(first_invoice(), effective_at=announced, zone_version="2026a")


@pytest.mark.parametrize(
    ("zone", "start", "instants"),
    [
        ("Europe/Oslo", "2024-01-31", "01-30T23 02-28T23 03-30T23 04-29T22"),
        ("America/New_York", "2024-01-31", "01-31T05 02-29T05 03-31T04 04-30T04"),
        ("Africa/Cairo", "2023-03-28", "03-27T22 04-27T22 05-27T21"),
        ("UTC", "2024-02-29", "02-29T00 03-29T00"),
    ],
)
def test_F24_one_invoice_a_month_at_local_midnight(zone: str, start: str, instants: str) -> None:
    """The instant moves with the clocks, the day stays; Cairo's 28 April begins at 01:00."""
    run = play(*signed_up(terms(), zone=zone, start=date.fromisoformat(start)))
    for instant in instants.split():
        due = datetime.fromisoformat(f"{start[:4]}-{instant}:00").replace(tzinfo=UTC)
        assert run.decide(invoice, due - MINUTE) == ()
        (issued,) = run.decide(invoice, due)
        assert issued.effective_at == due


# --- what payments make of it -----------------------------------------------------------------


def paid(minor: int, currency: str = "NOK") -> ChargeSucceeded:
    """Money for the first attempt."""
    return ChargeSucceeded(
        attempt_id=key(),
        customer_id="c-1",
        invoice_number=1,
        amount=Money(minor, currency),
        provider_ref="cap-1",
        evidence="answer",
        effective_at=DUE,
    )


def test_folding_takes_any_amount() -> None:
    """A stored fact is never refused: not the smallest, not the largest, not another currency."""
    start = given(*signed_up(), first_invoice())
    attempted = start.and_(*attempt_charge(start.state, now=DUE))
    for fact, left in (
        (paid(29900), None),
        (paid(29901), None),
        (paid(LARGEST_MINOR), None),
        (paid(29899), 1),
        (paid(0), 29900),
        (paid(100, "USD"), 29900),
    ):
        state = attempted.and_(fact).state
        assert state.open_attempt is None
        assert [each.open.minor for each in state.open_invoices] == [left] * (left is not None)


def test_folding_never_overflows() -> None:
    """A payment of the largest amount beside a partial one still folds."""
    start = given(*signed_up(), first_invoice(), paid(1), paid(LARGEST_MINOR))
    assert start.state.open_invoices == ()
