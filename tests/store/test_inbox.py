"""The inbox: every callback once, duplicates counted, nothing dropped."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from domain.money import Money
from domain.ports import Reversal
from infrastructure.store.books import Books
from infrastructure.store.inbox import Inbox, Received
from tests.waiting import WITHIN_S

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def inbox(books: Books) -> Iterator[Inbox]:
    with ConnectionPool(
        kwargs=books.connection_arguments, min_size=1, max_size=8, open=True
    ) as pool:
        yield Inbox(pool, books.schema, bytes(32))


def store(inbox: Inbox, delivery_id: str, **changes: Any) -> bool:
    given: dict[str, Any] = {
        "provider": "paypal",
        "account": "main",
        "delivery_id": delivery_id,
        "event_type": "PAYMENT.CAPTURE.COMPLETED",
        "reference": "sub-1-1-abc",
        "token_request_ref": "",
        "headers": {"paypal-transmission-id": "t-1", "Authorization": "Bearer secret"},
        "body": b'{"id": 1}',
        "received_at": NOW,
    }
    return inbox.store(**(given | changes))


def take(inbox: Inbox, limit: int = 10, lease_s: float = 60.0) -> list[Received]:
    return inbox.take(limit=limit, owner="me", lease_s=lease_s)


def test_a_callback_is_kept_as_it_came(inbox):
    """Its body to the byte; of the headers only those on the list."""
    body = bytes(range(256))
    assert store(inbox, "d-1", body=body)
    (received,) = take(inbox)
    assert (received.received_at, received.delivery_id) == (NOW, "d-1")
    assert inbox.body(received.id) == body
    assert received.headers == {"paypal-transmission-id": "t-1"}
    assert "\\x01" not in repr(received)


def test_what_is_told_of_a_dispute_is_kept(inbox):
    """The ids by which it is matched, and the money that was taken back."""
    told = Reversal(
        charge_ref="CAP1",
        amount=Money(1234, "JPY"),
        provider_ref="REV1",
        at=NOW - timedelta(days=1),
    )
    assert store(inbox, "d-1", dispute_ref="PP-1", charge_ref="CAP1")
    assert store(inbox, "d-2", charge_ref="CAP1", reversal=told)
    dispute, reversal = take(inbox)
    assert (dispute.dispute_ref, dispute.charge_ref, dispute.reversal) == ("PP-1", "CAP1", None)
    assert (reversal.dispute_ref, reversal.reversal) == ("", told)


def test_F10_a_callback_that_comes_many_times_at_once_is_one_row(inbox):
    """One of the callers is told that it is new; the others are counted."""
    answers: list[bool] = []
    barrier = threading.Barrier(8)

    def deliver() -> None:
        barrier.wait()
        answers.append(store(inbox, "d-1"))

    threads = [threading.Thread(target=deliver) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WITHIN_S)
    assert sorted(answers) == [False] * 7 + [True]
    assert (inbox.pending(), inbox.duplicates()) == (1, 7)
    assert len(take(inbox)) == 1


def test_F10_a_duplicate_after_the_end_wakes_nothing(inbox):
    """What was settled stays settled."""
    store(inbox, "d-1")
    inbox.done([take(inbox)[0].id], "handled")
    assert not store(inbox, "d-1")
    assert (take(inbox), inbox.pending(), inbox.duplicates()) == ([], 0, 1)


def test_the_same_id_at_another_account_is_another_callback(inbox):
    """Ids are unique for one provider and account only."""
    assert store(inbox, "d-1")
    assert store(inbox, "d-1", account="second")
    assert store(inbox, "d-1", provider="dintero")
    assert inbox.pending() == 3


def test_callbacks_are_taken_oldest_first_and_by_one_worker(inbox):
    """A lease keeps the others away."""
    for number in (3, 1, 2):
        store(inbox, f"d-{number}", received_at=NOW + timedelta(minutes=number))
    assert [each.delivery_id for each in take(inbox, limit=2)] == ["d-1", "d-2"]
    assert [each.delivery_id for each in take(inbox)] == ["d-3"]
    assert take(inbox) == []
    assert inbox.pending() == 3


def test_what_was_put_back_for_long_is_not_awaited(inbox):
    """It comes by itself; what is in somebody's hands, or comes at once, is."""
    for delivery_id in ("d-1", "d-2", "d-3"):
        store(inbox, delivery_id)
    first, second, _third = take(inbox)
    inbox.put_back([first.id], delay_s=60.0)
    inbox.put_back([second.id], delay_s=1.0)
    assert (inbox.pending(), inbox.pending_within(5.0)) == (3, 2)
    assert inbox.pending_within(3600.0) == 3


def test_F19_workers_that_race_take_each_callback_once(inbox):
    """What one is taking, the others pass over."""
    for number in range(120):
        store(inbox, f"d-{number}")
    taken: list[int] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        while batch := take(inbox, limit=5):
            taken.extend(each.id for each in batch)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WITHIN_S)
    assert len(taken) == 120
    assert len(set(taken)) == 120


def test_what_a_dead_worker_held_is_taken_again(inbox):
    """When its lease has run out."""
    store(inbox, "d-1")
    assert take(inbox, lease_s=0.02)
    assert until_taken(inbox)[0].delivery_id == "d-1"


def test_what_comes_too_early_is_put_back_for_a_while(inbox):
    """It is not taken in the same moment again, and not lost."""
    store(inbox, "d-1")
    (received,) = take(inbox)
    inbox.put_back([received.id], delay_s=0.1)
    assert take(inbox) == []
    assert until_taken(inbox)[0].id == received.id
    inbox.put_back([])
    inbox.done([], "nothing")


def test_F16_what_belongs_to_nothing_is_set_aside_with_reason_and_age(inbox):
    """Not dropped, not taken again by itself; a person can send it round once more."""
    store(inbox, "d-1")
    store(inbox, "d-2")
    first, _ = take(inbox)
    inbox.quarantine(first.id, "belongs to no subscription of these books")
    (set_aside,) = inbox.quarantined(NOW + timedelta(hours=3))
    assert set_aside.received.delivery_id == "d-1"
    assert set_aside.reason == "belongs to no subscription of these books"
    assert set_aside.age == timedelta(hours=3)
    assert inbox.pending() == 1

    assert inbox.requeue([first.id, first.id + 1]) == 1
    assert [each.id for each in take(inbox)] == [first.id]
    assert inbox.quarantined(NOW) == []


def test_what_was_settled_keeps_its_outcome(books, inbox):
    """A late second worker changes nothing."""
    store(inbox, "d-1")
    (received,) = take(inbox)
    inbox.done([received.id], "handled")
    inbox.quarantine(received.id, "too late")
    inbox.put_back([received.id], delay_s=0)
    with books.connect() as conn:
        row = conn.execute(
            SQL("SELECT status, outcome FROM {}").format(Identifier(books.schema, "inbox"))
        ).fetchone()
    assert row == ("done", "handled")
    assert take(inbox) == []


def until_taken(inbox: Inbox, timeout_s: float = WITHIN_S) -> list[Received]:
    """Poll with a deadline."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if taken := take(inbox):
            return taken
        time.sleep(0.01)
    raise AssertionError("was not taken in time")
