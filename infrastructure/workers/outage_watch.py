"""Say which accounts are out of order as this process sees it, and hear what others see."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from infrastructure.store.circuits import OpenCircuit, OpenCircuits
from infrastructure.workers.agenda_worker import rest, unless_away
from infrastructure.workers.outages import Guards

TELL_EVERY_S = 1.0
REPEAT_EVERY_S = 10.0


class OutageWatch:
    """Keeps the table of open circuits up with those of this process, and learns from others'.

    process: as its leases are called.
    """

    def __init__(self, guards: Guards, circuits: OpenCircuits, process: str) -> None:
        self._guards, self._circuits, self._process = guards, circuits, process
        self._told: list[OpenCircuit] | None = None
        self._repeat_in_s = 0.0
        self._heard: set[tuple[str, str, str, datetime]] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`. A database that is away is told later."""
        while not stopping.is_set():
            await unless_away(self.look())
            await rest(stopping, TELL_EVERY_S)
            self._repeat_in_s -= TELL_EVERY_S

    async def look(self) -> int:
        """Hear what others met, tell what is so here. How many circuits are open anywhere.

        The first time, rows under our own name count as another's: they are of a process before.
        """
        told = await asyncio.to_thread(self._circuits.read)
        self._hear(told)
        opened = self._opened()
        if opened != self._told or (opened and self._repeat_in_s <= 0):
            await asyncio.to_thread(self._circuits.write, self._process, opened)
            self._told, self._repeat_in_s = opened, REPEAT_EVERY_S
        return len(told)

    def _opened(self) -> list[OpenCircuit]:
        return [
            OpenCircuit(
                provider=provider,
                account=account,
                process=self._process,
                since=outage.since,
                next_probe_at=outage.next_probe_at,
                reason=outage.reason,
            )
            for (provider, account), guard in self._guards.items()
            if (outage := guard.circuit.outage) is not None
        ]

    def _hear(self, told: Sequence[OpenCircuit]) -> None:
        """What others met is no proof here, but reason enough to probe before anything is sent;
        once for each outage that each of them met."""
        self._heard &= {(each.provider, each.account, each.process, each.since) for each in told}
        for each in told:
            guard = self._guards.get((each.provider, each.account))
            known = (each.provider, each.account, each.process, each.since)
            ours = each.process == self._process and self._told is not None
            if ours or guard is None or known in self._heard:
                continue
            self._heard.add(known)
            guard.circuit.suspect(each.reason)
