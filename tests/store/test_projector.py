"""The live runner: rows follow the log, whole batches or nothing, one leader, parked poison."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import attrs
import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from infrastructure.store.books import Books
from infrastructure.store.folding import Held, Log
from infrastructure.store.parking import replay_parked
from infrastructure.store.projector import Runner
from infrastructure.store.tracking import (
    ShapeChanged,
    ViewMissing,
    lock_standings,
    standing,
)
from infrastructure.store.view_reader import ViewReader
from infrastructure.store.view_table import ViewTable
from infrastructure.store.view_writer import RowCache
from projections.table import Column, ColumnType, TableProjection
from tests.store.toy_views import (
    NOW,
    Closed,
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

    def runner(log: Log, *projections: TableProjection[Any], **options: Any) -> Runner:
        made.append(Runner(books.connect, books.schema, log, projections, **options))
        return made[-1]

    yield runner
    for each in made:
        each.close()


@pytest.fixture
def pool(books: Books) -> Iterator[ConnectionPool[Any]]:
    with ConnectionPool(
        kwargs=books.connection_arguments, min_size=1, max_size=4, open=True
    ) as made:
        yield made


def rows_of(books: Books, projection: TableProjection[Any]) -> dict[str, Any]:
    """All rows, read by the reader's own means."""
    with ConnectionPool(kwargs=books.connection_arguments, min_size=1, max_size=1) as pool:
        reader = ViewReader(pool, books.schema, [projection])
        return reader.select(projection.name, limit=10_000).rows


# --- folding ----------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_rows_are_the_plain_fold_of_the_log_whatever_the_batch(books, make, batch):
    """Batches are a matter of speed, never of content."""
    log = busy_log(streams=12, events=300)
    assert make(log, accounts(), groups(), batch=batch).catch_up(NOW) == 300
    assert rows_of(books, accounts()) == expected_rows(accounts(), log.items)
    assert rows_of(books, groups()) == expected_rows(groups(), log.items)


def test_the_cache_changes_nothing(books, make, monkeypatch):
    """Rows that fell out of a tiny cache are read again."""
    monkeypatch.setattr("infrastructure.store.view_writer.CACHE_SIZE", 0)
    log = busy_log(streams=12, events=200)
    runner = make(log, accounts(), batch=10)
    runner.run_once(NOW)
    for led in runner._led.values():
        led.writer._cache._limit = 200
    runner.catch_up(NOW)
    assert rows_of(books, accounts()) == expected_rows(accounts(), log.items)


def test_a_cache_forgets_what_was_unused_for_longest():
    """The bound is on the sum of sizes."""
    cache: RowCache[Any] = RowCache(limit=10)
    cache.put("a", "row a", 4)  # type: ignore[arg-type]
    cache.put("b", "row b", 4)  # type: ignore[arg-type]
    cache.get("a")
    cache.put("c", "row c", 4)  # type: ignore[arg-type]
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == ("row a", None, "row c")
    cache.put("huge", "row", 11)  # type: ignore[arg-type]
    assert len(cache) == 0


def test_one_read_of_the_log_feeds_all_projections(make):
    """Four projections cost one read and one decoding."""
    log = busy_log(streams=5, events=100)
    runner = make(log, accounts("a"), accounts("b"), groups("c"), groups("d"), batch=50)
    runner.catch_up(NOW)
    assert log.reads == 3


def test_a_new_projection_catches_up_and_then_shares_the_reads(books, make):
    """A projection that starts later stops where the others stand, and goes on with them."""
    log = busy_log(streams=5, events=90)
    first = make(log, accounts(), batch=60)
    first.run_once(NOW)
    first.close()
    runner = make(log, accounts(), groups(), batch=60)
    log.reads = 0
    # groups reads 1-60 while accounts reads 61-90; groups reads 61-90; then they are one.
    assert (runner.run_once(NOW), runner.run_once(NOW)) == (90, 30)
    log.add("a-1", Paid(1))
    log.reads = 0
    assert (runner.run_once(NOW), log.reads) == (1, 1)
    assert rows_of(books, groups()) == expected_rows(groups(), log.items)


def test_a_removed_row_is_gone_and_may_come_back(books, make):
    """None removes the row."""
    log = ListLog()
    runner = make(log, accounts())
    log.add("a-1", Paid(5), Closed())
    runner.catch_up(NOW)
    assert rows_of(books, accounts()) == {}
    log.add("a-1", Paid(7))
    runner.catch_up(NOW)
    assert rows_of(books, accounts())["a-1"].total == 7


def test_equal_rows_are_stored_alike():
    """A set has no order; its text must have one, because rows are compared as text."""
    projection = attrs.evolve(accounts(), row_type=Numbers, columns={})
    table = ViewTable(projection, "books", "view_numbers_v1")
    one, other = Numbers(frozenset([8, 0])), Numbers(frozenset([0, 8]))
    assert list(one.numbers) != list(other.numbers)
    texts = [table.encode({"k": Held(row, 1)}).arrays for row in (one, other)]
    assert texts[0] == texts[1]


@attrs.frozen
class Numbers:
    numbers: frozenset[int]


def test_declared_columns_lie_beside_the_row_for_sql(books, make):
    """People read a view by the projection's plain name."""
    log = ListLog()
    log.add("a-1", Paid(150))
    make(log, accounts()).catch_up(NOW)
    with books.connect() as conn:
        found = conn.execute(
            SQL(
                "SELECT key, position, total, last_at, big, last_day, label, row->>'total' FROM {}"
            ).format(Identifier(books.schema, "accounts"))
        ).fetchall()
    assert found == [("a-1", 1, 150, NOW, True, NOW.date(), "total 150", "150")]


# --- whole batches, one leader ----------------------------------------------------------------


def test_F27_a_crash_in_mid_batch_leaves_nothing_and_nothing_is_applied_twice(
    books, make, monkeypatch
):
    """Rows and position commit together."""
    log = busy_log(streams=12, events=300)
    runner = make(log, accounts(), groups(), batch=50)
    runner.run_once(NOW)
    before = rows_of(books, accounts())

    def crash(*_: Any) -> None:
        raise psycopg.OperationalError("connection lost before the position was written")

    with monkeypatch.context() as patch:
        patch.setattr("infrastructure.store.projector.advance", crash)
        with pytest.raises(psycopg.OperationalError):
            runner.run_once(NOW)
    assert rows_of(books, accounts()) == before

    runner.catch_up(NOW)
    assert rows_of(books, accounts()) == expected_rows(accounts(), log.items)
    assert rows_of(books, groups()) == expected_rows(groups(), log.items)


def test_F28_a_second_instance_stands_by_and_takes_over(books, make):
    """The lead is a lock of the first one's session."""
    log = busy_log(streams=5, events=60)
    first, second = make(log, accounts(), batch=20), make(log, accounts(), batch=20)
    first.run_once(NOW)
    assert second.run_once(NOW) == 0
    assert second.leads() == frozenset()

    first.close()
    assert second.catch_up(NOW) == 40
    assert rows_of(books, accounts()) == expected_rows(accounts(), log.items)


def test_F20_a_leader_that_sleeps_loses_the_lead(books, make):
    """It is stopped with its session open; another leads, and awake again it stands by."""
    log = busy_log(streams=5, events=60)
    first, second = make(log, accounts(), batch=20, silence_s=0.2), make(log, accounts(), batch=20)
    first.run_once(NOW)
    until(lambda: second.run_once(NOW) > 0)
    with pytest.raises(psycopg.OperationalError):
        first.run_once(NOW)
    assert first.run_once(NOW) == 0
    assert first.leads() == frozenset()
    second.catch_up(NOW)
    assert rows_of(books, accounts()) == expected_rows(accounts(), log.items)


def test_F28_two_instances_side_by_side_count_nothing_twice(books, make, server):
    """Both run for ever; the leader's session is killed again and again."""
    log = busy_log(streams=12, events=3000)
    stop = threading.Event()
    runners = [make(log, accounts(), groups(), batch=40, poll_s=0.01) for _ in range(2)]
    threads = [
        threading.Thread(target=runner.run_forever, args=(stop, lambda: NOW)) for runner in runners
    ]
    for thread in threads:
        thread.start()
    try:
        with psycopg.connect(server.conninfo, autocommit=True) as conn:
            reader_position = SQL("SELECT min(position) FROM {}").format(
                Identifier(books.schema, "view_positions")
            )
            killed = 0

            def done() -> bool:
                nonlocal killed
                if killed < 3:
                    killed += conn.execute(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_locks"
                        " WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()"
                        " AND database = (SELECT oid FROM pg_database"
                        " WHERE datname = current_database())"
                        " AND pid IN (SELECT pid FROM pg_stat_activity"
                        " WHERE application_name = %s)",
                        [f"billing {books.schema}"],
                    ).fetchone()[0]
                return conn.execute(reader_position).fetchone() == (3000,)

            until(done)
        assert all(thread.is_alive() for thread in threads)
    finally:
        stop.set()
        for thread in threads:
            thread.join(WITHIN_S)
    assert killed >= 3
    assert sum(runner.stats.reconnects for runner in runners) >= 1
    assert rows_of(books, accounts()) == expected_rows(accounts(), log.items)
    assert rows_of(books, groups()) == expected_rows(groups(), log.items)


def test_the_lead_is_of_one_projection(books, make):
    """What another leads does not hold up the rest."""
    log = busy_log(streams=5, events=50)
    make(log, accounts()).catch_up(NOW)
    other = make(log, accounts(), groups())
    assert other.catch_up(NOW) == 50
    assert other.leads() == {"view_groups_v1"}


def test_of_two_that_start_together_one_leads_all(books, make):
    """Then the log is read and decoded once."""
    log = busy_log(streams=5, events=50)
    runners = [make(log, accounts(), groups()) for _ in range(2)]
    for each in runners:
        each.run_once(NOW)
    assert [len(each.leads()) for each in runners] == [2, 0]


def test_who_stands_by_is_not_woken_by_every_fact(books, make):
    """It looks for a free lead now and then; the leader waits for the log to grow."""
    log = busy_log(streams=5, events=50)
    stop = threading.Event()
    looks: Counter[str] = Counter()
    woken: Counter[str] = Counter()

    def start(name: str) -> threading.Thread:
        def wake(seconds: float) -> bool:
            woken[name] += 1
            return stop.wait(seconds)

        def clock() -> datetime:
            looks[name] += 1
            return NOW

        runner = make(log, accounts(), poll_s=0.01, wake=wake)
        thread = threading.Thread(target=runner.run_forever, args=(stop, clock))
        thread.start()
        return thread

    leader = start("leader")
    until(lambda: woken["leader"] > 0)
    other = start("other")
    until(lambda: looks["other"] >= 4)
    seen = woken["other"]
    stop.set()
    for thread in (leader, other):
        thread.join(10)
    assert seen == 0


def test_positions_are_locked_together_in_the_order_given(books, make):
    """One that has never run is missed."""
    make(busy_log(streams=5, events=50), accounts()).catch_up(NOW)
    with books.connect() as conn, conn.transaction():
        (stands,) = lock_standings(conn, books.schema, [accounts()])
        assert stands == standing(conn, books.schema, accounts())
        with pytest.raises(ViewMissing):
            lock_standings(conn, books.schema, [accounts(), groups()])


# --- poison -----------------------------------------------------------------------------------


def poisoned_log() -> ListLog:
    """Stream a-1 has an event in its middle that cannot be read; b-1 is well."""
    log = ListLog()
    log.add("a-1", Paid(1))
    log.add("b-1", Paid(10))
    log.add("a-1", None, Paid(2))
    log.add("b-1", Paid(20))
    return log


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_F26_an_undecodable_event_parks_its_stream_and_no_other(books, make, pool, batch):
    """The others go on, the position goes on, and it shows."""
    runner = make(poisoned_log(), accounts(), batch=batch)
    runner.catch_up(NOW)
    rows = rows_of(books, accounts())
    assert (rows["a-1"].total, rows["b-1"].total) == (1, 30)
    reader = ViewReader(pool, books.schema, [accounts()])
    (parked,) = reader.parked()["accounts"]
    assert (parked.stream, parked.position, parked.stream_version) == ("a-1", 3, 2)
    assert "unknown name" in parked.reason
    assert reader.positions() == {"accounts": 5}
    assert runner.stats.parked == 1


def test_F26_an_event_that_the_projection_cannot_apply_parks_its_stream(books, make, pool):
    """A fault in a projection stops one stream for that projection only."""
    log = ListLog()
    log.add("a-1", Paid(1), Paid(13), Paid(2))
    log.add("b-1", Paid(10))
    tolerant = accounts("tolerant", apply=lambda row, key, fact: row, keys_of=lambda fact: ())
    make(log, accounts(), tolerant).catch_up(NOW)
    rows = rows_of(books, accounts())
    assert (rows["a-1"].total, rows["b-1"].total) == (1, 10)
    parked = ViewReader(pool, books.schema, [accounts(), tolerant]).parked()
    assert list(parked) == ["accounts"]
    assert "ArithmeticError" in parked["accounts"][0].reason


def test_F26_a_row_that_cannot_be_stored_parks_the_event_that_made_it(books, make, pool):
    """A column beyond bigint or a NUL in a text is found before the database refuses the batch."""
    log = ListLog()
    log.add("a-1", Paid(1), Paid(2**70))
    log.add("b-1", Paid(10))
    log.add("c-1", Paid(5))
    labels = {"label": Column(ColumnType.TEXT, lambda row: "x\x00" if row.total == 5 else "ok")}
    projection = accounts(columns=accounts().columns | labels)
    make(log, projection).catch_up(NOW)
    rows = rows_of(books, projection)
    assert {key: row.total for key, row in rows.items()} == {"a-1": 1, "b-1": 10}
    parked = ViewReader(pool, books.schema, [projection]).parked()["accounts"]
    assert [(p.stream, p.position) for p in parked] == [("a-1", 2), ("c-1", 4)]


def test_F26_keys_that_cannot_be_told_park_the_stream(books, make, pool):
    """Also keys_of is a function that may fail."""

    def keys_of(fact: Any) -> tuple[str, ...]:
        if fact.event.amount == 13:
            raise KeyError("no key for thirteen")
        return (fact.stream,)

    log = ListLog()
    log.add("a-1", Paid(1), Paid(13), Paid(2))
    make(log, accounts(keys_of=keys_of)).catch_up(NOW)
    assert rows_of(books, accounts())["a-1"].total == 1


def test_F26_an_event_is_applied_to_all_its_rows_or_to_none(books, make):
    """The second key fails: the first one's row is left as it was."""

    def apply(row: Any, key: str, fact: Any) -> Any:
        if key == "second" and fact.event.amount == 2:
            raise ValueError("not this one")
        return attrs.evolve(row or accounts().row_type(0), total=fact.event.amount)

    log = ListLog()
    log.add("a-1", Paid(1), Paid(2))
    projection = accounts(keys_of=lambda fact: ("first", "second"), apply=apply)
    make(log, projection).catch_up(NOW)
    assert [row.total for row in rows_of(books, projection).values()] == [1, 1]


def test_F26_a_parked_stream_is_replayed_in_order_after_the_fix(books, make):
    """Held events come in, later ones follow by themselves, the live runner notices."""
    log = ListLog()
    log.add("a-1", Paid(1), Paid(13), Paid(2))
    runner = make(log, accounts())
    runner.catch_up(NOW)
    fixed = accounts(apply=fixed_apply)
    with books.connect() as conn:
        result = replay_parked(conn, books.schema, log, fixed, "a-1", NOW)
        again = replay_parked(conn, books.schema, log, fixed, "a-1", NOW)
    assert (result.events, result.still_parked, result.out_of_order) == (2, None, ())
    assert again.events == 0

    log.add("a-1", Paid(4))
    runner.catch_up(NOW)
    assert rows_of(books, accounts())["a-1"].amounts == (1, 13, 2, 4)


def test_F26_a_replay_that_fails_again_leaves_the_stream_parked_where_it_fails(books, make):
    """What could be applied is; the rest waits."""
    log = ListLog()
    log.add("a-1", Paid(1), Paid(13), Paid(2))
    runner = make(log, accounts())
    runner.catch_up(NOW)
    with books.connect() as conn:
        result = replay_parked(conn, books.schema, log, accounts(), "a-1", NOW)
    assert result.events == 0
    assert result.still_parked is not None
    assert result.still_parked.position == 2


def test_F26_a_replay_says_which_rows_had_gone_on_without_it(books, make):
    """A row shared by streams is out of order afterwards; only a rebuild mends that."""
    log = ListLog()
    log.add("a-1", Paid(1), Paid(13))
    log.add("a-2", Paid(2))
    make(log, groups()).catch_up(NOW)
    fixed = attrs.evolve(groups(), apply=fixed_apply)
    with books.connect() as conn:
        result = replay_parked(conn, books.schema, log, fixed, "a-1", NOW)
    assert result.out_of_order == ("group-a",)
    assert rows_of(books, groups())["group-a"].amounts == (1, 2, 13)


def test_a_row_that_was_tampered_with_parks_what_touches_it(books, make, pool):
    """A row that is no longer of its type is not guessed at."""
    log = ListLog()
    log.add("a-1", Paid(1))
    first = make(log, accounts())
    first.catch_up(NOW)
    first.close()
    with books.connect() as conn:
        conn.execute(
            SQL('UPDATE {} SET row = \'{{"total": "many"}}\'').format(
                Identifier(books.schema, "view_accounts_v1")
            )
        )
    log.add("a-1", Paid(2))
    log.add("b-1", Paid(2))
    make(log, accounts()).catch_up(NOW)
    (parked,) = ViewReader(pool, books.schema, [accounts()]).parked()["accounts"]
    assert "RowUnreadable" in parked.reason


# --- versions and shapes ----------------------------------------------------------------------


def test_rows_of_another_shape_are_not_read_by_mistake(make):
    """The same version with other columns is refused."""
    log = busy_log(streams=2, events=5)
    first = make(log, accounts())
    first.catch_up(NOW)
    first.close()
    changed = accounts(columns={"total": accounts().columns["total"]})
    with pytest.raises(ShapeChanged):
        make(log, changed).run_once(NOW)


def test_a_new_version_takes_the_plain_name_once_it_has_caught_up(books, make):
    """Until then people go on reading the old one."""
    log = busy_log(streams=3, events=60)
    old = make(log, accounts())
    old.catch_up(NOW)
    doubled = accounts(
        version=2, columns={"twice": Column(ColumnType.INTEGER, lambda row: row.total * 2)}
    )
    new = make(log, doubled, batch=20)
    new.run_once(NOW)
    assert "total" in columns_of_alias(books)
    new.catch_up(NOW)
    assert "twice" in columns_of_alias(books)
    old.close()
    log.add("a-9", Paid(1))
    make(log, accounts()).catch_up(NOW)
    assert "twice" in columns_of_alias(books)


def columns_of_alias(books: Books) -> list[str]:
    with books.connect() as conn:
        cursor = conn.execute(
            SQL("SELECT * FROM {} LIMIT 0").format(Identifier(books.schema, "accounts"))
        )
        return [column.name for column in cursor.description or ()]


# --- reading ----------------------------------------------------------------------------------


def test_answers_say_where_they_are_valid(books, make, pool):
    """Also the answer that there is nothing."""
    log = busy_log(streams=5, events=50)
    make(log, accounts()).catch_up(NOW)
    reader = ViewReader(pool, books.schema, [accounts()])
    expected = expected_rows(accounts(), log.items)
    key = next(iter(expected))
    assert reader.get("accounts", key).row == expected[key]
    assert (reader.get("accounts", "nobody").row, reader.get("accounts", key).position) == (
        None,
        50,
    )
    assert set(reader.get_many("accounts", [key, "nobody"]).rows) == {key}


def test_rows_are_selected_by_declared_columns(books, make, pool):
    """Equality, up to a value, order, limit, offset."""
    log = ListLog()
    for number, amount in enumerate((50, 10, 200, 30, 10)):
        log.add(f"a-{number}", Paid(amount))
    make(log, accounts()).catch_up(NOW)
    reader = ViewReader(pool, books.schema, [accounts()])

    def totals(*args: Any, **kwargs: Any) -> list[int]:
        return [row.total for row in reader.select("accounts", *args, **kwargs).rows.values()]

    assert totals(order="total") == [10, 10, 30, 50, 200]
    assert totals(order="total", descending=True, limit=2) == [200, 50]
    assert totals(order="total", limit=2, offset=2) == [30, 50]
    assert totals({"total": 10}) == [10, 10]
    assert totals({"big": True, "last_at": NOW}) == [200]
    assert totals({"label": None}) == []
    assert totals(at_most={"total": 30}, order="total") == [10, 10, 30]
    assert reader.count("accounts") == 5
    assert reader.count("accounts", {"big": False}) == 4
    assert reader.select("accounts", {"total": 11}).position == 5
    with pytest.raises(KeyError):
        reader.select("accounts", {"row": 1})


def test_a_caller_can_wait_for_a_position(books, make, pool):
    """Read your own writes; False when the time runs out."""
    log = busy_log(streams=3, events=30)
    reader = ViewReader(pool, books.schema, [accounts()])
    assert not reader.wait_for(30, timeout_s=0.01)
    with pytest.raises(ViewMissing):
        reader.get("accounts", "a-0")
    runner = make(log, accounts())
    waited: list[bool] = []
    thread = threading.Thread(target=lambda: waited.append(reader.wait_for(30, timeout_s=WITHIN_S)))
    thread.start()
    runner.catch_up(NOW)
    thread.join(WITHIN_S)
    assert waited == [True]
