"""Refunds as they are shown: balances, charges, the table of refunds, words, explanations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.money import Money
from domain.refusals import Refused
from domain.subscription.crediting import grant_credit
from domain.subscription.events import Resolution
from domain.subscription.refund_events import RefundAttempted, RefundFoundLate, RefundRequested
from projections.audit import audit_log
from projections.balances import BALANCES, Balance, balance_key
from projections.charges import CHARGES
from projections.due_dates import DUE_DATES, due_lines
from projections.explaining import explain_balance, explain_refund
from projections.refunds import REFUNDS, RefundStatus
from projections.replay import fold_in
from projections.timeline import entry
from tests.books import Books
from tests.projections import scenes_of_refunds as s
from tests.projections.scenes import billed, facts, rows, signed_up
from tests.projections.stories_of_refunds import story_of_refunds

KEY = balance_key("c-1", "NOK")
told = pytest.mark.parametrize("told", s.STORIES, ids=lambda told: told.__name__)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        # credited, paid, credit, refunding, refunded
        (s.refunded, (15000, 29900, 3000, 0, 12000)),
        (s.refunded_out_of_goodwill, (1000, 29900, 0, 0, 1000)),
        (s.denied, (1000, 29900, 1000, 0, 0)),
        (s.in_doubt, (1000, 29900, 0, 1000, 0)),
        (s.never_made, (1000, 29900, 1000, 0, 0)),
        (s.decided_by_a_person, (1000, 29900, 600, 0, 400)),
        (s.another_amount, (1000, 29900, 0, 1000, 0)),
        (s.through_two_charges, (40000, 59800, 0, 0, 40000)),
        (s.cancelled_with_refund, (19590, 29900, 0, 0, 19590)),
        (s.surplus_after_the_end, (0, 30000, 0, 0, 100)),
        (s.netted_after_the_end, (35000, 29900, 0, 0, 5100)),
        (s.made_after_all, (1000, 29900, 0, 0, 1000)),
        (s.used_meanwhile, (1000, 58800, 0, 0, 1000)),
        (s.refunded_twice, (29900, 29900, 0, 0, 59800)),
    ],
    ids=lambda told: getattr(told, "__name__", ""),
)
def test_what_goes_back_is_in_the_balance(told: Callable[[], Books], expected: tuple[int, ...]):
    """Credit while it waits, refunding while it is on its way, refunded once it is gone."""
    row = rows(BALANCES, told())[KEY]
    assert (row.credited, row.paid, row.credit, row.refunding, row.refunded) == expected


@told
def test_the_equation_holds_at_every_position(told: Callable[[], Books]):
    """And the audit comes to the same sums by its own means."""
    books, table = told(), dict[str, Balance]()
    for recorded in books.log:
        fold_in(BALANCES, table, recorded)
        assert all(row.holds and row.credit >= 0 for row in table.values())
    report, row = audit_log(books.log), table[KEY]
    assert report.findings == ()
    sums = report.totals["NOK"]
    assert (sums.refunded, sums.refunding, sums.credit, sums.open) == (
        row.refunded,
        row.refunding,
        row.credit,
        row.open,
    )


@pytest.mark.parametrize("seed", range(40))
def test_the_equation_holds_in_stories(seed: int):
    """Drawn by a seed; audited clean, and never more gone back than came, unless a refund was made
    after all."""
    history, table = story_of_refunds(seed), dict[str, Balance]()
    late = 0
    for recorded in history.log:
        fold_in(BALANCES, table, recorded)
        late += isinstance(recorded.event, RefundFoundLate)
        row = table.get(KEY)
        assert row is None or (row.holds and row.credit >= 0)
        assert row is None or late or row.refunded + row.refunding <= row.paid
    (state,) = history.states.values()
    found = {each.code for each in audit_log(history.log).findings}
    assert found <= ({"refund-not-covered", "refunded-above-captured"} if late else set())
    uncovered = any(each.missing.minor for each in state.unresolved_refunds)
    assert ("refund-not-covered" in found) == uncovered


def test_a_charge_shows_what_went_back_of_it():
    """400.00 of two charges."""
    charges = rows(CHARGES, s.through_two_charges()).values()
    assert [each.refunded for each in charges] == [Money(10100, "NOK"), Money(29900, "NOK")]
    assert [each.refunded for each in rows(CHARGES, s.denied()).values()] == [None]


@pytest.mark.parametrize(
    ("told", "status", "back"),
    [
        (s.refunded, RefundStatus.SUCCEEDED, 12000),
        (s.denied, RefundStatus.FAILED, None),
        (s.in_doubt, RefundStatus.UNKNOWN, None),
        (s.another_amount, RefundStatus.NEEDS_PERSON, None),
        (s.decided_by_a_person, RefundStatus.SUCCEEDED, 400),
        (s.made_after_all, RefundStatus.FOUND_LATE, 1000),
    ],
    ids=lambda told: getattr(told, "__name__", ""),
)
def test_each_refund_is_a_row(told: Callable[[], Books], status: RefundStatus, back: int | None):
    """With what was asked for, what went back, and how it stands."""
    (row,) = rows(REFUNDS, told()).values()
    assert row.status is status
    assert row.given_back == (None if back is None else Money(back, "NOK"))
    assert (row.subscription_id, row.invoice_number, row.reason) == ("s-1", 1, "sent back")


def test_what_no_credit_covers_is_open_until_it_is_given_up():
    """299.00 went back twice: 299.00 are owed, in the sum of what is open and in no invoice; a
    person gives them up. Where the customer paid otherwise, they stay as they are booked."""
    books = s.refunded_twice()
    before = rows(BALANCES, books, to_position=len(books.log) - 1)[KEY]
    seen = rows(BALANCES, books)[KEY]
    assert (before.open, before.open_invoices, before.written_off) == (29900, (), 0)
    assert (seen.open, seen.written_off, seen.credit) == (0, 29900, 0)
    assert before.overdue(books.now) == 0
    dismissed = rows(BALANCES, s.used_meanwhile())[KEY]
    assert (dismissed.open, dismissed.written_off) == (1000, 0)


def test_credit_that_comes_covers_what_is_open():
    """10.00 are missing: 4.00 granted leave 6.00 open; once somebody has looked, no more."""
    books = s.found_late(billed(s.denied()))
    s.given_credit(books, 400)
    row = rows(BALANCES, books)[KEY]
    assert (row.open, row.credit, row.holds) == (600, 0, True)
    s.looked_at(books, Resolution.DISMISSED)
    s.given_credit(books, 500)
    row = rows(BALANCES, books)[KEY]
    assert (row.open, row.credit, row.holds) == (600, 500, True)
    sums = audit_log(books.log).totals["NOK"]
    assert (sums.open, sums.credit) == (600, 500)
    assert audit_log(books.log).findings == ()
    assert explain_balance(books.log, "c-1", "NOK").holds


def test_it_takes_no_credit_of_another_subscription():
    """Of one customer with two: the row must not depend on which of them wrote first."""
    books = signed_up(subscription_id="s-2", into=s.denied())
    granted = grant_credit(books.states["s-2"], Money(700, "NOK"), reason="sorry", now=books.now)
    books.append("s-2", granted)
    billed(books, subscription_id="s-1")
    row = rows(BALANCES, s.found_late(books))[KEY]
    assert (row.credit, row.open) == (700, 1000)
    assert row.holds
    assert explain_balance(books.log, "c-1", "NOK").holds


def test_a_refund_made_after_all_is_listed_until_a_person_has_looked():
    """In the list of what is due, with what is missing; its row keeps why it had failed."""
    books = s.found_late(billed(s.denied()))
    (row,) = rows(DUE_DATES, books).values()
    assert row.needs_person
    assert [each.why for each in due_lines([row], books.now) if each.what.startswith("refund")] == [
        "discrepancy: 10.00 NOK went back by a refund that had failed, 10.00 NOK of it without "
        "credit; a person has to look"
    ]
    (refund,) = rows(REFUNDS, books).values()
    assert (refund.unresolved, refund.code) == (True, "REFUND_NOT_ALLOWED")
    assert {each.code for each in audit_log(books.log).findings} == {"refund-not-covered"}
    s.looked_at(books)
    (row,) = rows(DUE_DATES, books).values()
    (refund,) = rows(REFUNDS, books).values()
    assert not row.needs_person
    assert (refund.unresolved, refund.resolution) == (False, Resolution.ACCEPTED)
    assert audit_log(books.log).findings == ()


def test_the_words_of_a_refund_made_after_all():
    """What went, how it is known, and what a person made of it."""
    found, seen = (entry(each).words for each in s.refunded_twice().log[-2:])
    assert found.startswith("299.00 NOK went back for invoice 1 after all (ref-")
    assert "known by callback" in found
    assert seen == "299.00 NOK for invoice 1: accepted; it counts as it is booked (seen)."
    first, second = facts(s.refunded_twice(), RefundRequested)
    told = explain_refund(s.refunded_twice().log, first.reference)
    assert told.amount == Money(29900, "NOK")
    assert [each.words for each in told.steps[-3:]] == [
        "failed: REFUND_NOT_ALLOWED; 299.00 NOK is credit again",
        "gone back after all",
        "accepted by a person: seen",
    ]
    assert explain_refund(s.refunded_twice().log, second.reference).amount == told.amount


def test_a_charge_shows_both():
    """598.00 of 299.00."""
    (charge,) = rows(CHARGES, s.refunded_twice()).values()
    assert charge.refunded == Money(59800, "NOK")


def test_a_refund_that_is_only_asked_for_falls_due_at_once():
    """And one that a person has to decide is listed until somebody did."""
    books = s.asked(s.running(), 1000, grant=True)
    (row,) = rows(DUE_DATES, books).values()
    lines = [each for each in due_lines([row], books.now) if each.what.startswith("refund ")]
    assert [(each.due_at, each.why) for each in lines] == [(books.now, "send 10.00 NOK back")]
    (doubted,) = rows(DUE_DATES, s.another_amount()).values()
    assert doubted.needs_person
    assert any("9.00 NOK went back" in each.why for each in due_lines([doubted], books.now))


@told
def test_every_fact_is_put_into_words(told: Callable[[], Books]):
    """One plain sentence each."""
    for recorded in told().log:
        words = entry(recorded).words
        assert words.endswith(".")
        assert "\n" not in words


def test_the_words_of_a_refund():
    """From the credit to the provider's id."""
    words = [entry(each).words for each in s.refunded().log[-3:]]
    assert words[0] == (
        "120.00 NOK is to go back through the charge of invoice 1, taken of credit (100.00 NOK of "
        "credit 1, 20.00 NOK of credit 2): sent back."
    )
    assert words[1].startswith("About to send 120.00 NOK back through paypal account main, of cap-")
    assert words[2].startswith("120.00 NOK went back to the payer for invoice 1 (ref-")


@told
def test_a_refund_is_explained_from_credit_to_evidence(told: Callable[[], Books]):
    """What it took, what was sent, what the provider said; the balance adds up, too."""
    books = told()
    for asked in facts(books, RefundRequested):
        found = explain_refund(books.log, asked.reference)
        assert found.holds
        assert found == explain_refund(books.log, str(asked.refund_id))
        assert found.steps[0].words.startswith(
            (f"{asked.credits[0].amount} taken of credit", "asked for")
        )
        assert any(each.words.startswith("about to be sent") for each in found.steps)
    assert explain_balance(books.log, "c-1", "NOK").holds


def test_each_part_goes_back_through_the_account_that_took_it():
    """The subscription has moved in between."""
    sent = facts(s.on_both_sides_of_a_move(), RefundAttempted)
    assert [(each.provider.value, each.amount.minor) for each in sent] == [
        ("dintero", 29900),
        ("paypal", 10100),
    ]


def test_no_refund_is_made_up():
    """A name that nobody gave."""
    with pytest.raises(Refused, match="no refund is called"):
        explain_refund(s.refunded().log, "s-1-1-1-0123456789-r7")


def test_an_explanation_ends_with_the_providers_word():
    """The id and how we know it."""
    last = explain_refund(
        s.looked_up().log, facts(s.looked_up(), RefundRequested)[0].reference
    ).steps[-1]
    assert last.amount == Money(1000, "NOK")
    assert last.evidence.startswith("ref-")
    assert last.evidence.endswith("(look-up)")
    assert timedelta(0) < last.effective_at - s.in_doubt().now < timedelta(days=1)
