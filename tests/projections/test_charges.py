"""Charges: one row an attempt, from intention to outcome and what turned up afterwards."""

from __future__ import annotations

from hypothesis import given, settings

from domain.money import Money
from domain.plan import CaptureMode
from domain.ports import Unknown
from domain.providers import LOOK_UP_WAITS
from domain.subscription.charging import settle
from domain.subscription.events import ChargeAttempted, DeclineClass, Discrepancy
from domain.subscription.looking_up import decide_by_person, looked_up
from projections.charges import CHARGES, Charge, ChargeStatus
from tests.books import Books, Clock
from tests.histories import History, histories, show
from tests.projections.scenes import billed, facts, rows, signed_up
from tests.replies import Reply
from tests.specimens import DAY, DUE, PRICE, captured, key, terms


def charge(books: Books, attempt: int = 1) -> Charge:
    return rows(CHARGES, books)[str(key(1, attempt))]


def test_an_attempt_may_have_been_sent():
    """The row begins with the intention, and says under which name."""
    books = signed_up()
    books.advance(Clock.NEXT_DUE, "s-1")
    books.intend("s-1")
    row = charge(books)
    assert row.status is ChargeStatus.ATTEMPTED
    assert (row.subscription_id, row.customer_id, row.invoice_number) == ("s-1", "c-1", 1)
    assert (row.attempt_number, row.asked, row.received) == (1, PRICE, None)
    assert (row.attempted_at, row.settled_at, row.evidence) == (DUE, None, "")
    assert row.reference == facts(books, ChargeAttempted)[0].reference


def test_money_settles_it():
    """What came, how we know, and the provider's id."""
    row = charge(billed(signed_up()))
    assert (row.status, row.received, row.evidence) == (ChargeStatus.SUCCEEDED, PRICE, "answer")
    assert row.provider_ref == f"cap-{row.reference}"
    assert row.settled_at == DUE
    assert row.discrepancies == ()


def test_reserved_then_captured():
    """Between reservation and outcome the capture may have been sent."""
    books = billed(signed_up(terms(capture=CaptureMode.AFTER_AUTHORIZATION)))
    assert charge(books).status is ChargeStatus.CAPTURING
    assert charge(books).provider_ref.startswith("auth-")
    reserved = rows(CHARGES, books, to_position=books.log[-1].position - 1)
    assert [row.status for row in reserved.values()] == [ChargeStatus.AUTHORIZED]
    books.work("s-1")
    assert charge(books).status is ChargeStatus.SUCCEEDED


def test_a_decline_keeps_class_code_and_words():
    """And the retry is a row of its own."""
    books = billed(billed(signed_up(), Reply.SOFT))
    first, second = charge(books, 1), charge(books, 2)
    assert (first.status, first.decline, first.code, first.message) == (
        ChargeStatus.DECLINED,
        DeclineClass.SOFT,
        "INSUFFICIENT_FUNDS",
        "declined by the bank",
    )
    assert (first.received, second.status, second.attempt_number) == (
        None,
        ChargeStatus.SUCCEEDED,
        2,
    )


def test_a_doubt_is_looked_up_until_a_person_has_to_decide():
    """Looks are counted; after the last planned one the status says who is to act."""
    books = billed(signed_up(), Reply.UNKNOWN)
    assert (charge(books).status, charge(books).looks) == (ChargeStatus.UNKNOWN, 0)
    billed(books, Reply.UNKNOWN)
    assert (charge(books).status, charge(books).looks) == (ChargeStatus.UNKNOWN, 1)
    for _ in LOOK_UP_WAITS[1:]:
        billed(books, Reply.UNKNOWN)
    assert charge(books).status is ChargeStatus.NEEDS_PERSON
    assert charge(books).looks == len(LOOK_UP_WAITS)
    books.append(
        "s-1",
        decide_by_person(
            books.states["s-1"],
            key(),
            received=None,
            provider_ref="",
            reason="not in the statement",
            now=books.now,
        ),
    )
    row = charge(books)
    assert (row.status, row.evidence) == (ChargeStatus.NOT_MADE, "person: not in the statement")
    assert row.received is None


def test_a_doubt_keeps_the_providers_id():
    """A later doubt without an id does not wipe out the one that is known."""
    books = billed(signed_up(terms(capture=CaptureMode.AFTER_AUTHORIZATION)))
    reserved = charge(books).provider_ref
    books.work("s-1", Reply.UNKNOWN)
    assert charge(books).status is ChargeStatus.UNKNOWN
    assert charge(books).provider_ref == reserved != ""


def test_a_doubt_takes_on_the_id_that_a_look_shows():
    """A person can ask the provider about it by that id."""
    books = billed(signed_up(), Reply.UNKNOWN)
    assert charge(books).provider_ref == ""
    books.advance(Clock.NEXT_DUE, "s-1")
    for shown in ("pay-7", ""):
        pending = Unknown(reason="pending", provider_ref=shown)
        books.append("s-1", looked_up(books.states["s-1"], key(), pending, now=books.now))
    assert (charge(books).provider_ref, charge(books).looks) == ("pay-7", 2)


def test_F07_not_found_after_the_providers_delay_was_not_made():
    """Established, not assumed."""
    books = billed(signed_up(), Reply.UNKNOWN)
    books.now += DAY
    books.work("s-1", Reply.NOT_FOUND)
    assert charge(books).status is ChargeStatus.NOT_MADE
    assert charge(books).evidence.startswith("look-up")


def test_money_found_late_is_shown_beside_the_decline():
    """The row tells both: it was declined, and it was charged."""
    books = billed(signed_up(), Reply.SOFT)
    books.append(
        "s-1",
        settle(books.states["s-1"], key(), captured(), evidence="callback", now=books.now),
    )
    row = charge(books)
    assert (row.status, row.received, row.code) == (
        ChargeStatus.FOUND_LATE,
        PRICE,
        "INSUFFICIENT_FUNDS",
    )
    assert row.discrepancies == (Discrepancy.UNEXPECTED,)


def test_F09_a_charge_that_is_not_the_one_asked_for_is_flagged():
    """As received, with what differs."""
    less = charge(billed(signed_up(), Reply.LESS))
    other = charge(billed(signed_up(), Reply.OTHER_CURRENCY))
    assert (less.asked, less.received, less.discrepancies) == (
        PRICE,
        Money(29800, "NOK"),
        (Discrepancy.AMOUNT,),
    )
    assert (other.received, other.discrepancies) == (Money(29900, "EUR"), (Discrepancy.CURRENCY,))
    values = {name: column.value(other) for name, column in CHARGES.columns.items()}
    assert (values["amount_minor"], values["currency"]) == (29900, "NOK")
    assert (values["received_minor"], values["received_currency"]) == (29900, "EUR")
    assert values["discrepancy"] is True
    assert values["status"] == "succeeded"


@settings(max_examples=60, deadline=None)
@given(histories())
def test_charges_are_the_attempts_and_their_money_is_what_is_paid(history: History):
    """A row for each intention; the open ones are the states' open attempts."""
    show(history)
    table = {}
    for each in history.log:
        if isinstance(each.event, ChargeAttempted):
            table[str(each.event.attempt_id)] = each.event.amount
    charges = rows(CHARGES, history)  # type: ignore[arg-type]
    assert {name: row.asked for name, row in charges.items()} == table
    open_ones = {name for name, row in charges.items() if row.settled_at is None}
    assert open_ones == {
        str(state.open_attempt.attempt_id)
        for state in history.states.values()
        if state.open_attempt is not None
    }
