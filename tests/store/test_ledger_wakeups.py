"""Readers are woken after a commit, by a signal that may be lost."""

from __future__ import annotations

import threading
import time

import pytest

from infrastructure.store.books import Books
from infrastructure.store.wakeups import Listener, Waker, channel_of
from tests.store.writing import NOW, facts_for
from tests.waiting import WITHIN_S


@pytest.fixture
def listener(books):
    """A listener that has begun to listen."""
    opened = Listener(books)
    assert opened.wait(WITHIN_S)
    yield opened
    opened.close()


def waited(listener: Listener, timeout_s: float) -> float:
    """How long a wait took that no signal ended, seconds. On a busy machine one may take longer."""
    began = time.monotonic()
    assert not listener.wait(timeout_s)
    return time.monotonic() - began


def test_an_append_wakes_a_listener(ledger, listener):
    """And when it wakes, the fact is there to read."""
    ledger.append([facts_for("a")], now=NOW)
    assert listener.wait(WITHIN_S)
    assert ledger.head() == 1


def test_the_signal_comes_once_for_many_appends(ledger, listener):
    """Coalesced: far fewer signals than appends."""
    for version in range(200):
        ledger.append([facts_for("a", version)], now=NOW)
    signals = 0
    while listener.wait(0.2):
        signals += 1
        assert signals < 100
    assert signals >= 1


def test_the_last_append_is_always_followed_by_a_signal(ledger, listener):
    """Whatever was coalesced, no append is left unsignalled."""
    for version in range(5):
        ledger.append([facts_for("a", version)], now=NOW)
        assert listener.wait(WITHIN_S)


def test_without_a_signal_the_wait_ends_in_time(listener):
    """Polling is the floor."""
    assert min(waited(listener, 0.05) for _ in range(5)) < 2


def test_books_do_not_wake_each_other(other_books, listener):
    """Each has its own channel."""
    other = Waker(other_books)
    other.signal()
    other.close()
    assert not listener.wait(0.1)


def test_a_listener_that_cannot_listen_polls():
    """On a standby, or without a server, the wait takes its time and says nothing."""
    listener = Listener(Books("nowhere", "host=/nonexistent dbname=d user=u"))
    took = [waited(listener, 0.05) for _ in range(5)]
    assert min(took) < 2
    assert all(each >= 0.05 for each in took)
    listener.close()


def test_a_listener_that_lost_its_connection_looks_at_once_and_listens_again(books, ledger):
    """What was signalled meanwhile cannot be known, so it says that there may be something."""
    listener = Listener(books)
    assert listener.wait(WITHIN_S)
    assert listener._session is not None
    listener._session.close()
    assert not listener.wait(0.01)
    assert listener.wait(WITHIN_S)
    ledger.append([facts_for("a")], now=NOW)
    assert listener.wait(WITHIN_S)
    listener.close()


def test_a_wait_can_be_interrupted(listener):
    """For a graceful stop."""
    threading.Timer(0.05, listener.interrupt).start()
    began = time.monotonic()
    assert not listener.wait(2 * WITHIN_S)
    assert time.monotonic() - began < WITHIN_S


def test_a_waker_without_a_server_bothers_nobody():
    """Signals are thrown away; closing ends its thread."""
    waker = Waker(Books("nowhere", "host=/nonexistent dbname=d user=u"))
    waker.signal()
    waker.signal()
    waker.close()
    waker.signal()


def test_channel_names_fit():
    """PostgreSQL cuts names at 63 bytes; two long ones stay different."""
    names = {channel_of("a" * 54 + last) for last in "xy"}
    assert len(names) == 2
    assert all(len(name) <= 63 for name in (*names, channel_of("books")))
