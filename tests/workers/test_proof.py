"""A worker does for the proof, beside its work, what the settings ask for by schedule."""

from __future__ import annotations

import asyncio
from pathlib import Path

from infrastructure.store.books import Books
from infrastructure.workers.process import work
from tests.specimens import signed_up
from tests.systems import system_over, write
from tests.waiting import until


def test_a_worker_seals_publishes_and_verifies_by_itself(books: Books, tmp_path: Path) -> None:
    """And ends when it is told to."""
    chosen = {"verify_every_s": 3600.0, "checkpoints": tmp_path / "outside"}
    with system_over(books, **chosen) as system:
        write(system, signed_up())

        async def worked() -> None:
            stopping = asyncio.Event()
            working = asyncio.create_task(work(system, stopping))
            await asyncio.to_thread(until, lambda: working.done() or system.last_verified())
            stopping.set()
            await working

        asyncio.run(worked())
        last = system.last_verified()
        assert last is not None
        assert (last.verdict, last.scope, last.proved_to) == ("clean", "quick", last.anchored_to)
        (published,) = (tmp_path / "outside").iterdir()
        assert int(published.name[-30:-11]) == last.anchored_to
