"""Lets the tokens of subscriptions go that ended long ago, where the settings say so."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from domain.refusals import Refused
from infrastructure.bootstrap import System
from infrastructure.commands.deciding import StreamBusy
from infrastructure.commands.letting_go import idle_tokens
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.store.ledger import Unreadable
from infrastructure.workers.agenda_worker import rest, unless_away

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 60.0
_BATCH = 100


class IdleTokens:
    """Looks now and then; several processes do no harm to each other: a token is let go once."""

    def __init__(self, system: System) -> None:
        self._system = system

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`."""
        while not stopping.is_set():
            await unless_away(asyncio.to_thread(self.let_go))
            await rest(stopping, LOOK_EVERY_S)

    def let_go(self) -> int:
        """Let the tokens go of subscriptions whose time has come; of how many."""
        days = self._system.settings.delete_tokens_after_days
        if days is None:
            return 0
        ended_by = self._system.clock() - timedelta(days=days)
        commands = Subscriptions(self._system, actor="worker")
        let_go = waiting = 0
        while found := idle_tokens(self._system, ended_by, limit=_BATCH, offset=waiting):
            for each in found:
                try:
                    changed = commands.delete_idle_tokens(each, ended_by=ended_by).changed
                except (Refused, StreamBusy, Unreadable) as error:
                    log.warning("tokens not let go", subscription=each, reason=str(error))
                    changed = False
                let_go += changed
            # What stays in the list waits for an outcome, or is not known there yet.
            waiting += len(found)
        return let_go
