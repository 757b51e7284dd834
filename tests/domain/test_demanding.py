"""Charges on demand: issued once, collected as any invoice, and no concern of the schedule."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from domain.calendar import Period, local_day
from domain.identity import charge_reference, reference_parts
from domain.money import Money
from domain.plan import Kind, Timing
from domain.subscription.crediting import grant_credit
from domain.subscription.demanding import demand
from domain.subscription.ending import cancel
from domain.subscription.events import CreditApplied, InvoiceIssued, LineKind
from domain.subscription.folding_usage import REMEMBERED
from domain.subscription.pausing import pause
from domain.subscription.state import Status
from domain.taxes import TaxRate
from tests.domain.asking import (
    MICROSECOND,
    asked,
    beside,
    by_threshold,
    demanded,
    nok,
    of_schedule,
    signed,
    unscheduled,
)
from tests.domain.billing import FEB_10, billed_until, running
from tests.specimens import (
    DAY,
    DUE,
    MINUTE,
    NEXT_DUE,
    PRICE,
    ZONE,
    ZONE_VERSION,
    captured,
    declined,
    instalments,
    key,
    started,
    terms,
)
from tests.vocabulary import given, play

FIRST, SECOND = 1_000_001, 1_000_002
MVA = TaxRate(code="NO-25", ppm=250_000, included=False)


def test_what_is_asked_for_is_an_invoice_of_the_second_series() -> None:
    """10.00 and 25 % tax: 12.50, for the local day, due at once."""
    (fact,) = demand(signed(unscheduled()).state, asked(tax=MVA), now=FEB_10)
    assert isinstance(fact, InvoiceIssued)
    day = local_day(FEB_10, ZONE)
    assert (fact.invoice_number, fact.demand, fact.total, fact.tax) == (
        FIRST,
        "d-1",
        nok(1250),
        nok(250),
    )
    assert (fact.period, fact.due_on) == (Period(day, day + timedelta(days=1)), day)
    assert (fact.next_due_at, fact.zone_version, fact.effective_at) == (None, "", FEB_10)
    (line,) = fact.lines
    assert (line.kind, line.description) == (LineKind.DEMAND, "Bag (at the desk)")
    assert (line.working.policy, line.working.quantity) == ("on-demand", 1)


def test_the_day_is_the_subscriptions_own() -> None:
    """23:30 UTC on 10 February is the 11th in Oslo."""
    late = FEB_10.replace(hour=23, minute=30)
    (fact,) = demand(signed(unscheduled()).state, asked(), now=late)
    assert str(fact.due_on) == "2024-02-11"  # type: ignore[union-attr]


def test_it_is_charged_once_by_the_worker() -> None:
    """Intention, answer, paid; the reference is read back. The subscription goes on."""
    story = play(*demanded(signed(unscheduled())).facts)
    assert story.at(FEB_10, captured(nok(1000))) == ["ChargeAttempted", "ChargeSucceeded"]
    assert story.at(FEB_10 + DAY) == []
    assert story.state.open_invoices == ()
    assert story.state.status is Status.ACTIVE
    reference = charge_reference("s-1", FIRST, 1, key(FIRST))
    parts = reference_parts(reference)
    assert parts is not None
    assert (parts.invoice_number, parts.attempt_number) == (FIRST, 1)
    assert story.sent == ["SendCharge"]


def test_a_declined_demand_is_retried_as_any_invoice() -> None:
    """Three days later, by the agreed schedule."""
    story = play(*demanded(signed(unscheduled())).facts)
    story.at(FEB_10, declined())
    assert story.at(FEB_10 + 3 * DAY - MINUTE) == []
    names = story.at(FEB_10 + 3 * DAY, captured(nok(1000)))
    assert names == ["ChargeAttempted", "ChargeSucceeded"]


def test_the_same_again_is_quiet() -> None:
    """Whatever became of it meanwhile, also after the end."""
    once = demanded(signed(unscheduled()))
    once.when(demand, asked(), now=FEB_10 + DAY).then_nothing()
    over = once.and_(*cancel(once.state, reason="moved", now=FEB_10))
    over.when(demand, asked(), now=FEB_10 + DAY).then_nothing()


@pytest.mark.parametrize(
    "other",
    [asked(1001), asked(description="Box"), asked(tax=MVA), asked(reason="by telephone")],
    ids=["amount", "description", "tax", "reason"],
)
def test_another_wish_under_a_known_id_is_refused(other: object) -> None:
    """An id stands for one thing."""
    once = demanded(signed(unscheduled()))
    once.when(demand, other, now=FEB_10).then_refused("demand-id-reused")


def test_ids_are_remembered_as_long_as_those_of_usage() -> None:
    """92 days, counted from the latest demand."""
    once = demanded(signed(unscheduled()))
    kept = demanded(once, 1000, "d-2", FEB_10 + REMEMBERED)
    kept.when(demand, asked(), now=FEB_10 + REMEMBERED).then_nothing()
    gone = demanded(once, 1000, "d-2", FEB_10 + REMEMBERED + MICROSECOND)
    assert [each.demand_id for each in gone.state.demands] == ["d-2"]


FIXED = unscheduled(variable=False)
TAXED = unscheduled(variable=False, tax=MVA)


@pytest.mark.parametrize(
    ("agreed", "wish", "code"),
    [
        (FIXED, asked(PRICE.minor - 1), "amount-fixed"),
        (FIXED, asked(PRICE.minor, tax=MVA), "amount-fixed"),
        (TAXED, asked(PRICE.minor), "amount-fixed"),
        (terms(), asked(), "amount-fixed"),
        (by_threshold(), asked(), "amount-fixed"),
        (instalments(3), asked(PRICE.minor), "instalments-fixed"),
        (unscheduled(), asked(0), "amount-not-positive"),
        (unscheduled(), asked(-5), "amount-not-positive"),
        (unscheduled(), asked(amount=Money(1000, "SEK")), "currency-mixed"),
        (unscheduled(), asked(demand_id=""), "id-malformed"),
        (unscheduled(), asked(description=""), "description-malformed"),
        (unscheduled(), asked(description="x" * 128), "description-malformed"),
        (unscheduled(), asked(reason=""), "reason-malformed"),
        (unscheduled(), asked(tax=attrs.evolve(MVA, ppm=-1)), "tax-malformed"),
    ],
)
def test_what_may_not_be_asked_for_is_refused(agreed: object, wish: object, code: str) -> None:
    """With a code; nothing is written."""
    signed(agreed).when(demand, wish, now=FEB_10).then_refused(code)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("agreed", "wish"),
    [
        (FIXED, asked(PRICE.minor)),
        (TAXED, asked(PRICE.minor, tax=MVA)),
        (terms(), asked(PRICE.minor)),
        (terms(kind=Kind.RECURRING, variable=True), asked(1)),
        (terms(kind=Kind.IMMEDIATE, variable=True), asked(1)),
        (terms(kind=Kind.DEFERRED, timing=Timing.POSTPAID, variable=True), asked(1)),
    ],
)
def test_what_was_agreed_to_may_be_asked_for(agreed: object, wish: object) -> None:
    """A fixed price as it is, a variable one at any."""
    start = signed(agreed)  # type: ignore[arg-type]
    start.when(demand, wish, now=FEB_10).then_types(InvoiceIssued)


def test_only_what_runs_can_be_asked_of() -> None:
    """Not before the payer approved, not while it is paused, not after the end."""
    waiting = given(started(unscheduled()))
    waiting.when(demand, asked(), now=FEB_10).then_refused("subscription-not-active")
    start = running(terms(kind=Kind.RECURRING, variable=True))
    paused = pause(
        start.state, until=None, credit=False, reason="x", now=FEB_10, zone_version=ZONE_VERSION
    )
    start.and_(*paused).when(demand, asked(), now=FEB_10).then_refused("subscription-not-active")
    over = start.and_(*cancel(start.state, reason="moved", now=FEB_10))
    over.when(demand, asked(), now=FEB_10).then_refused("subscription-ended")


def test_a_day_has_its_bound_and_the_next_day_its_own() -> None:
    """Two a local day: the third is refused until midnight in Oslo, 23:00 UTC."""
    start = signed(unscheduled(most_demands_a_day=2))
    start = demanded(demanded(start, 1, "a"), 2, "b", FEB_10 + MINUTE)
    midnight = FEB_10.replace(hour=23)
    last = {"now": midnight - MICROSECOND}
    start.when(demand, asked(3, "c"), **last).then_refused("too-many-demands")
    after = demanded(start, 3, "c", midnight)
    assert beside(after) == [(FIRST, "a", 1), (SECOND, "b", 2), (1_000_003, "c", 3)]


def test_ten_a_day_are_the_default() -> None:
    """The eleventh is refused."""
    start = signed(unscheduled())
    for number in range(10):
        start = demanded(start, 1, f"d-{number}", FEB_10 + number * MINUTE)
    start.when(demand, asked(1, "d-10"), now=FEB_10).then_refused("too-many-demands")


def test_credit_pays_a_demand_first() -> None:
    """4.00 of credit and 10.00: 6.00 are charged."""
    start = signed(unscheduled())
    start = start.and_(*grant_credit(start.state, nok(400), reason="sorry", now=FEB_10))
    after = demanded(start)
    (applied,) = [each for each in after.facts if isinstance(each, CreditApplied)]
    assert (applied.invoice_number, applied.amount) == (FIRST, nok(400))
    assert after.state.open_invoices[0].open == nok(600)


def test_the_schedule_does_not_notice() -> None:
    """Three months with a demand in each, and without: the same invoices on the same days."""
    agreed = terms(kind=Kind.RECURRING, variable=True)
    calm = busy = signed(agreed)
    for number, at in enumerate((DUE + MINUTE, FEB_10, NEXT_DUE, NEXT_DUE + DAY)):
        calm = billed_until(calm, at)
        busy = demanded(billed_until(busy, at), 100, f"d-{number}", at)
    assert of_schedule(busy) == of_schedule(calm)
    assert len(beside(busy)) == 4
    for name in ("invoices_issued", "next_due_at", "billed", "schedule", "lines_to_come", "terms"):
        assert getattr(busy.state, name) == getattr(calm.state, name), name


def test_a_demand_does_not_complete_what_waits_for_money() -> None:
    """Postpaid, going to end: complete when the last invoice and the demand are paid."""
    story = play(*demanded(signed(unscheduled())).facts)
    story.at(FEB_10, captured(nok(1000)))
    assert story.state.status is Status.ACTIVE
    story.decide(demand, asked(5, "d-2"), now=FEB_10 + DAY)
    assert story.at(FEB_10 + DAY, captured(nok(5))) == ["ChargeAttempted", "ChargeSucceeded"]


@settings(max_examples=60, deadline=None)
@drawn(
    st.sampled_from([Kind.SUBSCRIPTION, Kind.RECURRING, Kind.THRESHOLD]),
    st.sampled_from(list(Timing)),
    st.lists(st.integers(0, 60 * 24 * 100), max_size=10),
)
def test_no_demand_moves_a_schedule(kind: Kind, timing: Timing, minutes: list[int]) -> None:
    """Whenever something is asked for: the same periods, amounts and due instants."""
    agreed = by_threshold(timing) if kind is Kind.THRESHOLD else terms(kind=kind, timing=timing)
    calm = busy = signed(agreed)
    for number, each in enumerate(sorted(minutes)):
        at = DUE + each * MINUTE
        calm = billed_until(calm, at)
        busy = demanded(billed_until(busy, at), PRICE.minor, f"d-{number}", at)
    end = DUE + 100 * DAY
    assert of_schedule(billed_until(busy, end)) == of_schedule(billed_until(calm, end))
    assert len(beside(busy)) == len(minutes)


def test_a_day_begins_at_local_midnight() -> None:
    """Half past midnight in Oslo is 23:30 UTC of the day before: it counts for the new day."""
    early = FEB_10.replace(hour=23, minute=30) - DAY
    start = demanded(signed(unscheduled(most_demands_a_day=1)), 1, "a", early)
    start.when(demand, asked(2, "b"), now=FEB_10).then_refused("too-many-demands")
