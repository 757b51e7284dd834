"""Each rule of the table of postings: given facts, one more fact, the lines that it posts.

The invoice is over 39.85 USD: 29.85 for 31 January to 28 February (28 days), 10.00 to set up.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs
import pytest

from domain.books.accounts import Line
from domain.books.posting import posting_of
from domain.books.standing import Standing
from domain.money import Money
from domain.subscription import events as e
from domain.subscription import refund_events as r
from domain.subscription.events import CreditKind, SubscriptionEvent
from domain.taxes import TaxRate, taxed
from tests.examples import EXAMPLES, LINES, UNUSED

USD = "USD"


def fact(name: str, **changes: Any) -> SubscriptionEvent:
    """The example of a stored name, changed."""
    return attrs.evolve(EXAMPLES[f"{name}.v1"], **changes)


STARTED = fact("subscription-started")
INVOICE = fact("invoice-issued")
ATTEMPT = fact("charge-attempted")
PAID = fact("charge-succeeded")
REQUESTED = fact("refund-requested")
CHARGED = (INVOICE, ATTEMPT, PAID)
LATE = fact("refund-found-late", amount=Money(1250, USD))
assert isinstance(LATE, r.RefundFoundLate)
LATE_ID = LATE.refund_id


def standing(*facts: SubscriptionEvent) -> Standing:
    """A subscription as its books see it after facts."""
    assert isinstance(STARTED, e.SubscriptionStarted)
    found = Standing.begun(STARTED)
    for each in facts:
        found.take(each)
    return found


def lines(given: Standing, event: SubscriptionEvent) -> dict[str, int]:
    """What a fact posts: minor units by account, with the currency where it is another one."""

    def name(line: Line) -> str:
        other = "" if line.currency == USD else f" {line.currency}"
        return f"{line.account.role.value}{other}"

    return {name(each): each.minor for each in posting_of(given, event).lines}


def received(minor: int, currency: str = USD) -> SubscriptionEvent:
    return fact("charge-succeeded", amount=Money(minor, currency))


@pytest.mark.parametrize(
    ("given", "when", "then"),
    [
        ((), INVOICE, {"receivable": 3985, "deferred": -3985}),
        (CHARGED[:2], received(3985), {"clearing": 3985, "receivable": -3985}),
        (CHARGED[:2], received(3985 + 15), {"clearing": 4000, "receivable": -3985, "credit": -15}),
        (CHARGED[:2], received(3000), {"clearing": 3000, "receivable": -3000}),
        (CHARGED[:2], received(3985, "NOK"), {"clearing NOK": 3985, "credit NOK": -3985}),
        (CHARGED, fact("charge-found-late"), {"clearing": 3985, "credit": -3985}),
        (
            CHARGED,
            fact("credit-granted", kind=CreditKind.GOODWILL, amount=Money(500, USD), lines=()),
            {"goodwill": 500, "credit": -500},
        ),
        (CHARGED, fact("credit-granted", kind=CreditKind.OVERPAYMENT, lines=()), {}),
        (
            CHARGED,
            fact("credit-granted"),
            {"deferred": UNUSED.amount.minor, "credit": -UNUSED.amount.minor},
        ),
        (
            (INVOICE,),
            fact("credit-applied", amount=Money(1000, USD)),
            {"credit": 1000, "receivable": -1000},
        ),
        (
            (INVOICE,),
            fact("invoice-written-off", amount=Money(3985, USD)),
            {"bad-debt": 3985, "receivable": -3985},
        ),
        (CHARGED, REQUESTED, {"credit": 1250, "refunding": -1250}),
        ((*CHARGED, REQUESTED), fact("refund-succeeded"), {"refunding": 1250, "clearing": -1250}),
        (
            (*CHARGED, REQUESTED),
            fact("refund-succeeded", amount=Money(1200, USD)),
            {"refunding": 1250, "clearing": -1200, "credit": -50},
        ),
        ((*CHARGED, REQUESTED), fact("refund-failed"), {"refunding": 1250, "credit": -1250}),
        (CHARGED, LATE, {"receivable": 1250, "clearing": -1250}),
        (
            (*CHARGED, fact("credit-granted", amount=Money(400, USD))),
            LATE,
            {"receivable": 850, "credit": 400, "clearing": -1250},
        ),
        (
            (*CHARGED, LATE),
            fact("credit-granted", kind=CreditKind.GOODWILL, amount=Money(2000, USD), lines=()),
            {"goodwill": 2000, "credit": -750, "receivable": -1250},
        ),
        (
            (*CHARGED, LATE),
            fact("discrepancy-resolved", attempt_id=LATE_ID, resolution=e.Resolution.ACCEPTED),
            {"bad-debt": 1250, "receivable": -1250},
        ),
        (
            (*CHARGED, LATE),
            fact("discrepancy-resolved", attempt_id=LATE_ID, resolution=e.Resolution.DISMISSED),
            {},
        ),
        ((INVOICE,), ATTEMPT, {}),
        ((*CHARGED, REQUESTED), fact("refund-attempted"), {}),
    ],
)
def test_what_a_fact_posts(
    given: tuple[SubscriptionEvent, ...], when: SubscriptionEvent, then: dict[str, int]
) -> None:
    assert lines(standing(*given), when) == then


def test_money_for_an_invoice_that_was_given_up_is_credit() -> None:
    """As the balances have it; what was given up stays given up."""
    off = fact("invoice-written-off", amount=Money(3985, USD))
    assert lines(standing(INVOICE, ATTEMPT, off), PAID) == {"clearing": 3985, "credit": -3985}


def test_tax_is_posted_by_its_rate_and_earned_without() -> None:
    """25 % within 29.85: 23.88 net and 5.97 tax; what is given back gives the tax back."""
    rate = TaxRate(code="NO-25", ppm=250_000, included=True)
    line = attrs.evolve(LINES[0], tax=taxed(LINES[0].amount, rate))
    issued = fact("invoice-issued", lines=(line,), total=line.amount)
    posting = posting_of(standing(), issued)
    by_role = {each.account.role.value: (each.account.of, each.minor) for each in posting.lines}
    assert by_role["vat"] == ("NO-25", -597)
    assert by_role["deferred"] == ("fibre-100|NO-25", -2388)
    (earned,) = posting.recognitions
    assert (earned.minor, earned.start, earned.days) == (2388, date(2026, 1, 31), 28)
    back = fact("credit-granted", lines=(line,), amount=line.amount)
    assert lines(standing(issued), back) == {"deferred": 2388, "vat": 597, "credit": -2985}


def test_both_sides_of_a_change_are_about_the_days_they_name() -> None:
    """What is given back is the old plan's, what is charged anew the new one's."""
    changed = fact("terms-changed")
    assert isinstance(changed, e.TermsChanged)
    rest = next(each for each in changed.lines if each.kind is e.LineKind.REST)
    after = standing(INVOICE, changed)
    following = fact(
        "invoice-issued",
        invoice_number=2,
        period=e.Period(date(2026, 2, 28), date(2026, 3, 31)),
        lines=(*LINES[:1], rest),
        total=LINES[0].amount + rest.amount,
    )
    period, days = posting_of(after, following).recognitions
    assert (period.start, period.days) == (date(2026, 2, 28), 31)
    assert days.start == after.day(changed.effective_at)
    assert (days.days, days.revenue.split("|")[0]) == (rest.working.days, changed.terms.plan)


def test_a_refund_goes_out_of_the_account_that_the_money_came_to() -> None:
    """The subscription may be charged elsewhere since."""
    elsewhere = fact("charge-attempted", attempt_id=r.UUID(int=7), account="second")
    given = standing(*CHARGED, elsewhere, REQUESTED)
    clearing = posting_of(given, fact("refund-succeeded")).lines[1]
    assert str(clearing.account) == "clearing:paypal/main"
