"""Late usage and corrections where the invoice of their time was reduced: what they settle.

0.40 NOK a GB unless it is said otherwise; usage of 10 February is on the invoice of 29 February,
which is looked at on 5 March.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import attrs
import pytest

from domain.plan import Terms, Timing
from domain.prices import Tier, Tiering
from domain.subscription.discounting import Reduction, end_discount, grant_discount
from domain.subscription.ending import cancel, schedule_cancellation
from domain.subscription.events import (
    SETTLED,
    CreditGranted,
    InvoiceIssued,
    InvoiceLine,
    LineKind,
    SubscriptionEvent,
    TermsChanged,
    UsageCorrected,
    UsageReported,
)
from domain.subscription.metering import Report, correct_usage, report_usage
from domain.subscription.usage_pricing import waiting_usage
from domain.taxes import TaxRate
from tests.domain.billing import FEB_10, billed_until, changed, credits, running
from tests.domain.test_metering import APR_5, MAR_5, STEPS, lines, metered, nok, used
from tests.specimens import DAY, SIGNED_UP, ZONE_VERSION, signed_up
from tests.vocabulary import Given, given

ON_TOP = TaxRate(code="NO-25", ppm=250_000, included=False)
WITHIN = TaxRate(code="NO-25", ppm=250_000, included=True)
TENTH = Reduction(coupon="SPRING", ppm=100_000, reason="campaign")
THIRD = attrs.evolve(TENTH, coupon="THIRD", ppm=333_333)
FREE = attrs.evolve(TENTH, coupon="FREE", ppm=1_000_000)
AMOUNT = Reduction(coupon="SORRY", amount=nok(1000), reason="outage")


def reduced(start: Given, *wishes: Reduction, now: datetime = SIGNED_UP) -> Given:
    """With these coupons."""
    for wish in wishes:
        start = start.and_(*grant_discount(start.state, wish, now=now))
    return start


def in_march(agreed: Terms, quantity: int, *wishes: Reduction) -> Given:
    """Reported in time and billed under these coupons."""
    start = billed_until(reduced(given(*signed_up(agreed)), *wishes), FEB_10)
    return billed_until(used(start, quantity, FEB_10) if quantity else start, MAR_5)


def corrected(start: Given, quantity: int, now: datetime = MAR_5) -> Given:
    return start.and_(*correct_usage(start.state, "u-1", quantity, reason="wrong", now=now))


def settled(start: Given, since: Given) -> int:
    """What the facts since then settle, minor units; below nothing: credit."""
    new = start.facts[len(since.facts) :]
    more = sum(
        line.amount.minor
        for fact in new
        if isinstance(fact, UsageReported | UsageCorrected)
        for line in fact.lines
    )
    return more - sum(credits(new))


BARE: dict[str, Any] = {"price": 0}


@pytest.mark.parametrize(
    ("wishes", "terms", "was", "right", "expected"),
    [
        # 100 GB: 40.00 - 4.00. 40 GB: 16.00 - 1.60. It was 24.00 that came back.
        ((TENTH,), {}, 100, 40, -2160),
        ((TENTH,), {}, 40, 100, 2160),
        # 33.3333 % of 4.40 is 1.47 (146.67), of 4.00 is 1.33: 2.93 - 2.67.
        ((THIRD,), {}, 10, 11, 26),
        # 10.00 off an invoice; the base fee of 299.00 is reduced first, the usage is not.
        ((AMOUNT,), {}, 100, 40, -2400),
        # No base fee: 40.00 - 10.00; 16.00 - 10.00; 4.00 - 4.00.
        ((AMOUNT,), BARE, 100, 40, -2400),
        ((AMOUNT,), BARE, 100, 10, -3000),
        ((AMOUNT,), BARE, 10, 100, 3000),
        ((AMOUNT,), BARE, 10, 20, 0),
        # A tenth, then 10.00: 40.00 - 4.00 - 10.00 = 26.00; 16.00 - 1.60 - 10.00 = 4.40.
        ((TENTH, AMOUNT), BARE, 100, 40, -2160),
        # 10.00, then a tenth: 30.00 - 3.00 = 27.00; 6.00 - 0.60 = 5.40.
        ((AMOUNT, TENTH), BARE, 100, 40, -2160),
        # 10.00, then a tenth: 27.00; 2.00 - 2.00 = nothing.
        ((AMOUNT, TENTH), BARE, 100, 5, -2700),
        ((TENTH, THIRD), {}, 100, 40, -1440),
        ((FREE,), {}, 100, 0, 0),
        # Minimum 50.00: 125 GB are 50.00, 200 are 80.00; cap 100.00: 300 are that.
        ((TENTH,), {"minimum": nok(5000)}, 200, 25, -2700),
        ((TENTH,), {"minimum": nok(5000)}, 100, 25, 0),
        ((TENTH,), {"cap": nok(10000)}, 300, 200, -1800),
        ((TENTH,), {"cap": nok(10000)}, 300, 251, 0),
        # 0.40 up to 100 GB, 0.25 above: 150 are 52.50, 90 are 36.00; by volume 37.50.
        ((TENTH,), {"tiers": STEPS}, 150, 90, -1485),
        ((TENTH,), {"tiers": STEPS, "tiering": Tiering.VOLUME}, 150, 90, -135),
        # By volume: 100 are 40.00, 101 are 25.25: 36.00 and 22.72 (2.53 off, 252.5 øre).
        ((TENTH,), {"tiers": STEPS, "tiering": Tiering.VOLUME}, 100, 101, -1328),
        # 25 % on top: 36.00 + 9.00 = 45.00; 14.40 + 3.60 = 18.00.
        ((TENTH,), {"tax": ON_TOP}, 100, 40, -2700),
        ((TENTH,), {"tax": WITHIN}, 100, 40, -2160),
        # 3.96 + 0.99; 0.36 + 0.09 of tax: 4.95 - 0.45.
        ((TENTH,), {"tax": ON_TOP}, 11, 1, -450),
        # A third off, 25 % on top: 2.67 + 0.67 (66.75); 2.93 + 0.73 (73.25).
        ((THIRD,), {"tax": ON_TOP}, 10, 11, 32),
    ],
)
def test_what_a_correction_settles(
    wishes: tuple[Reduction, ...], terms: dict[str, Any], was: int, right: int, expected: int
) -> None:
    """What the invoice would have come to, less what it came to; there and back it is nothing."""
    billed = in_march(metered(**terms), was, *wishes)
    after = corrected(billed, right)
    assert settled(after, billed) == expected
    back = corrected(after, was)
    assert settled(back, billed) == 0
    assert back.state.counted == billed.state.counted
    assert in_march(metered(**terms), right, *wishes).state.credits_granted == 0
    assert total_of(in_march(metered(**terms), right, *wishes)) == total_of(billed) + expected


def total_of(start: Given) -> int:
    """What was billed, less credit and without what is still to come; minor units."""
    billed = sum(each.total.minor for each in start.facts if isinstance(each, InvoiceIssued))
    return billed - sum(credits(start.facts))


def test_the_lines_show_both_the_units_and_the_discount() -> None:
    """20 GB more are 8.00, the tenth off them 0.80; the next invoice reduces them no further."""
    billed = in_march(metered(), 40, TENTH)
    after = corrected(billed, 60)
    fact = after.facts[-1]
    assert isinstance(fact, UsageCorrected)
    assert [(each.kind, each.amount.minor, each.item) for each in fact.lines] == [
        (LineKind.USAGE, 800, "data"),
        (LineKind.DISCOUNT, -80, "1"),
    ]
    assert {each.working.policy for each in fact.lines} == {SETTLED}
    assert fact.lines[1].description == (
        "SPRING, corrected, 2024-01-31 to 2024-02-29 (end exclusive): "
        "32.30 NOK off the invoice instead of 31.50 NOK"
    )
    assert lines(billed_until(after, APR_5))[2] == [
        ("PERIOD", 29900),
        ("DISCOUNT", -2990),
        ("USAGE", 800),
        ("DISCOUNT", -80),
    ]


def test_a_credit_gives_back_the_discount_with_the_units() -> None:
    """20 GB less are 8.00; 0.80 of that had been taken off."""
    after = corrected(in_march(metered(), 60, TENTH), 40)
    granted = next(each for each in after.facts if isinstance(each, CreditGranted))
    assert [(each.kind, each.amount.minor) for each in granted.lines] == [
        (LineKind.USAGE, 800),
        (LineKind.DISCOUNT, -80),
    ]


@pytest.mark.parametrize("how", ["ended", "used up"])
def test_a_coupon_that_is_over_counts_for_its_own_time(how: str) -> None:
    """A tenth was taken off in February; in March there is no coupon any more."""
    once = attrs.evolve(TENTH, invoices=None if how == "ended" else 2)
    billed = in_march(metered(), 100, once)
    if how == "ended":
        over = end_discount(billed.state, "SPRING", reason="over", now=MAR_5)
        billed = billed.and_(*over)
    assert settled(corrected(billed, 40), billed) == -2160
    assert settled(corrected(billed, 160), billed) == 2160
    late = used(billed, 10, FEB_10, "late")
    assert settled(late, billed) == 360
    assert lines(billed_until(late, APR_5))[2] == [
        ("PERIOD", 29900),
        ("USAGE", 400),
        ("DISCOUNT", -40),
    ]


def test_a_later_coupon_does_not_reach_back() -> None:
    """Billed without a discount, 8.00 more are 8.00, though the invoice they are on has one; and
    it uses up no coupon."""
    billed = reduced(in_march(metered(price=0), 40), attrs.evolve(TENTH, invoices=1), now=MAR_5)
    after = corrected(billed, 60)
    assert settled(after, billed) == 800
    bill = billed_until(after, APR_5)
    assert lines(bill)[2] == [("PERIOD", 0), ("USAGE", 800)]
    assert bill.state.discounts[0].invoices == 1
    assert settled(corrected(billed, 20), billed) == -800


def test_a_settled_discount_uses_up_no_coupon() -> None:
    """Three invoices: January, February, March; the correction of February is none of them."""
    billed = in_march(metered(), 40, attrs.evolve(TENTH, invoices=3))
    after = billed_until(corrected(billed, 60), APR_5)
    assert [each.invoices for each in after.state.discounts] == [0]
    may = billed_until(after, datetime(2024, 5, 5, tzinfo=UTC))
    assert lines(may)[3] == [("PERIOD", 29900)]


def test_a_coupon_for_some_invoices_counts_where_it_reduced_one() -> None:
    """No usage and no fee in February: the coupon took nothing off, and is kept for March. Late
    usage of February is charged in full, not reduced beside it."""
    bare = billed_until(reduced(given(*signed_up(metered(price=0))), TENTH_ONCE), MAR_5)
    late = used(bare, 100, FEB_10)
    assert settled(late, bare) == 4000
    assert late.state.discounts[0].invoices == 1


TENTH_ONCE = attrs.evolve(TENTH, invoices=1)


def test_an_amount_moves_to_other_lines_of_its_invoice() -> None:
    """10.00 off data 40.00 and calls 6.00, two meters: data corrected to nothing leaves 4.00 of it
    unused, not 10.00."""
    data = metered(price=0).meters[0]
    both = attrs.evolve(metered(price=0), meters=(data, attrs.evolve(data, code="calls")))
    start = billed_until(reduced(given(*signed_up(both)), AMOUNT), FEB_10)
    start = used(start, 100, FEB_10)
    calls = Report(usage_id="c", meter="calls", quantity=15, at=FEB_10)
    start = start.and_(*report_usage(start.state, calls, now=FEB_10))
    billed = billed_until(start, MAR_5)
    gone = corrected(billed, 0)
    # 46.00 - 10.00 = 36.00; 6.00 - 6.00 = nothing.
    assert settled(gone, billed) == -3600
    less = correct_usage(gone.state, "c", 0, reason="wrong", now=MAR_5)
    assert settled(gone.and_(*less), billed) == -3600, "calls were free already"


# --- before a change of meters --------------------------------------------------------------------


def dearer(start: Given) -> Given:
    """Another price from 10 February on: what was used before waits for the invoice."""
    other = metered(price=0, tiers=(Tier(up_to=None, unit_price=nok(100)),))
    return changed(start, other)


@pytest.mark.parametrize("wishes", [(), (THIRD,), (AMOUNT, THIRD)])
@pytest.mark.parametrize("right", [0, 7, 100])
def test_what_no_invoice_has_billed_is_billed_as_it_stands(
    wishes: tuple[Reduction, ...], right: int
) -> None:
    """Corrected before the invoice, it settles nothing by itself, and is billed as if right."""
    start = billed_until(reduced(given(*signed_up(metered(price=0))), *wishes), FEB_10 - DAY)
    wrong = dearer(used(start, 25, FEB_10 - DAY))
    fixed = corrected(wrong, right, now=FEB_10)
    assert settled(fixed, wrong) == 0
    assert fixed.state.lines_to_come == ()
    in_time = dearer(used(start, right, FEB_10 - DAY)) if right else dearer(start)
    assert total_of(billed_until(fixed, MAR_5)) == total_of(billed_until(in_time, MAR_5))


def test_a_change_of_meters_says_what_was_used_before_it() -> None:
    """25 GB at 0.40, on the fact; they wait, and are billed before what comes after."""
    start = dearer(used(running(metered(price=0)), 25, FEB_10 - DAY))
    fact = start.facts[-1]
    assert isinstance(fact, TermsChanged)
    assert [each.amount.minor for each in fact.lines if each.kind is LineKind.USAGE] == [1000]
    assert [each.amount.minor for each in waiting_usage(start.state)] == [1000]
    assert lines(billed_until(start, MAR_5))[1][1:] == [("USAGE", 1000)]


def test_both_halves_of_a_period_share_its_discount() -> None:
    """10.00 off 10.00 before the change and 20.00 after it. The first half corrected to nothing,
    the second is still reduced by 10.00; and nothing comes back twice."""
    start = billed_until(reduced(given(*signed_up(metered(price=0))), AMOUNT), FEB_10 - DAY)
    start = used(dearer(used(start, 25, FEB_10 - DAY)), 20, FEB_10 + DAY, "b")
    billed = billed_until(start, MAR_5)
    assert lines(billed)[1] == [
        ("PERIOD", 0),
        ("USAGE", 1000),
        ("DISCOUNT", -1000),
        ("USAGE", 2000),
    ]
    gone = corrected(billed, 0)
    assert settled(gone, billed) == -1000
    both = gone.and_(*correct_usage(gone.state, "b", 0, reason="wrong", now=MAR_5))
    assert settled(both, billed) == -2000
    assert settled(corrected(both, 25), billed) == -2000, "10.00 less 10.00"


# --- ends ---------------------------------------------------------------------------------------


def test_after_the_last_invoice_what_costs_nothing_is_not_refused() -> None:
    """It comes to the cap either way: nothing is given back, and no invoice has to say so."""
    start = reduced(running(metered(Timing.POSTPAID, cap=nok(500))), TENTH, now=FEB_10)
    start = used(start, 25, FEB_10 - DAY)
    common = {"reason": "moves", "now": FEB_10, "zone_version": ZONE_VERSION}
    start = start.and_(*schedule_cancellation(start.state, at=None, **common))
    last = billed_until(start, MAR_5)
    less = corrected(last, 20)
    assert (settled(less, last), less.state.lines_to_come) == (0, ())


def test_what_was_settled_is_billed_when_it_ends() -> None:
    """Postpaid, the running period is billed to nobody; 8.00 less 0.80 of the one before are."""
    agreed = metered(Timing.POSTPAID)
    start = reduced(given(*signed_up(agreed)), TENTH)
    billed = billed_until(used(start, 40, FEB_10), MAR_5)
    after = corrected(billed, 60)
    ended = after.and_(*cancel(after.state, reason="moved", now=MAR_5))
    assert lines(ended)[-1] == [("USAGE", 800), ("DISCOUNT", -80)]


# --- whatever happens -----------------------------------------------------------------------------

RATES = [None, ON_TOP, WITHIN, TaxRate(code="TX-0825", ppm=82_500, included=False)]


def _agreed(draw: Random) -> Terms:
    tiers = draw.choice([STEPS, (Tier(up_to=None, unit_price=nok(15), per=7),)])
    agreed = metered(
        draw.choice([*Timing]),
        # A coupon for some invoices is used up by the fee, whatever was used.
        price=draw.choice([10, 700, 29900]),
        tiers=tiers,
        tiering=draw.choice([*Tiering]),
        minimum=draw.choice([None, nok(777)]),
        cap=draw.choice([None, nok(2500)]),
        tax=draw.choice(RATES),
    )
    calls = attrs.evolve(agreed.meters[0], code="calls", tax=draw.choice(RATES))
    return attrs.evolve(
        agreed, tax=draw.choice(RATES), meters=(*agreed.meters, calls)[: draw.choice([1, 2])]
    )


@attrs.frozen
class _Told:
    """One subscription's usage: when it was used, when it was said, and what was right."""

    reports: tuple[tuple[Report, datetime], ...]
    corrections: tuple[tuple[str, int, datetime], ...]
    grants: tuple[tuple[Reduction, datetime], ...]
    ends: tuple[tuple[str, datetime], ...]

    def right(self, report: Report) -> int:
        """The quantity that was said last."""
        said = [quantity for name, quantity, _ in self.corrections if name == report.usage_id]
        return said[-1] if said else report.quantity


def _told(draw: Random, agreed: Terms) -> _Told:
    first, day = datetime(2024, 2, 2, 9, tzinfo=UTC), timedelta(days=1)
    reports = []
    for number in range(draw.randint(1, 6)):
        at = first + draw.randint(0, 55) * day
        wish = Report(
            usage_id=f"u-{number}",
            meter=draw.choice(agreed.meters).code,
            quantity=draw.choice([1, 7, 60, 101, 150, 1000]),
            at=at,
        )
        reports.append((wish, at + draw.choice([0, 0, 3, 31, 45]) * day))
    corrections = []
    for _ in range(draw.randint(0, 6)):
        wish, said = draw.choice(reports)
        quantity = draw.choice([0, 1, 8, 99, 101, 2000])
        corrections.append((wish.usage_id, quantity, said + draw.choice([0, 5, 20, 30]) * day))
    coupons = draw.sample(range(6), draw.randint(1, 3))
    grants = [
        (
            Reduction(
                coupon=f"C{number}",
                ppm=None if number % 2 else draw.choice([100_000, 333_333, 1_000_000]),
                amount=nok(draw.choice([1, 700, 3000, 10**6])) if number % 2 else None,
                invoices=None if len(coupons) > 1 else draw.choice([None, 1, 2]),
                reason="campaign",
            ),
            first + draw.randint(-1, 70) * day,
        )
        for number in coupons
    ]
    ends = [
        (wish.coupon, at + draw.randint(1, 60) * day) for wish, at in grants if draw.random() < 0.4
    ]
    order = sorted(corrections, key=lambda each: each[2])
    return _Told(tuple(reports), tuple(order), tuple(grants), tuple(ends))


def _as_it_was(start: Given, told: _Told, *, in_time: bool) -> Given:
    """The history; or the one in which every quantity was right, and reported when it was used."""
    moves: list[tuple[datetime, int, Any]] = []
    for wish, said in told.reports:
        right = attrs.evolve(wish, quantity=told.right(wish)) if in_time else wish
        if right.quantity:
            moves.append((wish.at if in_time else said, 2, right))
    if not in_time:
        moves += [(at, 3, (name, quantity)) for name, quantity, at in told.corrections]
    moves += [(at, 0, wish) for wish, at in told.grants]
    moves += [(at, 1, coupon) for coupon, at in told.ends]
    for at, _, wish in sorted(moves, key=lambda each: each[:2]):
        start = billed_until(start, at)
        start = start.and_(*_made(start, wish, at))
    return billed_until(start, datetime(2024, 8, 5, tzinfo=UTC))


def _made(start: Given, wish: Any, now: datetime) -> tuple[SubscriptionEvent, ...]:
    match wish:
        case Report():
            return report_usage(start.state, wish, now=now)
        case Reduction():
            return grant_discount(start.state, wish, now=now)
        case (name, quantity):
            return correct_usage(start.state, name, quantity, reason="read wrong", now=now)
        case _:
            return end_discount(start.state, wish, reason="over", now=now)


def _net_and_tax(start: Given) -> tuple[int, int]:
    """All that was billed less all that was given back, and the tax in it."""
    signed: list[tuple[int, InvoiceLine]] = []
    for fact in start.facts:
        if isinstance(fact, InvoiceIssued):
            signed += [(1, line) for line in fact.lines]
        elif isinstance(fact, CreditGranted):
            signed += [(-1, line) for line in fact.lines]
    tax = sum(sign * line.tax.tax.minor for sign, line in signed if line.tax is not None)
    return sum(sign * line.amount.minor for sign, line in signed), tax


@pytest.mark.parametrize("seed", range(0, 240, 24))
def test_late_and_corrected_comes_to_what_was_right_in_time(seed: int) -> None:
    """Late, corrected, corrected again; coupons come, are used up and end: in money and in tax it
    is what the right quantity, reported in time, would have cost. To the minor unit."""
    for each in range(seed, seed + 24):
        draw = Random(each)
        agreed = _agreed(draw)
        told = _told(draw, agreed)
        start = given(*signed_up(agreed))
        was = _as_it_was(start, told, in_time=False)
        assert _net_and_tax(was) == _net_and_tax(_as_it_was(start, told, in_time=True)), each


def test_these_stories_reach_what_they_are_about() -> None:
    """Otherwise they would say less than they seem to."""
    found: set[str] = set()
    for each in range(60):
        draw = Random(each)
        agreed = _agreed(draw)
        told = _as_it_was(given(*signed_up(agreed)), _told(draw, agreed), in_time=False)
        for fact in told.facts:
            for line in getattr(fact, "lines", ()):
                if line.kind is LineKind.DISCOUNT and line.working.policy == SETTLED:
                    found.add(type(fact).__name__)
    assert found >= {"UsageReported", "UsageCorrected", "CreditGranted"}
