"""Asking for a refund: which credit, through which charge, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import Proration
from domain.subscription.changing import Change, change_terms
from domain.subscription.charging import CALLBACK, attempt_charge, settle
from domain.subscription.crediting import grant_credit
from domain.subscription.discrepancies import resolve
from domain.subscription.dunning import write_off
from domain.subscription.ending import cancel
from domain.subscription.events import (
    CreditApplied,
    CreditGranted,
    CreditKind,
    DiscrepancyResolved,
    Resolution,
    SubscriptionCancelled,
    TermsChanged,
    When,
)
from domain.subscription.invoicing import issue_invoice
from domain.subscription.looking_up import decide_by_person
from domain.subscription.refund_events import CreditPart, RefundFailed, RefundRequested
from domain.subscription.refunding import request_refund
from domain.subscription.refunds import MOST_REMEMBERED
from domain.subscription.settling_refunds import settle_refund
from tests.domain.refunding import (
    DENIED,
    FEB_10,
    PRICE,
    asked,
    charged,
    credit_left,
    nok,
    paid,
    paid_next,
    refund_key,
    tried,
    wanted,
)
from tests.specimens import (
    DUE,
    MINUTE,
    TIME_OUT,
    ZONE_VERSION,
    captured,
    declined,
    key,
    signed_up,
    terms,
)
from tests.vocabulary import Given, given

GRANTED = CreditGranted(
    customer_id="c-1",
    credit_number=1,
    kind=CreditKind.GOODWILL,
    amount=nok(1000),
    lines=(),
    reason="sent back",
    effective_at=FEB_10,
)


def credited(start: Given, *minor: int) -> Given:
    """Credits were granted, in this order."""
    for amount in minor:
        facts = grant_credit(start.state, nok(amount), reason="sorry", now=FEB_10)
        start = start.and_(*facts)
    return start


def test_credit_is_taken_with_the_request() -> None:
    """The oldest first: all of 100, 150 of 200; the next invoice finds the other 50."""
    after = (
        credited(paid(), 100, 200)
        .when(request_refund, nok(250), reason="sent back", now=FEB_10)
        .then(asked(250, (1, 100), (2, 150)))
    )
    assert credit_left(after.state) == {2: 50}
    (charge,) = after.state.collected
    assert (charge.left, charge.refunding) == (nok(29650), nok(250))
    due = after.state.next_due_at
    assert due is not None
    issued = issue_invoice(after.state, now=due, zone_version=ZONE_VERSION)
    assert [each.amount for each in issued if isinstance(each, CreditApplied)] == [nok(50)]


def test_without_an_amount_all_credit_goes_back() -> None:
    """100 and 200 are 300."""
    start = credited(paid(), 100, 200)
    start.when(request_refund, None, reason="sent back", now=FEB_10).then(
        asked(300, (1, 100), (2, 200))
    )


def test_what_credit_lacks_is_granted_when_that_is_wanted() -> None:
    """10.00 that nobody owed: a credit note and a refund, one append."""
    paid().when(
        request_refund, nok(1000), reason="sent back", credit_missing=True, now=FEB_10
    ).then(GRANTED, asked(1000, (1, 1000)))
    credited(paid(), 400).when(
        request_refund, nok(1000), reason="sent back", credit_missing=True, now=FEB_10
    ).then(attrs.evolve(GRANTED, credit_number=2, amount=nok(600)), asked(1000, (1, 400), (2, 600)))


def test_several_charges_are_used_newest_first() -> None:
    """400.00 of twice 299.00: all of the second charge, 101.00 of the first."""
    start = paid_next(paid())
    facts = request_refund(
        start.state, nok(40000), reason="sent back", credit_missing=True, now=FEB_10
    )
    assert facts[1:] == (
        asked(29900, (1, 29900), invoice=2),
        asked(10100, (1, 10100), invoice=1),
    )


def test_a_named_charge_is_used_alone() -> None:
    """The first holds 299.00, and not a cent more, whatever the second holds."""
    start = paid_next(paid())
    named = {"reason": "sent back", "credit_missing": True, "now": FEB_10}
    facts = request_refund(start.state, PRICE, attempt_id=key(1), **named)  # type: ignore[arg-type]
    assert facts[1:] == (asked(29900, (1, 29900), invoice=1),)
    start.when(request_refund, nok(29901), attempt_id=key(1), **named).then_refused(
        "refund-too-large"
    )
    start.when(request_refund, nok(1), attempt_id=key(3), **named).then_refused(
        "charge-not-refundable"
    )


def test_F41_refunds_never_come_to_more_than_was_captured() -> None:
    """299.00 came: 200.00 and 99.00 go back, one øre more does not, whatever is credited."""
    start = wanted(wanted(paid(), nok(20000)), nok(9900))
    assert [each.refund_id for each in start.state.refunds] == [refund_key(), refund_key(1, 2)]
    for grant in (True, False):
        credited(start, 500).when(
            request_refund, nok(1), reason="more", credit_missing=grant, now=FEB_10
        ).then_refused("nothing-to-refund")
    one_left = wanted(paid(), nok(29899))
    one_left.when(
        request_refund, nok(2), reason="more", credit_missing=True, now=FEB_10
    ).then_refused("refund-too-large")


def test_F41_what_failed_may_go_back_after_all_under_another_key() -> None:
    """A refund that failed leaves the charge as it was; its number is used up."""
    start = tried(wanted(paid(), PRICE))
    start = start.and_(
        *settle_refund(start.state, refund_key(), DENIED, evidence="answer", now=FEB_10)
    )
    start.when(request_refund, PRICE, reason="sent back", now=FEB_10).then(
        asked(29900, (1, 29900), number=2)
    )


@pytest.mark.parametrize(
    ("amount", "reason", "code"),
    [
        (nok(0), "sent back", "refund-not-positive"),
        (nok(-5), "sent back", "refund-not-positive"),
        (Money(5, "SEK"), "sent back", "currency-mixed"),
        (nok(5), "", "reason-malformed"),
        (nok(5), "a\nb", "reason-malformed"),
        (nok(1001), "sent back", "credit-too-small"),
        (nok(30000), "sent back", "credit-too-small"),
    ],
)
def test_no_malformed_refund_is_asked_for(amount: Money, reason: str, code: str) -> None:
    """More than nothing, in the subscription's currency, owed, with a reason."""
    start = credited(paid(), 1000)
    start.when(request_refund, amount, reason=reason, now=FEB_10).then_refused(code)


def test_what_brought_nothing_in_gives_nothing_back() -> None:
    """Before the first token, and before the first charge; nor without credit."""
    for facts in (signed_up()[:1], signed_up()):
        credited(given(*facts), 100).when(
            request_refund, None, reason="sent back", now=FEB_10
        ).then_refused("nothing-to-refund")
    paid().when(request_refund, None, reason="sent back", now=FEB_10).then_refused(
        "nothing-to-refund"
    )


def test_an_open_invoice_comes_first_while_it_goes_on() -> None:
    """Whoever owes 299.00 is paid out nothing; nor can goodwill override that."""
    due = paid().state.next_due_at
    assert due is not None
    start = paid().and_(*issue_invoice(paid().state, now=due, zone_version=ZONE_VERSION))
    start = credited(start, 50000)
    for grant in (True, False):
        start.when(
            request_refund, nok(1), reason="sent back", credit_missing=grant, now=due
        ).then_refused("invoice-open")


def owing(credit: int) -> Given:
    """It ended while 299.00 were open, with credit that came after the invoice."""
    start = paid()
    due = start.state.next_due_at
    assert due is not None
    start = credited(
        start.and_(*issue_invoice(start.state, now=due, zone_version=ZONE_VERSION)), credit
    )
    return start.and_(*cancel(start.state, reason="moved", now=due))


def test_after_the_end_credit_pays_what_is_open_and_the_rest_goes_back() -> None:
    """300.00 of credit, 299.00 owed: 1.00 goes back."""
    applied = CreditApplied(
        customer_id="c-1",
        credit_number=1,
        invoice_number=2,
        amount=PRICE,
        effective_at=FEB_10,
    )
    after = (
        owing(30000)
        .when(request_refund, None, reason="sent back", now=FEB_10)
        .then(applied, asked(100, (1, 100)))
    )
    assert after.state.open_invoices == ()


def test_after_the_end_nothing_goes_back_while_more_is_owed_than_credit_pays() -> None:
    """298.99 of credit against 299.00; once the invoice is written off, they may go back."""
    start = owing(29899)
    for grant in (True, False):
        start.when(
            request_refund, nok(1), reason="sent back", credit_missing=grant, now=FEB_10
        ).then_refused("invoice-open")
    forgiven = start.and_(*write_off(start.state, 2, reason="small", now=FEB_10))
    forgiven.when(request_refund, None, reason="sent back", now=FEB_10).then(
        asked(29899, (1, 29899))
    )


def test_after_the_end_a_charge_under_way_is_awaited() -> None:
    """Its money may pay what credit would pay."""
    start = paid()
    due = start.state.next_due_at
    assert due is not None
    start = start.and_(*issue_invoice(start.state, now=due, zone_version=ZONE_VERSION))
    start = charged_but_silent(start, due)
    start = credited(start, 40000).and_(*cancel(start.state, reason="moved", now=due))
    start.when(request_refund, None, reason="sent back", now=due).then_refused("charge-open")


def charged_but_silent(start: Given, now: datetime) -> Given:
    """An attempt is on the ledger."""
    return start.and_(*attempt_charge(start.state, now=now))


def test_goodwill_may_be_paid_out_after_the_end() -> None:
    """That is when it is needed."""
    ended = paid().and_(*cancel(paid().state, reason="moved", now=FEB_10))
    ended.when(request_refund, nok(1000), reason="sent back", credit_missing=True, now=FEB_10).then(
        GRANTED, asked(1000, (1, 1000))
    )


def test_a_charge_is_refundable_for_a_year() -> None:
    """366 days, and no day more."""
    start = credited(paid(), 100)
    edge = DUE + MINUTE + timedelta(days=366)
    named = {"reason": "sent back", "attempt_id": key()}
    start.when(request_refund, None, now=edge, **named).then_types(RefundRequested)
    late = edge + timedelta(seconds=1)
    start.when(request_refund, None, now=late, **named).then_refused("charge-not-refundable")
    start.when(request_refund, None, now=late, reason="late").then_refused("nothing-to-refund")


def test_only_the_newest_charges_are_remembered() -> None:
    """A state does not grow for ever: a hundred charges of a daily plan."""
    start = given(*signed_up(terms(interval=Interval(Unit.DAY))))
    for _ in range(MOST_REMEMBERED + 5):
        start = paid_next(start)
    numbers = [each.invoice_number for each in start.state.collected]
    assert numbers == list(range(6, MOST_REMEMBERED + 6))


def test_money_found_late_and_money_a_person_vouches_for_may_go_back() -> None:
    """Both brought money in."""
    start = given(*signed_up())
    start = start.and_(*issue_invoice(start.state, now=DUE, zone_version=ZONE_VERSION))
    start = charged_but_silent(start, DUE)
    failed = start.and_(*settle(start.state, key(), declined(), evidence="answer", now=DUE))
    found = failed.and_(*settle(failed.state, key(), captured(), evidence=CALLBACK, now=DUE))
    assert [each.captured for each in found.state.collected] == [PRICE]
    doubtful = start.and_(*settle(start.state, key(), TIME_OUT, evidence="answer", now=DUE))
    seen = doubtful.and_(
        *decide_by_person(
            doubtful.state, key(), received=PRICE, provider_ref="s-7", reason="seen", now=DUE
        )
    )
    assert [each.provider_ref for each in seen.state.collected] == ["s-7"]


def test_money_in_another_currency_does_not_go_back_from_here() -> None:
    """It never became credit in the currency that is billed."""
    start = given(*signed_up())
    start = start.and_(*issue_invoice(start.state, now=DUE, zone_version=ZONE_VERSION))
    start = charged(start, DUE, amount=Money(29900, "SEK"))
    assert start.state.collected == ()


# --- with a cancellation, a change, a resolution ----------------------------------------------


def test_a_cancellation_may_refund_what_is_unused() -> None:
    """19 of 29 days of 299.00 are 195.90 (195.8966 rounded half up), credited and asked for."""
    facts = cancel(
        paid().state, reason="sent back", now=FEB_10, credit=Proration.BY_DAY, refund=True
    )
    credit, end, request = facts
    assert isinstance(credit, CreditGranted)
    assert isinstance(end, SubscriptionCancelled)
    assert credit.amount == nok(19590)
    assert request == asked(19590, (1, 19590))


def test_a_cancellation_with_credit_alone_refunds_nothing() -> None:
    """Of a period that is paid: credit, and nothing goes back unless that is wished."""
    paid().when(cancel, reason="moved", now=FEB_10, credit=Proration.BY_DAY).then_types(
        CreditGranted, SubscriptionCancelled
    )


def test_a_cancellation_refunds_what_came_and_leaves_the_rest_as_credit() -> None:
    """100.00 of the 299.00 were credit: 199.00 came, of which 50.00 went back before."""
    start = given(*signed_up())
    start = paid_next(credited(start, 10000))
    start = wanted(start, nok(5000))
    facts = cancel(
        start.state, reason="sent back", now=FEB_10, credit=Proration.BY_DAY, refund=True
    )
    after = start.and_(*facts)
    request = facts[-1]
    assert isinstance(request, RefundRequested)
    assert request.amount == nok(14900)
    assert credit_left(after.state) == {3: 19590 - 14900}


def test_a_cancellation_refunds_nothing_while_more_is_owed() -> None:
    """The running period is not paid for: its unused days are credit, and stay it."""
    start = given(*signed_up())
    start = start.and_(*issue_invoice(start.state, now=DUE, zone_version=ZONE_VERSION))
    start.when(cancel, reason="moved", now=FEB_10, credit=Proration.BY_DAY, refund=True).then_types(
        CreditGranted, SubscriptionCancelled
    )


def test_an_upgrade_may_charge_the_new_tier_in_full_and_refund_the_old() -> None:
    """Tier 2 costs 300 a year, tier 3 500. After six of twelve months the payer pays 500 for a
    new year and gets 150 back on the old charge: 183 of the year's 366 days (2024) are left."""
    tier_2 = terms(plan="tier-2", interval=Interval(Unit.YEAR), price=nok(30000))
    start = paid_next(given(*signed_up(tier_2, start=datetime(2024, 1, 1, tzinfo=UTC).date())))
    july = datetime(2024, 7, 1, 22, tzinfo=UTC)  # local midnight of 2 July
    # The same year, counted in months: a period of its own begins with the change.
    tier_3 = attrs.evolve(
        tier_2, plan="tier-3", interval=Interval(Unit.MONTH, 12), price=nok(50000)
    )
    wish = Change(terms=tier_3, when=When.NOW, reason="sent back", refund=True)
    facts = change_terms(start.state, wish, now=july, zone_version=ZONE_VERSION)
    credit, changed, request = facts
    assert isinstance(credit, CreditGranted)
    assert isinstance(changed, TermsChanged)
    assert isinstance(request, RefundRequested)
    assert credit.amount == nok(15000)
    assert (request.amount, request.invoice_number) == (nok(15000), 1)
    assert request.credits == (CreditPart(credit_number=1, amount=nok(15000)),)
    after = start.and_(*facts)
    billed = issue_invoice(after.state, now=july, zone_version=ZONE_VERSION)
    assert [type(each).__name__ for each in billed] == ["InvoiceIssued"]
    assert billed[0].total == nok(50000)  # type: ignore[union-attr]


def test_a_change_without_a_refund_nets_as_before() -> None:
    """The same credit pays the next invoice."""
    start = paid()
    wish = Change(terms=terms(price=nok(59900)), when=When.NOW, reason="more")
    start.when(change_terms, wish, now=FEB_10, zone_version=ZONE_VERSION).then_types(
        CreditGranted, TermsChanged
    )


def overpaid_and_ended() -> Given:
    """350.00 came where 299.00 were asked for; then it was cancelled."""
    start = paid_next(given(*signed_up()), amount=nok(35000))
    return start.and_(*cancel(start.state, reason="moved", now=FEB_10))


def test_a_surplus_goes_back_after_the_end() -> None:
    """51.00 too much: accepted as an overpayment, and refunded through that charge."""
    start = overpaid_and_ended()
    named = {"reason": "sent back", "now": FEB_10}
    start.when(resolve, key(), Resolution.ACCEPTED, **named).then_refused("subscription-ended")
    after = start.when(resolve, key(), Resolution.ACCEPTED, refund=True, **named).then(
        DiscrepancyResolved(
            attempt_id=key(),
            customer_id="c-1",
            invoice_number=1,
            resolution=Resolution.ACCEPTED,
            received=nok(35000),
            reason="sent back",
            effective_at=FEB_10,
        ),
        attrs.evolve(GRANTED, kind=CreditKind.OVERPAYMENT, amount=nok(5100)),
        asked(5100, (1, 5100)),
    )
    after.when(resolve, key(), Resolution.ACCEPTED, refund=True, **named).then_nothing()
    start.when(resolve, key(), Resolution.DISMISSED, refund=True, **named).then_refused(
        "resolution-refunds-nothing"
    )


def test_a_failed_refund_after_the_end_is_credit_again() -> None:
    """Owed still: it may be tried anew, or by other means."""
    start = tried(wanted(overpaid_and_ended(), nok(700)))
    facts = settle_refund(start.state, refund_key(), DENIED, evidence="answer", now=FEB_10)
    after = start.and_(*facts)
    assert [type(each) for each in facts] == [RefundFailed]
    assert credit_left(after.state) == {1: 700}
