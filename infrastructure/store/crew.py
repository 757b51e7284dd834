"""Processes that make rows beside each other: Python folds with one processor at a time.

Each has a connection and a ledger of its own, and makes batches of families (families.py) in
tables that are there already. Rows of two families are never the same, so nobody waits for another.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any

from infrastructure.collecting import collect_seldom
from infrastructure.store.books import Books
from infrastructure.store.families import Asides, FamilyLog, fold_families
from infrastructure.store.view_table import ViewTable, live_name
from projections.catalogue import PROJECTIONS

# For fewer facts the processes take longer to begin than to fold.
WORTH_IT = 30_000

_Work = Callable[[list[str]], Asides]
_work: _Work


class Crew:
    """So many processes. open_log: a function of a module, which makes a ledger of the books."""

    def __init__(
        self, books: Books, open_log: Callable[[Books], FamilyLog], processes: int
    ) -> None:
        self._books, self._open_log, self._processes = books, open_log, processes

    def can(self, tables: Sequence[ViewTable[Any]], facts: int) -> bool:
        """Whether it is worth it, and the processes know these projections by their names."""
        known = {live_name(each): each for each in PROJECTIONS}
        return facts >= WORTH_IT and all(
            known.get(live_name(table.projection)) is table.projection and not table.temporary
            for table in tables
        )

    @contextmanager
    def at_work(
        self, tables: Sequence[ViewTable[Any]], batches: Iterable[list[str]], stop: int
    ) -> Iterator[Iterator[Asides]]:
        """Have the batches folded, beginning now; yields what `fold_families` returns of each."""
        names = [(live_name(table.projection), table.name) for table in tables]
        pool = ProcessPoolExecutor(
            self._processes,
            # A fork would share this process's connections and threads.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(self._books, self._open_log, names, stop),
        )
        try:
            found = [pool.submit(_fold, batch) for batch in batches]
            yield map(Future.result, as_completed(found))
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(
    books: Books,
    open_log: Callable[[Books], FamilyLog],
    names: Sequence[tuple[str, str]],
    stop: int,
) -> None:
    """In a process of the crew: be ready for batches, until it is ended."""
    global _work
    known = {live_name(each): each for each in PROJECTIONS}
    tables = [ViewTable(known[live], books.schema, name) for live, name in names]
    conn, log = books.connect(), open_log(books)
    collect_seldom()
    _work = lambda batch: fold_families(conn, log, tables, batch, stop)  # noqa: E731


def _fold(batch: list[str]) -> Asides:
    """In a process of the crew: one batch."""
    return _work(batch)
