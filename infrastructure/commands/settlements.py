"""Settlements: read from a provider or a file, and written down once.

errors: Refused as in reading.read, and "account-unknown". Nothing of a settlement counts before its
head is written, so one that was half written is read again as if nothing had been.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

import attrs

from domain.identity import settlement_stream
from domain.providers import Provider
from domain.settlement_ports import (
    SettlementLine,
    SettlementReport,
    SettlementSource,
    SettlementUnreadable,
)
from domain.settlements.events import SettlementEvent
from domain.settlements.reading import Change, changes, read
from domain.settlements.state import SettlementState, Statement
from infrastructure.bootstrap import System
from infrastructure.commands.deciding import TRIES, Deciding, StreamBusy
from infrastructure.commands.restoring import Restoring
from infrastructure.store.ledger import Append, Appended

# Ten thousand lines: some two megabytes in one transaction.
FACTS_AN_APPEND = 20


@attrs.frozen(kw_only=True)
class Taken:
    """What came of a settlement. version: the one that it is; changed: whether it is a new one.

    changes: what differs from the version before. position: reads at or after it show it.
    lost: references of charges that these books made, and that are not in them any more.
    """

    settlement_id: str
    version: int
    changed: bool
    changes: tuple[Change, ...]
    position: int
    lost: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Fetched:
    """What one account gave. problem: why nothing more of it was taken, or ""."""

    provider: Provider
    account: str
    taken: tuple[Taken, ...]
    problem: str = ""


class Settlements(Deciding):
    """Commands on settlements. Blocking; safe for many threads."""

    def __init__(self, system: System, *, actor: str) -> None:
        super().__init__(system, actor=actor)
        self._system = system
        self._restoring = Restoring(system, actor=actor)

    def take(
        self,
        provider: Provider,
        account: str,
        report: SettlementReport,
        *,
        source: str,
        command_id: UUID | None = None,
    ) -> Taken:
        """Write a settlement down, if it is not known as it is."""
        self._check_account(provider, account)
        settlement_id = report.settlement.settlement_id
        stream = settlement_stream(provider.value, account, settlement_id)
        lost: tuple[str, ...] = ()
        for _ in range(TRIES):
            state, version = self._settlement(stream)
            facts = read(
                state,
                report,
                provider=provider,
                account=account,
                source=source,
                now=self._clock(),
            )
            before = _lines(state)
            if not facts:
                head = self._ledger.head()
                known = len(state.known)
                return Taken(
                    settlement_id=settlement_id,
                    version=known,
                    changed=False,
                    changes=(),
                    position=head,
                )
            # Before it is written: after a crash in between it is read, and noticed, again.
            lost = self._restoring.notice(report.lines, settlement=settlement_id) or lost
            position = self._append_all(stream, version, facts, command_id)
            if position is not None:
                return Taken(
                    settlement_id=settlement_id,
                    version=len(state.known) + 1,
                    changed=True,
                    changes=changes(before, report.lines) if state.known else (),
                    position=position,
                    lost=lost,
                )
        raise StreamBusy(f"settlement {settlement_id} is being written by others")

    def versions(self, provider: Provider, account: str, settlement_id: str) -> list[Statement]:
        """Every version of a settlement, oldest first; none where it is not known."""
        state, found = SettlementState(), []
        stream = settlement_stream(provider.value, account, settlement_id)
        for each in self._ledger.read_stream(stream):
            before = state.statement
            state.take(each.event, _day(each.recorded_at))
            if state.statement is not None and state.statement is not before:
                found.append(state.statement)
        return found

    def fetch(self, since: date, until: date, *, only: str | None = None) -> list[Fetched]:
        """Read the settlements of some days from every account that has them.

        only: this account, e.g. "paypal/main". Safe to repeat: what is known is nothing new.
        Raises: SettingsError.
        """
        return asyncio.run(self._fetch(since, until, only))

    async def _fetch(self, since: date, until: date, only: str | None) -> list[Fetched]:
        sources = self._system.settlement_sources()
        found = []
        try:
            for (provider, account), source in sorted(sources.items()):
                if only in (None, f"{provider}/{account}"):
                    found.append(
                        await self._from(source, Provider(provider), account, since, until)
                    )
        finally:
            for source in sources.values():
                await source.close()
        return found

    async def _from(
        self,
        source: SettlementSource,
        provider: Provider,
        account: str,
        since: date,
        until: date,
    ) -> Fetched:
        """One account. What cannot be read ends it; what was read before that is kept."""
        listed = await source.settlements(since, until)
        if not isinstance(listed, tuple):
            return Fetched(provider=provider, account=account, taken=(), problem=_words(listed))
        taken: list[Taken] = []
        for settlement in sorted(listed, key=lambda one: (one.settled_on, one.settlement_id)):
            report = await source.report(settlement)
            if not isinstance(report, SettlementReport):
                return Fetched(
                    provider=provider,
                    account=account,
                    taken=tuple(taken),
                    problem=f"{settlement.settlement_id}: {_words(report)}",
                )
            # The ledger blocks; nothing else runs in this loop but the connections.
            taken.append(self.take(provider, account, report, source="api"))
        return Fetched(provider=provider, account=account, taken=tuple(taken))

    def _settlement(self, stream: str) -> tuple[SettlementState, int]:
        state, version = SettlementState(), 0
        for each in self._ledger.read_stream(stream):
            state.take(each.event, _day(each.recorded_at))
            version = each.version
        return state, version

    def _append_all(
        self,
        stream: str,
        version: int,
        facts: Sequence[SettlementEvent],
        command_id: UUID | None,
    ) -> int | None:
        """Lines first, the head last; None where somebody else wrote in between."""
        stamp, position = self._stamp("command:settlement", command_id), 0
        for start in range(0, len(facts), FACTS_AN_APPEND):
            some = facts[start : start + FACTS_AN_APPEND]
            append = Append(stream, version + start, tuple(some), stamp)
            (result,) = self._ledger.append([append], now=self._clock())
            if not isinstance(result, Appended):
                return None
            position = result.position
        return position


def _lines(state: SettlementState) -> tuple[SettlementLine, ...]:
    return () if state.statement is None else state.statement.lines


def _words(answer: object) -> str:
    """Why nothing was read, on one line."""
    if isinstance(answer, SettlementUnreadable):
        where = f" (row {answer.row})" if answer.row else ""
        return f"{answer.code}: {answer.words}{where}"
    return str(getattr(answer, "reason", answer))


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
