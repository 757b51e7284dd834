"""The eventsourcing library's own test bases, run against our recorder.

Three things are ours and stricter, and an adapter between test and recorder makes up for them:
states are JSON text (the library's tests store b"state1"), versions begin at 1 (some of its tests
begin at 0), and a recorder's readers are woken by whoever owns it (a Waker). Nothing that the
bases assert is left out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import eventsourcing.cryptography
import pytest
from eventsourcing.persistence import IntegrityError, Notification, StoredEvent

from infrastructure.store.books import Books
from infrastructure.store.datastore import BooksDatastore
from infrastructure.store.recorder import LedgerRecorder
from infrastructure.store.wakeups import Waker

# The library's test module imports a cipher over pycryptodome, which nothing here uses; its
# sibling over the package cryptography stands in for it.
sys.modules.setdefault("eventsourcing.cipher", eventsourcing.cryptography)
from eventsourcing.tests.persistence import (  # noqa: E402
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    TrackingRecorderTestCase,
)


class AdaptedRecorder(LedgerRecorder):
    """States as JSON strings, and versions from `first_version` instead of 1."""

    first_version = 1

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Wrap states, shift versions."""
        shift = 1 - self.first_version
        adapted = [
            StoredEvent(
                e.originator_id,
                e.originator_version + shift,
                e.topic,
                json.dumps(e.state.decode()).encode(),
            )
            for e in stored_events
        ]
        return super().insert_events(adapted, **kwargs)

    def select_events(self, *args: Any, **kwargs: Any) -> Sequence[StoredEvent]:
        """Unwrap."""
        return [
            StoredEvent(e.originator_id, self._version(e), e.topic, self._state(e))
            for e in super().select_events(*args, **kwargs)
        ]

    def select_notifications(self, *args: Any, **kwargs: Any) -> Sequence[Notification]:
        """Unwrap."""
        return [
            Notification(n.originator_id, self._version(n), n.topic, self._state(n), n.id)
            for n in super().select_notifications(*args, **kwargs)
        ]

    def _version(self, event: StoredEvent) -> int:
        return event.originator_version - 1 + self.first_version

    def _state(self, event: StoredEvent) -> bytes:
        return json.loads(event.state).encode()


class _OnFreshBooks:
    """Recorders over the books of one test."""

    # Tests of the library that write version 0 whatever INITIAL_VERSION says.
    FROM_ZERO: tuple[str, ...] = ()

    @pytest.fixture(autouse=True)
    def _fresh(self, books: Books, request: pytest.FixtureRequest) -> Any:
        self.books = books
        self.from_zero = request.node.name in self.FROM_ZERO
        self.waker = Waker(books)
        self.datastore = BooksDatastore(books, pool_size=2, max_overflow=13)
        yield
        self.waker.close()
        self.datastore.close()

    def create_recorder(self) -> LedgerRecorder:
        """A recorder as the library's tests expect it."""
        recorder = AdaptedRecorder(self.datastore)
        recorder.first_version = 0 if self.from_zero else 1
        recorder.on_insert = self.waker.signal
        return recorder

    def new_originator_id(self) -> str:
        """Our ids are text."""
        return str(uuid4())


class TestApplicationRecorder(_OnFreshBooks, ApplicationRecorderTestCase):
    """Inserts, selects, notifications, concurrency."""

    FROM_ZERO = ("test_concurrent_no_conflicts", "test_concurrent_throughput")

    def test_insert_subscribe(self) -> None:
        """The library's subscription works, woken by our signal."""
        self.optional_test_insert_subscribe()


class TestTrackingRecorder(_OnFreshBooks, TrackingRecorderTestCase):
    """Positions of readers."""


class TestProcessRecorder(_OnFreshBooks, ProcessRecorderTestCase):
    """Events and tracking in one transaction."""

    FROM_ZERO = ("test_performance",)

    def test_tracking_and_events_go_together(self) -> None:
        """A conflict takes the tracking back too, and the other way round."""
        from eventsourcing.persistence import Tracking

        recorder = self.create_recorder()
        first = StoredEvent("a", 1, "t", b"s")
        recorder.insert_events([first], tracking=Tracking("up", 1))
        with pytest.raises(IntegrityError):
            recorder.insert_events([first], tracking=Tracking("up", 2))
        assert recorder.max_tracking_id("up") == 1
        with pytest.raises(IntegrityError):
            recorder.insert_events([StoredEvent("b", 1, "t", b"s")], tracking=Tracking("up", 1))
        assert recorder.max_notification_id() == 1


class TestNonInterleaving(_OnFreshBooks, NonInterleavingNotificationIDsBaseCase):
    """Positions of one insert follow one another."""

    FROM_ZERO = ("test",)


@pytest.fixture
def recorder(books: Books) -> Any:
    """Our recorder as it is."""
    datastore = BooksDatastore(books)
    yield LedgerRecorder(datastore)
    datastore.close()


def test_a_gap_is_refused(recorder):
    """What the library's recorders accept and can then never load."""
    recorder.insert_events([StoredEvent("a", 1, "t", b"{}")])
    with pytest.raises(IntegrityError):
        recorder.insert_events([StoredEvent("a", 3, "t", b"{}")])
    with pytest.raises(IntegrityError):
        recorder.insert_events([StoredEvent("a", 2, "t", b"{}"), StoredEvent("a", 4, "t", b"{}")])
    with pytest.raises(IntegrityError):
        recorder.insert_events([StoredEvent("b", 0, "t", b"{}")])
    assert recorder.max_notification_id() == 1


def test_an_insert_is_all_or_nothing(recorder):
    """Unlike the ledger's append, as the library's contract has it."""
    recorder.insert_events([StoredEvent("a", 1, "t", b"{}")])
    with pytest.raises(IntegrityError):
        recorder.insert_events([StoredEvent("b", 1, "t", b"{}"), StoredEvent("a", 1, "t", b"{}")])
    assert recorder.select_events("b") == []


def test_positions_come_back_in_the_order_of_the_events(recorder):
    """Also when streams are interleaved in what was given."""
    given = [StoredEvent(s, v, "t", b"{}") for s, v in (("a", 1), ("b", 1), ("a", 2), ("c", 1))]
    positions = recorder.insert_events(given)
    log = recorder.select_notifications(1, 10)
    found = {n.id: (n.originator_id, n.originator_version) for n in log}
    assert [found[p] for p in positions] == [("a", 1), ("b", 1), ("a", 2), ("c", 1)]


def test_no_table_is_made_for_the_librarys_snapshots(books):
    """The application may not make tables, and ours is another."""
    from eventsourcing.utils import Environment

    from infrastructure.store.datastore import LedgerFactory

    factory = LedgerFactory(Environment("x"), books)
    with pytest.raises(NotImplementedError):
        factory.aggregate_recorder("snapshots")
    assert isinstance(factory.application_recorder(), LedgerRecorder)
    factory.close()
