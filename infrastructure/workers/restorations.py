"""What a worker knows of restorations: read when it begins, and again every few seconds."""

from __future__ import annotations

import asyncio
from typing import Any

from domain.restorations.saying import Restored
from infrastructure.commands.restoring import read_restored
from infrastructure.store.ledger import Ledger
from infrastructure.workers.agenda_worker import rest, unless_away

LOOK_EVERY_S = 5.0


class RestorationWatch:
    """Keeps up with what was said of restorations. One query on one short stream a look."""

    def __init__(self, ledger: Ledger[Any]) -> None:
        self._ledger = ledger
        self._known: Restored | None = None
        self._looks = 0

    def known(self) -> Restored | None:
        """As of the last look."""
        return self._known

    async def first_look(self, stopping: asyncio.Event) -> None:
        """Until one succeeds, or `stopping`: a worker that does not know sends nothing."""
        while self._looks == 0 and not stopping.is_set():
            await unless_away(self.look())

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`."""
        while not stopping.is_set():
            await rest(stopping, LOOK_EVERY_S)
            await unless_away(self.look())

    async def look(self) -> int:
        """Read what was said; how many looks there were. Raises: psycopg.Error; Unreadable."""
        self._known = await asyncio.to_thread(read_restored, self._ledger)
        self._looks += 1
        return self._looks
