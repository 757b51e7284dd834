"""Balances with credit: what is granted, what it pays, and the equation at every position."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.subscription.events import CreditApplied, InvoiceIssued
from projections.balances import BALANCES, Balance, OwedInvoice, balance_key
from projections.replay import fold_in
from tests.books import Books
from tests.projections.scenes import billed, facts, rows, signed_up
from tests.projections.scenes_of_changes import (
    STORIES,
    credited_twice,
    dearer_now,
    dearer_now_postpaid,
    ended_as_planned,
    given_credit,
    paused_postpaid,
    running,
)
from tests.replies import Reply

KEY = balance_key("c-1", "NOK")


def figures(books: Books) -> tuple[int, int, int, int, int]:
    """billed, credited, paid, open, credit."""
    row = rows(BALANCES, books)[KEY]
    return row.billed, row.credited, row.paid, row.open, row.credit


def test_credit_is_in_hand_until_an_invoice_takes_it():
    """Granted, nothing billed: the customer is owed it."""
    assert figures(given_credit(signed_up(), 10000)) == (0, 10000, 0, 0, 10000)


def test_credit_pays_a_part_of_an_invoice():
    """299.00 less 100.00; what is left is charged."""
    books = billed(given_credit(running(), 10000), Reply.UNKNOWN)
    assert figures(books) == (59800, 10000, 29900, 19900, 0)
    (invoice,) = rows(BALANCES, books)[KEY].open_invoices
    assert (invoice.total, invoice.credited, invoice.paid, invoice.open) == (29900, 10000, 0, 19900)
    assert figures(billed(books)) == (59800, 10000, 49800, 0, 0)


def test_credit_pays_a_whole_invoice():
    """Nothing stays open, and nothing is charged."""
    books = billed(given_credit(running(), 29900))
    assert figures(books) == (59800, 29900, 29900, 0, 0)
    assert rows(BALANCES, books)[KEY].open_invoices == ()


def test_two_credits_pay_two_invoices():
    """100.00 and 199.00 of the first, 201.00 of the second, which leaves 98.00 to charge."""
    books = credited_twice()
    applied = [
        (each.credit_number, each.invoice_number, each.amount.minor)
        for each in facts(books, CreditApplied)
    ]
    assert applied == [(1, 2, 10000), (2, 2, 19900), (2, 3, 20100)]
    assert figures(books) == (89700, 50000, 39700, 0, 0)


def test_money_that_nobody_asked_for_is_credit_but_was_not_granted():
    """300.00 for 299.00; the credit that was granted beside it pays the next invoice."""
    books = billed(given_credit(billed(signed_up(), Reply.MORE), 5000))
    assert figures(books) == (59800, 5000, 54900, 0, 100)


def test_a_dearer_plan_from_now_on():
    """195.90 back as credit; 499.00 and 326.93 billed, of which 630.03 is charged."""
    assert figures(dearer_now()) == (29900 + 49900 + 32693, 19590, 29900 + 63003, 0, 0)


def test_postpaid_the_days_given_back_are_on_the_invoice():
    """299.00 less 195.90 and 326.93 more; no credit."""
    books = dearer_now_postpaid()
    amounts = [line.amount.minor for line in facts(books, InvoiceIssued)[0].lines]
    assert amounts == [29900, -19590, 32693]
    assert figures(books) == (43003 + 49900, 0, 92903, 0, 0)


def test_a_paused_postpaid_period_is_billed_less_the_rest():
    """103.10, then 20 of 30 days: 199.33."""
    assert figures(paused_postpaid()) == (10310 + 19933, 0, 30243, 0, 0)


def test_a_planned_end_changes_no_balance():
    """Only what is billed and paid counts."""
    assert figures(ended_as_planned()) == (29900, 0, 29900, 0, 0)


def test_credit_of_one_subscription_leaves_the_others_invoice_alone():
    """They share the row and the invoice's number, not the credit."""
    books = signed_up(subscription_id="s-2", into=signed_up())
    given_credit(books, 10000)
    billed(books, Reply.UNKNOWN, "s-2")
    billed(books, Reply.UNKNOWN, "s-1")
    row = rows(BALANCES, books)[KEY]
    left = {each.subscription_id: (each.credited, each.open) for each in row.open_invoices}
    assert left == {"s-1": (10000, 19900), "s-2": (0, 29900)}
    assert (row.credited, row.credit, row.open) == (10000, 0, 49800)


def test_as_of_a_date_credit_counts_from_when_it_was_granted():
    """The day before there is none."""
    books = given_credit(running(), 10000)
    then = rows(BALANCES, books, as_of=books.now - timedelta(days=1))[KEY]
    assert (then.credited, then.credit) == (0, 0)
    assert rows(BALANCES, books, as_of=books.now)[KEY].credit == 10000


def test_a_row_that_does_not_hold_says_so():
    """Credit that nobody granted."""
    invoice = OwedInvoice(
        subscription_id="s-1",
        invoice_number=1,
        due_at=running().now,
        total=29900,
        paid=0,
        credited=100,
    )
    row = Balance(customer_id="c-1", currency="NOK", billed=29900, open_invoices=(invoice,))
    assert row.open == 29800
    assert not row.holds


def test_columns_can_be_filtered_by_credit():
    """Granted and left, beside what is billed and paid."""
    row = rows(BALANCES, given_credit(running(), 10000))[KEY]
    values = {name: column.value(row) for name, column in BALANCES.columns.items()}
    assert values == {
        "customer_id": "c-1",
        "currency": "NOK",
        "billed": 29900,
        "credited": 10000,
        "paid": 29900,
        "written_off": 0,
        "refunded": 0,
        "reversed": 0,
        "refunding": 0,
        "open": 0,
        "credit": 10000,
        "oldest_due_at": None,
    }


@pytest.mark.parametrize("told", STORIES, ids=lambda told: told.__name__)
def test_the_equation_holds_at_every_position_of_a_story(told: Callable[[], Books]):
    """Nothing is ever below zero, and in the end what is open is what the state says."""
    books, table = told(), dict[str, Balance]()
    for recorded in books.log:
        fold_in(BALANCES, table, recorded)
        assert all(row.holds and row.open >= 0 and row.credit >= 0 for row in table.values())
    state = books.states["s-1"]
    assert table[KEY].open == sum(each.open.minor for each in state.open_invoices)
    assert table[KEY].credit == sum(each.left.minor for each in state.credits)
