"""How billing begins: paid trials, a first period up to an anchor day, periods long past."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import PaidTrial, Timing
from domain.subscription.aligning import change_anchor
from domain.subscription.ending import schedule_cancellation
from domain.subscription.events import InvoiceIssued, SubscriptionStarted, TermsChanged
from domain.subscription.invoicing import bill_what_is_due
from domain.subscription.pausing import Resume, pause, resume
from domain.subscription.starting import Past, Start, start
from tests.domain.billing import NOK, billed_until, postpaid, running
from tests.specimens import ZONE_VERSION, instalments, requested, terms, vaulted, wish
from tests.vocabulary import Given, given

MONTH = Interval(Unit.MONTH)
# The day before the first one, in Oslo.
BEFORE = datetime(2024, 1, 30, 12, tzinfo=UTC)
INTRO = PaidTrial(price=Money(9900, NOK), interval=MONTH, cycles=2)


def begun(now: datetime = BEFORE, until: datetime | None = None, **changes: Any) -> Given:
    """Started at `now`, vaulted at once, billed until then."""
    facts = start(None, attrs.evolve(wish(), **changes), now=now, zone_version=ZONE_VERSION)
    begun = given(*facts, requested(at=now), vaulted(at=now))
    return begun if until is None else billed_until(begun, until)


def bills(start: Given) -> list[tuple[str, str, int]]:
    """(first day, end, total) of each invoice."""
    return [
        (str(each.period.start), str(each.period.end), each.total.minor)
        for each in start.facts
        if isinstance(each, InvoiceIssued)
    ]


MAY = datetime(2024, 5, 12, tzinfo=UTC)


def test_a_paid_trial_comes_before_the_regular_price() -> None:
    """Two months at 99.00, then 299.00; the anchor is the 31st throughout."""
    assert bills(begun(until=MAY, paid_trial=INTRO)) == [
        ("2024-01-31", "2024-02-29", 9900),
        ("2024-02-29", "2024-03-31", 9900),
        ("2024-03-31", "2024-04-30", 29900),
        ("2024-04-30", "2024-05-31", 29900),
    ]


def test_free_then_paid_then_regular() -> None:
    """PayPal's three cycles: two weeks free, four weeks at 99.00 each, then months."""
    weeks = PaidTrial(price=Money(9900, NOK), interval=Interval(Unit.WEEK, 4), cycles=2)
    agreed = terms(trial=Interval(Unit.WEEK, 2))
    assert bills(begun(until=MAY, paid_trial=weeks, terms=agreed)) == [
        ("2024-01-31", "2024-02-14", 0),
        ("2024-02-14", "2024-03-13", 9900),
        ("2024-03-13", "2024-04-10", 9900),
        ("2024-04-10", "2024-05-10", 29900),
        ("2024-05-10", "2024-06-10", 29900),
    ]


def test_a_paid_trial_billed_afterwards() -> None:
    """Each period at its own price, at its end."""
    assert bills(begun(until=MAY, paid_trial=INTRO, terms=postpaid()))[:3] == [
        ("2024-01-31", "2024-02-29", 9900),
        ("2024-02-29", "2024-03-31", 9900),
        ("2024-03-31", "2024-04-30", 29900),
    ]


@pytest.mark.parametrize(
    ("anchor", "trial", "expected"),
    [
        # 1 day of January's 31: 9.65 (9.645); then whole months.
        (
            "2024-02-01",
            None,
            [("2024-01-31", "2024-02-01", 965), ("2024-02-01", "2024-03-01", 29900)],
        ),
        # 15 days of the 31 before the 15th of February.
        (
            "2024-02-15",
            None,
            [("2024-01-31", "2024-02-15", 14468), ("2024-02-15", "2024-03-15", 29900)],
        ),
        (
            "2024-01-31",
            None,
            [("2024-01-31", "2024-02-29", 29900), ("2024-02-29", "2024-03-31", 29900)],
        ),
        # After the trial, 16 days of February's 29 up to 1 March.
        (
            "2024-03-01",
            Interval(Unit.WEEK, 2),
            [
                ("2024-01-31", "2024-02-14", 0),
                ("2024-02-14", "2024-03-01", 16497),
                ("2024-03-01", "2024-04-01", 29900),
            ],
        ),
    ],
)
def test_a_first_partial_period_up_to_the_anchor(
    anchor: str, trial: Interval | None, expected: list[tuple[str, str, int]]
) -> None:
    """Its days of the whole period that ends at the anchor."""
    after = begun(until=MAY, anchor=date.fromisoformat(anchor), terms=terms(trial=trial))
    assert bills(after)[: len(expected)] == expected


def test_an_instalment_is_whole_however_short_its_period() -> None:
    """Three payments of 299.00 up to an anchor on the 15th: none is for days."""
    after = begun(until=MAY, anchor=date(2024, 2, 15), terms=instalments(3))
    assert bills(after) == [
        ("2024-01-31", "2024-02-15", 29900),
        ("2024-02-15", "2024-03-15", 29900),
        ("2024-03-15", "2024-04-15", 29900),
    ]


# --- periods long past --------------------------------------------------------------------------

APRIL_10 = datetime(2024, 4, 10, 12, tzinfo=UTC)


def test_what_is_past_is_billed() -> None:
    """Each period by itself."""
    assert [each[2] for each in bills(begun(APRIL_10, MAY))] == [29900] * 4


def test_what_is_past_is_waived() -> None:
    """Three invoices of nothing, each with its discount; then the price."""
    after = begun(APRIL_10, MAY, past=Past.WAIVE)
    assert [each[2] for each in bills(after)] == [0, 0, 0, 29900]
    first = next(each for each in after.facts if isinstance(each, InvoiceIssued))
    assert [each.amount.minor for each in first.lines] == [29900, -29900]
    assert "waived-past off" in first.lines[1].description


def test_what_is_past_is_skipped() -> None:
    """The first invoice bills the first period still to come; the 31st stays the anchor."""
    after = begun(APRIL_10, datetime(2024, 6, 1, tzinfo=UTC), past=Past.SKIP)
    assert bills(after) == [
        ("2024-04-30", "2024-05-31", 29900),
        ("2024-05-31", "2024-06-30", 29900),
    ]
    began = after.facts[0]
    assert isinstance(began, SubscriptionStarted)
    assert str(began.start) == "2024-04-30"


def test_nothing_past_is_nothing_to_say() -> None:
    """A start to come is the same by all three."""
    facts = [begun(past=past).facts for past in Past]
    assert facts[0] == facts[1] == facts[2]
    assert not any(isinstance(each, TermsChanged) for each in facts[0])


# --- repeats and refusals -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"paid_trial": INTRO},
        {"anchor": date(2024, 2, 15)},
        {"past": Past.WAIVE},
        {"past": Past.SKIP},
        {"past": Past.SKIP, "terms": terms(trial=MONTH)},
    ],
)
def test_the_same_wish_again_is_quiet(changes: dict[str, Any]) -> None:
    """However it begins."""
    again = attrs.evolve(wish(), **changes)
    begun(APRIL_10 if "past" in changes else BEFORE, **changes).when(
        _start, again, now=APRIL_10
    ).then_nothing()


def _start(state: Any, wish: Start, *, now: datetime) -> Any:
    return start(state, wish, now=now, zone_version=ZONE_VERSION)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"paid_trial": attrs.evolve(INTRO, cycles=0)}, "paid-trial-malformed"),
        ({"paid_trial": INTRO, "anchor": date(2024, 2, 15)}, "paid-trial-malformed"),
        ({"paid_trial": INTRO, "past": Past.SKIP}, "paid-trial-malformed"),
        ({"paid_trial": INTRO, "terms": instalments(3)}, "paid-trial-malformed"),
        ({"paid_trial": attrs.evolve(INTRO, price=Money(0, NOK))}, "price-not-positive"),
        ({"anchor": date(2024, 2, 29)}, "anchor-out-of-range"),
        ({"anchor": date(2024, 1, 30)}, "anchor-out-of-range"),
        ({"anchor": date(2024, 2, 15), "past": Past.WAIVE}, "past-malformed"),
    ],
)
def test_beginnings_that_are_refused(changes: dict[str, Any], code: str) -> None:
    """Each refusal has its code."""
    given().when(_start, attrs.evolve(wish(), **changes), now=BEFORE).then_refused(code)


# --- another anchor later -----------------------------------------------------------------------

FEB_10 = datetime(2024, 2, 10, 12, tzinfo=UTC)


def moved(start: Given, anchor: str) -> Given:
    """The anchor was changed on 10 February."""
    facts = change_anchor(
        start.state,
        date.fromisoformat(anchor),
        reason="pay day",
        now=FEB_10,
        zone_version=ZONE_VERSION,
    )
    return start.and_(*facts)


def test_another_anchor_begins_where_the_running_period_ends() -> None:
    """15 days from 29 February, of the 29 before 15 March: 154.66 (154.655); then whole months."""
    assert bills(billed_until(moved(running(), "2024-03-15"), MAY))[1:] == [
        ("2024-02-29", "2024-03-15", 15466),
        ("2024-03-15", "2024-04-15", 29900),
        ("2024-04-15", "2024-05-15", 29900),
    ]


def test_billed_afterwards_the_running_period_stays() -> None:
    """The partial period is the one after it."""
    after = billed_until(moved(running(postpaid()), "2024-03-15"), MAY)
    assert bills(after) == [
        ("2024-01-31", "2024-02-29", 29900),
        ("2024-02-29", "2024-03-15", 15466),
        ("2024-03-15", "2024-04-15", 29900),
    ]


@pytest.mark.parametrize("timing", list(Timing))
def test_another_anchor_during_a_trial(timing: Timing) -> None:
    """The trial runs to its end; then the days up to the anchor."""
    agreed = terms(trial=Interval(Unit.WEEK, 2), timing=timing)
    after = billed_until(moved(running(agreed), "2024-03-01"), MAY)
    assert bills(after)[:3] == [
        ("2024-01-31", "2024-02-14", 0),
        ("2024-02-14", "2024-03-01", 16497),
        ("2024-03-01", "2024-04-01", 29900),
    ]


def test_the_anchor_that_it_has_is_quiet() -> None:
    """And one that is out of reach is refused."""
    start = running()
    start.when(_move, date(2024, 2, 29)).then_nothing()
    start.when(_move, date(2024, 3, 29)).then_refused("anchor-out-of-range")
    start.when(_move, date(2024, 2, 28)).then_refused("anchor-out-of-range")
    running(instalments(3)).when(_move, date(2024, 3, 15)).then_refused("instalments-fixed")
    planned = schedule_cancellation(
        start.state, at=None, reason="moves", now=FEB_10, zone_version=ZONE_VERSION
    )
    start.and_(*planned).when(_move, date(2024, 3, 15)).then_refused("cancellation-scheduled")


def _move(state: Any, anchor: date) -> Any:
    return change_anchor(state, anchor, reason="x", now=FEB_10, zone_version=ZONE_VERSION)


def test_moved_twice_tiles() -> None:
    """A second wish before the partial period: from the end of that."""
    once = moved(running(), "2024-03-15")
    twice = moved(once, "2024-04-01")
    facts, _ = bill_what_is_due(twice.state, now=MAY, zone_version=ZONE_VERSION)
    found = [
        (str(each.period.start), str(each.period.end))
        for each in facts
        if isinstance(each, InvoiceIssued)
    ]
    assert found == [
        ("2024-02-29", "2024-03-15"),
        ("2024-03-15", "2024-04-01"),
        ("2024-04-01", "2024-05-01"),
        ("2024-05-01", "2024-06-01"),
    ]


# --- beside pauses ------------------------------------------------------------------------------


def test_a_pause_during_a_paid_trial_moves_what_follows_it() -> None:
    """The second trial period begins when it is resumed; the regular ones where it ends."""
    start = begun(until=FEB_10, paid_trial=INTRO)
    away = start.and_(
        *pause(
            start.state,
            until=None,
            credit=False,
            reason="away",
            now=FEB_10,
            zone_version=ZONE_VERSION,
        )
    )
    back = away.and_(
        *resume(
            away.state,
            how=Resume.RESTART,
            reason="back",
            now=APRIL_10,
            zone_version=ZONE_VERSION,
        )
    )
    assert bills(billed_until(back, datetime(2024, 6, 20, tzinfo=UTC))) == [
        ("2024-01-31", "2024-02-29", 9900),
        ("2024-04-10", "2024-05-10", 9900),
        ("2024-05-10", "2024-06-10", 29900),
        ("2024-06-10", "2024-07-10", 29900),
    ]
