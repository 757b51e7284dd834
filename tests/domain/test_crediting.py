"""Credit: granted, applied oldest first, never below nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.money import Money
from domain.subscription.charging import ANSWER, attempt_charge, settle
from domain.subscription.crediting import grant_credit
from domain.subscription.ending import cancel
from domain.subscription.events import CreditApplied, CreditGranted, CreditKind
from domain.subscription.invoicing import issue_invoice
from domain.subscription.state import Status
from tests.domain.billing import FEB_10, NOK, billed_until, invoices, running
from tests.specimens import DUE, PRICE, ZONE_VERSION, captured, instalments, key, signed_up
from tests.vocabulary import Given, given

APRIL = datetime(2024, 4, 29, 12, tzinfo=UTC)


def thanked(start: Given, *minor: int) -> Given:
    """Credits were granted, in this order."""
    for amount in minor:
        facts = grant_credit(start.state, Money(amount, NOK), reason="sorry", now=FEB_10)
        start = start.and_(*facts)
    return start


def test_goodwill_is_a_fact_with_its_reason() -> None:
    """Numbered, without lines."""
    running().when(grant_credit, Money(500, NOK), reason="sorry", now=FEB_10).then(
        CreditGranted(
            customer_id="c-1",
            credit_number=1,
            kind=CreditKind.GOODWILL,
            amount=Money(500, NOK),
            lines=(),
            reason="sorry",
            effective_at=FEB_10,
        )
    )


def test_the_oldest_credit_pays_first_and_the_rest_stays() -> None:
    """100 and 400.00 against 299.00: all of the first, 298.00 of the second, 102.00 are left."""
    after = billed_until(thanked(running(), 100, 40000), APRIL)
    applied = [each for each in after.facts if isinstance(each, CreditApplied)]
    assert [(each.credit_number, each.invoice_number, each.amount.minor) for each in applied] == [
        (1, 2, 100),
        (2, 2, 29800),
        (2, 3, 10200),
    ]
    assert after.state.credits == ()
    assert [left for *_, left in invoices(after.facts)] == [29900, 0, 19700]


def test_only_what_credit_leaves_is_charged() -> None:
    """299.00 - 100.00: the charge asks for 199.00, and settles the invoice."""
    start = thanked(given(*signed_up()), 10000)
    billed = start.and_(*issue_invoice(start.state, now=DUE, zone_version=ZONE_VERSION))
    (attempt,) = attempt_charge(billed.state, now=DUE)
    assert attempt.amount == Money(19900, NOK)  # type: ignore[union-attr]
    paid = settle(
        billed.and_(attempt).state,
        key(),
        captured(Money(19900, NOK)),
        evidence=ANSWER,
        now=DUE,
    )
    assert billed.and_(attempt, *paid).state.open_invoices == ()


def test_an_invoice_paid_by_credit_is_not_charged() -> None:
    """Nothing is left; and where it was the last, the subscription is complete."""
    start = thanked(given(*signed_up(instalments(1))), PRICE.minor)
    billed = start.and_(*issue_invoice(start.state, now=DUE, zone_version=ZONE_VERSION))
    assert attempt_charge(billed.state, now=DUE) == ()
    assert billed.state.status is Status.COMPLETED


def test_no_credit_that_cannot_be_used_is_granted() -> None:
    """More than nothing, in the currency that is billed, while there is something to bill."""
    start = running()
    for amount, code in (
        (Money(0, NOK), "credit-not-positive"),
        (Money(-5, NOK), "credit-not-positive"),
        (Money(5, "SEK"), "currency-mixed"),
    ):
        start.when(grant_credit, amount, reason="sorry", now=FEB_10).then_refused(code)
    start.when(grant_credit, PRICE, reason="\n", now=FEB_10).then_refused("reason-malformed")
    ended = start.and_(*cancel(start.state, reason="moved", now=FEB_10))
    ended.when(grant_credit, PRICE, reason="sorry", now=FEB_10).then_refused("subscription-ended")
