"""Due dates: the agenda as people and workers read it."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings

from domain.processes.agenda import ItemKind, agenda_of
from domain.providers import LOOK_UP_WAITS
from domain.subscription.charging import settle
from domain.subscription.ending import cancel
from domain.subscription.events import SubscriptionEvent
from domain.subscription.folding import evolve
from domain.subscription.starting import start
from domain.subscription.state import Status, Subscription
from projections.due_dates import DUE_DATES, DueDates, due_lines
from projections.replay import fold_in
from tests.books import Books
from tests.histories import History, histories, show
from tests.projections.scenes import billed, rows, signed_up
from tests.replies import Reply
from tests.specimens import DUE, NEXT_DUE, SIGNED_UP, captured, instalments, wish


def row(books: Books) -> DueDates:
    return rows(DUE_DATES, books)["s-1"]


def column(books: Books, name: str) -> object:
    return DUE_DATES.columns[name].value(row(books))


def test_the_next_invoice_is_on_the_agenda():
    """A signed-up subscription waits for its due instant."""
    books = signed_up()
    assert [(item.kind, item.due_at) for item in row(books).items] == [(ItemKind.INVOICE, DUE)]
    assert column(books, "next_due_at") == DUE
    assert column(billed(books), "next_due_at") == NEXT_DUE


def test_an_offered_approval_is_found_by_the_providers_reference():
    """A callback about a token request leads to its subscription."""
    books = Books(SIGNED_UP)
    books.start(wish())
    assert column(books, "token_request_ref") is None
    books.work("s-1")
    state = books.states["s-1"]
    assert state.token_request is not None
    assert column(books, "token_request_ref") == state.token_request.provider_ref
    assert column(books, "awaits_payer") is True
    assert column(signed_up(), "token_request_ref") == state.token_request.provider_ref
    assert column(signed_up(), "awaits_payer") is False


def test_a_doubt_is_flagged_and_needs_a_person_only_when_the_looks_are_used_up():
    """Unknown at once; a person's matter after the last planned look."""
    books = billed(signed_up(), Reply.UNKNOWN)
    assert (column(books, "unknown"), column(books, "needs_person")) == (True, False)
    for _ in LOOK_UP_WAITS:
        billed(books, Reply.UNKNOWN)
    assert (column(books, "unknown"), column(books, "needs_person")) == (True, True)
    assert column(books, "next_due_at") == NEXT_DUE


def test_an_invoice_that_is_no_longer_collected_needs_a_person():
    """Our own account at fault: nothing goes on by itself."""
    assert column(billed(signed_up(), Reply.MERCHANT), "needs_person") is True


def test_a_decline_that_is_retried_needs_nobody():
    """The schedule goes on by itself."""
    assert column(billed(signed_up(), Reply.SOFT), "needs_person") is False


def test_F09_a_discrepancy_needs_a_person_although_the_invoice_is_paid():
    """The contradiction outlives the paid invoice."""
    assert column(billed(signed_up(), Reply.MORE), "needs_person") is True


def test_money_found_late_needs_a_person():
    """It contradicts what was recorded."""
    books = billed(billed(signed_up(), Reply.SOFT))
    assert column(books, "needs_person") is False
    failed = books.states["s-1"].failed_attempts[0]
    late = settle(
        books.states["s-1"], failed.attempt_id, captured(), evidence="callback", now=books.now
    )
    books.append("s-1", late)
    assert column(books, "needs_person") is True


def test_a_replacement_token_that_nobody_gave_needs_a_person():
    """While the payer is asked it does not; once nobody is asked it does."""
    books = billed(signed_up(), Reply.HARD)
    assert column(books, "needs_person") is False
    books.work("s-1")
    books.payer_comes("s-1", Reply.HARD)
    assert column(books, "needs_person") is True
    token = next(line for line in due_lines([row(books)], SIGNED_UP) if "token" in line.what)
    assert token.why == "the token cannot be charged; a new approval has to be asked for"


def test_what_waits_for_a_person_is_listed_at_any_time():
    """By its next due instant a list of today would leave it out until next month."""
    books = billed(signed_up())
    assert column(books, "listed_from") == column(books, "next_due_at") == NEXT_DUE
    stuck = billed(signed_up(), Reply.MORE)
    assert column(stuck, "next_due_at") == NEXT_DUE
    assert column(stuck, "listed_from") == SIGNED_UP
    started = Books(SIGNED_UP)
    started.append("s-1", start(None, wish(), now=SIGNED_UP, zone_version="2025b"))
    assert (column(started, "listed_from"), column(started, "needs_person")) == (None, False)


def test_what_stands_still():
    """Nothing falls due by itself, or a person has to act; not what has ended with nothing open."""
    waiting = Books(SIGNED_UP)
    waiting.append("s-1", start(None, wish(), now=SIGNED_UP, zone_version="2025b"))
    cancelled = billed(signed_up(), Reply.SOFT)
    cancelled.append("s-1", cancel(cancelled.states["s-1"], reason="moved", now=cancelled.now))
    for still in (waiting, cancelled, billed(signed_up(), Reply.MORE)):
        assert column(still, "stands_still") is True
    ended = signed_up()
    ended.append("s-1", cancel(ended.states["s-1"], reason="moved", now=ended.now))
    for moving in (signed_up(), billed(signed_up()), billed(signed_up(), Reply.SOFT), ended):
        assert column(moving, "stands_still") is False


def test_F09_a_discrepancy_has_a_line_although_the_invoice_is_paid():
    """One line a charge, with what a person needs to resolve it, also when all has ended."""
    books = billed(signed_up(instalments(1)), Reply.MORE)
    assert row(books).state.status is Status.COMPLETED
    assert row(books).items == ()
    (line,) = due_lines([row(books)], books.now)
    (found,) = row(books).state.unresolved
    assert str(line) == (
        "waits  charge of invoice 1  s-1  discrepancy: 299.00 NOK asked, 300.00 NOK received by "
        f"attempt {found.attempt_id}; a person has to look"
    )
    assert line.customer_id == "c-1"


def test_the_row_stays_when_the_subscription_has_ended():
    """Cancelled or completed, it can still be looked up; nothing is due."""
    books = signed_up()
    books.append("s-1", cancel(books.states["s-1"], reason="moved", now=books.now))
    completed = billed(signed_up(instalments(1)))
    for each, status in ((books, Status.CANCELLED), (completed, Status.COMPLETED)):
        assert (row(each).items, column(each, "next_due_at")) == ((), None)
        assert column(each, "status") == status.value


def test_columns_say_whose_and_where():
    """A due run picks by provider and account."""
    names = ("customer_id", "provider", "account")
    assert [column(signed_up(), name) for name in names] == ["c-1", "paypal", "main"]


def test_due_lines_list_what_is_due_and_then_what_waits():
    """Soonest first; an item later than asked for is left out, one that waits is not."""
    books = signed_up(subscription_id="s-2", into=billed(signed_up(), Reply.HARD))
    books.start(wish(subscription_id="s-3"))
    table = rows(DUE_DATES, books).values()
    lines = due_lines(table, books.now)
    brief = [(line.due_at, line.what.split()[0], line.subscription_id) for line in lines]
    assert brief == [
        (books.now, "token", "s-1"),
        (books.now, "invoice", "s-2"),
        (books.now, "token", "s-3"),
        (None, "collect", "s-1"),
        (None, "invoice", "s-3"),
    ]
    assert str(lines[1]) == "2024-01-30 23:00Z  invoice 1  s-2  bill the next period"
    assert str(lines[3]) == "waits  collect invoice 1  s-1  waits for a new token"
    earlier = due_lines(table, DUE - timedelta(days=1))
    assert [line.due_at for line in earlier] == [None, None]


def test_an_item_due_at_the_asked_instant_is_due():
    """Up to and at."""
    table = list(rows(DUE_DATES, signed_up()).values())
    assert len(due_lines(table, DUE)) == 1
    assert due_lines(table, DUE - timedelta(microseconds=1)) == ()


@settings(max_examples=80, deadline=None)
@given(histories())
def test_the_agenda_follows_from_the_state_at_every_position(history: History):
    """Each row is the fold of its own stream, and its items those of that state."""
    show(history)
    table: dict[str, DueDates] = {}
    states: dict[str, Subscription] = {}
    for recorded in history.log:
        fold_in(DUE_DATES, table, recorded)
        key = recorded.stream.removeprefix("subscription-")
        event: SubscriptionEvent = recorded.event
        states[key] = evolve(states.get(key), event)
        assert table[key].state == states[key]
        assert table[key].items == agenda_of(states[key])
        assert table.keys() == states.keys()
