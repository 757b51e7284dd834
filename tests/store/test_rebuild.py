"""Rebuild and compare: the same fold from position 1, swapped in or held against the live rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from infrastructure.store import rebuild as rebuild_module
from infrastructure.store.books import Books
from infrastructure.store.projector import Runner
from infrastructure.store.rebuild import (
    Difference,
    LogTooShort,
    ReadersInTheWay,
    Rebuilder,
    RebuildRunning,
    Rebuilt,
)
from infrastructure.store.tracking import ShapeChanged, ViewMissing, advance, standing
from infrastructure.store.view_reader import ViewReader
from projections.table import TableProjection
from tests.store.toy_views import (
    NOW,
    ListLog,
    Paid,
    accounts,
    busy_log,
    expected_rows,
    fixed_apply,
    groups,
)
from tests.waiting import WITHIN_S, until

Make = Callable[..., Runner]


@pytest.fixture
def make(books: Books) -> Iterator[Make]:
    """Runners over these books, closed at the end."""
    made: list[Runner] = []

    def runner(log: Any, *projections: TableProjection[Any], **options: Any) -> Runner:
        made.append(Runner(books.connect, books.schema, log, projections, **options))
        return made[-1]

    yield runner
    for each in made:
        each.close()


@pytest.fixture
def reader(books: Books) -> Iterator[ViewReader]:
    with ConnectionPool(
        kwargs=books.connection_arguments, min_size=1, max_size=4, open=True
    ) as pool:
        yield ViewReader(pool, books.schema, [accounts(), groups()])


def rebuilder(books: Books, log: Any, batch: int = 64) -> Rebuilder:
    return Rebuilder(books.connect, books.schema, log, batch=batch)


def damage(books: Books, statement: str) -> None:
    """Change live rows behind everybody's back."""
    with books.connect() as conn:
        conn.execute(SQL(statement).format(Identifier(books.schema, "view_accounts_v1")))


# --- compare ----------------------------------------------------------------------------------


def test_live_rows_are_what_the_facts_say(books, make):
    """Nothing to report, in whatever batches either side worked."""
    log = busy_log(streams=12, events=500)
    make(log, accounts(), groups(), batch=37).catch_up(NOW)
    assert list(rebuilder(books, log).compare(accounts(), groups())) == []


def test_every_difference_is_listed_with_position_and_both_rows(books, make):
    """A changed row, a lost one, one too many, a column, a position: all of them, not the first."""
    log = ListLog()
    for number in range(1, 8):
        log.add(f"a-{number}", Paid(number * 10))
    make(log, accounts()).catch_up(NOW)
    damage(books, "UPDATE {} SET row = jsonb_set(row::jsonb, '{{total}}', '99')::json"
                  " WHERE key = 'a-1'")  # fmt: skip
    damage(books, "DELETE FROM {} WHERE key = 'a-2'")
    damage(books, "INSERT INTO {} (key, position, row) VALUES ('ghost', 3, '{{}}')")
    damage(books, "UPDATE {} SET total = 41 WHERE key = 'a-4'")
    damage(books, "UPDATE {} SET position = 4 WHERE key = 'a-5'")
    damage(books, "UPDATE {} SET last_at = NULL WHERE key = 'a-6'")

    found = {each.key: each for each in rebuilder(books, log).compare(accounts())}
    assert sorted(found) == ["a-1", "a-2", "a-4", "a-5", "a-6", "ghost"]
    assert [found[key].position for key in sorted(found)] == [1, 2, 4, 5, 6, 3]
    changed = found["a-1"]
    assert changed.live is not None
    assert changed.replayed is not None
    assert (changed.live["row"]["total"], changed.replayed["row"]["total"]) == (99, 10)
    assert (found["a-2"].live, found["ghost"].replayed) == (None, None)
    assert all(each.projection == "accounts" for each in found.values())


def test_F26_a_parked_stream_shows_once_its_fault_is_mended(books, make):
    """Live rows that lack held events differ from what the code says now."""
    log = ListLog()
    log.add("a-1", Paid(1), Paid(13))
    make(log, accounts()).catch_up(NOW)
    assert list(rebuilder(books, log).compare(accounts())) == []
    fixed = accounts(apply=fixed_apply)
    assert [each.key for each in rebuilder(books, log).compare(fixed)] == ["a-1"]


def test_comparison_stops_where_the_live_rows_stand(books, make):
    """A live view that lags is not a wrong one; projections may stand at different places."""
    log = busy_log(streams=7, events=300)
    make(log, accounts(), batch=110).run_once(NOW)
    make(log, groups(), batch=70).run_once(NOW)
    assert list(rebuilder(books, log).compare(accounts(), groups())) == []


def test_comparison_stops_nobody(books, make):
    """The live runner goes on while differences are being read, and none of it is mistaken."""
    log = busy_log(streams=7, events=300)
    runner = make(log, accounts(), batch=100)
    runner.run_once(NOW)
    damage(books, "UPDATE {} SET total = -1")
    differences = rebuilder(books, log).compare(accounts())
    first = next(differences)
    assert runner.catch_up(NOW) == 200
    rest = list(differences)
    assert {each.key for each in (first, *rest)} == set(expected_rows(accounts(), log.items[:100]))
    # Those rows have been written anew from the runner's own memory meanwhile.
    assert list(rebuilder(books, log).compare(accounts())) == []


def test_rows_and_position_are_of_one_moment(books, make):
    """The live rows go on under the comparison's hands, after it has read where they stand."""
    log = busy_log(streams=7, events=400)
    runner = make(log, accounts(), batch=20)
    for _ in range(5):
        runner.run_once(NOW)

    class Hurried(ListLog):
        def read_log(self, after: int, limit: int, stop: int | None = None) -> Any:
            runner.run_once(NOW)
            return super().read_log(after, limit, stop)

    hurried = Hurried()
    hurried.items = log.items
    assert list(rebuilder(books, hurried).compare(accounts())) == []


def test_a_comparison_leaves_nothing_behind(books, make):
    """Its tables are temporary, also when it is given up half way."""
    log = busy_log(streams=7, events=100)
    make(log, accounts()).catch_up(NOW)
    damage(books, "UPDATE {} SET total = -1")
    differences = rebuilder(books, log).compare(accounts())
    assert isinstance(next(differences), Difference)
    differences.close()  # type: ignore[attr-defined]
    assert tables(books) == ["view_accounts_v1"]


def test_what_never_ran_or_has_another_shape_or_no_log_is_not_called_equal(books, make):
    """An audit that could not look must not say that all is well."""
    log = busy_log(streams=3, events=30)
    with pytest.raises(ViewMissing):
        list(rebuilder(books, log).compare(accounts()))
    make(log, accounts()).catch_up(NOW)
    with pytest.raises(ShapeChanged):
        list(rebuilder(books, log).compare(accounts(columns={})))
    with pytest.raises(LogTooShort):
        list(rebuilder(books, ListLog()).compare(accounts()))


# --- rebuild ----------------------------------------------------------------------------------


def test_a_rebuild_puts_right_what_was_wrong(books, make, reader):
    """And the live runner goes on from there, with nothing remembered from before."""
    log = busy_log(streams=12, events=300)
    runner = make(log, accounts())
    runner.catch_up(NOW)
    damage(books, "UPDATE {} SET row = '{{\"total\": 1}}'")
    damage(books, "DELETE FROM {} WHERE key < 'b'")

    result = rebuilder(books, log).rebuild(accounts(), NOW)
    assert (result.position, result.parked) == (300, ())
    assert result.rows == len(expected_rows(accounts(), log.items))
    assert list(rebuilder(books, log).compare(accounts())) == []

    log.add("a-0", Paid(5))
    log.add("c-2", Paid(5))
    runner.catch_up(NOW)
    assert reader.select("accounts", limit=1000).rows == expected_rows(accounts(), log.items)
    assert tables(books) == ["view_accounts_v1"]
    with books.connect() as conn:
        through_name = conn.execute(
            SQL("SELECT count(*) FROM {}").format(Identifier(books.schema, "accounts"))
        ).fetchone()
    assert through_name == (len(expected_rows(accounts(), log.items)),)


def test_a_rebuild_of_what_never_ran_makes_it(books, make, reader):
    """The runner goes on from its position."""
    log = busy_log(streams=5, events=100)
    assert rebuilder(books, log).rebuild(accounts(), NOW).position == 100
    log.add("a-0", Paid(5))
    assert make(log, accounts()).catch_up(NOW) == 1
    assert reader.select("accounts", limit=1000).rows == expected_rows(accounts(), log.items)


class EarlyLog(ListLog):
    """A log whose head was read long ago, as it is for a rebuild that takes its time."""

    def __init__(self, items: list[Any], head: int) -> None:
        super().__init__()
        self.items, self._head = items, head

    def head(self) -> int:
        return self._head


def test_a_rebuild_catches_up_with_rows_that_went_on_meanwhile(books, make, reader):
    """The last events are folded while the live rows stand still."""
    log = busy_log(streams=7, events=300)
    make(log, accounts()).catch_up(NOW)
    early = EarlyLog(log.items, head=100)
    assert rebuilder(books, early).rebuild(accounts(), NOW).position == 300
    assert reader.select("accounts", limit=1000).rows == expected_rows(accounts(), log.items)


def test_a_rebuild_waits_for_a_batch_that_is_under_way(books, make, server):
    """It ends where the runner's commit puts the rows, never before."""
    log = busy_log(streams=7, events=300)
    make(log, accounts(), batch=200).run_once(NOW)
    results: list[Rebuilt] = []
    early = EarlyLog(log.items, head=100)
    thread = threading.Thread(
        target=lambda: results.append(rebuilder(books, early).rebuild(accounts(), NOW))
    )
    with books.connect() as batch, batch.transaction():
        standing(batch, books.schema, accounts(), lock=True)
        advance(batch, books.schema, [accounts()], 300, NOW)
        thread.start()
        with psycopg.connect(server.conninfo, autocommit=True) as watcher:
            until(lambda: waiting_sessions(watcher, books) == 1)
    thread.join(WITHIN_S)
    assert [each.position for each in results] == [300]


def waiting_sessions(conn: psycopg.Connection[Any], books: Books) -> int:
    row = conn.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND application_name = %s",
        [f"billing {books.schema}"],
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_rebuild_that_had_to_let_a_reader_finish_starts_its_last_step_anew(
    books, make, reader, monkeypatch
):
    """What the given-up transaction had folded is folded again."""
    log = busy_log(streams=7, events=300)
    make(log, accounts()).catch_up(NOW)
    slow = books.connect(autocommit=False)
    slow.execute(SQL("SELECT FROM {}").format(Identifier(books.schema, "view_accounts_v1")))
    monkeypatch.setattr(rebuild_module, "_SWAP_LOCK_TIMEOUT", "20ms")
    monkeypatch.setattr(rebuild_module.time, "sleep", lambda _: slow.close())
    assert rebuilder(books, EarlyLog(log.items, head=100)).rebuild(accounts(), NOW).position == 300
    assert slow.closed
    assert reader.select("accounts", limit=1000).rows == expected_rows(accounts(), log.items)


def test_a_rebuild_changes_the_shape_of_rows(books, make):
    """New columns under the same version come in by a rebuild."""
    log = busy_log(streams=5, events=50)
    first = make(log, accounts())
    first.catch_up(NOW)
    first.close()
    fewer = accounts(columns={"total": accounts().columns["total"]})
    rebuilder(books, log).rebuild(fewer, NOW)
    make(log, fewer).catch_up(NOW)
    assert list(rebuilder(books, log).compare(fewer)) == []


def test_F26_a_rebuild_takes_parked_streams_back_or_parks_them_anew(books, make, reader):
    """What the code can apply now is applied in the order of the log."""
    log = ListLog()
    log.add("a-1", Paid(1), Paid(13))
    log.add("b-1", Paid(1), None)
    make(log, accounts()).catch_up(NOW)
    assert len(reader.parked()["accounts"]) == 2
    result = rebuilder(books, log).rebuild(accounts(apply=fixed_apply), NOW)
    assert [each.stream for each in result.parked] == ["b-1"]
    assert [each.stream for each in reader.parked()["accounts"]] == ["b-1"]
    assert reader.get("accounts", "a-1").row.total == 14


def test_readers_and_the_runner_go_on_during_rebuilds(books, make, reader):
    """Every answer is right for the position it names, and positions never go back."""
    log = busy_log(streams=12, events=1500)
    runner = make(log, accounts(), batch=15, poll_s=0.005)
    runner.run_once(NOW)
    stop, wrong, seen = threading.Event(), [], [0]

    def read() -> None:
        while not stop.is_set():
            page = reader.select("accounts", limit=1000)
            if page.position < seen[-1]:
                wrong.append(page.position)
            seen.append(page.position)
            if page.rows != expected_rows(accounts(), log.items[: page.position]):
                wrong.append(page.position)

    threads = [
        threading.Thread(target=read),
        threading.Thread(target=runner.run_forever, args=(stop, lambda: NOW)),
    ]
    for thread in threads:
        thread.start()
    try:
        positions = [rebuilder(books, log).rebuild(accounts(), NOW).position for _ in range(4)]
        assert reader.wait_for(1500, 20, ["accounts"])
        assert all(thread.is_alive() for thread in threads)
    finally:
        stop.set()
        for thread in threads:
            thread.join(WITHIN_S)
    assert (wrong, positions) == ([], sorted(positions))
    assert len(seen) > 5
    assert list(rebuilder(books, log).compare(accounts())) == []


def test_a_reader_that_never_ends_stops_the_rebuild_not_the_system(books, make, monkeypatch):
    """The old table stays in its place; nothing is left behind."""
    monkeypatch.setattr(rebuild_module, "_SWAP_ATTEMPTS", 2)
    monkeypatch.setattr(rebuild_module, "_SWAP_LOCK_TIMEOUT", "20ms")
    monkeypatch.setattr(rebuild_module, "_SWAP_PAUSE_S", 0.01)
    log = busy_log(streams=5, events=50)
    runner = make(log, accounts())
    runner.catch_up(NOW)
    with books.connect(autocommit=False) as slow:
        slow.execute(SQL("SELECT FROM {}").format(Identifier(books.schema, "view_accounts_v1")))
        with pytest.raises(ReadersInTheWay):
            rebuilder(books, log).rebuild(accounts(), NOW)
        log.add("a-0", Paid(5))
        assert runner.catch_up(NOW) == 1
    assert tables(books) == ["view_accounts_v1"]
    assert list(rebuilder(books, log).compare(accounts())) == []


def test_one_rebuild_at_a_time(books, make):
    """A second one is told, and does not touch the first one's table."""
    log = busy_log(streams=5, events=50)
    make(log, accounts()).catch_up(NOW)
    refused: list[str] = []

    class Slow(ListLog):
        def head(self) -> int:
            with pytest.raises(RebuildRunning):
                rebuilder(books, log).rebuild(accounts(), NOW)
            refused.append("yes")
            return super().head()

    slow = Slow()
    slow.items = log.items
    rebuilder(books, slow).rebuild(accounts(), NOW)
    assert refused == ["yes"]


def test_a_rebuild_that_was_killed_leaves_the_live_rows_and_can_be_repeated(books, make, server):
    """Its shadow is cleared away by the next one."""
    log = busy_log(streams=5, events=300)
    make(log, accounts()).catch_up(NOW)

    class Dying(ListLog):
        def read_log(self, after: int, limit: int, stop: int | None = None) -> Any:
            if after > 100:
                with psycopg.connect(server.conninfo, autocommit=True) as conn:
                    conn.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE application_name = %s AND pid <> pg_backend_pid()",
                        [f"billing {books.schema}"],
                    )
            return super().read_log(after, limit, stop)

    dying = Dying()
    dying.items = log.items
    with pytest.raises(psycopg.OperationalError):
        rebuilder(books, dying).rebuild(accounts(), NOW)
    assert list(rebuilder(books, log).compare(accounts())) == []
    rebuilder(books, log).rebuild(accounts(), NOW)
    assert tables(books) == ["view_accounts_v1"]


def test_a_projection_that_differs_by_one_fold_is_caught(books, make):
    """The comparison uses today's code: a changed rule shows as differences."""
    log = busy_log(streams=6, events=120)
    make(log, accounts()).catch_up(NOW)
    off_by_one = attrs.evolve(
        accounts(),
        apply=lambda row, key, fact: (
            after and attrs.evolve(after, total=after.total + 1)
            if (after := accounts().apply(row, key, fact))
            else None
        ),
    )
    differing = {each.key for each in rebuilder(books, log).compare(off_by_one)}
    assert differing == set(expected_rows(accounts(), log.items))


def tables(books: Books) -> list[str]:
    """Tables of projections in these books, and temporary ones of audits anywhere."""
    with books.connect() as conn:
        found = conn.execute(
            "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE relkind = 'r' AND (nspname = %s AND relname ~ '^view_.*_v[0-9]'"
            " OR nspname = %s AND relname ~ '^audit_') ORDER BY 1",
            [books.schema, "pg_temp"],
        )
        return [name for (name,) in found]
