"""Usage: counted once, billed with the next invoice, late usage and corrections never lost.

0.40 NOK a GB; 25 GB used on 10 February are 10.00.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from domain.money import Money
from domain.plan import Kind, Meter, Terms, Timing
from domain.prices import Tier, Tiering
from domain.subscription.ending import cancel, cancel_as_scheduled, schedule_cancellation
from domain.subscription.events import CreditKind, InvoiceIssued, UsageReported, When
from domain.subscription.folding_usage import REMEMBERED
from domain.subscription.invoicing import issue_invoice
from domain.subscription.metering import Report, correct_usage, report_usage
from domain.taxes import TaxRate
from tests.domain.billing import FEB_10, NOK, billed_until, changed, credits, invoices, running
from tests.specimens import DAY, DUE, NEXT_DUE, ZONE_VERSION, signed_up, terms
from tests.vocabulary import Given, given

MAR_5 = datetime(2024, 3, 5, 12, tzinfo=UTC)
APR_5 = datetime(2024, 4, 5, 12, tzinfo=UTC)


def nok(minor: int) -> Money:
    """Øre."""
    return Money(minor, NOK)


FLAT = (Tier(up_to=None, unit_price=nok(40)),)
# 0.40 up to 100 GB, 0.25 from there on.
STEPS = (Tier(up_to=100, unit_price=nok(40)), Tier(up_to=None, unit_price=nok(25)))


def metered(timing: Timing = Timing.PREPAID, price: int = 29900, **changes: Any) -> Terms:
    """A base fee, and data by the GB."""
    meter = attrs.evolve(Meter(code="data", description="Data", unit="GB", tiers=FLAT), **changes)
    return terms(kind=Kind.RECURRING, timing=timing, price=nok(price), meters=(meter,))


def used(start: Given, quantity: int, at: datetime, usage_id: str = "u-1") -> Given:
    """Usage was reported a minute later."""
    wish = Report(usage_id=usage_id, meter="data", quantity=quantity, at=at)
    now = max(at + timedelta(minutes=1), FEB_10)
    return start.and_(*report_usage(start.state, wish, now=now))


def lines(start: Given) -> list[list[tuple[str, int]]]:
    """(kind, amount) of each invoice's lines."""
    return [
        [(each.kind.value, each.amount.minor) for each in fact.lines]
        for fact in start.facts
        if isinstance(fact, InvoiceIssued)
    ]


def test_a_base_fee_in_advance_and_usage_in_arrears_on_one_invoice() -> None:
    """The second invoice bills March and the usage of February."""
    after = billed_until(used(running(metered()), 25, FEB_10), MAR_5)
    assert lines(after) == [[("PERIOD", 29900)], [("PERIOD", 29900), ("USAGE", 1000)]]
    assert after.state.usage == ()


def test_billed_afterwards_usage_is_on_the_invoice_of_its_own_period() -> None:
    """The first invoice bills February and its usage."""
    after = billed_until(used(running(metered(Timing.POSTPAID)), 25, FEB_10), MAR_5)
    assert lines(after) == [[("PERIOD", 29900), ("USAGE", 1000)]]


def test_usage_at_the_due_instant_is_on_the_next_invoice() -> None:
    """A period's end is exclusive, to the microsecond."""
    last = NEXT_DUE - timedelta(microseconds=1)
    start = used(used(running(metered(price=0)), 10, last, "in"), 1, NEXT_DUE, "out")
    assert lines(billed_until(start, MAR_5))[1] == [("PERIOD", 0), ("USAGE", 400)]
    assert lines(billed_until(start, APR_5))[2] == [("PERIOD", 0), ("USAGE", 40)]


def test_tiers_count_a_period_as_a_whole() -> None:
    """60 and 90 GB: 100 at 0.40, 50 at 0.25; by volume, 150 at 0.25."""
    start = used(used(running(metered(tiers=STEPS)), 60, FEB_10, "a"), 90, FEB_10 + DAY, "b")
    assert lines(billed_until(start, MAR_5))[1][1:] == [("USAGE", 4000), ("USAGE", 1250)]
    by_volume = metered(tiers=STEPS, tiering=Tiering.VOLUME)
    start = used(used(running(by_volume), 60, FEB_10, "a"), 90, FEB_10 + DAY, "b")
    assert lines(billed_until(start, MAR_5))[1][1:] == [("USAGE", 3750)]


def test_prices_below_the_minor_unit() -> None:
    """0.15 NOK for 1,000 calls: 12,345 of them are 1.85 (185.175 øre)."""
    calls = (Tier(up_to=None, unit_price=nok(15), per=1000),)
    after = billed_until(used(running(metered(tiers=calls)), 12345, FEB_10), MAR_5)
    assert lines(after)[1][1:] == [("USAGE", 185)]


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        (25, [("USAGE", 1000), ("MINIMUM", 4000)]),
        (125, [("USAGE", 5000)]),
        (200, [("USAGE", 8000)]),
        (300, [("USAGE", 12000), ("CAP", -2000)]),
    ],
)
def test_minimum_and_cap(quantity: int, expected: list[tuple[str, int]]) -> None:
    """Usage of a period comes to 50.00 at least and 100.00 at most."""
    bounds = metered(minimum=nok(5000), cap=nok(10000))
    assert lines(billed_until(used(running(bounds), quantity, FEB_10), MAR_5))[1][1:] == expected


def test_no_usage_is_worth_the_minimum_once_a_period() -> None:
    """Not on the first prepaid invoice: no period was served before it."""
    after = billed_until(running(metered(minimum=nok(5000))), APR_5)
    assert [sum(minor for _, minor in each) for each in lines(after)] == [29900, 34900, 34900]


def test_tax_of_usage_is_the_meters_own() -> None:
    """10.00 and 25 %; the base fee has none."""
    taxed = metered(tax=TaxRate(code="NO-25", ppm=250_000, included=False))
    after = billed_until(used(running(taxed), 25, FEB_10), MAR_5)
    issued = [each for each in after.facts if isinstance(each, InvoiceIssued)]
    assert [(each.total.minor, each.tax) for each in issued] == [(29900, None), (31150, nok(250))]


def test_usage_in_a_free_trial_is_free() -> None:
    """It is shown, and costs nothing; usage after the trial costs."""
    trial = attrs.evolve(metered(), trial=terms().interval)
    start = billed_until(given(*signed_up(trial)), FEB_10)
    start = used(used(start, 25, FEB_10, "a"), 50, NEXT_DUE + DAY, "b")
    after = billed_until(start, APR_5)
    assert lines(after)[1] == [("PERIOD", 29900), ("USAGE", 0)]
    assert lines(after)[2] == [("PERIOD", 29900), ("USAGE", 2000)]


# --- late, and corrected ------------------------------------------------------------------------


def test_late_usage_is_on_the_next_invoice_and_says_so() -> None:
    """90 GB were billed; 20 more are 10 at 0.40 and 10 at 0.25, as if they had been in time."""
    billed = billed_until(used(running(metered(tiers=STEPS)), 90, FEB_10, "a"), MAR_5)
    wish = Report(usage_id="b", meter="data", quantity=20, at=FEB_10 + DAY)
    late = report_usage(billed.state, wish, now=MAR_5)
    (fact,) = late
    assert isinstance(fact, UsageReported)
    assert [(each.working.quantity, each.amount.minor) for each in fact.lines] == [
        (10, 400),
        (10, 250),
    ]
    assert all("late, 2024-01-31 to 2024-02-29" in each.description for each in fact.lines)
    after = billed_until(billed.and_(*late), APR_5)
    assert lines(after)[2] == [("PERIOD", 29900), ("USAGE", 400), ("USAGE", 250)]


def test_late_usage_below_the_minimum_costs_nothing_more() -> None:
    """10.00 was brought up to 50.00; 10.00 more leave it there."""
    billed = billed_until(used(running(metered(minimum=nok(5000))), 25, FEB_10, "a"), MAR_5)
    after = used(billed, 25, FEB_10 + DAY, "b")
    changed_lines = after.facts[-1]
    assert isinstance(changed_lines, UsageReported)
    assert sum(each.amount.minor for each in changed_lines.lines) == 0


def test_a_correction_before_the_bill_changes_the_bill() -> None:
    """25 GB were 5."""
    start = used(running(metered()), 25, FEB_10)
    fixed = correct_usage(start.state, "u-1", 5, reason="meter swapped", now=FEB_10 + DAY)
    assert lines(billed_until(start.and_(*fixed), MAR_5))[1][1:] == [("USAGE", 200)]


def test_a_correction_after_the_bill_gives_credit() -> None:
    """25 GB were 5: 20 x 0.40 come back, and pay the next invoice."""
    billed = billed_until(used(running(metered()), 25, FEB_10), MAR_5)
    after = billed.and_(*correct_usage(billed.state, "u-1", 5, reason="wrong", now=MAR_5))
    assert credits(after.facts) == [800]
    assert after.state.lines_to_come == ()
    assert [left for *_, left in invoices(billed_until(after, APR_5).facts)][2] == 29100
    granted = after.facts[-2]
    assert getattr(granted, "kind", None) is CreditKind.CORRECTION


def test_a_correction_upwards_after_the_bill_is_a_line() -> None:
    """5 GB were 25: 8.00 more on the next invoice."""
    billed = billed_until(used(running(metered()), 5, FEB_10), MAR_5)
    after = billed.and_(*correct_usage(billed.state, "u-1", 25, reason="wrong", now=MAR_5))
    assert lines(billed_until(after, APR_5))[2] == [("PERIOD", 29900), ("USAGE", 800)]


@pytest.mark.parametrize("tiering", list(Tiering))
def test_corrected_and_corrected_back_is_as_it_was(tiering: Tiering) -> None:
    """What a correction takes away, its opposite brings back, to the minor unit."""
    agreed = metered(tiers=STEPS, tiering=tiering, minimum=nok(3000), cap=nok(4500))
    billed = billed_until(used(running(agreed), 120, FEB_10), MAR_5)
    down = billed.and_(*correct_usage(billed.state, "u-1", 7, reason="wrong", now=MAR_5))
    up = down.and_(*correct_usage(down.state, "u-1", 120, reason="right", now=MAR_5))
    assert sum(each.amount.minor for each in up.state.lines_to_come) == sum(credits(up.facts))
    assert up.state.counted == billed.state.counted


# --- repeats and refusals -----------------------------------------------------------------------


def test_the_same_report_counts_once() -> None:
    """Before the bill, after it, and after a correction."""
    wish = Report(usage_id="u-1", meter="data", quantity=25, at=FEB_10)
    start = used(running(metered()), 25, FEB_10)
    start.when(report_usage, wish, now=FEB_10).then_nothing()
    fixed = start.and_(*correct_usage(start.state, "u-1", 5, reason="wrong", now=FEB_10))
    fixed.when(report_usage, wish, now=FEB_10).then_nothing()
    billed_until(fixed, MAR_5).when(report_usage, wish, now=MAR_5).then_nothing()


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"quantity": 26}, "usage-id-reused"),
        ({"at": FEB_10 - DAY}, "usage-id-reused"),
        ({"usage_id": "b", "quantity": 0}, "usage-malformed"),
        ({"usage_id": "b", "quantity": 10**12 + 1}, "usage-malformed"),
        ({"usage_id": "b", "meter": "calls"}, "meter-unknown"),
        ({"usage_id": "b", "at": FEB_10 + DAY}, "usage-in-the-future"),
        ({"usage_id": "b", "at": DUE - DAY}, "usage-before-start"),
        ({"usage_id": "", "at": FEB_10}, "id-malformed"),
    ],
)
def test_reports_that_are_refused(wish: dict[str, Any], code: str) -> None:
    """Nothing is counted."""
    report = attrs.evolve(Report(usage_id="u-1", meter="data", quantity=25, at=FEB_10), **wish)
    start = used(running(metered()), 25, FEB_10)
    start.when(report_usage, report, now=FEB_10).then_refused(code)


def test_usage_that_was_billed_long_ago_is_refused() -> None:
    """92 days after its stretch was billed, nobody can tell a repeat any more."""
    last = NEXT_DUE + REMEMBERED
    start = billed_until(used(running(metered()), 5, FEB_10, "a"), last)
    wish = Report(usage_id="u", meter="data", quantity=1, at=FEB_10)
    assert report_usage(start.state, wish, now=last)
    assert correct_usage(start.state, "a", 1, reason="x", now=last)
    late = last + timedelta(microseconds=1)
    start.when(report_usage, wish, now=late).then_refused("usage-too-late")
    start.when(correct_usage, "a", 1, reason="x", now=late).then_refused("usage-unknown")


def test_many_late_reports_cost_what_one_of_all_would_have() -> None:
    """0.15 NOK for 1,000 calls: 40 reports of 50 late calls are 0.30; each alone would be 0.00."""
    calls = (Tier(up_to=None, unit_price=nok(15), per=1000),)
    late = billed_until(used(running(metered(tiers=calls)), 12345, FEB_10), MAR_5)
    for number in range(40):
        late = used(late, 50, FEB_10, f"late-{number}")
    waiting = sum(each.amount.minor for each in late.state.lines_to_come)
    assert waiting == 215 - 185, "14,345 calls are 2.15 (215.175 øre)"


def test_late_usage_that_makes_all_of_it_cheaper_is_credit() -> None:
    """By volume: 100 GB at 0.40 are 40.00, 101 at 0.25 are 25.25. No invoice is below nothing."""
    by_volume = metered(price=0, tiers=STEPS, tiering=Tiering.VOLUME)
    billed = billed_until(used(running(by_volume), 100, FEB_10), MAR_5)
    late = used(billed, 1, FEB_10, "late")
    assert credits(late.facts) == [4000 - 2525]
    assert late.state.lines_to_come == ()
    assert lines(billed_until(late, APR_5))[2] == [("PERIOD", 0)]


def test_a_cap_holds_to_the_end() -> None:
    """A promise is not broken by leaving: 300 GB are 120.00, and cost 100.00."""
    start = used(running(metered(cap=nok(10000))), 300, FEB_10 - DAY)
    after = start.and_(*cancel(start.state, reason="moved", now=FEB_10))
    assert lines(after)[-1] == [("USAGE", 12000), ("CAP", -2000)]


@pytest.mark.parametrize(
    ("planned", "expected"),
    [(True, [("USAGE", 1000), ("MINIMUM", 4000)]), (False, [("USAGE", 1000)])],
)
def test_the_minimum_is_of_a_whole_period(planned: bool, expected: list[tuple[str, int]]) -> None:
    """Ended where the period does, it was served; ended in the middle, it was not."""
    start = used(running(metered(minimum=nok(5000))), 25, FEB_10 - DAY)
    if planned:
        common = {"reason": "moves", "now": FEB_10}
        start = start.and_(
            *schedule_cancellation(start.state, at=None, zone_version=ZONE_VERSION, **common)
        )
        after = start.and_(*cancel_as_scheduled(start.state, now=NEXT_DUE))
    else:
        after = start.and_(*cancel(start.state, reason="moved", now=FEB_10))
    assert lines(after)[-1] == expected


def test_after_the_last_invoice_nothing_more_is_billed() -> None:
    """Said at once, instead of a line that no invoice would ever take."""
    start = used(running(metered(Timing.POSTPAID)), 25, FEB_10 - DAY)
    common = {"reason": "moves", "now": FEB_10, "zone_version": ZONE_VERSION}
    start = start.and_(*schedule_cancellation(start.state, at=None, **common))
    last = billed_until(start, MAR_5)
    wish = Report(usage_id="late", meter="data", quantity=1, at=FEB_10)
    last.when(report_usage, wish, now=MAR_5).then_refused("subscription-ended")
    last.when(correct_usage, "u-1", 26, reason="x", now=MAR_5).then_refused("subscription-ended")
    less = last.and_(*correct_usage(last.state, "u-1", 20, reason="x", now=MAR_5))
    assert credits(less.facts) == [200]


def test_usage_after_a_due_instant_is_by_the_meters_that_count_then() -> None:
    """Though the invoice is not issued yet: what no meter would count is refused, not lost."""
    other = metered(code="calls")
    start = changed(running(metered()), other, when=When.PERIOD_END)
    wish = Report(usage_id="u", meter="data", quantity=1, at=NEXT_DUE)
    start.when(report_usage, wish, now=MAR_5).then_refused("meter-unknown")
    assert report_usage(start.state, attrs.evolve(wish, meter="calls"), now=MAR_5)


def test_after_the_end_nothing_is_counted() -> None:
    """Typed, so that the caller knows that it is not billed."""
    start = running(metered())
    over = start.and_(*cancel(start.state, reason="moved", now=FEB_10))
    wish = Report(usage_id="u", meter="data", quantity=1, at=FEB_10)
    over.when(report_usage, wish, now=FEB_10).then_refused("subscription-ended")


# --- beside changes and endings -----------------------------------------------------------------


@pytest.mark.parametrize("timing", list(Timing))
def test_a_dearer_meter_does_not_reach_back(timing: Timing) -> None:
    """25 GB at 0.40 before the change, 10 GB at 1.00 after it."""
    dearer = metered(timing, tiers=(Tier(up_to=None, unit_price=nok(100)),))
    start = used(running(metered(timing)), 25, FEB_10 - DAY, "a")
    after = used(changed(start, dearer), 10, FEB_10 + DAY, "b")
    billed = billed_until(after, MAR_5)
    usage = [each for each in lines(billed)[-1] if each[0] == "USAGE"]
    assert sorted(usage) == [("USAGE", 1000), ("USAGE", 1000)]
    late = used(billed, 5, FEB_10 - DAY, "c").facts[-1]
    assert isinstance(late, UsageReported)
    assert [each.amount.minor for each in late.lines] == [200], "late, at the price of its time"


def test_a_change_at_the_period_end_leaves_the_running_meter() -> None:
    """Usage of February at 0.40, though March is dearer when it is billed."""
    dearer = metered(tiers=(Tier(up_to=None, unit_price=nok(100)),))
    start = changed(running(metered()), dearer, when=When.PERIOD_END)
    start = used(used(start, 25, FEB_10, "a"), 10, NEXT_DUE + DAY, "b")
    after = billed_until(start, APR_5)
    assert [each[1:] for each in lines(after)[1:]] == [[("USAGE", 1000)], [("USAGE", 1000)]]


@pytest.mark.parametrize("timing", list(Timing))
def test_what_was_used_is_billed_when_it_ends(timing: Timing) -> None:
    """25 GB before the cancellation are 10.00, owed."""
    start = used(running(metered(timing)), 25, FEB_10 - DAY)
    after = start.and_(*cancel(start.state, reason="moved", now=FEB_10))
    assert lines(after)[-1] == [("USAGE", 1000)]
    closing = [each for each in after.facts if isinstance(each, InvoiceIssued)][-1]
    assert (closing.next_due_at, closing.effective_at) == (None, FEB_10)
    assert str(closing.period.start) == "2024-02-10"


def test_nothing_is_billed_twice_when_a_job_runs_twice() -> None:
    """The same instant again issues nothing, and counts nothing."""
    after = billed_until(used(running(metered()), 25, FEB_10), MAR_5)
    after.when(issue_invoice, now=MAR_5, zone_version=ZONE_VERSION).then_nothing()
