"""Due dates of what is paused or going to end: what falls due, and who has to act."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.processes.agenda import ItemKind
from domain.subscription.state import Status
from projections.due_dates import DUE_DATES, DueDates, due_lines
from tests.books import Books
from tests.projections.scenes import billed, rows, signed_up
from tests.projections.scenes_of_changes import (
    APR_10,
    FEB_10,
    changed,
    ended_as_planned,
    ending,
    going_on,
    paused,
    postpaid,
    resumed,
    running,
)
from tests.replies import Reply
from tests.specimens import NEXT_DUE

MAR_30 = datetime(2024, 3, 30, 23, tzinfo=UTC)


def row(books: Books) -> DueDates:
    found = rows(DUE_DATES, books)["s-1"]
    assert isinstance(found, DueDates)
    return found


def flags(books: Books) -> tuple[bool, bool]:
    """Whether a person has to act; whether it stands still."""
    return row(books).needs_person, row(books).stands_still


def kinds(books: Books) -> list[tuple[ItemKind, datetime | None]]:
    return [(item.kind, item.due_at) for item in row(books).items]


def test_a_pause_without_an_end_needs_nobody():
    """It waits for a wish, not for a person; no list of what is due shows it."""
    books = paused(running())
    assert kinds(books) == [(ItemKind.RESUME, None)]
    assert row(books).state.status is Status.PAUSED
    assert flags(books) == (False, False)
    assert (row(books).next_due_at, row(books).listed_from) == (None, None)
    (line,) = due_lines([row(books)], FEB_10)
    assert str(line) == ("waits  end of the pause  s-1  paused until it is resumed")


def test_a_pause_that_ends_falls_due_then():
    """And is on the lists up to then."""
    books = paused(running(), until=APR_10)
    assert kinds(books) == [(ItemKind.RESUME, APR_10)]
    assert (row(books).next_due_at, row(books).listed_from) == (APR_10, APR_10)
    assert flags(books) == (False, False)
    assert due_lines([row(books)], APR_10 - timedelta(seconds=1)) == ()
    (line,) = due_lines([row(books)], APR_10)
    assert str(line) == "2024-04-10 12:00Z  end of the pause  s-1  the pause ends"


def test_postpaid_a_pause_leaves_the_last_invoice_due():
    """The running period is billed at its end."""
    books = paused(running(postpaid()))
    assert kinds(books) == [(ItemKind.INVOICE, NEXT_DUE), (ItemKind.RESUME, None)]
    assert kinds(billed(books)) == [(ItemKind.RESUME, None)]
    assert flags(books) == (False, False)


def test_what_is_owed_is_collected_while_it_is_paused():
    """The retry falls due as it did before."""
    books = paused(billed(signed_up(), Reply.SOFT), credit=False)
    due = row(books).next_due_at
    assert due == books.now + timedelta(days=3)
    assert {kind for kind, _ in kinds(books)} == {ItemKind.COLLECT, ItemKind.RESUME}
    assert flags(books) == (False, False)
    billed(books)
    assert kinds(books) == [(ItemKind.RESUME, None)]


def test_a_paused_subscription_with_an_invoice_in_a_persons_hands_needs_one():
    """The pause hides nothing."""
    books = paused(billed(signed_up(), Reply.MERCHANT), credit=False)
    assert flags(books) == (True, True)
    books = paused(billed(signed_up(), Reply.MORE), credit=False)
    assert flags(books) == (True, True)


def test_a_paused_subscription_that_lost_its_token_needs_a_person():
    """When nobody is being asked for another."""
    books = billed(signed_up(), Reply.HARD)
    paused(books, credit=False)
    books.work("s-1")
    books.payer_comes("s-1", Reply.HARD)
    assert flags(books) == (True, True)


def test_resuming_puts_the_next_invoice_back():
    """At once, from the day of resuming on."""
    books = resumed(paused(running()), APR_10)
    due = datetime(2024, 4, 9, 22, tzinfo=UTC)
    assert kinds(books) == [(ItemKind.INVOICE, due)]
    assert DUE_DATES.columns["status"].value(row(books)) == "ACTIVE"


def test_a_planned_cancellation_falls_due_with_what_comes_before_it():
    """Two invoices, then the end."""
    books = ending(running(), APR_10)
    assert (ItemKind.CANCEL, APR_10) in kinds(books)
    assert row(books).next_due_at == NEXT_DUE
    assert flags(books) == (False, False)
    billed(billed(books))
    assert row(books).next_due_at == APR_10
    line = next(line for line in due_lines([row(books)], APR_10))
    assert str(line) == "2024-04-10 12:00Z  planned end  s-1  cancelled then: moves"


def test_a_cancellation_that_has_come_leaves_nothing_due():
    """As planned, at the end of the running period."""
    books = ended_as_planned()
    assert (row(books).items, row(books).next_due_at) == ((), None)
    assert flags(books) == (False, False)
    assert row(books).state.status is Status.CANCELLED


def test_a_withdrawn_cancellation_is_off_the_agenda():
    """What was due before is due again."""
    books = going_on(ending(running()))
    assert kinds(books) == [(ItemKind.INVOICE, NEXT_DUE)]


def test_a_planned_end_with_the_last_invoice_needs_nobody():
    """Postpaid, there is no instant to wait for: it is complete when it is paid."""
    books = ending(running(postpaid()))
    assert kinds(books) == [(ItemKind.INVOICE, NEXT_DUE)]
    billed(books, Reply.SOFT)
    assert [kind for kind, _ in kinds(books)] == [ItemKind.COLLECT]
    assert flags(books) == (False, False)


def test_changed_terms_move_only_what_they_begin_anew():
    """A dearer plan is due when the old one was."""
    before = kinds(running())
    assert kinds(changed(running(), quantity=2)) == before


def test_the_postpaid_end_of_a_resumed_part_is_due_at_its_boundary():
    """Back on 10 March: the days to the 31st are billed at their end."""
    books = resumed(billed(paused(running(postpaid()))), datetime(2024, 3, 10, 12, tzinfo=UTC))
    assert kinds(books)[0] == (ItemKind.INVOICE, MAR_30)
