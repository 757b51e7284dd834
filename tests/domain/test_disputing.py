"""Disputes and reversals: recorded as they are told, counted once, in any order.

299.00 NOK were captured for the period from 31 January 2024; it is 10 February.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import attrs
import pytest

from domain.dispute_ports import DisputeSeen
from domain.money import Money
from domain.ports import Reversal
from domain.processes.agenda import ItemKind, agenda_of, next_due
from domain.refund_ports import Refunded
from domain.subscription.charging import attempt_charge
from domain.subscription.crediting import grant_credit
from domain.subscription.discrepancies import resolve
from domain.subscription.dispute_events import (
    ChargeReversed,
    DisputeAdvanced,
    DisputeClosed,
    DisputeOpened,
    DisputeOutcome,
)
from domain.subscription.disputing import dispute_seen, reverse_charge, taken_back
from domain.subscription.dunning import collect_again, write_off
from domain.subscription.ending import cancel
from domain.subscription.events import (
    ChargeAttempted,
    CollectionResumed,
    CreditApplied,
    Resolution,
    TokenPurpose,
)
from domain.subscription.invoicing import issue_invoice
from domain.subscription.refund_events import RefundFailed, RefundRequested
from domain.subscription.refunding import attempt_refund, request_refund
from domain.subscription.refunds import CHARGE_REVERSED
from domain.subscription.settling_refunds import settle_refund
from tests.domain.refunding import (
    FEB_10,
    charged,
    credit_left,
    nok,
    paid,
    paid_next,
    refund_key,
    wanted,
)
from tests.specimens import ZONE_VERSION, key, requested, vaulted
from tests.vocabulary import Given, play

PRICE = 29900
OPENED = DisputeOpened(
    dispute_ref="PP-1",
    customer_id="c-1",
    attempt_id=key(),
    invoice_number=1,
    amount=nok(PRICE),
    reason="DUPLICATE_TRANSACTION",
    stage="INQUIRY",
    evidence="callback",
    effective_at=FEB_10,
)
LATER = FEB_10 + timedelta(days=3)
SEEN = DisputeSeen(
    dispute_ref="PP-1",
    charge_ref="cap-1",
    amount=nok(PRICE),
    reason="DUPLICATE_TRANSACTION",
    stage="INQUIRY",
    status="OPEN",
    outcome=None,
    provider_outcome="",
    returned=nok(0),
    opened_at=FEB_10,
    at=FEB_10,
)


def seen(**changes: Any) -> DisputeSeen:
    """The dispute as the provider shows it."""
    return attrs.evolve(SEEN, **changes)


def decided(outcome: DisputeOutcome, minor: int = 0, **changes: Any) -> DisputeSeen:
    """The dispute once it is over; so much was taken from us."""
    return seen(
        status="RESOLVED",
        outcome=outcome,
        provider_outcome=f"SAID_{outcome.value}",
        returned=nok(minor),
        at=LATER,
        **changes,
    )


def told(start: Given, shown: DisputeSeen) -> Given:
    """What the provider shows was recorded."""
    return start.and_(*dispute_seen(start.state, shown, evidence="callback", now=FEB_10))


def disputed(start: Given | None = None, **changes: Any) -> Given:
    """The first charge is contested."""
    return told(start or paid(), seen(**changes))


def lost(start: Given, minor: int = PRICE, **changes: Any) -> Given:
    """The dispute is lost."""
    return told(start, decided(DisputeOutcome.LOST, minor, **changes))


def reversal(minor: int = PRICE, ref: str = "rev-1", **changes: Any) -> Reversal:
    """Money that a callback says was taken back of the first charge."""
    told_of = Reversal(charge_ref="cap-1", amount=nok(minor), provider_ref=ref, at=LATER)
    return attrs.evolve(told_of, **changes)


def back(minor: int = PRICE, **changes: Any) -> ChargeReversed:
    """The fact of it."""
    standard = ChargeReversed(
        attempt_id=key(),
        customer_id="c-1",
        invoice_number=1,
        amount=nok(minor),
        provider_ref="rev-1",
        dispute_ref="",
        evidence="callback",
        effective_at=LATER,
    )
    return attrs.evolve(standard, **changes)


CLOSED = DisputeClosed(
    dispute_ref="PP-1",
    attempt_id=key(),
    outcome=DisputeOutcome.LOST,
    amount=nok(PRICE),
    provider_outcome="SAID_LOST",
    evidence="callback",
    effective_at=LATER,
)
SAID = {"evidence": "callback", "now": FEB_10}


# --- opened, advanced, closed -----------------------------------------------------------------


def test_a_dispute_is_opened_once() -> None:
    """And quiet on a repeat."""
    after = paid().when(dispute_seen, SEEN, **SAID).then(OPENED)
    after.when(dispute_seen, SEEN, **SAID).then_nothing()


def test_only_another_stage_or_status_is_news() -> None:
    """INQUIRY becomes a claim."""
    claim = seen(stage="CHARGEBACK", status="UNDER_REVIEW", at=LATER)
    moved = DisputeAdvanced(
        dispute_ref="PP-1",
        stage="CHARGEBACK",
        status="UNDER_REVIEW",
        evidence="callback",
        effective_at=LATER,
    )
    after = disputed().when(dispute_seen, claim, **SAID).then(moved)
    after.when(dispute_seen, claim, **SAID).then_nothing()
    # Seen for the first time, it is opened as far as it has come: either order, one state.
    straight = paid().when(dispute_seen, claim, **SAID)
    assert straight.facts == (attrs.evolve(OPENED, stage="CHARGEBACK"), moved)


def test_lost_it_is_closed_and_taken_back_in_one_append() -> None:
    """299.00 are owed again, and a person decides."""
    after = (
        disputed()
        .when(dispute_seen, decided(DisputeOutcome.LOST, PRICE), **SAID)
        .then(CLOSED, back(provider_ref="", dispute_ref="PP-1"))
    )
    (invoice,) = after.state.open_invoices
    assert (invoice.number, invoice.open, invoice.ended) == (1, nok(PRICE), "reversed")
    assert attempt_charge(after.state, now=LATER) == ()
    after.when(dispute_seen, decided(DisputeOutcome.LOST, PRICE), **SAID).then_nothing()
    after.when(dispute_seen, seen(stage="ARBITRATION"), **SAID).then_nothing()


def test_resolved_before_it_was_known() -> None:
    """Opened and closed in one append."""
    paid().when(dispute_seen, decided(DisputeOutcome.LOST, PRICE), **SAID).then(
        OPENED, CLOSED, back(provider_ref="", dispute_ref="PP-1")
    )


@pytest.mark.parametrize("outcome", [DisputeOutcome.WON, DisputeOutcome.WITHDRAWN])
def test_won_or_withdrawn_nothing_moves(outcome: DisputeOutcome) -> None:
    """Whatever the payer got, we did not pay it."""
    closed = attrs.evolve(
        CLOSED, outcome=outcome, amount=nok(0), provider_outcome=f"SAID_{outcome.value}"
    )
    disputed().when(dispute_seen, decided(outcome, 500), **SAID).then(closed)


def test_lost_without_money() -> None:
    """A refund of ours had closed it: the payer was right, and nothing is taken back."""
    closed = attrs.evolve(CLOSED, amount=nok(0))
    disputed().when(dispute_seen, decided(DisputeOutcome.LOST), **SAID).then(closed)


def test_a_refund_of_ours_that_closed_it_is_no_reversal() -> None:
    """All 299.00 were sent back before it was told of; PayPal says that they were refunded.
    Gone, or still without an outcome: nothing is taken back. Of a part, the rest is."""
    closed = attrs.evolve(CLOSED, amount=nok(0))
    for start in (gone(PRICE), sent(PRICE)):
        disputed(start).when(dispute_seen, decided(DisputeOutcome.LOST, PRICE), **SAID).then(closed)
    rest = nok(PRICE - 10000)
    disputed(gone(10000)).when(dispute_seen, decided(DisputeOutcome.LOST, PRICE), **SAID).then(
        attrs.evolve(CLOSED, amount=rest), back(rest.minor, provider_ref="", dispute_ref="PP-1")
    )


def test_F41_a_refund_in_doubt_does_not_make_two_reversals_of_one() -> None:
    """100.00 were on their way, so a lost dispute was booked as 199.00; they were never made, and
    PayPal tells that it took all 299.00: 100.00 more. Told again, nothing."""
    start = lost(disputed(sent(10000)))
    assert [each.amount for each in start.state.reversals] == [nok(PRICE - 10000)]
    whole = {**SAID, "now": LATER}
    after = start.when(taken_back, reversal(at=LATER), **whole)
    assert [each.amount for each in after.facts if isinstance(each, ChargeReversed)] == [nok(10000)]
    again = start.and_(*after.facts)
    again.when(taken_back, reversal(at=LATER), **whole).then_nothing()


def sent(minor: int) -> Given:
    """A refund of so much is on its way."""
    start = wanted(paid(), nok(minor))
    return start.and_(*attempt_refund(start.state.refunds[0], now=FEB_10))


def gone(minor: int) -> Given:
    """It went back."""
    start = sent(minor)
    done = Refunded(amount=nok(minor), provider_ref="ref-1", at=FEB_10)
    return start.and_(
        *settle_refund(start.state, refund_key(), done, evidence="answer", now=FEB_10)
    )


def test_a_charge_that_nobody_knows() -> None:
    """The callback waits: it may have overtaken the capture."""
    paid().when(dispute_seen, seen(charge_ref="cap-9"), **SAID).then_refused("charge-unknown")
    paid().when(dispute_seen, seen(charge_ref=""), **SAID).then_refused("charge-unknown")
    paid().when(taken_back, reversal(charge_ref="cap-9"), **SAID).then_refused("charge-unknown")


# --- what was taken back ------------------------------------------------------------------------


def test_a_reversal_counts_once() -> None:
    """By the provider's id of it."""
    after = paid().when(taken_back, reversal(), **SAID).then(back())
    after.when(taken_back, reversal(), **SAID).then_nothing()
    part = paid().when(taken_back, reversal(9900), **SAID).then(back(9900))
    part.when(taken_back, reversal(10000, "rev-2"), **SAID).then(back(10000, provider_ref="rev-2"))


def test_while_a_dispute_is_open_the_reversal_is_for_it() -> None:
    """Then the dispute is lost, over whatever amount: no second reversal."""
    after = disputed().when(taken_back, reversal(), **SAID).then(back(dispute_ref="PP-1"))
    after.when(dispute_seen, decided(DisputeOutcome.LOST, 29000), **SAID).then(
        attrs.evolve(CLOSED, amount=nok(29000))
    )


def test_two_callbacks_for_one_dispute_are_two_reversals() -> None:
    """Each has an id of its own."""
    after = disputed().when(taken_back, reversal(9900), **SAID)
    start = disputed().and_(*after.facts)
    start.when(taken_back, reversal(9900, "rev-2"), **SAID).then(
        back(9900, provider_ref="rev-2", dispute_ref="PP-1")
    )


_TOLD = {
    "opened": lambda state: dispute_seen(state, SEEN, **SAID),
    "lost": lambda state: dispute_seen(state, decided(DisputeOutcome.LOST, PRICE), **SAID),
    "reversed": lambda state: taken_back(state, reversal(), **SAID),
}


@pytest.mark.parametrize("order", list(permutations([*_TOLD, "lost", "reversed"])))
def test_F11_any_order_is_one_reversal(order: tuple[str, ...]) -> None:
    """Opened, lost and reversed, some of them told twice: 299.00 are taken back, once."""
    start = paid()
    for name in order:
        start = start.and_(*_TOLD[name](start.state))
    state = start.state
    assert [each.amount for each in state.reversals] == [nok(PRICE)]
    assert [each.outcome for each in state.disputes] == [DisputeOutcome.LOST]
    assert [each.open for each in state.open_invoices] == [nok(PRICE)]


def test_two_disputes_of_equal_parts_are_two_reversals() -> None:
    """Reversed, lost, lost, reversed: one callback belongs to each."""
    half = 14950
    start = paid()
    start = start.and_(*taken_back(start.state, reversal(half), **SAID))
    start = lost(start, half)
    start = told(start, decided(DisputeOutcome.LOST, half, dispute_ref="PP-2"))
    assert [each.amount for each in start.state.reversals] == [nok(half), nok(half)]
    start = start.and_(*taken_back(start.state, reversal(half, "rev-2"), **SAID))
    assert [each.amount for each in start.state.reversals] == [nok(half), nok(half)]


def test_an_invoice_that_was_closed_goes_on_counting_its_attempts() -> None:
    """A new attempt gets a new key."""
    after = lost(disputed())
    after = after.and_(*collect_again(after.state, 1, reason="they pay", now=LATER))
    (attempt,) = attempt_charge(after.state, now=LATER)
    assert isinstance(attempt, ChargeAttempted)
    assert (attempt.attempt_number, attempt.attempt_id) == (2, key(1, 2))
    assert attempt.amount == nok(PRICE)
    paid_twice = charged(after, LATER)
    assert paid_twice.state.open_invoices == ()
    assert [each.captured for each in paid_twice.state.collected] == [nok(PRICE)] * 2


def test_what_was_credited_or_given_up_is_not_owed_again() -> None:
    """299.00, of which 50.00 were credit: 249.00 came, and 249.00 are owed again. Given up, and
    reversed once more as far as that goes: only what is taken back is open."""
    start = paid().and_()
    start = start.and_(*grant_credit(start.state, nok(5000), reason="sorry", now=FEB_10))
    start = paid_next(start)
    assert start.state.collected[-1].captured == nok(24900)
    ref = reversal(24900, charge_ref="cap-2")
    start = start.and_(*taken_back(start.state, ref, **SAID))
    assert [(each.number, each.open) for each in start.state.open_invoices] == [(2, nok(24900))]
    again = start.and_(*write_off(start.state, 2, reason="let it go", now=LATER))
    assert again.state.open_invoices == ()


def test_a_surplus_is_taken_back_of_the_credit_first() -> None:
    """300.00 came for 299.00, and 1.00 became credit: it pays the first of what is taken back."""
    start = _overpaid()
    start = start.and_(
        *resolve(start.state, key(), Resolution.ACCEPTED, reason="keep it", now=FEB_10)
    )
    assert credit_left(start.state) == {1: 100}
    in_parts = start.and_(*taken_back(start.state, reversal(60), **SAID))
    assert credit_left(in_parts.state) == {1: 40}
    # Other credit of the customer's is none of it.
    in_parts = in_parts.and_(*grant_credit(in_parts.state, nok(700), reason="sorry", now=FEB_10))
    assert in_parts.state.open_invoices == ()
    rest = in_parts.when(taken_back, reversal(29940, "rev-2"), **SAID)
    assert [each.amount.minor for each in rest.facts if isinstance(each, CreditApplied)] == [40]
    whole = start.and_(*taken_back(start.state, reversal(30000), **SAID))
    assert credit_left(whole.state) == {}
    assert [each.open for each in whole.state.open_invoices] == [nok(PRICE)]


def test_a_surplus_that_nobody_has_accepted_is_credited_and_taken_later() -> None:
    """The same in the other order; other credit of the customer's stays."""
    start = _overpaid()
    start = start.and_(*grant_credit(start.state, nok(700), reason="sorry", now=FEB_10))
    start = start.and_(*taken_back(start.state, reversal(30000), **SAID))
    assert credit_left(start.state) == {1: 700}
    start.when(collect_again, 1, reason="they pay", now=LATER).then_refused(
        "discrepancy-unresolved"
    )
    after = start.and_(
        *resolve(start.state, key(), Resolution.ACCEPTED, reason="keep it", now=FEB_10)
    )
    assert sum(credit_left(after.state).values()) == 700
    (invoice,) = after.state.open_invoices
    assert (invoice.open, invoice.ended) == (nok(PRICE), "reversed")


def _overpaid() -> Given:
    return paid_next(_begun(), amount=nok(30000))


def _begun() -> Given:
    facts = paid().facts
    first = next(n for n, each in enumerate(facts) if type(each).__name__ == "InvoiceIssued")
    return Given(facts[:first])


# --- by a person --------------------------------------------------------------------------------


def test_a_person_reads_of_a_reversal() -> None:
    """In a settlement report; with the provider's id of it, a repeat is quiet."""
    named = {"reason": "settlement 12", "now": LATER}
    fact = back(5000, provider_ref="", evidence="person: settlement 12")
    paid().when(reverse_charge, key(), nok(5000), **named).then(fact)
    with_ref = {**named, "provider_ref": "x-9"}
    after = (
        paid()
        .when(reverse_charge, key(), nok(5000), **with_ref)
        .then(attrs.evolve(fact, provider_ref="x-9"))
    )
    after.when(reverse_charge, key(), nok(5000), **with_ref).then_nothing()


@pytest.mark.parametrize(
    ("code", "minor", "changes"),
    [
        ("reversal-not-positive", 0, {}),
        ("reversal-above-captured", 29901, {}),
        ("reason-malformed", 100, {"reason": ""}),
    ],
)
def test_what_a_person_may_not_say(code: str, minor: int, changes: dict[str, Any]) -> None:
    """Nothing, more than is left, or without a reason."""
    named = {"reason": "settlement 12", "now": LATER, **changes}
    paid().when(reverse_charge, key(), nok(minor), **named).then_refused(code)


def test_F41_a_person_may_say_no_more_than_is_left() -> None:
    """10.00 are on their way back already."""
    start = wanted(paid(), nok(1000))
    named = {"reason": "settlement 12", "now": LATER}
    start.when(reverse_charge, key(), nok(28901), **named).then_refused("reversal-above-captured")
    start.when(reverse_charge, key(), nok(28900), **named).then_types(ChargeReversed)
    start.when(reverse_charge, key(2), nok(1), **named).then_refused("charge-unknown")
    francs = Money(100, "CHF")
    start.when(reverse_charge, key(), francs, **named).then_refused("currency-mixed")


# --- what a dispute holds up --------------------------------------------------------------------


def _billed_next(start: Given) -> Given:
    due = start.state.next_due_at
    assert due is not None
    return start.and_(*issue_invoice(start.state, now=due, zone_version=ZONE_VERSION))


def _due(start: Given) -> Any:
    return start.state.open_invoices[-1].due_at


def test_billing_goes_on_and_nothing_is_collected() -> None:
    """The invoice waits and says why; won, it is collected by itself."""
    start = _billed_next(disputed())
    now = _due(start)
    assert attempt_charge(start.state, now=now) == ()
    items = {each.kind: each for each in agenda_of(start.state)}
    assert items[ItemKind.COLLECT].due_at is None
    assert items[ItemKind.COLLECT].why == ("disputed: DUPLICATE_TRANSACTION; a person has to look")
    assert items[ItemKind.DISPUTE].key == "PP-1"
    won = told(start, decided(DisputeOutcome.WON))
    assert next_due(agenda_of(won.state)) == now
    assert len(attempt_charge(won.state, now=now)) == 1
    assert len(attempt_charge(told(start, decided(DisputeOutcome.WITHDRAWN)).state, now=now)) == 1


def test_a_person_can_have_it_collected() -> None:
    """Until another dispute is opened."""
    start = _billed_next(disputed())
    now = _due(start)
    after = start.when(collect_again, 2, reason="they said so", now=now).then_types(
        CollectionResumed
    )
    assert len(attempt_charge(after.state, now=now)) == 1
    after.when(collect_again, 2, reason="they said so", now=now).then_nothing()
    again = told(after, seen(dispute_ref="PP-2"))
    assert attempt_charge(again.state, now=now) == ()


def test_an_attempt_that_was_not_sent_is_looked_up() -> None:
    """Nothing new is set going once the charge before is contested."""
    start = _billed_next(paid())
    now = _due(start)
    start = disputed(start.and_(*attempt_charge(start.state, now=now)))
    worker = play(*start.facts)
    worker.at(now)
    assert worker.sent == ["LookUp"]


def test_a_new_token_does_not_collect_what_was_taken_back() -> None:
    """Nor a new backup: a person decides."""
    start = lost(disputed())
    for backup in (False, True):
        purpose = TokenPurpose.BACKUP if backup else TokenPurpose.REPLACEMENT
        asked = requested(2, at=LATER, purpose=purpose)
        replaced = {} if backup else {"replaces": 1}
        after = start.and_(asked, vaulted(2, at=LATER, **replaced))
        assert [each.ended for each in after.state.open_invoices] == ["reversed"]
        assert attempt_charge(after.state, now=LATER) == ()


@pytest.mark.parametrize(
    ("reason", "usable"),
    [
        ("CANCELED_RECURRING_BILLING", False),
        ("UNAUTHORISED", False),
        ("DUPLICATE_TRANSACTION", True),
    ],
)
def test_lost_because_the_payer_wants_no_charge(reason: str, usable: bool) -> None:
    """The token is not charged again, as after a hard decline."""
    after = lost(disputed(reason=reason), reason=reason)
    assert after.state.token is not None
    assert after.state.token.usable is usable
    assert after.state.lacks_token is not usable
    won = told(disputed(reason=reason), decided(DisputeOutcome.WON))
    assert won.state.token is not None
    assert won.state.token.usable


def test_no_refund_of_what_is_disputed() -> None:
    """Named or not; another charge may give it."""
    named: dict[str, Any] = {"reason": "sent back", "credit_missing": True, "now": FEB_10}
    one = disputed()
    one.when(request_refund, nok(100), **named).then_refused("charge-disputed")
    one.when(request_refund, nok(100), attempt_id=key(), **named).then_refused("charge-disputed")
    two = disputed(paid_next(paid()))
    asked = two.when(request_refund, nok(100), **named).facts
    assert [each.attempt_id for each in asked if isinstance(each, RefundRequested)] == [key(2)]
    two.when(request_refund, nok(PRICE + 1), **named).then_refused("charge-disputed")


def test_F41_a_refund_that_was_not_sent_waits_and_is_let_go() -> None:
    """10.00 asked for, then contested: nothing is sent. Lost in full, the 10.00 are credit again;
    lost in part, they go."""
    start = disputed(wanted(paid(), nok(1000)))
    worker = play(*start.facts)
    worker.at(FEB_10)
    assert worker.sent == []
    full = play(*lost(start).facts)
    full.at(LATER)
    assert [each.code for each in full.of(RefundFailed)] == [CHARGE_REVERSED]
    assert full.sent == []
    assert credit_left(full.state) == {1: 1000}
    part = play(*lost(start, 20000).facts)
    part.at(LATER)
    assert part.sent == ["SendRefund"]


def test_F41_never_more_goes_back_by_our_doing() -> None:
    """299.00 came, 200.00 were taken back: 99.00 may still be refunded."""
    start = lost(disputed(), 20000)
    start = start.and_(*write_off(start.state, 1, reason="let it go", now=LATER))
    named: dict[str, Any] = {"reason": "sent back", "credit_missing": True, "now": LATER}
    start.when(request_refund, nok(9901), **named).then_refused("refund-too-large")
    start.when(request_refund, nok(9900), **named).then_types(
        *(type(each) for each in request_refund(start.state, nok(9900), **named))
    )


def test_F41_what_a_provider_takes_beyond_is_recorded() -> None:
    """A refund of 100.00 is gone, and all 299.00 are taken back: no room is left, and no error."""
    start = wanted(paid(), nok(10000))
    (refund,) = start.state.refunds
    assert refund.refund_id == refund_key()
    start = start.and_(*attempt_refund(refund, now=FEB_10))
    after = start.when(taken_back, reversal(), **SAID).then_types(ChargeReversed)
    (charge,) = after.state.collected
    assert charge.overdrawn
    assert charge.left == nok(0)


def test_after_the_end_it_stays_owed() -> None:
    """Nobody collects it."""
    start = paid().and_(*cancel(paid().state, reason="moved", now=FEB_10))
    after = start.when(taken_back, reversal(), **SAID).then(back())
    (item,) = (each for each in agenda_of(after.state) if each.kind is ItemKind.COLLECT)
    assert item.due_at is None
    after.when(collect_again, 1, reason="they pay", now=LATER).then_refused("subscription-ended")
    after.when(write_off, 1, reason="let it go", now=LATER)


def test_a_disputed_charge_is_not_forgotten() -> None:
    """More than a year later, it can still be taken back; one that nobody contests cannot."""

    def a_year_later(start: Given) -> Given:
        for number in range(2, 16):
            start = _billed_next(start)
            now = _due(start)
            if start.state.open_disputes:
                start = start.and_(*collect_again(start.state, number, reason="do", now=now))
            start = charged(start, now)
        return start

    contested, kept = a_year_later(disputed()), a_year_later(paid())
    contested.when(dispute_seen, decided(DisputeOutcome.LOST, PRICE), **SAID).then_types(
        DisputeClosed, ChargeReversed
    )
    kept.when(dispute_seen, SEEN, **SAID).then_refused("charge-unknown")
