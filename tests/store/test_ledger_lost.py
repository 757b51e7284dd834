"""Broken connections: what was written is known, and nothing is written twice."""

from __future__ import annotations

import threading

import psycopg
import pytest

from infrastructure.store.appending import AppendFunction
from infrastructure.store.ledger import Appended, Conflict
from infrastructure.store.stored import additions_of
from tests.store.test_ledger_append import events_at
from tests.store.writing import NOW, facts_for
from tests.waiting import WITHIN_S, until


def backends_of(admin, books, *, where="true"):
    """Server processes of this test's books, other than the one that asks."""
    rows = admin.execute(
        "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
        f" AND pid <> pg_backend_pid() AND {where}",
        (f"billing {books.schema}",),
    ).fetchall()
    return [pid for (pid,) in rows]


@pytest.fixture
def admin(server):
    """An administrator's connection that may end other sessions."""
    with psycopg.connect(server.conninfo, autocommit=True) as conn:
        yield conn


def end_sessions(admin, books, where="true"):
    """Kill the server processes of these books."""
    for pid in backends_of(admin, books, where=where):
        admin.execute("SELECT pg_terminate_backend(%s)", (pid,))


def test_F17_a_connection_that_was_cut_between_appends_is_made_again(admin, books, ledger):
    """The next append and the next read go through."""
    ledger.append([facts_for("a")], now=NOW)
    end_sessions(admin, books)
    assert ledger.append([facts_for("a", 1)], now=NOW) == [Appended("a", 2, 2)]
    end_sessions(admin, books)
    assert ledger.load(["a"])["a"].version == 2


def test_F17_a_connection_cut_before_the_commit_writes_once(admin, books, ledger):
    """The server process dies while it waits for the lock: nothing was written, then it is."""
    results = []
    with books.connect(autocommit=False) as holder:
        AppendFunction(books.schema).add(holder, additions_of(events_at([1]), NOW), NOW)
        thread = threading.Thread(
            target=lambda: results.extend(ledger.append([facts_for("b")], now=NOW))
        )
        thread.start()
        waiting = "wait_event_type = 'Lock' AND wait_event = 'advisory'"
        until(lambda: backends_of(admin, books, where=waiting))
        first = backends_of(admin, books, where=waiting)
        end_sessions(admin, books, waiting)
        # It has come back on another connection, and waits again.
        until(lambda: set(backends_of(admin, books, where=waiting)) - set(first))
    thread.join(WITHIN_S)
    assert results == [Appended("b", 1, 2)]
    assert ledger.head() == 2


def commit_until_one_waits(server, admin):
    """Return once commits wait for the standby: the server takes a new setting up by and by."""
    waits = threading.Event()
    with psycopg.connect(server.conninfo, autocommit=True) as probe:

        def commit() -> None:
            while not waits.is_set():
                probe.execute("SELECT pg_logical_emit_message(true, 'probe', '')")

        thread = threading.Thread(target=commit)
        thread.start()
        waiting = "SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = %s"
        pid = probe.info.backend_pid
        try:
            until(lambda: admin.execute(waiting, (pid,)).fetchone()[0])
        finally:
            waits.set()
            # Its commit is on disk and waits no longer.
            until(lambda: admin.execute("SELECT pg_cancel_backend(%s)", (pid,)) and ended(thread))


def ended(thread):
    thread.join(0.1)
    return not thread.is_alive()


@pytest.mark.parametrize("chained", [False, True])
def test_F05_a_commit_whose_answer_was_lost_is_reported_as_written(
    server, admin, books, ledger, chained
):
    """The server process dies after the commit is on disk and before it answers.

    A standby that does not exist is to confirm commits: the server has written the transaction
    and waits, and there its session is ended. This is the true order of F05 and F17.
    """
    if not server.throw_away:
        pytest.skip("changes settings of the whole server")
    ledger.append([facts_for("a")], now=NOW)
    results = []
    wanted = [facts_for("a", 1, "x", "y"), *([facts_for("a", 0)] if chained else [])]
    admin.execute("SET synchronous_commit = off")
    admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    try:
        admin.execute("SELECT pg_reload_conf()")
        commit_until_one_waits(server, admin)
        thread = threading.Thread(target=lambda: results.extend(ledger.append(wanted, now=NOW)))
        thread.start()
        waiting = "wait_event = 'SyncRep'"
        until(lambda: backends_of(admin, books, where=waiting))
        end_sessions(admin, books, waiting)
        thread.join(WITHIN_S)
    finally:
        admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
        admin.execute("SELECT pg_reload_conf()")
    assert results == [Appended("a", 3, 3), *([Conflict("a", 0, 3)] if chained else [])]
    assert [r.event.reason for r in ledger.read_stream("a")] == ["r", "x", "y"]


def test_F17_sessions_killed_at_any_moment_lose_and_double_nothing(server, books, ledger):
    """Four writers of one process, and somebody who keeps ending their sessions."""
    done, streams, results, killed = threading.Event(), 4, {}, set()

    def written() -> int:
        return sum(len(appended) for appended in list(results.values()))

    def kill() -> None:
        before = -1
        with psycopg.connect(server.conninfo, autocommit=True) as admin:
            while len(killed) < 12 and not done.wait(0.02):
                # Nobody who never gets through is a fair writer: on a busy machine, wait for one.
                if written() > before:
                    before = written()
                    killed.update(backends_of(admin, books))
                    end_sessions(admin, books)

    def write(name: str) -> None:
        results[name] = []
        while len(killed) < 12:
            append = facts_for(name, len(results[name]))
            results[name] += ledger.append([append], now=NOW)

    killer = threading.Thread(target=kill)
    threads = [threading.Thread(target=write, args=(f"s{n}",)) for n in range(streams)]
    for thread in (killer, *threads):
        thread.start()
    for thread in threads:
        thread.join(120)
    done.set()
    killer.join(WITHIN_S)
    log = {(r.stream, r.version): r.position for r in ledger.read_log(0, 1_000_000)}
    assert sorted(log.values()) == list(range(1, len(log) + 1))
    assert len(log) == sum(len(appended) for appended in results.values())
    for name, appended in results.items():
        assert len(appended) > 1
        assert appended == [Appended(name, n, log[name, n]) for n in range(1, len(appended) + 1)]
