"""What becomes of a refund: sent once, settled once, looked up where there is doubt."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from domain.money import Money
from domain.ports import Unknown
from domain.processes.agenda import ItemKind, agenda_of
from domain.providers import REFUND_LOOK_UP_WAITS, Provider
from domain.refund_ports import Refunded
from domain.subscription.charging import ANSWER, CALLBACK, attempt_charge
from domain.subscription.crediting import grant_credit
from domain.subscription.ending import cancel
from domain.subscription.invoicing import issue_invoice
from domain.subscription.refund_events import (
    RefundFailed,
    RefundLookedUp,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundSucceeded,
)
from domain.subscription.refunding import attempt_refund
from domain.subscription.settling_refunds import (
    decide_refund,
    refund_looked_up,
    settle_refund,
)
from tests.domain.refunding import (
    DENIED,
    FEB_10,
    SENT_AT,
    attempted,
    back,
    balance,
    credit_left,
    nok,
    paid,
    paid_next,
    refund_key,
    tried,
    wanted,
)
from tests.specimens import (
    DAY,
    HOUR,
    MINUTE,
    NOT_DONE,
    NOT_FOUND,
    TIME_OUT,
    ZONE_VERSION,
    captured,
)
from tests.vocabulary import Given, play

PENDING = Unknown(reason="PENDING", provider_ref="ref-1")
MADE = RefundSucceeded(
    refund_id=refund_key(),
    customer_id="c-1",
    attempt_id=attempted(1000).attempt_id,
    invoice_number=1,
    amount=nok(1000),
    provider_ref="ref-1",
    evidence=ANSWER,
    effective_at=SENT_AT + MINUTE,
)
FAILED = RefundFailed(
    refund_id=refund_key(),
    customer_id="c-1",
    attempt_id=attempted(1000).attempt_id,
    invoice_number=1,
    amount=nok(1000),
    code="REFUND_NOT_ALLOWED",
    message="no",
    provider_ref="ref-1",
    evidence=ANSWER,
    effective_at=SENT_AT,
)
DOUBT = RefundOutcomeUnknown(
    refund_id=refund_key(),
    reason="ReadTimeout",
    provider_ref="",
    next_look_up_at=SENT_AT + 5 * MINUTE,
    effective_at=SENT_AT,
)


def sent(minor: int = 1000, **changes: Any) -> Given:
    """10.00 are on their way back."""
    return tried(wanted(paid(**changes), nok(minor)))


def doubtful(**changes: Any) -> Given:
    """The answer was lost."""
    start = sent(**changes)
    return start.and_(
        *settle_refund(start.state, refund_key(), TIME_OUT, evidence=ANSWER, now=SENT_AT)
    )


# --- intention, answer ------------------------------------------------------------------------


@pytest.mark.parametrize("provider", list(Provider))
def test_the_intention_names_the_charge_and_how_long_its_key_holds(provider: Provider) -> None:
    """44 days at PayPal (a day off its 45), half an hour at Dintero, which knows no key."""
    start = wanted(paid(provider=provider), nok(1000))
    (refund,) = start.state.refunds
    assert attempt_refund(refund, now=SENT_AT) == (attempted(1000, provider=provider),)
    after = start.and_(attempted(1000, provider=provider))
    assert attempt_refund(after.state.refunds[0], now=SENT_AT) == ()


def test_each_answer_makes_one_fact() -> None:
    """Done, refused, unknown, or certainly nothing."""
    start = sent()
    named = {"evidence": ANSWER, "now": SENT_AT}
    start.when(settle_refund, refund_key(), back(1000), **named).then(MADE)
    start.when(settle_refund, refund_key(), DENIED, **named).then(FAILED)
    start.when(settle_refund, refund_key(), TIME_OUT, **named).then(DOUBT)
    start.when(settle_refund, refund_key(), NOT_DONE, **named).then_nothing()


def test_what_went_back_is_owed_no_more_and_what_failed_is() -> None:
    """Ten of credit: gone, or there again under its number."""
    start = sent()
    assert balance(start.facts) == (1000, 0, 1000)
    made, failed = start.and_(MADE), start.and_(FAILED)
    assert (balance(made.facts), credit_left(made.state)) == ((1000, 1000, 0), {})
    assert (balance(failed.facts), credit_left(failed.state)) == ((1000, 0, 0), {1: 1000})
    assert made.state.collected[0].left == nok(28900)
    assert failed.state.collected[0].left == nok(29900)


def test_F10_a_refund_settles_once() -> None:
    """The answer again, a callback after it, the other outcome: no fact. But for money that goes
    after a failure: test_late_refunds.py."""
    for after, other in ((sent().and_(MADE), back(1000)), (sent().and_(FAILED), NOT_FOUND)):
        for answer in (other, DENIED, TIME_OUT):
            after.when(
                settle_refund, refund_key(), answer, evidence=ANSWER, now=SENT_AT
            ).then_nothing()
            after.when(
                refund_looked_up, refund_key(), answer, evidence=CALLBACK, now=SENT_AT
            ).then_nothing()


def test_F12_nothing_is_settled_that_was_not_sent() -> None:
    """A callback about a refund that is only asked for: nobody can have made it for us."""
    start = wanted(paid(), nok(1000))
    for decision in (settle_refund, refund_looked_up):
        start.when(
            decision, refund_key(), back(1000), evidence=CALLBACK, now=SENT_AT
        ).then_nothing()


def test_credit_that_comes_back_keeps_its_place() -> None:
    """Two credits, the first on its way: the second pays the next invoice; when the refund fails
    the first is the oldest again."""
    start = sent()
    start = start.and_(*grant_credit(start.state, nok(50), reason="sorry", now=FEB_10))
    assert credit_left(start.state) == {2: 50}
    assert list(credit_left(start.and_(FAILED).state)) == [1, 2]


# --- doubt ------------------------------------------------------------------------------------


def test_a_doubt_is_looked_up_by_schedule_and_then_shown_to_a_person() -> None:
    """Pending at a bank: after 5 minutes, an hour, then daily for 14 days."""
    start = sent()
    start = start.and_(
        *settle_refund(start.state, refund_key(), PENDING, evidence=ANSWER, now=SENT_AT)
    )
    waits, at = [], SENT_AT
    while (due := start.state.refunds[0].next_look_up_at) is not None:
        waits.append(due - at)
        at = due
        start = start.and_(*refund_looked_up(start.state, refund_key(), PENDING, now=at))
    assert tuple(waits) == REFUND_LOOK_UP_WAITS
    assert waits == [5 * MINUTE, HOUR, *[DAY] * 14]
    (item,) = [each for each in agenda_of(start.state) if each.kind is ItemKind.LOOK_UP_REFUND]
    assert (item.due_at, "a person" in item.why) == (None, True)


@pytest.mark.parametrize(
    ("provider", "delay"), [(Provider.PAYPAL, 9 * HOUR), (Provider.DINTERO, HOUR)]
)
def test_F07_not_found_is_a_no_only_after_the_providers_own_delay(
    provider: Provider, delay: timedelta
) -> None:
    """Counted from the doubt: until then it may have been sent. The credit is there again."""
    start = doubtful(provider=provider)
    start.when(refund_looked_up, refund_key(), NOT_FOUND, now=SENT_AT + delay - MINUTE).then_types(
        RefundLookedUp
    )
    after = start.when(refund_looked_up, refund_key(), NOT_FOUND, now=SENT_AT + delay).then(
        attrs.evolve(
            FAILED,
            code="NOT-MADE",
            message="",
            provider_ref="",
            evidence="look-up: no charge under this reference",
            effective_at=SENT_AT + delay,
        )
    )
    assert credit_left(after.state) == {1: 1000}


def test_what_was_never_doubted_is_not_called_not_made_however_late() -> None:
    """It may have been sent a minute ago: the first look that misses it only begins the doubt."""
    sent().when(refund_looked_up, refund_key(), NOT_FOUND, now=SENT_AT + 30 * DAY).then_types(
        RefundOutcomeUnknown
    )


def test_what_the_provider_has_shown_is_not_called_not_made() -> None:
    """It had an id; where it is gone, a person decides in the end."""
    start = sent()
    start = start.and_(
        *settle_refund(start.state, refund_key(), PENDING, evidence=ANSWER, now=SENT_AT)
    )
    start.when(refund_looked_up, refund_key(), NOT_FOUND, now=SENT_AT + 2 * DAY).then_types(
        RefundLookedUp
    )


def test_F06_a_lost_answer_is_found_by_the_look() -> None:
    """The money went back at the time the provider says, known by the look."""
    doubtful().when(refund_looked_up, refund_key(), back(1000), now=SENT_AT + HOUR).then(
        attrs.evolve(MADE, evidence="look-up")
    )


def test_F11_a_callback_before_the_answer_settles_it() -> None:
    """And the answer that comes later is no news; a look that settles nothing leaves no trace."""
    start = sent()
    named = {"evidence": CALLBACK, "now": SENT_AT}
    for answer in (NOT_FOUND, PENDING):
        start.when(refund_looked_up, refund_key(), answer, **named).then_nothing()
        doubtful().when(refund_looked_up, refund_key(), answer, **named).then_nothing()
    after = start.when(refund_looked_up, refund_key(), back(1000), **named).then(
        attrs.evolve(MADE, evidence=CALLBACK)
    )
    after.when(settle_refund, refund_key(), back(1000), evidence=ANSWER, now=SENT_AT).then_nothing()


@pytest.mark.parametrize("amount", [nok(999), nok(1001), Money(1000, "SEK")])
def test_F09_another_amount_settles_nothing_and_a_person_decides(amount: Money) -> None:
    """Nothing is looked up by itself any more; the same finding again is no news."""
    answer = Refunded(amount=amount, provider_ref="ref-1", at=SENT_AT)
    for start, kind in ((sent(), RefundOutcomeUnknown), (doubtful(), RefundLookedUp)):
        after = start.when(
            settle_refund, refund_key(), answer, evidence=ANSWER, now=SENT_AT
        ).then_types(kind)
        (refund,) = after.state.refunds
        assert (refund.next_look_up_at, refund.awaits_person) == (None, True)
        assert str(amount) in refund.finding
        assert credit_left(after.state) == {}
        after.when(
            refund_looked_up, refund_key(), answer, evidence=CALLBACK, now=SENT_AT
        ).then_nothing()


# --- a person ---------------------------------------------------------------------------------


def test_a_person_says_what_really_went_back() -> None:
    """4.00 of 10.00: the other 6.00 are credit again."""
    named = {"provider_ref": "ref-1", "reason": "seen", "now": FEB_10}
    after = (
        doubtful()
        .when(decide_refund, refund_key(), made=nok(400), **named)
        .then(attrs.evolve(MADE, amount=nok(400), evidence="person: seen", effective_at=FEB_10))
    )
    assert credit_left(after.state) == {1: 600}
    assert after.state.collected[0].left == nok(29500)
    not_made = {"provider_ref": "", "reason": "seen", "now": FEB_10}
    failed = doubtful().when(decide_refund, refund_key(), made=None, **not_made)
    assert credit_left(failed.then_types(RefundFailed).state) == {1: 1000}


def test_the_oldest_credit_goes_first_where_less_went_back() -> None:
    """3.00 and 7.00 were taken, 4.00 went back: 6.00 of the second are left."""
    start = paid()
    start = start.and_(*grant_credit(start.state, nok(300), reason="sorry", now=FEB_10))
    start = tried(wanted(start, nok(1000)))
    start = start.and_(
        *settle_refund(start.state, refund_key(), TIME_OUT, evidence=ANSWER, now=SENT_AT)
    )
    facts = decide_refund(
        start.state, refund_key(), made=nok(400), provider_ref="x", reason="seen", now=FEB_10
    )
    assert credit_left(start.and_(*facts).state) == {2: 600}


def test_a_person_decides_only_what_is_in_doubt() -> None:
    """At most what was asked for, more than nothing, in its currency, with a reason."""
    start = doubtful()
    for made, reason, code in (
        (nok(1001), "seen", "refund-above-asked"),
        (nok(0), "seen", "refund-not-positive"),
        (Money(5, "SEK"), "seen", "currency-mixed"),
        (None, "", "reason-malformed"),
    ):
        start.when(
            decide_refund, refund_key(), made=made, provider_ref="", reason=reason, now=FEB_10
        ).then_refused(code)
    for known in (sent(), sent().and_(MADE), paid()):
        known.when(
            decide_refund, refund_key(), made=None, provider_ref="", reason="seen", now=FEB_10
        ).then_refused("refund-not-unknown")


# --- the process ------------------------------------------------------------------------------


def test_a_refund_is_intended_before_it_is_sent() -> None:
    """One turn: the intention, the call, the outcome."""
    run = play(*wanted(paid(), nok(1000)).facts)
    assert run.at(SENT_AT, back(1000)) == ["RefundAttempted", "RefundSucceeded"]
    assert run.sent == ["SendRefund"]


def test_F01_killed_before_the_intention_nothing_was_sent() -> None:
    """And the next turn sends once."""
    run = play(*wanted(paid(), nok(1000)).facts)
    assert run.at(SENT_AT, lose_record=True) == []
    run.at(SENT_AT, back(1000), taken_before=True)
    assert run.sent == ["SendRefund"]


@pytest.mark.parametrize("provider", list(Provider))
def test_F02_killed_after_the_intention_it_is_looked_up_first(provider: Provider) -> None:
    """PayPal knows the key: what it does not show is sent under it. Dintero does not: a first
    sending that is on its way would be doubled, so it is only looked up."""
    run = play(*wanted(paid(provider=provider), nok(1000)).facts)
    run.at(SENT_AT)
    assert run.sent == ["SendRefund"]
    later = SENT_AT + 2 * MINUTE
    if provider is Provider.PAYPAL:
        run.at(later, NOT_FOUND, back(1000), taken_before=True)
        assert run.sent == ["SendRefund", "LookUpRefund", "SendRefund"]
        assert len(run.of(RefundSucceeded)) == 1
    else:
        run.at(later, NOT_FOUND, taken_before=True)
        assert run.sent == ["SendRefund", "LookUpRefund"]
        assert len(run.of(RefundOutcomeUnknown)) == 1


@pytest.mark.parametrize(
    ("provider", "window"), [(Provider.PAYPAL, 44 * DAY), (Provider.DINTERO, 30 * MINUTE)]
)
def test_F04_nothing_is_sent_once_the_key_is_forgotten(
    provider: Provider, window: timedelta
) -> None:
    """Looked up; and what that does not show is a doubt."""
    start = wanted(paid(provider=provider), nok(1000))
    run = play(*start.facts, *cancel(start.state, reason="moved", now=FEB_10))
    run.at(SENT_AT, NOT_DONE)
    run.at(SENT_AT + window, NOT_FOUND)
    assert run.sent == ["SendRefund", "LookUpRefund"]


def test_what_was_not_done_is_sent_again_under_its_key() -> None:
    """A refusal to listen is no outcome."""
    run = play(*wanted(paid(), nok(1000)).facts)
    assert run.at(SENT_AT, NOT_DONE) == ["RefundAttempted"]
    assert run.at(SENT_AT + MINUTE, back(1000)) == ["RefundSucceeded"]
    keys = {call.refund.refund_id for call in run.calls}
    assert (run.sent, len(keys)) == (["SendRefund", "SendRefund"], 1)


def test_a_refund_and_a_charge_do_not_wait_for_each_other() -> None:
    """The refund is in doubt, then not done; the next period is billed and paid all the same.
    And with a charge in doubt a refund goes out."""
    start = doubtful()
    due = start.state.next_due_at
    assert due is not None
    run = play(*start.facts)
    run.at(due, TIME_OUT, captured())
    assert run.sent == ["LookUpRefund", "SendCharge"]
    other = play(*wanted(paid(), nok(1000)).facts)
    other.at(due, NOT_DONE, captured())
    assert other.sent == ["SendRefund", "SendCharge"]
    silent = play(*wanted(paid(), nok(1000)).facts)
    silent.at(due, back(1000), TIME_OUT)
    assert silent.of(RefundSucceeded)


def test_F02_an_intended_refund_does_not_clear_a_charge_that_may_have_been_sent() -> None:
    """A worker died with a charge on its way; a refund was asked for. Whoever comes next records
    the refund's intention, and still looks the charge up."""
    start = paid()
    due = start.state.next_due_at
    assert due is not None
    run = play(*wanted(start, nok(1000)).facts)
    run.facts.extend(issue_invoice(run.state, now=due, zone_version=ZONE_VERSION))
    run.facts.extend(attempt_charge(run.state, now=due))
    run.at(due + MINUTE, back(1000), captured(), taken_before=True)
    assert run.sent == ["SendRefund", "LookUp"]


def test_several_refunds_are_open_at_once() -> None:
    """Each has an item, a key, an outcome of its own."""
    start = wanted(paid_next(paid()), nok(40000))
    items = [each for each in agenda_of(start.state) if each.kind is ItemKind.REFUND]
    assert len(items) == 2
    run = play(*start.facts)
    run.at(SENT_AT, TIME_OUT, back(10100))
    assert len(run.of(RefundOutcomeUnknown)) == len(run.of(RefundSucceeded)) == 1
    assert len({each.refund_id for each in run.of(RefundRequested)}) == 2


def test_a_refund_that_was_not_done_holds_up_no_other() -> None:
    """The account of the first will not listen; the second is sent in the same turn."""
    run = play(*wanted(paid_next(paid()), nok(40000)).facts)
    run.at(SENT_AT, NOT_DONE, back(10100))
    assert run.sent == ["SendRefund", "SendRefund"]
    assert len(run.of(RefundSucceeded)) == 1


def test_a_refund_goes_out_after_the_end() -> None:
    """Nothing else does."""
    start = wanted(paid(), nok(1000))
    ended = start.and_(*cancel(start.state, reason="moved", now=FEB_10))
    run = play(*ended.facts)
    run.at(SENT_AT + 90 * DAY, back(1000))
    assert run.sent == ["SendRefund"]
    assert agenda_of(run.state) == ()
