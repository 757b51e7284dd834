"""Settlements and what people said of them, folded from their facts. Folding refuses nothing."""

from __future__ import annotations

from datetime import date

import attrs

from domain.settlement_ports import SettledTotal, SettlementLine
from domain.settlements.events import (
    ExceptionAssigned,
    ExceptionDecided,
    MatchConfirmed,
    ReconciliationEvent,
    SettlementEvent,
    SettlementLinesRead,
    SettlementRead,
)


@attrs.frozen(kw_only=True)
class Statement:
    """The latest version of a settlement; see SettlementRead.

    place: "provider/account". seen_on: UTC day on which the first version was recorded.
    """

    place: str
    settlement_id: str
    version: int
    source: str
    sha256: str
    settled_on: date
    paid: bool
    totals: tuple[SettledTotal, ...]
    lines: tuple[SettlementLine, ...]
    seen_on: date


@attrs.define
class SettlementState:
    """One settlement's stream; changed in place. statement: None before its first head.

    known: the digests of all versions. pending: lines that wait for their head.
    """

    statement: Statement | None = None
    known: list[str] = attrs.field(factory=list)
    pending: list[SettlementLine] = attrs.field(factory=list)

    def take(self, event: SettlementEvent, recorded_on: date) -> None:
        """One more fact. recorded_on: the UTC day on which it was recorded."""
        match event:
            case SettlementLinesRead(first=first, lines=lines):
                if first == 1:  # what was left of a reading that never ended is replaced
                    self.pending = []
                self.pending.extend(lines)
            case SettlementRead():
                # A head without lines may follow what a reading that never ended has left.
                lines = tuple(self.pending) if event.lines else ()
                self.statement = Statement(
                    place=f"{event.provider.value}/{event.account}",
                    settlement_id=event.settlement_id,
                    version=event.version,
                    source=event.source,
                    sha256=event.sha256,
                    settled_on=event.settled_on,
                    paid=event.paid,
                    totals=event.totals,
                    lines=lines,
                    seen_on=recorded_on if self.statement is None else self.statement.seen_on,
                )
                self.known.append(event.sha256)
                self.pending = []


@attrs.define
class Said:
    """What people said about an account's exceptions; changed in place.

    owners: by exception. decisions: likewise. confirmed: movement by line.
    """

    owners: dict[str, str] = attrs.field(factory=dict)
    decisions: dict[str, ExceptionDecided] = attrs.field(factory=dict)
    confirmed: dict[str, str] = attrs.field(factory=dict)

    def take(self, event: ReconciliationEvent) -> None:
        """One more fact."""
        match event:
            case ExceptionAssigned(exception_id=exception_id, owner=owner):
                self.owners[exception_id] = owner
            case ExceptionDecided(exception_id=exception_id):
                self.decisions[exception_id] = event
            case MatchConfirmed(line_id=line_id, movement=movement):
                self.confirmed[line_id] = movement
