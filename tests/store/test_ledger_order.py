"""The order guarantee: a position becomes visible only after all positions before it."""

from __future__ import annotations

import multiprocessing
import threading
import time

import pytest

from infrastructure.store.books import Books
from infrastructure.store.ledger import Appended
from tests.store.writing import NOW, facts_for, open_ledger
from tests.waiting import WITHIN_S

PROCESSES = 2
THREADS = 4
APPENDS = 60


def write_much(schema: str, conninfo: str, name: str, start: object) -> None:
    """Append with several ledgers of this process at once, each on its own connection."""
    books = Books(schema, conninfo)

    def write(number: int) -> None:
        ledger = open_ledger(books)
        try:
            ledger.head()
            start.wait(WITHIN_S)  # type: ignore[attr-defined]
            for n in range(APPENDS):
                stream = f"{name}-{number}-{n}"
                # Batches of different lengths, so that transactions differ in how long they take.
                batch = [facts_for(f"{stream}-{k}", 0, *"abc"[: 1 + n % 3]) for k in range(n % 5)]
                results = ledger.append([*batch, facts_for(stream)], now=NOW)
                assert all(isinstance(result, Appended) for result in results)
        finally:
            ledger.close()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def expected_facts() -> int:
    """How many facts all writers together append."""
    each = sum(1 + (1 + n % 3) * (n % 5) for n in range(APPENDS))
    return each * THREADS * PROCESSES


def test_F29_a_tailing_reader_beside_many_writers_misses_nothing(books, ledger):
    """Writers in two processes and eight connections; the reader sees 1, 2, 3, ... to the end."""
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Event()
    writers = [
        spawn.Process(target=write_much, args=(books.schema, books.conninfo, f"p{n}", start))
        for n in range(PROCESSES)
    ]
    for writer in writers:
        writer.start()
    start.set()
    seen: dict[str, int] = {}
    position, reads, wanted = 0, 0, expected_facts()
    ends_at = time.monotonic() + 2 * WITHIN_S
    try:
        while position < wanted:
            assert time.monotonic() < ends_at, f"only {position} of {wanted} were seen"
            for recorded in ledger.read_log(position, 50):
                assert recorded.position == position + 1
                assert recorded.version == seen.get(recorded.stream, 0) + 1
                position, seen[recorded.stream] = recorded.position, recorded.version
            reads += 1
    finally:
        for writer in writers:
            writer.join(WITHIN_S)
    assert [writer.exitcode for writer in writers] == [0] * PROCESSES
    assert ledger.head() == position == wanted
    # The reader was really tailing, not reading a finished log.
    assert reads > wanted / 50


@pytest.mark.parametrize("writers", [8])
def test_F21_of_many_writers_of_one_version_exactly_one_wins(books, writers):
    """Each on its own connection; the others are told the version that there is now."""
    ledgers = [open_ledger(books) for _ in range(writers)]
    results: list[object] = []
    begin = threading.Barrier(writers)

    def race(ledger) -> None:
        for version in range(20):
            begin.wait(WITHIN_S)
            results.extend(ledger.append([facts_for("a", version)], now=NOW))

    threads = [threading.Thread(target=race, args=(each,)) for each in ledgers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        won = [result for result in results if isinstance(result, Appended)]
        assert len(won) == 20
        assert len(results) == 20 * writers
        assert [r.version for r in ledgers[0].read_log(0, 100)] == list(range(1, 21))
    finally:
        for ledger in ledgers:
            ledger.close()
