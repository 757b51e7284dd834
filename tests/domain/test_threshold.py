"""Usage that is billed at an amount or at the period's end, whichever is first.

Data at 0.40 a GB; 250 GB are 100.00, the threshold. The base fee is 299.00.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import event, settings
from hypothesis import given as drawn
from hypothesis import strategies as st

from domain.calendar import Interval, Unit
from domain.plan import Timing
from domain.processes.agenda import ItemKind, agenda_of
from domain.refusals import Refused
from domain.subscription.discounting import Reduction, grant_discount
from domain.subscription.ending import cancel
from domain.subscription.events import (
    CreditGranted,
    InvoiceIssued,
    LineKind,
    SubscriptionSuspended,
    UsageReported,
)
from domain.subscription.metering import Report, correct_usage, report_usage
from domain.taxes import TaxRate
from tests.domain.asking import (
    DATA,
    beside,
    by_threshold,
    nok,
    of_schedule,
    signed,
    used,
)
from tests.domain.billing import FEB_10, billed_until
from tests.specimens import DAY, HOUR, MINUTE, NEXT_DUE, captured, requested, started, vaulted
from tests.vocabulary import Given, given, play

FIRST, SECOND = 1_000_001, 1_000_002
MAR_5 = datetime(2024, 3, 5, 12, tzinfo=UTC)


def running(timing: Timing = Timing.PREPAID, **changes: object) -> Given:
    """On 10 February; prepaid, the first period is billed."""
    return billed_until(signed(by_threshold(timing, **changes)), FEB_10)


def usage_of(fact: InvoiceIssued) -> list[tuple[int, int]]:
    """(units, amount) of the lines of usage."""
    return [
        (line.working.quantity, line.amount.minor)
        for line in fact.lines
        if line.kind is LineKind.USAGE
    ]


@pytest.mark.parametrize("timing", list(Timing))
def test_usage_that_comes_to_the_threshold_is_billed_at_once(timing: Timing) -> None:
    """200 GB are 80.00; 50 more make it 100.00: all 250 GB, since the first day."""
    below = used(running(timing), 200, FEB_10, "a")
    assert beside(below) == []
    wish = Report(usage_id="b", meter="data", quantity=50, at=FEB_10 + HOUR)
    made = report_usage(below.state, wish, now=FEB_10 + 2 * HOUR)
    assert [type(each) for each in made] == [UsageReported, InvoiceIssued]
    invoice = made[1]
    assert isinstance(invoice, InvoiceIssued)
    assert (invoice.invoice_number, invoice.demand, invoice.total) == (
        FIRST,
        "threshold",
        nok(10000),
    )
    assert usage_of(invoice) == [(250, 10000)]
    begins = "2024-01-30" if timing is Timing.PREPAID else "2024-01-31"
    assert begins <= str(invoice.period.start) <= "2024-01-31"
    assert str(invoice.period.end) == "2024-02-11"
    assert invoice.effective_at == FEB_10 + HOUR, "owed from its last usage on"


def test_one_unit_less_is_not_enough() -> None:
    """249 GB are 99.60."""
    assert beside(used(running(), 249, FEB_10, "a")) == []
    assert beside(used(running(), 250, FEB_10, "a")) == [(FIRST, "threshold", 10000)]


def test_while_it_is_suspended_usage_waits_for_the_last_invoice() -> None:
    """Billing stands still; the period that was running then is billed at its end."""
    before = running(Timing.POSTPAID)
    stopped = before.and_(
        SubscriptionSuspended(
            customer_id=before.state.customer_id,
            invoice_number=1,
            last_invoice=before.state.invoices_issued + 1,
            reason="retries-used-up",
            effective_at=FEB_10,
        )
    )
    waits = used(stopped, 250, FEB_10, "a")
    assert beside(waits) == []
    (last,) = of_schedule(billed_until(waits, NEXT_DUE + 40 * DAY))[-1:]
    assert usage_of(last) == [(250, 10000)]


def test_what_goes_beyond_is_billed_with_it() -> None:
    """600 GB in one report are one invoice of 240.00, not two of 100.00."""
    assert beside(used(running(), 600, FEB_10, "a")) == [(FIRST, "threshold", 24000)]


def test_the_period_end_bills_the_rest() -> None:
    """250 GB at once, 30 GB with the invoice of March; then it begins anew."""
    story = used(used(running(), 250, FEB_10, "a"), 30, FEB_10 + DAY, "b")
    story = billed_until(story, MAR_5)
    assert [usage_of(each) for each in of_schedule(story)] == [[], [(30, 1200)]]
    assert story.state.usage == ()
    story = used(story, 250, MAR_5, "c")
    assert beside(story) == [(FIRST, "threshold", 10000), (SECOND, "threshold", 10000)]


def test_usage_of_the_same_instant_is_counted_on() -> None:
    """Three reports of one instant: the first two are billed, the third is not lost."""
    story = used(used(running(), 200, FEB_10, "a"), 50, FEB_10, "b")
    story = used(story, 10, FEB_10, "c")
    assert beside(story) == [(FIRST, "threshold", 10000)]
    assert [usage_of(each) for each in of_schedule(billed_until(story, MAR_5))] == [[], [(10, 400)]]
    again = used(story, 240, FEB_10, "d")
    assert [total for *_, total in beside(again)] == [10000, 10000]


def test_usage_from_before_the_bill_waits_for_the_period_end() -> None:
    """20 GB of the day before, reported after: 8.00 more with the next invoice of the schedule."""
    story = used(running(), 250, FEB_10, "a")
    late = Report(usage_id="b", meter="data", quantity=20, at=FEB_10 - DAY)
    story = story.and_(*report_usage(story.state, late, now=FEB_10 + HOUR))
    assert len(beside(story)) == 1
    assert [usage_of(each) for each in of_schedule(billed_until(story, MAR_5))] == [[], [(20, 800)]]


def test_a_correction_up_to_the_threshold_bills_it_too() -> None:
    """100 GB that should have been 250."""
    story = used(running(), 100, FEB_10, "a")
    story = story.and_(*correct_usage(story.state, "a", 250, reason="misread", now=FEB_10 + HOUR))
    assert beside(story) == [(FIRST, "threshold", 10000)]


def test_the_threshold_counts_tax_and_the_discount_comes_after_it() -> None:
    """200 GB are 80.00 and 20.00 tax; 10 % off is 72.00 and 18.00."""
    taxed = attrs.evolve(DATA, tax=TaxRate(code="NO-25", ppm=250_000, included=False))
    story = running(meters=(taxed,))
    wish = Reduction(coupon="SPRING", ppm=100_000, invoices=2, reason="campaign")
    story = story.and_(*grant_discount(story.state, wish, now=FEB_10))
    story = used(story, 200, FEB_10, "a")
    assert beside(story) == [(FIRST, "threshold", 9000)]
    assert story.state.discounts[0].invoices == 1, "used once"


def test_a_due_period_takes_its_part_first_and_the_worker_bills_the_rest() -> None:
    """200 GB of February and 260 of March are reported before anybody bills March."""
    story = used(running(), 200, FEB_10, "a")
    wish = Report(usage_id="b", meter="data", quantity=260, at=NEXT_DUE + HOUR)
    story = story.and_(*report_usage(story.state, wish, now=NEXT_DUE + DAY))
    assert beside(story) == []
    due = [each for each in agenda_of(story.state) if each.kind is ItemKind.INVOICE]
    assert [each.key for each in due] == ["2", "threshold"]
    worked = play(*story.facts)
    worked.at(NEXT_DUE + DAY, *(captured(nok(each)) for each in (29900, 29900 + 8000, 10400)))
    billed = worked.of(InvoiceIssued)
    assert [(each.invoice_number, each.total.minor) for each in billed] == [
        (1, 29900),
        (2, 37900),
        (FIRST, 10400),
    ]
    assert [usage_of(each) for each in billed] == [[], [(200, 8000)], [(260, 10400)]]


def test_before_the_payer_approved_nothing_is_billed_and_then_it_is() -> None:
    """250 GB without a token; the worker bills them once there is one."""
    story = given(started(by_threshold()))
    story = used(story, 250, FEB_10, "a")
    assert beside(story) == []
    assert all(each.key != "threshold" for each in agenda_of(story.state))
    worked = play(*story.facts, requested(), vaulted(at=FEB_10 + DAY))
    worked.at(FEB_10 + DAY, captured(nok(29900)), captured(nok(10000)))
    assert [each.invoice_number for each in worked.of(InvoiceIssued)] == [1, FIRST]


def test_usage_of_a_free_trial_comes_to_nothing() -> None:
    """However much it is."""
    story = running(trial=Interval(Unit.DAY, 14))
    assert beside(used(story, 9999, FEB_10, "a")) == []


def test_a_cancellation_bills_what_is_below_the_threshold() -> None:
    """250 GB at once, 10 GB when it ends."""
    story = used(used(running(), 250, FEB_10, "a"), 10, FEB_10 + HOUR, "b")
    story = story.and_(*cancel(story.state, reason="moved", now=FEB_10 + DAY))
    assert [usage_of(each) for each in of_schedule(story)][-1] == [(10, 400)]
    assert beside(story) == [(FIRST, "threshold", 10000)]


def test_the_schedule_does_not_notice() -> None:
    """The same periods, fees and due instants, however often usage is billed in between."""
    calm = busy = running()
    for number in range(6):
        busy = used(busy, 300, FEB_10 + number * DAY, f"u-{number}")
    calm, busy = billed_until(calm, MAR_5), billed_until(busy, MAR_5)
    assert of_schedule(busy) == of_schedule(calm)
    assert len(beside(busy)) == 6


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["use", "use", "use", "late", "correct", "bill"]),
        st.integers(1, 400),
        st.integers(0, 60 * 24 * 12),
    ),
    max_size=25,
)


@settings(max_examples=120, deadline=None)
@drawn(STEPS, st.sampled_from(list(Timing)))
def test_each_unit_is_billed_once(steps: list[tuple[str, int, int]], timing: Timing) -> None:
    """What all invoices and credits bill, units by price, is what was reported in the end."""
    story, now, wanted = running(timing), FEB_10, Counter[str]()
    for number, (what, quantity, minutes) in enumerate(steps):
        name = f"u-{number}"
        now = now + minutes * MINUTE
        if what == "bill":
            story = billed_until(story, now)
            continue
        try:
            if what == "correct":
                if not wanted:
                    continue
                name = sorted(wanted)[quantity % len(wanted)]
                facts = correct_usage(story.state, name, quantity, reason="x", now=now)
            else:
                at = now if what != "late" else now - quantity * HOUR
                wish = Report(usage_id=name, meter="data", quantity=quantity, at=at)
                facts = report_usage(story.state, wish, now=now)
        except Refused:
            continue
        wanted[name] = quantity
        story = story.and_(*facts)
    for _ in range(2):  # postpaid, and what came late
        assert story.state.next_due_at is not None
        story = billed_until(story, max(now, story.state.next_due_at))
    units = 0
    for fact in story.facts:
        lines = getattr(fact, "lines", ()) if isinstance(fact, InvoiceIssued) else ()
        units += sum(each.working.quantity for each in lines if each.kind is LineKind.USAGE)
    given_back = sum(
        each.working.quantity
        for fact in story.facts
        if isinstance(fact, CreditGranted)
        for each in fact.lines
    )
    assert units - given_back == sum(wanted.values())
    totals = [total for *_, total in beside(story)]
    assert all(total >= 10000 for total in totals)
    event(f"billed at the threshold: {min(len(totals), 4)}")
