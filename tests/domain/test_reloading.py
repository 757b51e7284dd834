"""Auto-reload: one charge for each fall below the threshold, within the caps.

200.00 when a balance falls below 50.00, at most twice a day and five times a month.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import attrs
import pytest
from hypothesis import event, settings
from hypothesis import given as drawn
from hypothesis import strategies as st

from domain.calendar import local_day
from domain.money import Money
from domain.processes.agenda import ItemKind, agenda_of
from domain.subscription.demanding import report_balance
from domain.subscription.ending import cancel
from domain.subscription.events import BalanceReported, InvoiceIssued, LineKind
from tests.domain.asking import (
    MICROSECOND,
    RELOADED,
    balance,
    beside,
    nok,
    reported,
    signed,
    unscheduled,
)
from tests.domain.billing import FEB_10
from tests.specimens import DAY, HOUR, MINUTE, ZONE, captured, started
from tests.vocabulary import Given, given, play

FIRST = 1_000_001


def start() -> Given:
    """Nothing is known of the balance."""
    return signed(RELOADED)


def sequence(*minor: int, step: timedelta = MINUTE) -> Given:
    """Balances reported one after the other from FEB_10 on, as r-1, r-2, ..."""
    story = start()
    for place, each in enumerate(minor):
        story = reported(story, f"r-{place + 1}", each, FEB_10 + place * step)
    return story


def test_below_the_threshold_the_agreed_amount_is_billed() -> None:
    """49.99 is below 50.00: 200.00, for the report's id, owed from the moment of the decision."""
    made = report_balance(start().state, balance("r-1", 4999, FEB_10), now=FEB_10 + MINUTE)
    noted, invoice = made
    assert noted == BalanceReported(
        customer_id="c-1", report_id="r-1", balance=nok(4999), effective_at=FEB_10
    )
    assert isinstance(invoice, InvoiceIssued)
    assert (invoice.invoice_number, invoice.demand, invoice.total) == (FIRST, "r-1", nok(20000))
    assert [line.kind for line in invoice.lines] == [LineKind.RELOAD]
    assert (invoice.effective_at, invoice.tax) == (FEB_10 + MINUTE, None)
    assert str(invoice.period.start) == "2024-02-10"


CROSSINGS: list[tuple[list[int], list[str]]] = [
    ([5000], []),  # at the threshold is not below it
    ([4999], ["r-1"]),
    ([-1], ["r-1"]),
    ([4999, 4000, 0], ["r-1"]),  # still the same crossing
    ([4999, 24999, 4999], ["r-1", "r-3"]),  # it was over in between
    ([4999, 5000, 4999], ["r-1", "r-3"]),
    ([9000, 6000, 4000, 3000], ["r-3"]),
    ([1, 9000, 1, 9000, 1], ["r-1", "r-3"]),  # two a day
]


@pytest.mark.parametrize(("balances", "reloads"), CROSSINGS)
def test_one_reload_a_crossing(balances: list[int], reloads: list[str]) -> None:
    """Which reports of a sequence are answered by a reload."""
    assert [demand for _, demand, _ in beside(sequence(*balances))] == reloads


def test_a_crossing_without_room_waits_for_the_next_report_and_is_shown() -> None:
    """Two a day; the third crossing is reloaded by the first report of the next day."""
    story = sequence(1, 9000, 1, 9000, 1)
    (item,) = [each for each in agenda_of(story.state) if each.kind is ItemKind.RELOAD]
    assert (item.key, item.due_at) == ("r-5", None)
    same_day = reported(story, "r-6", 1, FEB_10 + HOUR)
    assert len(beside(same_day)) == 2
    # 23:00 UTC is midnight in Oslo; the decision's day counts, not the report's.
    tomorrow = reported(same_day, "r-7", 1, FEB_10.replace(hour=22, minute=59))
    assert [demand for _, demand, _ in beside(tomorrow)] == ["r-1", "r-3", "r-7"]
    assert all(each.kind is not ItemKind.RELOAD for each in agenda_of(tomorrow.state))


def test_a_crossing_that_ends_while_it_waits_is_over() -> None:
    """Nothing is left to show."""
    story = reported(sequence(1, 9000, 1, 9000, 1), "r-6", 9000, FEB_10 + HOUR)
    assert all(each.kind is not ItemKind.RELOAD for each in agenda_of(story.state))


def test_the_month_has_its_cap_and_the_next_one_its_own() -> None:
    """Five in February: the sixth crossing waits until March."""
    story = start()
    for day in range(7):
        at = FEB_10 + day * DAY
        story = reported(story, f"low-{day}", 0, at)
        story = reported(story, f"high-{day}", 9000, at + HOUR)
    assert len(beside(story)) == 5
    march = datetime(2024, 3, 1, 12, tzinfo=UTC)
    assert len(beside(reported(story, "march", 0, march))) == 6


def test_an_older_report_changes_nothing() -> None:
    """Nor does one of the same instant: the order of two is not known."""
    story = sequence(9000, 8000)
    for at in (FEB_10 - DAY, FEB_10 + MINUTE - MICROSECOND, FEB_10 + MINUTE):
        story.when(report_balance, balance("late", 0, at), now=FEB_10 + HOUR).then_nothing()
    after = FEB_10 + MINUTE + MICROSECOND
    story.when(report_balance, balance("new", 0, after), now=FEB_10 + HOUR).then_types(
        BalanceReported, InvoiceIssued
    )


def test_a_repeat_is_quiet_and_another_report_of_that_id_is_not() -> None:
    """The latest report, and those that were answered by a reload, are known by their ids."""
    story, later = sequence(4000), {"now": FEB_10 + HOUR}
    story.when(report_balance, balance("r-1", 4000, FEB_10), **later).then_nothing()
    other = balance("r-1", 4001, FEB_10)
    story.when(report_balance, other, **later).then_refused("report-id-reused")
    other = balance("r-1", 4000, FEB_10 + MINUTE)
    story.when(report_balance, other, **later).then_refused("report-id-reused")
    other = balance("r-1", 1, FEB_10 + 2 * MINUTE)
    more = reported(story, "r-2", 9000, FEB_10 + MINUTE)
    more.when(report_balance, other, **later).then_refused("report-id-reused")


def test_what_cannot_be_reloaded_is_refused() -> None:
    """With a code; nothing is written."""
    wish, now = balance("r-1", 0, FEB_10), {"now": FEB_10}
    signed(unscheduled()).when(report_balance, wish, **now).then_refused("reload-not-agreed")
    foreign = attrs.evolve(wish, balance=Money(0, "SEK"))
    start().when(report_balance, foreign, **now).then_refused("currency-mixed")
    early = {"now": FEB_10 - MICROSECOND}
    start().when(report_balance, wish, **early).then_refused("balance-in-the-future")
    nameless = attrs.evolve(wish, report_id="")
    start().when(report_balance, nameless, **now).then_refused("id-malformed")
    waiting = given(started(RELOADED))
    waiting.when(report_balance, wish, **now).then_refused("subscription-not-active")
    over = start().and_(*cancel(start().state, reason="moved", now=FEB_10))
    over.when(report_balance, wish, **now).then_refused("subscription-ended")


def test_duplicates_and_any_order_of_one_fall_make_one_charge() -> None:
    """90.00, 40.00, 30.00, each reported twice, in every order of arrival."""
    reports = [
        balance(f"r-{n}", minor, FEB_10 + n * MINUTE) for n, minor in enumerate((9000, 4000, 3000))
    ]
    for order in permutations([*reports, *reports]):
        story = play(*start().facts)
        for wish in order:
            story.decide(report_balance, wish, now=FEB_10 + HOUR)
        assert len(story.of(InvoiceIssued)) == 1, order
        story.at(FEB_10 + HOUR, captured(nok(20000)))
        assert story.sent == ["SendCharge"]
        assert story.at(FEB_10 + DAY) == []


REPORTS = st.lists(
    st.tuples(
        st.integers(0, 60 * 24 * 45),  # minutes after FEB_10 at which the balance was so
        st.sampled_from([-100, 0, 4999, 5000, 5001, 20000]),
        st.integers(0, 600),  # minutes until it is reported
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@drawn(REPORTS)
def test_never_two_for_one_crossing_and_never_above_the_caps(
    drawn_reports: list[tuple[int, int, int]],
) -> None:
    """Late, reordered and repeated: counted anew from the facts alone."""
    arrivals = sorted((minute + delay, minute, minor) for minute, minor, delay in drawn_reports)
    story = play(*start().facts)
    for place, (arrival, minute, minor) in enumerate(arrivals):
        wish = balance(f"r-{place}", minor, FEB_10 + minute * MINUTE)
        story.decide(report_balance, wish, now=FEB_10 + arrival * MINUTE)
        assert story.decide(report_balance, wish, now=FEB_10 + arrival * MINUTE) == ()
    below = billed = False
    days: list[str] = []
    last = None
    for fact in story.facts:
        if isinstance(fact, BalanceReported):
            assert last is None or fact.effective_at > last
            last = fact.effective_at
            below = fact.balance.minor < 5000
            billed = billed and below
        elif isinstance(fact, InvoiceIssued):
            assert below
            assert not billed
            billed = True
            days.append(local_day(fact.effective_at, ZONE).isoformat())
    assert all(days.count(day) <= 2 for day in days)
    assert all(sum(each[:7] == day[:7] for each in days) <= 5 for day in days)
    waits = any(each.kind is ItemKind.RELOAD for each in agenda_of(story.state))
    assert waits == (below and not billed)
    event(f"reloads: {min(len(days), 6)}")
    event(f"waits: {waits}")
