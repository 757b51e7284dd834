"""What holds of prices, tax, usage and discounts in every history that the rules can make."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from fractions import Fraction

import pytest
from hypothesis import currently_in_test_context, event, given

from domain.money import rounded
from domain.plan import Meter
from domain.prices import Tiering
from domain.pricing import AS_GIVEN_BACK, stated
from domain.subscription.events import (
    CreditGranted,
    CreditKind,
    InvoiceIssued,
    InvoiceLine,
    LineKind,
    SubscriptionResumed,
    TermsChanged,
    UsageCorrected,
    UsageReported,
    When,
)
from domain.subscription.folding_discounts import reduces
from domain.subscription.usage_pricing import waiting_usage
from domain.subscription.used import Counted
from tests.domain.test_properties import SOME, Log, moments, streams
from tests.histories import History, histories, show
from tests.projections.stories import story

OF_USAGE = (LineKind.USAGE, LineKind.MINIMUM, LineKind.CAP)


def reached(what: str) -> None:
    """Tell Hypothesis, where it asks."""
    if currently_in_test_context():
        event(what)


def every_unit_is_billed_once(history: History) -> None:
    """In time, late, corrected, in any order: what was billed, less what was given back, is what
    each stretch costs by what was reported for its time."""
    for log in streams(history).values():
        stretches: dict[datetime, Counted] = {}
        billed: dict[str, int] = {}
        for moment in moments(log):
            stretches |= {each.ends: each for each in moment.state.counted}
        for line, sign in _usage_lines(log):
            billed[line.item] = billed.get(line.item, 0) + sign * stated(line).minor
        for line in (*waiting_usage(moment.state), *moment.state.lines_to_come):
            if line.kind in OF_USAGE:
                billed[line.item] = billed.get(line.item, 0) + stated(line).minor
        due: dict[str, int] = {}
        for stretch in stretches.values():
            for meter in stretch.meters:
                units = _units(log, stretch, meter.code)
                cost = 0 if stretch.free else _cost(units, meter, stretch.bounded)
                due[meter.code] = due.get(meter.code, 0) + cost
                reached(f"units in a stretch: {'some' if units else 'none'}, free: {stretch.free}")
        codes = set(billed) | set(due)
        assert {each: billed.get(each, 0) for each in codes} == {
            each: due.get(each, 0) for each in codes
        }


def _usage_lines(log: Log) -> list[tuple[InvoiceLine, int]]:
    """What invoices bill of usage, and what corrections give back."""
    found = []
    for recorded in log:
        match recorded.event:
            case InvoiceIssued(lines=lines):
                found += [(line, 1) for line in lines if line.kind in OF_USAGE]
            case CreditGranted(kind=CreditKind.CORRECTION, lines=lines):
                reached("a correction gives credit")
                found += [(line, -1) for line in lines if line.kind in OF_USAGE]
            case UsageReported(lines=lines):
                reached(f"usage reported, late lines: {bool(lines)}")
            case UsageCorrected(lines=lines):
                reached(f"usage corrected, late lines: {bool(lines)}")
    return found


def _units(log: Log, stretch: Counted, code: str) -> int:
    """By the facts alone: reports of that time, as they were corrected last."""
    units: dict[str, int] = {}
    for recorded in log:
        match recorded.event:
            case UsageReported(usage_id=name, meter=meter, quantity=quantity, effective_at=at):
                begun = stretch.begins is None or stretch.begins <= at
                if meter == code and begun and at < stretch.ends:
                    assert name not in units, "the same report counts once"
                    units[name] = quantity
            case UsageCorrected(usage_id=name, quantity=quantity) if name in units:
                units[name] = quantity
    return sum(units.values())


def _cost(units: int, meter: Meter, bounded: bool) -> int:
    """Unit by unit; each tier rounded by itself."""
    costs = [Fraction(0)] * len(meter.tiers)
    flats, reached = 0, 0
    for unit in range(1, units + 1):
        while (end := meter.tiers[reached].up_to) is not None and unit > end:
            reached += 1
        tier = meter.tiers[reached]
        costs[reached] += Fraction(tier.unit_price.minor, tier.per)
    if meter.tiering is Tiering.VOLUME and units:
        tier = meter.tiers[reached]
        costs = [Fraction(units * tier.unit_price.minor, tier.per)]
        flats = 0 if tier.flat is None else tier.flat.minor
    elif units:
        flats = sum(each.flat.minor for each in meter.tiers[: reached + 1] if each.flat is not None)
    minor = flats + sum(rounded(each, "NOK").minor for each in costs)
    if bounded and meter.minimum is not None:
        minor = max(minor, meter.minimum.minor)
    return minor if meter.cap is None else min(minor, meter.cap.minor)


def net_and_tax_make_every_invoice(history: History) -> None:
    """Line by line, and in sum; nothing is below nothing."""
    for recorded in history.of(InvoiceIssued):
        invoice = recorded.event
        assert isinstance(invoice, InvoiceIssued)
        net = tax = 0
        for line in invoice.lines:
            held = 0 if line.tax is None else line.tax.tax.minor
            if line.tax is not None:
                reached(f"tax included: {line.tax.rate.included}")
                assert line.tax.net.minor + held == line.amount.minor
            net, tax = net + line.amount.minor - held, tax + held
        assert net + tax == invoice.total.minor >= 0
        taxed = any(line.tax is not None for line in invoice.lines)
        assert (invoice.tax.minor if invoice.tax else None) == (tax if taxed else None)


def no_line_is_below_nothing(history: History) -> None:
    """What is taken off a line is no more than its price and its tax; a trial uses none up."""
    for recorded in history.of(InvoiceIssued):
        invoice = recorded.event
        assert isinstance(invoice, InvoiceIssued)
        left = tax = 0
        reduced: InvoiceLine | None = None
        for line in invoice.lines:
            held = 0 if line.tax is None else line.tax.tax.minor
            if not reduces(line):
                reduced, left, tax = line, stated(line).minor, held
                continue
            assert reduced is not None
            reached(f"a discount of {reduced.kind.value}")
            assert reduced.amount.minor != 0
            sign = -1 if stated(reduced).minor < 0 else 1
            left, tax = left + stated(line).minor, tax + held
            assert sign * left >= 0
            assert sign * tax >= 0


def no_more_is_given_back_than_paid(history: History) -> None:
    """Paid: its lines less their discounts, and days that were charged again after a pause. An
    overpayment gives no day back: it is money that no invoice needed, at most what was received."""
    for log in streams(history).values():
        paid = given_back = 0
        settled = False
        for recorded in log:
            match recorded.event:
                case InvoiceIssued() as invoice:
                    paid, given_back, settled = _paid_for_period(invoice), 0, False
                case SubscriptionResumed(lines=lines):
                    paid += sum(line.amount.minor for line in lines if line.item == AS_GIVEN_BACK)
                case TermsChanged(when=When.NOW):
                    settled = True  # from here on the rest waits for the next invoice
                case CreditGranted(kind=kind, amount=amount) if not settled:
                    if kind in (CreditKind.PRORATION, CreditKind.PAUSE, CreditKind.CANCELLATION):
                        reached(f"given back: {kind.value}")
                        given_back += amount.minor
                        assert given_back <= paid


def _paid_for_period(invoice: InvoiceIssued) -> int:
    paid, of_period = 0, False
    for line in invoice.lines:
        if not reduces(line):
            of_period = line.kind is LineKind.PERIOD
        if of_period:
            paid += line.amount.minor
    return paid


HOLDS = (
    every_unit_is_billed_once,
    net_and_tax_make_every_invoice,
    no_line_is_below_nothing,
    no_more_is_given_back_than_paid,
)


@pytest.mark.parametrize("holds", HOLDS, ids=lambda holds: holds.__name__)
def test_it_holds_in_every_history(holds: Callable[[History], None]) -> None:
    """Whatever the rules can make."""

    @SOME
    @given(histories())
    def check(history: History) -> None:
        show(history)
        holds(history)

    check()


@pytest.mark.parametrize("seed", range(0, 120, 12))
def test_it_holds_in_stories_full_of_changes(seed: int) -> None:
    """Where rare pairs of wishes meet often."""
    for each in range(seed, seed + 12):
        told = story(each)
        for holds in HOLDS:
            holds(told)


def test_the_stories_reach_all_of_it() -> None:
    """Otherwise the tests above would say less than they seem to."""
    kinds: set[LineKind] = set()
    facts = set()
    late = credited = inclusive = exclusive = 0
    for seed in range(120):
        for recorded in story(seed).log:
            fact = recorded.event
            facts.add(type(fact).__name__)
            lines: tuple[InvoiceLine, ...] = getattr(fact, "lines", ())
            kinds |= {line.kind for line in lines}
            late += isinstance(fact, UsageReported | UsageCorrected) and bool(lines)
            credited += isinstance(fact, CreditGranted) and fact.kind is CreditKind.CORRECTION
            rates = {line.tax.rate.included for line in lines if line.tax is not None}
            inclusive, exclusive = inclusive + (True in rates), exclusive + (False in rates)
    # What is asked for beside the schedule is reached by the stories of demands.
    assert kinds == set(LineKind) - {LineKind.DEMAND, LineKind.RELOAD}
    assert facts >= {"AmountSet", "UsageReported", "UsageCorrected", "DiscountEnded"}
    assert min(late, credited, inclusive, exclusive) > 0
