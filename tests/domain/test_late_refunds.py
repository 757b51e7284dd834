"""A refund that had failed, or was never made, turns out to have been made: the money has gone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from domain.money import Money
from domain.processes.agenda import agenda_of
from domain.refund_ports import Refunded
from domain.subscription.charging import ANSWER, CALLBACK
from domain.subscription.crediting import grant_credit
from domain.subscription.discrepancies import resolve
from domain.subscription.ending import cancel
from domain.subscription.events import DiscrepancyResolved, Resolution
from domain.subscription.refund_events import RefundFoundLate
from domain.subscription.refunding import refund_granted, request_refund
from domain.subscription.refunds import MOST_REMEMBERED
from domain.subscription.settling_refunds import decide_refund, refund_looked_up, settle_refund
from tests.domain.refunding import (
    DENIED,
    FEB_10,
    SENT_AT,
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
from tests.specimens import DAY, HOUR, NOT_FOUND, TIME_OUT, key
from tests.vocabulary import Given

FOUND_AT = SENT_AT + 2 * DAY
NAMED: dict[str, Any] = {"evidence": CALLBACK, "now": FOUND_AT}


def late(minor: int = 1000, number: int = 1) -> RefundFoundLate:
    """The nth refund of the first charge was made two days after it had failed."""
    return RefundFoundLate(
        refund_id=refund_key(number=number),
        attempt_id=key(),
        customer_id="c-1",
        invoice_number=1,
        amount=nok(minor),
        provider_ref="ref-1",
        evidence=CALLBACK,
        effective_at=FOUND_AT,
    )


def failed(minor: int = 1000) -> Given:
    """So much was to go back, and the provider said no: it is credit again."""
    start = tried(wanted(paid(), nok(minor)))
    return settled(start, DENIED)


def settled(start: Given, answer: Any, number: int = 1) -> Given:
    """The nth refund of the first charge has an answer."""
    return start.and_(
        *settle_refund(start.state, refund_key(number=number), answer, evidence=ANSWER, now=SENT_AT)
    )


def again(start: Given, minor: int = 1000) -> Given:
    """The same money is asked for once more, and goes."""
    start = tried(wanted(start, nok(minor), credit_missing=False))
    return settled(start, back(minor), number=2)


def resolved(how: Resolution, minor: int = 1000) -> DiscrepancyResolved:
    """A person has looked."""
    return DiscrepancyResolved(
        attempt_id=refund_key(),
        customer_id="c-1",
        invoice_number=1,
        resolution=how,
        received=nok(minor),
        reason="seen",
        effective_at=FOUND_AT,
    )


# --- found ------------------------------------------------------------------------------------


@pytest.mark.parametrize("decision", [settle_refund, refund_looked_up])
def test_what_failed_and_was_made_is_booked_as_gone(decision: Any) -> None:
    """By an answer that comes late, or by a look: 10.00 are credit no more, and gone of the
    charge."""
    start = failed()
    assert credit_left(start.state) == {1: 1000}
    after = start.when(decision, refund_key(), back(1000, at=FOUND_AT), **NAMED).then(late())
    assert credit_left(after.state) == {}
    assert balance(after.facts) == (1000, 1000, 0)
    assert after.state.collected[0].left == nok(28900)
    assert after.state.failed_refunds == ()
    (found,) = after.state.unresolved_refunds
    assert (found.amount, found.missing) == (nok(1000), nok(0))


def test_what_was_never_made_and_was_made_is_booked_as_gone() -> None:
    """Nobody found it for a day, or a person had said so."""
    start = settled(tried(wanted(paid(), nok(1000))), TIME_OUT)
    by_look = refund_looked_up(start.state, refund_key(), NOT_FOUND, now=SENT_AT + DAY)
    by_person = decide_refund(
        start.state, refund_key(), made=None, provider_ref="", reason="phoned", now=SENT_AT
    )
    for facts in (by_look, by_person):
        after = start.and_(*facts)
        after.when(refund_looked_up, refund_key(), back(1000, at=FOUND_AT), **NAMED).then(late())


def test_F10_it_is_found_once() -> None:
    """The callback again, or the failure once more: no fact."""
    after = failed().and_(late())
    for answer in (back(1000), DENIED, TIME_OUT, NOT_FOUND):
        after.when(refund_looked_up, refund_key(), answer, **NAMED).then_nothing()
    for answer in (DENIED, TIME_OUT, NOT_FOUND):
        failed().when(refund_looked_up, refund_key(), answer, **NAMED).then_nothing()


def test_a_refund_that_succeeded_is_not_found_late() -> None:
    """Nor one that nobody has asked for."""
    start = settled(tried(wanted(paid(), nok(1000))), back(1000))
    start.when(refund_looked_up, refund_key(), back(1000), **NAMED).then_nothing()
    paid().when(refund_looked_up, refund_key(), back(1000), **NAMED).then_nothing()


def test_F09_another_amount_is_booked_as_it_went() -> None:
    """9.00 of 10.00: 1.00 stays credit. 11.00: 1.00 is missing."""
    less = failed().when(refund_looked_up, refund_key(), back(900, at=FOUND_AT), **NAMED)
    assert credit_left(less.then(late(900)).state) == {1: 100}
    more = failed().when(refund_looked_up, refund_key(), back(1100, at=FOUND_AT), **NAMED)
    assert more.then(late(1100)).state.late_refunds[0].missing == nok(100)


def test_F09_another_currency_touches_no_credit() -> None:
    """It is shown, and covered by nothing."""
    euros = Refunded(amount=Money(1000, "EUR"), provider_ref="ref-1", at=FOUND_AT)
    fact = attrs.evolve(late(), amount=Money(1000, "EUR"))
    after = failed().when(refund_looked_up, refund_key(), euros, **NAMED).then(fact)
    assert credit_left(after.state) == {1: 1000}
    assert after.state.collected[0].refunded == nok(0)
    assert after.state.late_refunds[0].missing == Money(1000, "EUR")


# --- credit that is not there any more --------------------------------------------------------


def test_credit_that_paid_an_invoice_is_missing_and_never_below_nothing() -> None:
    """10.00 paid a part of the next invoice; 4.00 were granted since: 6.00 are missing."""
    start = paid_next(failed())
    assert credit_left(start.state) == {}
    start = start.and_(*grant_credit(start.state, nok(400), reason="sorry", now=FOUND_AT))
    after = start.and_(late())
    assert credit_left(after.state) == {}
    assert after.state.late_refunds[0].missing == nok(600)


def test_it_takes_the_oldest_credit_as_everything_does() -> None:
    """10.00 came back, 4.00 were granted: 10.00 of the first, nothing of the second."""
    start = failed()
    start = start.and_(*grant_credit(start.state, nok(400), reason="sorry", now=FEB_10))
    assert credit_left(start.and_(late()).state) == {2: 400}


def test_credit_that_comes_covers_what_is_missing_first() -> None:
    """10.00 paid an invoice and are missing: 4.00 that are granted leave 6.00, and 9.00 more leave
    3.00 of credit; then a refund may be asked for again."""
    start = paid_next(failed()).and_(late())
    start = start.and_(*grant_credit(start.state, nok(400), reason="sorry", now=FOUND_AT))
    assert (credit_left(start.state), start.state.late_refunds[0].missing) == ({}, nok(600))
    start = start.and_(*grant_credit(start.state, nok(900), reason="sorry", now=FOUND_AT))
    assert (credit_left(start.state), start.state.late_refunds[0].missing) == ({3: 300}, nok(0))
    assert len(start.state.unresolved_refunds) == 1
    assert request_refund(start.state, nok(300), reason="more", now=FOUND_AT)


@pytest.mark.parametrize(("answer", "missing"), [(DENIED, 0), (back(1000), 1000)])
def test_F41_the_second_refund_decides_whether_anything_is_missing(
    answer: Any, missing: int
) -> None:
    """The first is found late while the second is on its way: should that fail, 10.00 have gone
    once, and nothing is wrong."""
    start = tried(wanted(failed(), nok(1000), credit_missing=False)).and_(late())
    assert start.state.late_refunds[0].missing == nok(1000)
    after = settled(start, answer, number=2)
    assert after.state.late_refunds[0].missing == nok(missing)
    assert credit_left(after.state) == {}


def test_what_a_person_has_looked_at_takes_no_credit_any_more() -> None:
    """It was given up, or paid otherwise."""
    for how in Resolution:
        start = paid_next(failed()).and_(late(), resolved(how))
        start = start.and_(*grant_credit(start.state, nok(400), reason="sorry", now=FOUND_AT))
        assert credit_left(start.state) == {2: 400}


def test_F41_both_refunds_of_one_credit_are_real() -> None:
    """299.00 went back twice: nothing is left of the charge, not less than nothing, and what other
    charges brought in may still go back once somebody has looked."""
    start = again(failed(29900), 29900).and_(late(29900))
    (charge,) = start.state.collected
    assert (charge.refunded, charge.left) == (nok(59800), nok(0))
    assert start.state.late_refunds[0].missing == nok(29900)
    asking: dict[str, Any] = {"reason": "more", "now": FOUND_AT, "credit_missing": True}
    start.when(request_refund, nok(100), **asking).then_refused("discrepancy-unresolved")
    seen = start.and_(resolved(Resolution.ACCEPTED, 29900))
    seen.when(request_refund, nok(100), **asking).then_refused("nothing-to-refund")
    next_month = paid_next(seen)
    (fact,) = [
        each
        for each in request_refund(next_month.state, nok(29900), **asking)
        if hasattr(each, "refund_number")
    ]
    assert (fact.amount, fact.invoice_number) == (nok(29900), 2)


def test_nothing_more_is_paid_out_until_a_person_has_looked() -> None:
    """What a change or an end would refund stays credit."""
    start = again(failed()).and_(late())
    granted = grant_credit(start.state, nok(500), reason="sorry", now=FOUND_AT)
    start = start.and_(*granted)
    start.when(refund_granted, granted, reason="less", now=FOUND_AT).then_nothing()
    start.when(request_refund, nok(1), reason="more", now=FOUND_AT).then_refused(
        "discrepancy-unresolved"
    )
    covered = failed().and_(late())
    credit = grant_credit(covered.state, nok(500), reason="sorry", now=FOUND_AT)
    covered = covered.and_(*credit)
    assert refund_granted(covered.state, credit, reason="less", now=FOUND_AT)


# --- a person ---------------------------------------------------------------------------------


@pytest.mark.parametrize("how", list(Resolution))
def test_a_person_looks_at_it_once(how: Resolution) -> None:
    """The same again is quiet, the other way refused; nothing else happens."""
    start = again(failed()).and_(late())
    asked: dict[str, Any] = {"reason": "seen", "now": FOUND_AT}
    after = start.when(resolve, refund_key(), how, **asked).then(resolved(how))
    assert after.state.unresolved_refunds == ()
    assert after.state.credits == start.state.credits
    after.when(resolve, refund_key(), how, **asked).then_nothing()
    other = next(each for each in Resolution if each is not how)
    after.when(resolve, refund_key(), other, **asked).then_refused("discrepancy-resolved")


def test_a_person_may_look_after_the_end_but_not_refund_it() -> None:
    """Nor without a reason, nor at what nobody found."""
    start = failed().and_(late())
    ended = start.and_(*cancel(start.state, reason="moved", now=FOUND_AT))
    how = Resolution.ACCEPTED
    ended.when(resolve, refund_key(), how, reason="seen", now=FOUND_AT).then(resolved(how))
    start.when(resolve, refund_key(), how, reason="seen", now=FOUND_AT, refund=True).then_refused(
        "resolution-refunds-nothing"
    )
    start.when(resolve, refund_key(), how, reason="", now=FOUND_AT).then_refused("reason-malformed")
    failed().when(resolve, refund_key(), how, reason="seen", now=FOUND_AT).then_refused(
        "discrepancy-unknown"
    )


def test_it_puts_nothing_on_the_agenda() -> None:
    """A worker has nothing to do with it; people find it in the list of what is due."""
    start = failed()
    assert agenda_of(start.and_(late()).state) == agenda_of(start.state)


# --- memory -----------------------------------------------------------------------------------


def test_what_failed_is_remembered_for_a_year_and_so_many_at_most() -> None:
    """As charges are."""
    start = failed()
    for _ in range(MOST_REMEMBERED + 5):
        number = start.state.collected[0].refunds + 1
        start = settled(tried(wanted(start, nok(1000))), DENIED, number=number)
    kept = start.state.failed_refunds
    assert len(kept) == MOST_REMEMBERED
    assert kept[-1].refund_id == refund_key(number=MOST_REMEMBERED + 6)
    start = failed()
    later = FEB_10 + timedelta(days=366)
    for now, remembered in ((later, 2), (later + HOUR, 1)):
        second = tried(wanted(start, nok(1000), now=FEB_10 + 300 * DAY), FEB_10 + 300 * DAY)
        denied = attrs.evolve(DENIED, at=now)
        after = settled(second, denied, number=2)
        assert len(after.state.failed_refunds) == remembered


def test_its_id_is_remembered_so_that_the_look_goes_by_it() -> None:
    """What the provider named when it said no, or before."""
    assert failed().state.failed_refunds[0].provider_ref == "ref-1"
