"""Reading: streams, the log, folded states, and what cannot be read."""

from __future__ import annotations

import threading
from collections import Counter

import psycopg
import pytest
from eventsourcing.persistence import MapperDeserialisationError, StoredEvent

from domain.recorded import Recorded
from infrastructure.store.ledger import Loaded, Poison, Unreadable
from infrastructure.store.stored import Draft, Fact
from tests.store.writing import NOW, Tally, fact, facts_for, stamp


def test_streams_are_folded(ledger):
    """Many at a time; one that is not there is at version 0 without a state."""
    ledger.append([facts_for("a", 0, "x", "y"), facts_for("b", 0, "z")], now=NOW)
    assert ledger.load(["b", "a", "none", "a"]) == {
        "b": Loaded("b", Tally(1, "z"), 1),
        "a": Loaded("a", Tally(2, "y"), 2),
        "none": Loaded("none", None, 0),
    }
    assert ledger.load([]) == {}


def test_hundreds_of_streams_are_loaded_in_two_round_trips(ledger, monkeypatch):
    """However many there are, with snapshots or without."""
    names = [f"s{n}" for n in range(300)]
    ledger.append([facts_for(name, 0, "x", "y") for name in names], now=NOW)
    ledger.save_snapshots([(name, 1, Tally(1, "x")) for name in names[::2]])
    statements = Counter()
    execute, here = psycopg.Cursor.execute, threading.get_ident()

    def counted(cursor, query, *args, **kwargs):
        statements["executed"] += threading.get_ident() == here
        return execute(cursor, query, *args, **kwargs)

    ledger.load(["a"])  # the connection is made
    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    loaded = ledger.load(names)
    assert statements["executed"] == 2
    assert all(each.state == Tally(2, "y") for each in loaded.values())


def test_a_stream_is_read_from_a_version_on(ledger):
    """In order, with what was recorded beside each fact."""
    ledger.append([facts_for("a", 0, "x", "y", "z"), facts_for("b")], now=NOW)
    assert [r.version for r in ledger.read_stream("a", 1)] == [2, 3]
    assert [r.event.reason for r in ledger.read_stream("a")] == ["x", "y", "z"]
    assert ledger.read_stream("none") == []


def test_the_log_is_read_in_sections(ledger):
    """After a position, at most so many, up to a position."""
    ledger.append([facts_for("a", 0, *"abcdefghij")], now=NOW)
    assert [r.position for r in ledger.read_log(3, 4)] == [4, 5, 6, 7]
    assert [r.position for r in ledger.read_log(3, 4, stop=5)] == [4, 5]
    assert ledger.read_log(10, 4) == []


@pytest.fixture
def poisoned(ledger):
    """Stream "bad" has an event that nobody can read, at version 2 of 3; "good" is sound."""
    ledger.append([facts_for("bad", 0, "x"), facts_for("good", 0, "x")], now=NOW)
    ledger.recorder.insert_events([StoredEvent("bad", 2, "charge-teleported.v9", b'{"a":1}')])
    ledger.append([facts_for("bad", 2, "z"), facts_for("good", 1, "y")], now=NOW)
    return ledger


def test_some_streams_are_read_as_one_log(ledger):
    """In the order of the log, in sections, up to a position."""
    for number in range(4):
        for stream in ("b", "a", "c"):
            ledger.append([facts_for(stream, number)], now=NOW)

    def read(after: int, limit: int, stop: int) -> list[tuple[int, str]]:
        found = ledger.read_together(["a", "b"], after, limit, stop)
        return [(each.position, each.stream) for each in found]

    assert read(0, 4, 12) == [(1, "b"), (2, "a"), (4, "b"), (5, "a")]
    assert read(5, 9, 10) == [(7, "b"), (8, "a"), (10, "b")]
    assert read(11, 9, 12) == []


def test_beginnings_are_the_first_facts_of_streams(ledger):
    """In the order of the log, in sections, up to a position."""
    for number in range(2):
        for stream in ("b", "a", "c"):
            ledger.append([facts_for(stream, number)], now=NOW)
    assert [each.stream for each in ledger.read_beginnings(0, 2, 6)] == ["b", "a"]
    assert [each.stream for each in ledger.read_beginnings(1, 9, 2)] == ["a"]
    assert [each.version for each in ledger.read_beginnings(0, 9, 6)] == [1, 1, 1]


def test_F26_the_log_shows_poison_in_its_place_and_goes_on(poisoned):
    """Position, stream and reason, and every other event as it is."""
    kinds = [(r.position, type(r)) for r in poisoned.read_log(0, 10)]
    assert kinds == [(1, Recorded), (2, Recorded), (3, Poison), (4, Recorded), (5, Recorded)]
    poison = poisoned.read_log(2, 1)[0]
    assert (poison.stream, poison.version, poison.name) == ("bad", 2, "charge-teleported.v9")
    assert "charge-teleported.v9" in poison.reason


def test_F26_a_poisoned_stream_has_no_state_and_the_others_do(poisoned):
    """Nobody decides on half a stream; nobody else is kept from deciding."""
    loaded = poisoned.load(["bad", "good"])
    assert loaded["good"].state == Tally(2, "y")
    assert loaded["bad"].version == 3
    with pytest.raises(Unreadable, match="position 3"):
        _ = loaded["bad"].state


def test_F26_reading_a_poisoned_stream_says_where(poisoned):
    """The error carries the poison."""
    with pytest.raises(Unreadable) as caught:
        poisoned.read_stream("bad")
    assert caught.value.poison == poisoned.read_log(2, 1)[0]
    assert [r.version for r in poisoned.read_stream("bad", 2)] == [3]


# --- the library's own interface -----------------------------------------------------------------


def test_facts_can_be_saved_and_read_through_the_librarys_event_store(ledger):
    """Drafts in, facts out, by the library's application, mapper and recorder."""
    command = stamp()
    drafts = [Draft(stream="a", version=n, stamp=command, event=fact(f"f{n}")) for n in (1, 2)]
    recordings = ledger.events.put(drafts, now=NOW)
    assert [recording.notification.id for recording in recordings] == [1, 2]
    facts = list(ledger.events.get("a"))
    assert [type(each) for each in facts] == [Fact, Fact]
    assert [each.originator_version for each in facts] == [1, 2]
    assert facts[0].originator_id == "a"
    assert [each.event for each in facts] == [r.event for r in ledger.read_stream("a")]
    assert facts[0].event_id == ledger.read_log(0, 1)[0].event_id
    assert facts[0].recorded_at == NOW


def test_the_librarys_notification_log_shows_the_ledger(ledger):
    """Sections by position, stored names as topics, JSON text as state."""
    ledger.append([facts_for("a", 0, "x", "y", "z")], now=NOW)
    notifications = ledger.notification_log.select(start=2, limit=10)
    assert [(n.id, n.originator_version) for n in notifications] == [(2, 2), (3, 3)]
    assert notifications[0].topic == "subscription-cancelled.v1"
    assert b'"reason":"y"' in notifications[0].state


def test_F26_poison_is_the_librarys_error_in_the_librarys_interface(poisoned):
    """As its mapper's contract has it."""
    with pytest.raises(MapperDeserialisationError):
        list(poisoned.events.get("bad"))
