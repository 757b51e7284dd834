"""What a worker does for the proof by itself: by schedule, recorded, and told when it is not clean.

It is noon of 1 January 2025 in UTC.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import time

import psycopg
import pytest
from structlog.testing import capture_logs

from infrastructure.proof.verifications import history
from infrastructure.proof.watching import ACTOR, ProofWatch
from tests.specimens import signed_up
from tests.systems import project, system_over, write
from tests.waiting import until

ALL = {"verify_every_s": 3600.0, "verify_whole_at": time(3)}


@contextmanager
def watched(books, **chosen):
    with system_over(books, **chosen) as system:
        write(system, signed_up())
        project(system)
        yield system


def found(system):
    """Scope and verdict of each verification, the oldest first."""
    with system.pool.connection() as conn:
        rows = history(conn, system.books.schema, 100)
    assert {each.actor for each in rows} <= {ACTOR}
    return [(each.scope, each.verdict) for each in reversed(rows)]


def tamper(server, system, *statements):
    with psycopg.connect(server.conninfo, autocommit=True) as admin:
        for table in ("events", "seals"):
            name = f"{system.books.identifier}.{table}"
            admin.execute(f"ALTER TABLE {name} DISABLE TRIGGER append_only")
            statements = [each.replace(table.upper(), name) for each in statements]
        for statement in statements:
            admin.execute(statement)


EDITED = "UPDATE EVENTS SET actor = 'me' WHERE position = 2"


def test_quick_ones_often_and_a_whole_one_nightly(books):
    """At once where there never was one; then by the hour, and after three at night in Oslo."""
    with watched(books, **ALL, cut_off_zone="Europe/Oslo") as system:
        watch = ProofWatch(system)
        watch.look()
        assert found(system) == [("full", "clean")]
        system.clock.forward(minutes=59)
        watch.look()
        assert len(found(system)) == 1
        system.clock.forward(minutes=1)
        watch.look()
        watch.look()
        assert found(system)[1:] == [("quick", "clean")]
        system.clock.forward(hours=12, minutes=59)  # 02:59 in Oslo
        watch.look()
        system.clock.forward(minutes=1)
        # Another process, which knows from the books what was done.
        other = ProofWatch(system)
        other.look()
        other.look()
        watch.look()
        assert found(system)[2:] == [("quick", "clean"), ("full", "clean")]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [({}, []), ({"verify_every_s": 60.0}, ["quick"]), ({"verify_whole_at": time(3)}, ["full"])],
)
def test_only_what_the_settings_ask_for(books, chosen, expected):
    """Nothing, by themselves."""
    with watched(books, **chosen) as system:
        watch = ProofWatch(system)
        assert watch.wanted == bool(chosen)
        watch.look()
        assert [scope for scope, _ in found(system)] == expected


def test_what_is_not_clean_is_recorded_and_told_each_time(server, books):
    """An error in the process's log, with the first findings; and the last result in short."""
    with watched(books, verify_every_s=60.0) as system:
        assert system.last_verified() is None
        system.sealer.seal_all()
        tamper(server, system, EDITED)
        for number in (1, 2):
            with capture_logs() as logs:
                ProofWatch(system).look()
            (told,) = [each for each in logs if each["log_level"] == "error"]
            assert (told["event"], told["verdict"]) == ("verification-not-clean", "broken")
            assert told["findings"][0].startswith("edited at 2: ")
            assert found(system) == [("quick", "broken")] * number
            system.clock.forward(minutes=1)
        last = system.last_verified()
        assert (last.verdict, last.proved_to, last.whole_at) == ("broken", 1, None)


def test_a_row_that_differs_is_found_by_the_whole_one(server, books):
    """The audit is part of it."""
    with watched(books, verify_whole_at=time(3)) as system:
        table = f"{system.books.identifier}.view_balances_v"
        with psycopg.connect(server.conninfo, autocommit=True) as admin:
            (name,) = admin.execute(
                "SELECT max(relname) FROM pg_class WHERE relkind = 'r' AND relname LIKE"
                " 'view_due_dates_v%%' AND relnamespace = %s::regnamespace",
                [str(system.books.identifier).strip('"')],
            ).fetchone()
            assert table
            admin.execute(f"DELETE FROM {system.books.identifier}.{name}")
        ProofWatch(system).look()
        assert found(system) == [("full", "differences")]
        assert system.last_verified().whole_verdict == "differences"


def test_checkpoints_are_published_and_anchor_what_is_verified(books, tmp_path):
    """As often as the settings say, where something was recorded since."""
    folder = tmp_path / "outside"
    with watched(books, **ALL, checkpoints=folder, checkpoint_every_s=600.0) as system:
        watch = ProofWatch(system)
        watch.look()
        head = system.ledger.head()
        sizes = lambda: sorted(int(each.name[-30:-11]) for each in folder.iterdir())  # noqa: E731
        assert sizes() == [head]
        assert system.last_verified().anchored_to == head
        write(system, signed_up(), "s-2")
        watch.look()
        assert sizes() == [head]
        system.clock.forward(minutes=10)
        watch.look()
        system.clock.forward(minutes=10)
        watch.look()
        assert sizes() == [head, system.ledger.head()]


def test_F34_a_replaced_table_is_noticed_by_the_process_itself(server, books, tmp_path):
    """Nothing more is signed or published, and it is verified at once, not at the next hour."""
    with watched(books, **ALL, checkpoints=tmp_path, checkpoint_every_s=600.0) as system:
        watch = ProofWatch(system)
        watch.look()
        tamper(server, system, EDITED, "DELETE FROM SEALS")
        with system_over(books) as thief:
            thief.sealer.seal_all()
        write(system, signed_up(), "s-2")
        project(system)
        system.clock.forward(minutes=10)
        before = system.ledger.head()
        with capture_logs() as logs:
            watch.look()
        told = {each["event"]: each for each in logs if each["log_level"] == "error"}
        assert "are not those of the published" in told["checkpoint-not-published"]["reason"]
        assert told["verification-not-clean"]["findings"][0].startswith("replaced at 1")
        assert found(system) == [("full", "clean"), ("quick", "broken")]
        assert len(list(tmp_path.iterdir())) == 1
        system.clock.forward(minutes=10)
        watch.look()
        assert len(found(system)) == 2
        assert system.ledger.head() == before


def test_a_published_checkpoint_that_is_none_is_told(books, tmp_path):
    """Somebody wrote into the folder: the log is clean, and yet it is an alarm."""
    with watched(books, verify_every_s=60.0, checkpoints=tmp_path) as system:
        ProofWatch(system).look()
        for each in tmp_path.iterdir():
            each.chmod(0o644)
            each.write_text("x")
        system.clock.forward(hours=1)
        with capture_logs() as logs:
            ProofWatch(system).look()
        told = {each["event"]: each for each in logs if each["log_level"] == "error"}
        assert {"checkpoint-not-published", "verification-not-clean"} <= set(told)


def test_one_of_many_leads_and_all_end_when_told(books):
    """Two at a time; the second one goes on when the first has ended."""
    with watched(books, verify_every_s=60.0) as system:
        ends = [threading.Event(), threading.Event()]
        threads = [
            threading.Thread(target=ProofWatch(system).run_forever, args=(end, 0.01))
            for end in ends
        ]
        for thread in threads:
            thread.start()
        try:
            for end in ends:
                before = len(found(system))
                system.clock.forward(minutes=1)
                until(lambda n=before: len(found(system)) > n)
                assert len(found(system)) <= before + 2
                end.set()
        finally:
            for end in ends:
                end.set()
            for thread in threads:
                thread.join(10)
        assert not any(thread.is_alive() for thread in threads)


def test_it_rests_and_ends_in_the_middle_when_told(books):
    """Between two pieces; nothing is recorded of a verification that did not end."""
    with watched(books, verify_every_s=60.0) as system:
        stop = threading.Event()
        stop.set()
        watch = ProofWatch(system)
        watch.run_forever(stop)
        assert found(system) == []
        ended = threading.Event()
        real = watch._rest

        def told_meanwhile():
            ended.set()
            real()

        watch._rest = told_meanwhile
        watch.run_forever(ended, 0.01)
        assert found(system) == []
