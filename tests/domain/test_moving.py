"""Who is moved to another version, where, and at what price; checked against five lines."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import attrs
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from domain.calendar import Interval, Unit, start_of_day
from domain.catalogue.moving import move_due
from domain.catalogue.offering import Choice
from domain.catalogue.publishing import announce_move, publish, withdraw_move
from domain.catalogue.starting import StartByPlan
from domain.catalogue.state import Plan
from domain.money import Money
from domain.plan import Timing
from domain.providers import Provider
from domain.refusals import Refused
from domain.subscription.changing import Change, change_terms
from domain.subscription.ending import schedule_cancellation, withdraw_cancellation
from domain.subscription.events import InvoiceIssued, LineKind, TermsChanged, When
from domain.subscription.pausing import Resume, pause, resume
from domain.subscription.state import Subscription
from tests.books import Books, Clock
from tests.domain.billing import billed_until, invoices
from tests.domain.plans import MARCH, NOW, PRICES, after, gold, moved, version, wish
from tests.specimens import ZONE, ZONE_VERSION, signed_up
from tests.vocabulary import Given
from tests.vocabulary import given as facts_given

_SPACE = UUID("0f6c1f4e-58f6-4b0b-8a5f-2f7c5f0e1d77")
# The periods of the plain subscription begin on 31 January, 29 February, 31 March, 30 April.
FEB_29 = datetime(2024, 2, 28, 23, tzinfo=UTC)
MAR_31 = datetime(2024, 3, 30, 23, tzinfo=UTC)
MAY = datetime(2024, 5, 2, 12, tzinfo=UTC)


def bill(start: Given, plan: Plan, now: datetime) -> Given:
    """Everything due by then, as a worker does it: moves first."""
    while facts := move_due(start.state, plan, now=now, zone_version=ZONE_VERSION):
        start = start.and_(*facts)
    return billed_until(start, now)


def prices(start: Given) -> list[int]:
    """The price of the period on each invoice."""
    return [
        line.working.unit_price.minor
        for fact in start.facts
        if isinstance(fact, InvoiceIssued)
        for line in fact.lines
        if line.kind is LineKind.PERIOD
    ]


def subscriber(**changes: Any) -> Given:
    """Signed up on version 1."""
    return facts_given(*signed_up(version(1, **changes)))


# --- hand-checked -----------------------------------------------------------------------------


@pytest.mark.parametrize("timing", list(Timing))
@pytest.mark.parametrize("late", [False, True])
def test_the_first_period_on_or_after_the_day_has_the_new_price(timing: Timing, late: bool) -> None:
    """31 January and 29 February are before 1 March; a worker that comes in May finds the same."""
    plan, start = moved(gold(2, timing=timing)), subscriber(timing=timing)
    if not late:
        for instant in (FEB_29, MAR_31):
            start = bill(start, plan, instant)
    start = bill(start, plan, MAY)
    four = [29900, 29900, 39900, 39900]
    assert prices(start) == (four if timing is Timing.PREPAID else four[:3])
    assert start.state.terms == version(2, timing=timing)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2024, 2, 29), [29900, 39900, 39900]),
        (date(2024, 3, 1), [29900, 29900, 39900]),
        (date(2024, 3, 31), [29900, 29900, 39900]),
        (date(2024, 4, 1), [29900, 29900, 29900]),
    ],
)
def test_the_day_itself_counts(day: date, expected: list[int]) -> None:
    """A period that begins on it is moved."""
    plan = moved(gold(2), on=day)
    assert prices(bill(subscriber(), plan, MAR_31)) == expected


def test_nothing_is_written_before_the_period_begins() -> None:
    """Until the last second the move may be withdrawn."""
    start, plan = billed_until(subscriber(), FEB_29), moved(gold(2))
    early = MAR_31 - timedelta(seconds=1)
    assert move_due(start.state, plan, now=early, zone_version=ZONE_VERSION) == ()
    (changed,) = move_due(start.state, plan, now=MAR_31, zone_version=ZONE_VERSION)
    assert isinstance(changed, TermsChanged)
    assert (changed.when, changed.from_invoice, changed.lines) == (When.PERIOD_END, 3, ())
    assert changed.next_due_at == MAR_31
    assert changed.effective_at == MAR_31 - timedelta(microseconds=1)
    assert changed.reason == "subscribers of gold are moved to version 2"


def test_a_move_is_carried_out_once() -> None:
    """Who was moved is not on that version any more."""
    plan = moved(gold(2))
    start = bill(subscriber(), plan, MAY)
    assert len([each for each in start.facts if isinstance(each, TermsChanged)]) == 1
    assert move_due(start.state, plan, now=MAY, zone_version=ZONE_VERSION) == ()


def test_quantity_and_trial_stay_the_subscribers_own() -> None:
    """Three units of the new price; the trial that was agreed to is not given twice."""
    trial = Interval(Unit.DAY, 14)
    start = facts_given(*signed_up(version(1, quantity=3, trial=trial)))
    plan = moved(gold(2, trial=trial), on=date(2024, 3, 15))
    assert invoices(bill(start, plan, datetime(2024, 3, 1, tzinfo=UTC)).facts) == [
        ("2024-01-31", "2024-02-14", [0], 0),
        ("2024-02-14", "2024-03-14", [3 * 29900], 3 * 29900),
    ]
    april = bill(start, plan, datetime(2024, 4, 14, tzinfo=UTC))
    assert prices(april) == [29900, 29900, 39900]
    assert invoices(april.facts)[-1] == ("2024-04-14", "2024-05-14", [3 * 39900], 3 * 39900)
    assert april.state.terms == version(2, quantity=3, trial=trial)


def test_terms_of_ones_own_stay() -> None:
    """A price that was agreed to with one customer is on no version."""
    start, plan = subscriber(price=Money(19900, "NOK")), moved(gold(2))
    assert prices(bill(start, plan, MAY)) == [19900] * 4


def test_another_version_and_another_plan_stay() -> None:
    """Only those on the version that is named are moved."""
    plan = moved(gold(3))
    assert prices(bill(facts_given(*signed_up(version(3))), plan, MAY)) == [49900] * 4
    assert prices(bill(subscriber(plan="silver"), plan, MAY)) == [29900] * 4


def test_a_change_before_the_day_wins() -> None:
    """More units are no terms of one's own; another price is."""
    plan = moved(gold(2))
    for terms, expected in (
        (version(1, quantity=2), [29900, 29900, 39900, 39900]),
        (version(1, price=Money(100, "NOK")), [29900, 29900, 100, 100]),
    ):
        start = bill(subscriber(), plan, FEB_29)
        wish_ = Change(terms=terms, when=When.PERIOD_END, reason="asked")
        facts = change_terms(
            start.state, wish_, now=FEB_29 + timedelta(days=3), zone_version=ZONE_VERSION
        )
        assert prices(bill(start.and_(*facts), plan, MAY)) == expected


def test_who_is_going_to_end_keeps_the_version_unless_it_goes_on() -> None:
    """Nothing of what is going to end is changed; taken back, the next period is moved."""
    plan, start = moved(gold(2)), bill(subscriber(), moved(gold(2)), FEB_29)
    planned = schedule_cancellation(
        start.state, at=MAY, reason="moving", now=FEB_29, zone_version=ZONE_VERSION
    )
    ending = bill(start.and_(*planned), plan, MAR_31)
    assert prices(ending) == [29900] * 3
    stays = withdraw_cancellation(
        ending.state, reason="stays", now=MAR_31, zone_version=ZONE_VERSION
    )
    assert prices(bill(ending.and_(*stays), plan, MAY)) == [29900] * 3 + [39900]


@pytest.mark.parametrize("timing", list(Timing))
def test_who_resumes_after_the_day_is_moved_at_once(timing: Timing) -> None:
    """The first period that begins after the pause has the new price."""
    plan, start = moved(gold(2, timing=timing)), subscriber(timing=timing)
    start = bill(start, plan, FEB_29)
    start = start.and_(
        *pause(
            start.state,
            until=None,
            credit=False,
            reason="away",
            now=FEB_29 + timedelta(hours=1),
            zone_version=ZONE_VERSION,
        )
    )
    start = bill(start, plan, MAY)
    again = resume(
        start.state, how=Resume.RESTART, reason="back", now=MAY, zone_version=ZONE_VERSION
    )
    start = bill(start.and_(*again), plan, datetime(2024, 7, 4, tzinfo=UTC))
    assert set(prices(start)[2:]) == {39900}
    assert len(prices(start)) > 3


def test_a_move_that_leads_on_is_made_in_one_step() -> None:
    """1 to 2 and 2 to 3, both in March: the third price from the end of March on."""
    plan = moved(moved(gold(3)), 2, 3)
    start = bill(subscriber(), plan, MAY)
    assert prices(start) == [29900, 29900, 49900, 49900]
    assert len([each for each in start.facts if isinstance(each, TermsChanged)]) == 1


def test_a_withdrawn_move_takes_along_only_periods_that_had_begun() -> None:
    """However late they are billed."""
    plan = moved(gold(2))

    def without(instant: datetime) -> list[int]:
        facts = withdraw_move(plan, from_version=1, to_version=2, reason="no", now=instant)
        return prices(bill(subscriber(), after(plan, *facts), MAY))

    assert without(MAR_31 - timedelta(minutes=2)) == [29900] * 4
    assert without(MAR_31 + timedelta(minutes=2)) == [29900, 29900, 39900, 39900]


def test_terms_too_large_for_money_leave_the_old_ones_in_force() -> None:
    """Billing goes on; the audit names it."""
    dear = version(2, price=Money(10**14, "NOK"))
    plan = after(gold(1), *publish(gold(1), wish(2, dear), now=NOW))
    start = bill(subscriber(quantity=1000), moved(plan), MAY)
    assert prices(start) == [29900] * 4


def test_another_rhythm_begins_where_the_period_ends() -> None:
    """Monthly until 31 March, then a year at a time."""
    yearly = version(2, interval=Interval(Unit.YEAR))
    plan = moved(after(gold(1), *publish(gold(1), wish(2, yearly), now=NOW)))
    found = invoices(bill(subscriber(), plan, MAY).facts)
    assert found[-1] == ("2024-03-31", "2025-03-31", [39900], 39900)


def test_a_worker_moves_before_it_bills() -> None:
    """Of its own accord, and says so in the cause."""
    books = Books(NOW)
    for number in (1, 2):
        books.publish("gold", publish(books.plans.get("gold"), wish(number), now=NOW))
    books.sign_up(by_plan("s-1", date(2024, 1, 31), ZONE, Choice(plan="gold", version=1)))
    books.publish("gold", _move(books, 1, 2, MARCH))
    while books.now < MAY:
        books.advance(Clock.NEXT_DUE, "s-1")
        books.work("s-1")
    assert [price for _, price in billed(books, "s-1")] == [29900, 29900, 39900, 39900, 39900]
    (cause,) = [each.cause for each in books.log if isinstance(each.event, TermsChanged)]
    assert cause == "agenda:move"


# --- whatever is published and moved ----------------------------------------------------------


def by_plan(subscription_id: str, start: date, zone: str, choice: Choice) -> StartByPlan:
    return StartByPlan(
        subscription_id=subscription_id,
        customer_id="c-1",
        namespace=uuid5(_SPACE, subscription_id),
        provider=Provider.PAYPAL,
        account="main",
        zone=zone,
        start=start,
        choice=choice,
    )


def _move(books: Books, from_version: int, to_version: int, on: date) -> Any:
    return announce_move(
        books.plans["gold"],
        from_version=from_version,
        to_version=to_version,
        on=on,
        reason="prices",
        now=books.now,
    )


def billed(books: Books, subscription_id: str) -> list[tuple[date, int]]:
    """(first day, price) of each period that was billed."""
    return [
        (each.event.period.start, line.working.unit_price.minor)
        for each in books.log
        if each.stream == f"subscription-{subscription_id}"
        and isinstance(each.event, InvoiceIssued)
        for line in each.event.lines
        if line.kind is LineKind.PERIOD
    ]


@attrs.frozen
class Announced:
    """A move as it was announced, and when it was withdrawn."""

    from_version: int
    to_version: int
    on: date
    withdrawn_at: datetime | None = None


def holding(version: int, moves: list[Announced], begins: date, at: datetime) -> int:
    """The oracle: the version that holds for a period, by that of the period before it (or of the
    start) and the announced dates."""
    for _ in moves:
        for move in moves:
            stands = move.withdrawn_at is None or at < move.withdrawn_at + timedelta(minutes=1)
            if stands and move.from_version == version and begins >= move.on:
                version = move.to_version
    return version


_WAYS = [(1, 2)] * 4 + [(2, 3)] * 3 + [(1, 3), (2, 1), (3, 1)]
_ZONES = ["Europe/Oslo", "UTC", "America/New_York", "Asia/Tokyo"]


@st.composite
def doings(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """What happens to the plan and its subscribers, in order; the clock moves in between."""
    ways, soon = st.sampled_from(_WAYS), st.integers(-40, 30)
    start = st.tuples(st.sampled_from([None, 1, 2]), soon, st.sampled_from(_ZONES))
    move = st.tuples(st.just("move"), st.tuples(ways, st.integers(2, 50)))
    wait = st.tuples(st.just("wait"), st.integers(1, 45))
    step = st.one_of(
        move,
        move,
        wait,
        wait,
        st.tuples(st.just("withdraw"), ways),
        st.tuples(st.just("start"), start),
        st.tuples(st.just("work"), st.none()),
    )
    first = ("start", (1, draw(soon), "Europe/Oslo"))
    return [first, *draw(st.lists(step, min_size=3, max_size=14))]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    doings(),
    st.sampled_from(list(Timing)),
    st.sampled_from([Interval(Unit.MONTH), Interval(Unit.WEEK, 2), Interval(Unit.DAY, 10)]),
)
def test_each_period_has_the_price_of_the_version_that_holds_by_the_announced_dates(
    acts: list[tuple[str, Any]], timing: Timing, interval: Interval
) -> None:
    """Whenever the workers come, and whatever is announced and withdrawn between."""
    books, moves, began = played(acts, timing, interval)
    for name in began:
        held, seen = began[name], set()
        for begins, price in billed(books, name):
            at = start_of_day(begins, books.states[name].zone)
            held = holding(held, moves, begins, at)
            assert price == PRICES[held - 1]
            seen.add(price)
        event(f"prices a subscriber has seen: {len(seen)}")


def played(
    acts: list[tuple[str, Any]], timing: Timing, interval: Interval
) -> tuple[Books, list[Announced], dict[str, int]]:
    """The books, the moves that were announced, and the version each subscriber began with."""
    books = Books(NOW)
    moves: list[Announced] = []
    began: dict[str, int] = {}
    for number in (1, 2, 3):
        agreed = version(number, timing=timing, interval=interval)
        # The third is never available to new customers: it can be moved to all the same.
        from_ = NOW + timedelta(days=4000) if number == 3 else NOW
        asked = wish(number, agreed, available_from=from_)
        books.publish("gold", publish(books.plans.get("gold"), asked, now=NOW))
    for what, how in acts:
        try:
            _do(books, moves, began, what, how)
        except Refused as refused:
            event(f"refused {refused.code}")
    books.now += timedelta(days=61)
    for name in began:
        _work(books, name)
    return books, moves, began


def _do(books: Books, moves: list[Announced], began: dict[str, int], what: str, how: Any) -> None:
    plan = books.plans["gold"]
    match what:
        case "move":
            (from_version, to_version), days = how
            on = books.now.date() + timedelta(days=days)
            facts = _move(books, from_version, to_version, on)
            books.publish("gold", facts)
            moves += [Announced(from_version, to_version, on) for _ in facts]
        case "withdraw":
            facts = withdraw_move(
                plan, from_version=how[0], to_version=how[1], reason="no", now=books.now
            )
            books.publish("gold", facts)
            for place, each in enumerate(moves):
                same = (each.from_version, each.to_version) == how
                if facts and same and each.withdrawn_at is None:
                    moves[place] = attrs.evolve(each, withdrawn_at=books.now)
        case "start":
            named, days, zone = how
            name = f"s-{len(began) + 1}"
            start = books.now.date() + timedelta(days=days)
            state = books.sign_up(by_plan(name, start, zone, Choice(plan="gold", version=named)))
            began[name] = state.terms.plan_version
        case "work":
            for name in began:
                _work(books, name)
        case "wait":
            books.now += timedelta(days=how, hours=5)
        case _:
            raise AssertionError(what)


def _work(books: Books, name: str) -> None:
    """Until nothing is due."""
    for _ in range(200):
        if books.work(name) is None and books.intend(name) is None:
            return
    raise AssertionError("it never comes to rest")


def test_the_state_is_not_touched_by_plans_of_other_names() -> None:
    """A plan that nobody published moves nobody."""
    state: Subscription = subscriber().state
    assert move_due(state, None, now=MAY, zone_version=ZONE_VERSION) == ()
    assert move_due(state, gold(2), now=MAY, zone_version=ZONE_VERSION) == ()
