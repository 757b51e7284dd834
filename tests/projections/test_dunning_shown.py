"""What people see of dunning and of discrepancies: balances, what is due, charges, words, sums.

The stories are those of scenes_of_dunning.py: 299.00 NOK a month, a grace of ten days.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.money import Money
from domain.plan import DunningEnd
from domain.subscription.events import Resolution
from domain.subscription.state import Status
from projections.audit import Verdict, audit_log
from projections.balances import BALANCES, Balance
from projections.charges import CHARGES
from projections.due_dates import DUE_DATES, due_lines
from projections.explaining import explain_balance, explain_invoice
from projections.replay import fold_in
from projections.timeline import entry
from tests.books import Books
from tests.projections import scenes_of_dunning as s
from tests.projections.scenes import rows

KEY = "c-1|NOK"
told = pytest.mark.parametrize("told", s.STORIES, ids=lambda told: told.__name__)


def balance(books: Books) -> tuple[int, ...]:
    """Billed, credited, paid, written off, open, credit."""
    row: Balance = rows(BALANCES, books)[KEY]
    return (row.billed, row.credited, row.paid, row.written_off, row.open, row.credit)


def due(books: Books) -> dict[str, str]:
    """What stands in the list of what is due -> why."""
    row = rows(DUE_DATES, books)["s-1"]
    return {each.what: each.why for each in due_lines([row], books.now)}


def needs_person(books: Books) -> bool:
    row = rows(DUE_DATES, books)["s-1"]
    value = DUE_DATES.columns["needs_person"].value(row)
    assert isinstance(value, bool)
    return value


@told
def test_the_equation_holds_at_every_position(told: Callable[[], Books]):
    """open - credit == billed - credited - paid - written_off; the audit comes to the same sums."""
    books, table = told(), dict[str, Balance]()
    for recorded in books.log:
        fold_in(BALANCES, table, recorded)
        assert all(row.holds and row.open >= 0 and row.credit >= 0 for row in table.values())
    state, row = books.states["s-1"], table[KEY]
    assert row.open == sum(each.open.minor for each in state.open_invoices)
    report = audit_log(books.log)
    assert report.verdict is Verdict.CLEAN, report.findings
    totals = report.totals["NOK"]
    assert (totals.billed, totals.paid, totals.written_off) == (
        row.billed,
        row.paid,
        row.written_off,
    )
    assert (totals.credited, totals.open, totals.credit) == (row.credited, row.open, row.credit)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (s.unpaid, (29900, 0, 0, 0, 29900, 0)),
        (s.written_off_by_a_person, (29900, 0, 0, 29900, 0, 0)),
        (s.written_off, (59800, 0, 29900, 29900, 0, 0)),
        # What comes for an invoice that was given up is the customer's, until somebody looks.
        (s.late_after_write_off, (29900, 0, 29900, 29900, 0, 29900)),
        (s.short_and_accepted, (29900, 0, 29900, 0, 0, 0)),
        # 300.00 were taken for 299.00, and 298.00 for the next: two invoices, and no credit left.
        (s.too_much_and_accepted, (59800, 0, 59800, 0, 0, 0)),
        # Dismissed, it pays nothing: what is paid back by hand is not in these books.
        (s.too_much_and_dismissed, (59800, 0, 59900, 0, 0, 100)),
        (s.foreign_and_dismissed, (29900, 0, 29900, 0, 0, 0)),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_balances(told: Callable[[], Books], shown: tuple[int, ...]):
    """By hand."""
    assert balance(told()) == shown


def test_an_overpayment_is_credit_from_the_moment_it_comes():
    """Accepting it moves no money: it can be used from then on."""
    books = s.too_much_and_accepted()
    table: dict[str, Balance] = {}
    seen = []
    for recorded in books.log:
        fold_in(BALANCES, table, recorded)
        if KEY in table:
            seen.append((type(recorded.event).__name__, table[KEY].credit))
    assert ("ChargeDiscrepancyFound", 100) in seen
    assert ("CreditGranted", 100) in seen
    assert ("CreditApplied", 0) in seen


@told
def test_what_explains_a_balance_adds_up(told: Callable[[], Books]):
    """And what explains each invoice."""
    books = told()
    assert explain_balance(books.log, "c-1", "NOK").holds
    for number in range(1, books.states["s-1"].invoices_issued + 1):
        assert explain_invoice(books.log, number).holds


def test_a_write_off_explains_why_nothing_is_left():
    """299.00 billed, 299.00 given up, and by whose words."""
    found = explain_invoice(s.written_off_by_a_person().log, 1)
    assert [each.words for each in found.steps if each.amount is not None] == [
        "Gold membership, 2024-01-31 to 2024-02-29 (end exclusive)",
        "written off: moved",
    ]
    assert (found.amount, found.holds) == (Money(0, "NOK"), True)
    steps = explain_balance(s.written_off_by_a_person().log, "c-1", "NOK").steps
    assert steps[-1].words == "written off of invoice 1 of s-1: moved"


def test_what_is_due_says_how_dunning_ends():
    """With the instant, and what happens then; a suspension waits for a payment."""
    books = s.unpaid(DunningEnd.CANCEL)
    row = rows(DUE_DATES, books)["s-1"]
    (line,) = [each for each in due_lines([row], s.later(books, 30).now) if "dunning" in each.what]
    assert str(line) == (
        "2024-02-09 23:00Z  end of dunning, invoice 1  s-1  retries-used-up; cancelled then"
    )
    assert due(s.suspended()) == {
        "collect invoice 1": "not collected by itself: retries-used-up; a person has to look",
        "end of dunning, suspension": "invoice 1 was not paid; nothing is billed",
    }


def test_who_has_to_be_looked_after():
    """What is suspended for nothing, because somebody gave it up, stands still, too."""
    for books in (s.unpaid(), s.suspended(), s.late_after_write_off()):
        assert needs_person(books)
    for books in (s.reinstated_by_payment(), s.too_much_and_accepted(), s.written_off()):
        assert not needs_person(books)
    given_up = s.later(s.suspended(), 1)
    s.decided(given_up, lambda state: s.write_off(state, 1, reason="moved", now=given_up.now))
    assert needs_person(given_up)
    assert given_up.states["s-1"].status is Status.SUSPENDED


def test_a_charge_shows_what_was_made_of_its_discrepancy():
    """Found and resolved; the column tells what nobody has looked at."""
    first = next(iter(rows(CHARGES, s.too_much_and_dismissed()).values()))
    assert first.resolution is Resolution.DISMISSED
    columns = CHARGES.columns
    assert (columns["discrepancy"].value(first), columns["unresolved"].value(first)) == (
        True,
        False,
    )
    open_one = next(iter(rows(CHARGES, s.late_after_write_off()).values()))
    assert columns["unresolved"].value(open_one) is True


def test_the_words_of_dunning():
    """One plain sentence each."""
    said = {
        type(each.event).__name__: entry(each).words for told in s.STORIES for each in told().log
    }
    assert said["SubscriptionSuspended"] == (
        "Suspended because invoice 1 was not paid (retries-used-up); invoice 1 is the last one "
        "until it is reinstated."
    )
    assert said["InvoiceWrittenOff"] == (
        "299.00 NOK of invoice 1 written off (moved); it is collected no more."
    )
    assert said["CollectionResumed"] == "Invoice 1 is collected again (has money)."
    assert said["SubscriptionReinstated"].startswith("Reinstated (trusted): periods are counted")
    paid = [entry(each).words for each in s.reinstated_by_payment().log]
    assert any(words.startswith("Reinstated (invoice 1 is paid): periods") for words in paid)
    assert said["DiscrepancyResolved"].endswith(
        "for invoice 1: dismissed; it was settled by other means (seen)."
    )
    words = [entry(each).words for each in s.too_much_and_accepted().log]
    assert "Credit 1 of 1.00 NOK granted, money that an invoice did not need (seen)." in words
