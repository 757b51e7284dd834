"""The desk: what coroutines ask for one by one reaches the store in batches."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from domain.identity import stream_of
from infrastructure.bootstrap import System
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.store.books import Books
from infrastructure.workers.desk import Desk
from tests.specimens import wish
from tests.systems import system_over


def desk_of(system: System) -> Desk:
    return Desk(
        ledger=system.ledger,
        agenda=system.agenda,
        attempts=system.attempts,
        vault=system.vault,
        clock=system.clock,
        actor="worker",
        owner="test",
        lease_s=60,
    )


def test_a_snapshot_is_what_the_next_load_begins_with(books: Books) -> None:
    """It lies under the stream's name, and only later facts are read beside it."""
    with system_over(books) as system:
        Subscriptions(system, actor="test").start(wish(), request_token=True)
        desk, key = desk_of(system), wish().subscription_id

        async def load_and_keep() -> None:
            loaded = await desk.load(key)
            assert loaded.state is not None
            await desk.snapshot((key, loaded.version, loaded.state))

        asyncio.run(load_and_keep())
        with system.pool.connection() as connection:
            kept = connection.execute(
                f"SELECT stream, version FROM {books.identifier}.snapshots"  # type: ignore[arg-type]
            ).fetchall()
        assert kept == [(stream_of(key), 2)]


def test_a_plan_that_is_at_hand_asks_no_thread(books: Books) -> None:
    """Nor does one that was never published; after half a minute it is read again."""
    with system_over(books) as system:
        desk = desk_of(system)
        reads: list[str] = []
        read = desk._plans.recent

        def counted(code: str) -> Any:
            reads.append(code)
            return read(code)

        cast(Any, desk._plans).recent = counted

        async def ask_twice() -> list[object]:
            return [await desk.plan("gold"), await desk.plan("gold")]

        assert asyncio.run(ask_twice()) == [None, None]
        assert (reads, desk._plans.at_hand("gold")) == (["gold"], (None,))
        cast(Any, system.clock).forward(seconds=30)
        assert desk._plans.at_hand("gold") is None
        assert asyncio.run(ask_twice()) == [None, None]
        assert reads == ["gold", "gold"]
