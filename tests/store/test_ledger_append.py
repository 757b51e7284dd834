"""Appending: order, versions, repeats, recorded time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from domain.identity import event_id
from infrastructure.store.appending import Addition, AppendFunction, event_id_bytes
from infrastructure.store.books import Books
from infrastructure.store.ledger import Append, Appended, Conflict, LedgerUnavailable, StreamBroken
from infrastructure.store.schema import migrations, open_books
from infrastructure.store.stored import NewEvent, additions_of
from tests.conftest import ROLES
from tests.store.writing import NOW, fact, facts_for, open_ledger, stamp


def places(ledger):
    """Position, stream and version of everything in the log."""
    return [(r.position, r.stream, r.version) for r in ledger.read_log(0, 1000)]


def test_facts_get_the_next_positions_and_versions(ledger):
    """Positions count through the whole log, versions through each stream."""
    assert ledger.head() == 0
    results = ledger.append([facts_for("a", 0, "x", "y"), facts_for("b", 0)], now=NOW)
    assert results == [Appended("a", 2, 2), Appended("b", 1, 3)]
    assert ledger.append([facts_for("a", 2)], now=NOW) == [Appended("a", 3, 4)]
    assert places(ledger) == [(1, "a", 1), (2, "a", 2), (3, "b", 1), (4, "a", 3)]
    assert ledger.head() == 4


def test_what_is_read_is_what_was_written(ledger):
    """With who, why and when beside it."""
    append = facts_for("påske-1", 0, "flyttet til Tromsø ☃")
    ledger.append([append], now=NOW)
    (recorded,) = ledger.read_log(0, 10)
    assert recorded.event == append.events[0]
    assert (recorded.stream, recorded.recorded_at) == ("påske-1", NOW)
    assert recorded.effective_at == append.events[0].effective_at
    assert (recorded.actor, recorded.cause) == ("tests", "a test")
    assert recorded.command_id == append.stamp.command_id
    assert recorded.recorded_at.tzinfo is UTC


@pytest.mark.parametrize("stream", ["a", "påske-1", "x" * 300])
@pytest.mark.parametrize("version", [1, 9, 2**62])
def test_event_ids_are_the_domains(stream, version):
    """The store's fast way to make them gives the same."""
    command = uuid4()
    fast = event_id_bytes(command.bytes, stream.encode(), version)
    assert UUID(bytes=fast) == event_id(command, stream, version)


def test_rows_are_legible_in_sql(books, ledger):
    """An auditor reads amounts and names with SQL alone."""
    ledger.append([facts_for("a", 0, "moved")], now=NOW)
    with books.connect() as conn:
        row = conn.execute(
            f"SELECT name, body->>'reason', effective_at FROM {books.identifier}.events"
        ).fetchone()
    assert row == ("subscription-cancelled.v1", "moved", NOW)


def test_a_stale_stream_is_reported_and_its_neighbours_are_written(ledger):
    """Optimistic concurrency is per stream, also in a batch; positions stay gapless."""
    ledger.append([facts_for("stale", 0), facts_for("late", 0, "x", "y")], now=NOW)
    batch = [facts_for("a"), facts_for("stale", 0, "x", "y"), facts_for("b"), facts_for("late", 5)]
    assert ledger.append(batch, now=NOW) == [
        Appended("a", 1, 4),
        Conflict("stale", 0, 1),
        Appended("b", 1, 5),
        Conflict("late", 5, 2),
    ]
    assert [place[0] for place in places(ledger)] == [1, 2, 3, 4, 5]


def test_a_stream_that_is_not_there_is_at_version_0(ledger):
    """Nobody can begin a stream in the middle."""
    assert ledger.append([facts_for("a", 7)], now=NOW) == [Conflict("a", 7, 0)]
    assert places(ledger) == []


def test_a_repeat_is_reported_as_written(ledger):
    """The same append again gives the same answer, and writes nothing."""
    append = facts_for("a", 0, "x", "y")
    first = ledger.append([append], now=NOW)
    ledger.append([facts_for("a", 2), facts_for("b")], now=NOW)
    assert ledger.append([facts_for("c"), append], now=NOW) == [Appended("c", 1, 5), *first]
    assert ledger.head() == 5


def test_half_a_repeat_is_a_conflict(ledger):
    """One command that decides otherwise the second time has not been written before."""
    command = uuid4()
    ledger.append([facts_for("a", 0, "x", command_id=command)], now=NOW)
    longer = facts_for("a", 0, "x", "y", command_id=command)
    assert ledger.append([longer], now=NOW) == [Conflict("a", 0, 1)]


def test_several_appends_to_one_stream_are_taken_in_order(ledger):
    """A chain in one call fits; a second writer of the same version does not."""
    batch = [facts_for("a"), facts_for("b"), facts_for("a", 1), facts_for("a", 1), facts_for("b")]
    assert ledger.append(batch, now=NOW) == [
        Appended("a", 1, 1),
        Appended("b", 1, 2),
        Appended("a", 2, 3),
        Conflict("a", 1, 2),
        Conflict("b", 0, 1),
    ]


def test_nothing_to_append_is_nothing(ledger):
    """An empty call asks nobody."""
    assert ledger.append([], now=NOW) == []


@pytest.mark.parametrize(
    "append",
    [
        Append("a", 0, (), stamp()),
        facts_for("a", -1),
        facts_for("", 0),
        facts_for("a\0b", 0),
        facts_for("a", 2**63),
    ],
    ids=["no facts", "below zero", "no stream", "NUL", "beyond bigint"],
)
def test_what_cannot_be_stored_is_refused_before_it_is_sent(ledger, append):
    """So that it cannot spoil the group that it would be committed with."""
    with pytest.raises(ValueError, match="append"):
        ledger.append([facts_for("other"), append], now=NOW)
    assert ledger.head() == 0


def test_now_needs_a_zone(ledger):
    """A recorded time without a zone would be a guess."""
    with pytest.raises(ValueError, match="zone"):
        ledger.append([facts_for("a")], now=NOW.replace(tzinfo=None))


def test_F22_recorded_time_never_goes_back(ledger):
    """When the clock jumps back two hours, recorded times go on by microseconds."""
    ledger.append([facts_for("a")], now=NOW)
    ledger.append([facts_for("b"), facts_for("c")], now=NOW - timedelta(hours=2))
    ledger.append([facts_for("d")], now=NOW)
    ledger.append([facts_for("e")], now=NOW + timedelta(seconds=1))
    step = timedelta(microseconds=1)
    assert [r.recorded_at - NOW for r in ledger.read_log(0, 10)] == [
        0 * step,
        1 * step,
        1 * step,
        2 * step,
        timedelta(seconds=1),
    ]


def events_at(versions):
    """Stored events of stream "a" at these versions, past the checks of the ledger."""
    return [
        NewEvent("a", version, "subscription-cancelled.v1", b"{}", uuid4(), NOW, "t", "t", uuid4())
        for version in versions
    ]


@pytest.mark.parametrize("versions", [[1, 3], [2, 1], [1, 1], [1, 2, 2, 3]])
def test_the_server_refuses_versions_that_do_not_follow_one_another(books, versions):
    """Whatever a client sends: a gap, a reversal or a double is an error and nothing is written."""
    (addition,) = additions_of(events_at(versions), NOW)
    with books.connect() as conn, pytest.raises(psycopg.errors.CheckViolation):
        AppendFunction(books.schema).add(conn, [Addition("a", 0, addition.rows)], NOW)


def test_bodies_that_are_no_json_are_refused(books):
    """The column's type sees to it."""
    (event,) = events_at([1])
    broken = NewEvent(**{**vars(event), "state": b"{"})
    with books.connect() as conn, pytest.raises(psycopg.errors.DataError):
        AppendFunction(books.schema).add(conn, additions_of([broken], NOW), NOW)


def test_two_sets_of_books_on_one_server_are_apart(books, other_books, ledger):
    """Positions, streams and locks are those of the schema."""
    other = open_ledger(other_books)
    try:
        assert ledger.append([facts_for("a")], now=NOW) == [Appended("a", 1, 1)]
        with books.connect(autocommit=False) as conn:
            AppendFunction(books.schema).add(conn, additions_of(events_at([2]), NOW), NOW)
            # The lock of the first books is held; the second are free.
            assert other.append([facts_for("a")], now=NOW) == [Appended("a", 1, 1)]
    finally:
        other.close()


def test_a_connection_string_may_name_several_hosts(server, books):
    """The first is away; the one that takes writes is found, by the ledger's every connection."""
    given = conninfo_to_dict(server.conninfo)
    hosts = {"host": f"/nonexistent,{given['host']}", "port": f"5432,{given.get('port', 5432)}"}
    conninfo = make_conninfo(server.conninfo, **hosts, target_session_attrs="read-write")
    ledger = open_ledger(open_books(conninfo, books.schema, roles=ROLES))
    try:
        assert ledger.append([facts_for("a")], now=NOW) == [Appended("a", 1, 1)]
        assert ledger.load(["a"])["a"].version == 1
    finally:
        ledger.close()


def test_a_server_that_stays_away_is_an_error_that_hides_the_password(monkeypatch):
    """The caller learns that nothing is known; nobody learns the password."""
    monkeypatch.setattr("infrastructure.store.writer.PATIENCE_S", 0.1)
    nowhere = Books("nowhere", "host=/nonexistent user=u password=geheim dbname=d")
    assert "geheim" not in repr(nowhere)
    ledger = open_ledger(nowhere)
    try:
        with pytest.raises(LedgerUnavailable) as caught:
            ledger.append([facts_for("a")], now=NOW)
        assert "geheim" not in str(caught.value) + repr(ledger.env)
    finally:
        ledger.close()


def test_a_stream_with_a_hole_is_not_folded(server, books, ledger):
    """Damage that triggers and locks should make impossible is found by the reader."""
    if not server.throw_away:
        pytest.skip("needs a superuser who may drop a trigger")
    ledger.append([facts_for("a", 0, "x", "y", "z")], now=NOW)
    with psycopg.connect(server.conninfo) as admin:
        admin.execute(f"ALTER TABLE {books.identifier}.events DISABLE TRIGGER append_only")
        admin.execute(f"DELETE FROM {books.identifier}.events WHERE position = 2")
    with pytest.raises(StreamBroken):
        ledger.load(["a"])


def test_the_append_function_sends_no_notify(server):
    """A NOTIFY in the money transaction would serialise all commits of the server."""
    for name, text, _ in migrations():
        assert not re.search(r"\bNOTIFY\b|pg_notify", text, re.I), name


def test_a_later_clock_is_taken_as_it_is(ledger):
    """The process's clock may be a stepping clock of a rehearsal, years ahead."""
    ahead = datetime(2031, 1, 1, tzinfo=UTC)
    ledger.append([Append("a", 0, (fact(),), stamp())], now=ahead)
    assert ledger.read_log(0, 1)[0].recorded_at == ahead
