"""Balances: what is billed, paid, open and credit, and the equation between them."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.subscription.charging import settle
from projections.balances import BALANCES, Balance, balance_key
from projections.replay import fold_in
from tests.books import Books
from tests.histories import History, histories, show
from tests.projections.scenes import billed, rows, signed_up
from tests.replies import Reply
from tests.specimens import DUE, captured, terms

KEY = balance_key("c-1", "NOK")


def balance(books: Books, key: str = KEY) -> Balance:
    row = rows(BALANCES, books)[key]
    assert row.holds
    return row


def figures(row: Balance) -> tuple[int, int, int, int]:
    return row.billed, row.paid, row.open, row.credit


def test_before_the_first_invoice_there_is_no_balance():
    """Agreeing to terms owes nothing."""
    assert rows(BALANCES, signed_up()) == {}


def test_an_invoice_is_billed_and_open():
    """Until money comes it is owed from its due instant on."""
    row = balance(billed(signed_up(), Reply.UNKNOWN))
    assert figures(row) == (29900, 0, 29900, 0)
    assert row.oldest_due_at == DUE


def test_money_closes_its_invoice():
    """Paid in full, nothing stays open."""
    row = balance(billed(signed_up()))
    assert figures(row) == (29900, 29900, 0, 0)
    assert row.open_invoices == ()
    assert row.oldest_due_at is None


def test_a_free_trial_bills_nothing():
    """An invoice of zero leaves no open invoice behind."""
    row = balance(billed(signed_up(terms(trial=Interval(Unit.DAY, 14)))))
    assert figures(row) == (0, 0, 0, 0)


def test_F09_too_little_leaves_the_rest_open():
    """What the provider took is what counts, not what was asked."""
    assert figures(balance(billed(signed_up(), Reply.LESS))) == (29900, 29800, 100, 0)


def test_F09_too_much_is_credit():
    """More than was owed is the customer's."""
    assert figures(balance(billed(signed_up(), Reply.MORE))) == (29900, 30000, 0, 100)


def test_F09_another_currency_is_credit_in_that_currency():
    """And the invoice stays open in its own."""
    books = billed(signed_up(), Reply.OTHER_CURRENCY)
    assert figures(balance(books)) == (29900, 0, 29900, 0)
    assert figures(balance(books, balance_key("c-1", "EUR"))) == (0, 29900, 0, 29900)


def test_money_found_late_on_a_paid_invoice_is_credit():
    """The declined attempt was charged after all, and the retry too."""
    books = billed(billed(signed_up(), Reply.SOFT))
    failed = books.states["s-1"].failed_attempts[0]
    books.append(
        "s-1",
        settle(
            books.states["s-1"],
            failed.attempt_id,
            captured(ref="cap-late"),
            evidence="callback",
            now=books.now,
        ),
    )
    assert figures(balance(books)) == (29900, 59800, 0, 29900)


def test_subscriptions_of_one_customer_share_a_balance():
    """Invoices with the same number are told apart by their subscription."""
    books = signed_up(terms(price=Money(1000, "NOK")), subscription_id="s-2", into=signed_up())
    billed(books, Reply.UNKNOWN, "s-1")
    billed(books, Reply.UNKNOWN, "s-2")
    row = balance(books)
    assert [(each.subscription_id, each.open) for each in row.open_invoices] == [
        ("s-1", 29900),
        ("s-2", 1000),
    ]
    assert row.open == 30900
    billed(books, Reply.YES, "s-2")
    assert [(each.subscription_id, each.open) for each in balance(books).open_invoices] == [
        ("s-1", 29900)
    ]


def test_overdue_is_what_fell_due_before_an_instant():
    """On the due instant itself nothing is overdue yet."""
    row = balance(billed(signed_up(), Reply.UNKNOWN))
    assert row.overdue(DUE) == 0
    assert row.overdue(DUE + timedelta(seconds=1)) == 29900


def test_keys_are_unambiguous():
    """A key gives back customer and currency, whatever an old customer id holds."""
    assert balance_key("c|1", "NOK").rpartition("|") == ("c|1", "|", "NOK")


@settings(max_examples=80, deadline=None)
@given(histories())
def test_open_less_credit_is_billed_less_credited_less_paid_at_every_position(history: History):
    """The equation, and the open invoices of the subscriptions' own states."""
    show(history)
    table: dict[str, Balance] = {}
    for recorded in history.log:
        fold_in(BALANCES, table, recorded)
        assert all(row.holds and row.open >= 0 and row.credit >= 0 for row in table.values())
    open_in_states = {
        (balance_key(state.customer_id, invoice.total.currency), key, invoice.number, invoice.open)
        for key, state in history.states.items()
        for invoice in state.open_invoices
    }
    assert {
        (key, each.subscription_id, each.invoice_number, Money(each.open, row.currency))
        for key, row in table.items()
        for each in row.open_invoices
    } == open_in_states
