"""Replay: to any position, as of any date."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.subscription.events import InvoiceIssued
from projections.balances import BALANCES, balance_key
from projections.catalogue import PROJECTIONS
from projections.due_dates import DUE_DATES
from projections.replay import replay
from projections.table import TableProjection
from tests.books import Books
from tests.histories import History, histories
from tests.projections.scenes import billed, facts, rows, signed_up
from tests.replies import Reply
from tests.specimens import DUE, SIGNED_UP, wish

KEY = balance_key("c-1", "NOK")


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda each: each.name)
@settings(max_examples=20, deadline=None)
@given(history=histories(), share=st.floats(0, 1))
def test_to_a_position_is_what_the_log_said_then(
    projection: TableProjection[object], history: History, share: float
):
    """The same as if the log had ended there."""
    position = int(share * len(history.log))
    then = replay(projection, history.log, to_position=position)
    assert then == replay(projection, history.log[:position])


def test_as_of_a_date_counts_from_when_it_took_effect():
    """An invoice counts from its due instant, not from when a worker came round."""
    books = signed_up()
    books.now = DUE + timedelta(days=2)
    books.work("s-1")
    invoiced = next(each for each in books.log if isinstance(each.event, InvoiceIssued))
    assert invoiced.recorded_at > DUE
    assert rows(BALANCES, books, as_of=DUE - timedelta(seconds=1)) == {}
    assert rows(BALANCES, books, as_of=DUE)[KEY].open == 29900
    assert rows(BALANCES, books, as_of=books.now)[KEY].open == 0


def test_as_of_and_known_at_are_two_questions():
    """As of the due instant, as known before the worker came round: nothing."""
    books = signed_up()
    books.now = DUE + timedelta(days=2)
    known = books.log[-1].position
    books.work("s-1")
    assert rows(BALANCES, books, as_of=DUE, to_position=known) == {}


def test_an_imported_subscription_can_be_read_as_of_days_before_it_was_recorded():
    """Its start was recorded after its first invoices took effect."""
    books = Books(SIGNED_UP)
    books.sign_up(wish(start=date(2023, 11, 1)))
    billed(books, Reply.YES)
    first = facts(books, InvoiceIssued)[0]
    assert first.effective_at < SIGNED_UP
    assert rows(BALANCES, books, as_of=first.effective_at)[KEY].billed == 29900
    assert rows(DUE_DATES, books, as_of=first.effective_at) == {}


@settings(max_examples=40, deadline=None)
@given(histories(), st.data())
def test_any_date_can_be_asked_for(history: History, data: st.DataObject):
    """No reading as of a date fails, and the balances hold on each."""
    instants = sorted({each.event.effective_at for each in history.log})
    as_of = data.draw(st.sampled_from(instants))
    for projection in PROJECTIONS:
        replay(projection, history.log, as_of=as_of)
    assert all(row.holds for row in replay(BALANCES, history.log, as_of=as_of).values())
