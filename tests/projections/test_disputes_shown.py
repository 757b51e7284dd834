"""Disputes as they are shown: balances, charges, the table of disputes, words, explanations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.money import Money
from domain.subscription.dispute_events import DisputeOutcome
from projections.audit import audit_log
from projections.balances import BALANCES, Balance, balance_key
from projections.charges import CHARGES, ChargeStatus
from projections.disputes import DISPUTES
from projections.due_dates import DUE_DATES, due_lines
from projections.explaining import explain_balance, explain_charge, explain_invoice
from projections.replay import fold_in
from projections.timeline import entry
from tests.books import Books
from tests.projections import scenes_of_disputes as s
from tests.projections.scenes import rows
from tests.projections.stories_of_disputes import story_of_disputes

KEY = balance_key("c-1", "NOK")
told = pytest.mark.parametrize("told", s.STORIES, ids=lambda told: told.__name__)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        # billed, paid, reversed, written off, open, credit
        (s.disputed, (29900, 29900, 0, 0, 0, 0)),
        (s.lost, (29900, 29900, 29900, 0, 29900, 0)),
        (s.lost_in_part, (29900, 29900, 10000, 0, 10000, 0)),
        (s.lost_without_money, (29900, 29900, 0, 0, 0, 0)),
        (s.told_before_it_was_lost, (29900, 29900, 29900, 0, 29900, 0)),
        (s.told_while_it_was_open, (29900, 29900, 29900, 0, 29900, 0)),
        (s.reversed_by_hand, (29900, 29900, 5000, 0, 5000, 0)),
        (s.paid_again, (29900, 59800, 29900, 0, 0, 0)),
        (s.given_up, (29900, 29900, 29900, 29900, 0, 0)),
        (s.after_the_end, (29900, 29900, 29900, 0, 29900, 0)),
        (s.surplus_taken_back_first, (29900, 30000, 30000, 0, 29900, 0)),
        (s.surplus_accepted_afterwards, (29900, 30000, 30000, 0, 29900, 0)),
        (s.refund_let_go, (29900, 29900, 29900, 0, 29900, 1000)),
    ],
    ids=lambda told: getattr(told, "__name__", ""),
)
def test_what_is_taken_back_is_in_the_balance(told: Callable[[], Books], expected: tuple[int, ...]):
    """Paid stays what was captured; what was taken back is open again."""
    row = rows(BALANCES, told())[KEY]
    shown = (row.billed, row.paid, row.reversed, row.written_off, row.open, row.credit)
    assert shown == expected


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
    assert (sums.reversed, sums.open, sums.credit) == (row.reversed, row.open, row.credit)
    # What the state has open is what the view shows.
    state = books.states["s-1"]
    assert sum(each.open.minor for each in state.open_invoices) == row.open


@pytest.mark.parametrize("seed", range(40))
def test_the_equation_holds_in_stories(seed: int):
    """Drawn by a seed; audited clean, told and explained."""
    history, table = story_of_disputes(seed), dict[str, Balance]()
    for recorded in history.log:
        fold_in(BALANCES, table, recorded)
        row = table.get(KEY)
        assert row is None or (row.holds and row.credit >= 0)
        assert entry(recorded).words.endswith(".")
    assert audit_log(history.log).findings == ()
    (state,) = history.states.values()
    row = table[KEY]
    assert sum(each.open.minor for each in state.open_invoices) == row.open
    assert explain_balance(history.log, "c-1", "NOK").holds
    for number in range(1, state.invoices_issued + 1):
        assert explain_invoice(history.log, number).holds


@told
def test_every_fact_is_told_and_explained(told: Callable[[], Books]):
    """A sentence each; the balance, the invoice and the charge add up."""
    log = told().log
    assert all(entry(each).words.endswith(".") for each in log)
    assert explain_balance(log, "c-1", "NOK").holds
    assert explain_invoice(log, 1).holds
    (attempt, *_) = (each.event for each in log if type(each.event).__name__ == "ChargeAttempted")
    assert explain_charge(log, str(attempt.attempt_id)).holds


@pytest.mark.parametrize(
    ("told", "status", "above"),
    [
        (s.disputed, ChargeStatus.DISPUTED, False),
        (s.won, ChargeStatus.SUCCEEDED, False),
        (s.lost, ChargeStatus.REVERSED, False),
        (s.told_while_it_was_open, ChargeStatus.REVERSED, False),
        (s.lost_without_money, ChargeStatus.SUCCEEDED, False),
    ],
    ids=lambda told: getattr(told, "__name__", ""),
)
def test_a_charge_shows_how_it_stands(told: Callable[[], Books], status: ChargeStatus, above: bool):
    """Contested, taken back, or kept."""
    charge, *_ = rows(CHARGES, told()).values()
    assert (charge.status, charge.returned_above) == (status, above)


def test_F41_more_than_came_is_recorded_and_listed():
    """The provider takes 299.00 back by a dispute, and 299.00 once more: both are on the books, the
    column and the audit say so, and nothing is put right."""
    books = s.told(s.lost(), ref="rev-other")
    # The callback about the dispute's own reversal has come, under whatever name.
    assert rows(BALANCES, books)[KEY].reversed == 29900
    s.told(books, 20000, ref="rev-more")
    (charge,) = rows(CHARGES, books).values()
    assert charge.reversed == Money(49900, "NOK")
    assert charge.returned_above
    assert {each.code for each in audit_log(books.log).findings} == {"returned-above-captured"}
    assert rows(BALANCES, books)[KEY].open == 49900


def test_the_table_of_disputes():
    """What is contested, how far it has come, what it cost."""
    (row,) = rows(DISPUTES, s.escalated()).values()
    assert (row.stage, row.status, row.outcome) == ("CHARGEBACK", "UNDER_REVIEW", None)
    assert DISPUTES.columns["open"].value(row) is True
    (row,) = rows(DISPUTES, s.lost_in_part()).values()
    assert (row.outcome, row.returned) == (DisputeOutcome.LOST, Money(10000, "NOK"))
    assert DISPUTES.columns["open"].value(row) is False


def _lines(books: Books) -> list[str]:
    row = rows(DUE_DATES, books)["s-1"]
    assert row.needs_person
    lines = due_lines([row], books.now + timedelta(days=1))
    return [f"{line.what}: {line.why}" for line in lines if line.due_at is None]


def test_what_waits_for_a_dispute_says_so():
    """The dispute, and the invoice that is not collected meanwhile."""
    assert _lines(s.billed_meanwhile()) == [
        "collect invoice 2: disputed: DUPLICATE_TRANSACTION; a person has to look",
        "dispute PP-1: 299.00 NOK disputed: DUPLICATE_TRANSACTION, INQUIRY; a person has to look",
    ]
    assert _lines(s.lost()) == [
        "collect invoice 1: not collected by itself: reversed; a person has to look"
    ]
    assert any("not sent while the charge is disputed" in each for each in _lines(s.refund_waits()))


def test_an_explanation_of_a_charge_shows_its_dispute():
    """From the capture to what was taken back."""
    log = s.lost().log
    (attempt, *_) = (each.event for each in log if type(each.event).__name__ == "ChargeAttempted")
    made = explain_charge(log, attempt.reference)
    assert [each.words.split(":")[0] for each in made.steps] == [
        "paid for invoice 1",
        "disputed",
        "dispute PP-1",
        "dispute PP-1 lost",
        "taken back by the provider of what paid invoice 1 (PP-1)",
    ]
    assert made.amount == Money(0, "NOK")
