"""Accounts, the table of postings, the chart, and when a line is earned."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args, get_type_hints
from zoneinfo import ZoneInfo

import attrs
import pytest

from domain.books.accounts import Account, Entry, Line, Role, Unbalanced, posted
from domain.books.chart import Chart, ChartAccount
from domain.books.posting import NO_MONEY_MOVES, POSTING
from domain.books.recognition import Recognition
from domain.money import Money
from domain.refusals import Refused
from domain.subscription.events import InvoiceLine, SubscriptionEvent
from projections.account_sums import Known, sums
from projections.statements import statement
from projections.waterfall import revenue

CASH, OWED = Account(Role.CLEARING, "paypal/main"), Account(Role.RECEIVABLE, "c-1")

LATE = datetime(2025, 1, 31, 23, 30, tzinfo=UTC)
PAID = Entry(
    voucher="2025-000001",
    document="",
    position=1,
    stream="subscription-s-1",
    fact="charge-succeeded.v1",
    about="invoice 1",
    effective_at=LATE,
    recorded_at=LATE,
    lines=(Line(CASH, 300, "NOK"), Line(OWED, -300, "NOK")),
    recognitions=(),
)


def names_money(fact: type) -> bool:
    """Whether a value anywhere in a fact is money."""
    seen: set[Any] = set()

    def within(hint: Any) -> bool:
        if hint in seen:
            return False
        seen.add(hint)
        if hint in (Money, InvoiceLine):
            return True
        if attrs.has(hint):
            return any(within(each) for each in get_type_hints(hint).values())
        return any(within(each) for each in get_args(hint))

    return within(fact)


def test_every_fact_that_names_money_has_a_rule_or_a_reason_to_have_none() -> None:
    """A new fact cannot be forgotten by the books."""
    with_money = {each for each in get_args(SubscriptionEvent) if names_money(each)}
    assert set(POSTING) | set(NO_MONEY_MOVES) == with_money
    assert not set(POSTING) & set(NO_MONEY_MOVES)


def test_lines_of_an_account_are_one_and_come_to_nothing() -> None:
    """In each currency by itself."""
    posting = posted(
        (
            Line(CASH, 300, "NOK"),
            Line(OWED, -200, "NOK"),
            Line(CASH, 5, "USD"),
            Line(OWED, -100, "NOK"),
            Line(CASH, -5, "USD"),
        )
    )
    assert posting.lines == (Line(CASH, 300, "NOK"), Line(OWED, -300, "NOK"))
    with pytest.raises(Unbalanced, match="1 NOK too much"):
        posted([Line(CASH, 300, "NOK"), Line(OWED, -299, "NOK")])
    with pytest.raises(Unbalanced):
        posted([Line(CASH, 300, "NOK"), Line(OWED, -300, "USD")])


@pytest.mark.parametrize(
    ("minor", "days", "shares"),
    [
        (100, 3, [0, 33, 66, 100, 100]),
        (-100, 3, [0, -33, -66, -100, -100]),
        (2, 5, [0, 0, 0, 1, 1, 2]),
        (299, 0, [0, 299, 299]),
        (299, 1, [0, 299, 299]),
    ],
)
def test_what_is_earned_by_the_end_of_each_day(minor: int, days: int, shares: list[int]) -> None:
    """From the day before on: cut to whole minor units, the last day takes what is left."""
    start = date(2025, 1, 31)
    each = Recognition("gym|NO-25", minor, "NOK", start, days)
    first = start.toordinal() - 1
    earned = [each.earned(date.fromordinal(first + place)) for place in range(len(shares))]
    assert earned == shares


def test_what_was_served_in_closed_days_is_earned_on_the_first_open_one() -> None:
    """Three days from 31 January, taken up in March: all of it on 1 March; in part, where some days
    are open."""
    start, march = date(2025, 1, 31), date(2025, 3, 1)
    late = Recognition("gym|NO-25", 100, "NOK", start, 3, not_before=march)
    assert [late.earned(march - timedelta(days=1)), late.earned(march)] == [0, 100]
    half = attrs.evolve(late, not_before=date(2025, 2, 1))
    assert [half.earned(date(2025, 2, day)) for day in (1, 2)] == [66, 100]
    assert (half.last, late.last) == (date(2025, 2, 2), march)
    entry = attrs.evolve(PAID, lines=(), recognitions=(late,), not_before=march)
    known = Known(as_of=march, zone="UTC")
    assert [(each.first, each.minor) for each in revenue([entry], known)] == [(march, 100)]


def test_an_entry_counts_from_its_own_day_or_the_first_open_one() -> None:
    """Effective on 31 January, taken up on 1 March."""
    utc = ZoneInfo("UTC")
    assert PAID.day(utc) == date(2025, 1, 31)
    assert attrs.evolve(PAID, not_before=date(2025, 3, 1)).day(utc) == date(2025, 3, 1)
    assert attrs.evolve(PAID, not_before=date(2025, 1, 1)).day(utc) == date(2025, 1, 31)


def test_the_day_itself_counts_and_it_ends_where_the_books_are_cut_off() -> None:
    """Half past eleven in the evening of 31 January in UTC is the next day in Oslo."""
    counted = {
        (day, zone): sums([PAID], Known(as_of=date(2025, 1, day), zone=zone))[CASH, "NOK"]
        for day in (30, 31)
        for zone in ("UTC", "Europe/Oslo")
    }
    assert counted == {
        (30, "UTC"): 0,
        (31, "UTC"): 300,
        (30, "Europe/Oslo"): 0,
        (31, "Europe/Oslo"): 0,
    }


def test_a_statement_opens_with_the_day_before() -> None:
    """What is of its first day is a line, what was before is the opening."""
    known = Known(as_of=date(2025, 2, 28), zone="UTC")
    found = statement([PAID], "c-1", known, since=date(2025, 1, 31))
    assert (found.opening, [each.balance for each in found.lines]) == ({}, [-300])
    later = statement([PAID], "c-1", known, since=date(2025, 2, 1))
    assert (later.opening, later.lines, later.closing) == ({"NOK": -300}, (), {"NOK": -300})


def named(number: str, role: Role, of: str = "*", name: str = "Name") -> ChartAccount:
    return ChartAccount(
        number=number, name=name, role=role, of=of, grouping_category="x", grouping_code="1500"
    )


def test_the_first_line_of_the_chart_that_fits_takes_an_account_up() -> None:
    """And an account that none takes up is an error, not left out."""
    chart = Chart([named("1571", Role.CLEARING, "paypal/*"), named("1570", Role.CLEARING)])
    assert chart.account(CASH).number == "1571"
    assert chart.account(Account(Role.CLEARING, "dintero/main")).number == "1570"
    with pytest.raises(Refused, match="account-unmapped"):
        chart.account(OWED)


def test_charts_that_are_refused() -> None:
    """Two meanings of a number; a part missing."""
    one = named("1570", Role.CLEARING)
    assert Chart([one, named("1570", Role.CLEARING, "x")]).account(CASH) is one
    for wrong in (
        [one, named("1570", Role.BANK)],
        [one, named("1570", Role.CLEARING, name="Other")],
        [named("", Role.BANK)],
        [named("1", Role.BANK, of="")],
    ):
        with pytest.raises(Refused, match="chart-malformed"):
            Chart(wrong)
