"""A small log in memory and projections over it, for the tests of stored projections."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs

from domain.recorded import Recorded
from infrastructure.store.folding import LogItem
from projections.table import Column, ColumnType, TableProjection

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NO_ID = UUID(int=0)


@attrs.frozen
class Paid:
    """Someone paid `amount` (minor units); `effective_at` as in all events."""

    amount: int
    effective_at: datetime = NOW


@attrs.frozen
class Closed:
    """The account is gone."""

    effective_at: datetime = NOW


@attrs.frozen(kw_only=True)
class Poison:
    """As the ledger's: an event that cannot be decoded."""

    position: int
    stream: str
    version: int
    name: str = "paid.v9"
    reason: str = "unknown name"


class ListLog:
    """A log held in memory: `add` appends, positions and versions count from 1."""

    def __init__(self) -> None:
        self.items: list[LogItem] = []
        self.reads = 0

    def add(self, stream: str, *events: Any) -> None:
        """Append events to a stream; None stands for one that cannot be decoded."""
        for event in events:
            version = 1 + sum(item.stream == stream for item in self.items)
            position = len(self.items) + 1
            item = (
                Poison(position=position, stream=stream, version=version)
                if event is None
                else recorded(position, stream, version, event)
            )
            self.items.append(item)

    def read_log(self, after: int, limit: int, stop: int | None = None) -> Sequence[LogItem]:
        self.reads += 1
        return self.items[after : min(after + limit, stop if stop is not None else len(self.items))]

    def read_beginnings(self, after: int, limit: int, stop: int) -> Sequence[LogItem]:
        return [i for i in self.items[after:stop] if i.version == 1][:limit]

    def read_together(
        self, streams: Sequence[str], after: int, limit: int, stop: int
    ) -> Sequence[LogItem]:
        return [i for i in self.items[after:stop] if i.stream in streams][:limit]

    def read_stream(self, stream: str, after_version: int = 0) -> Sequence[Any]:
        return [i for i in self.items if i.stream == stream and i.version > after_version]

    def head(self) -> int:
        return len(self.items)


def recorded(position: int, stream: str, version: int, event: Any) -> Recorded[Any]:
    return Recorded(
        position=position,
        stream=stream,
        version=version,
        event_id=NO_ID,
        recorded_at=NOW,
        actor="test",
        cause="test",
        command_id=NO_ID,
        event=event,
    )


@attrs.frozen
class Account:
    """What was paid into one account. amounts: in the order of the log."""

    total: int
    amounts: tuple[int, ...] = ()
    last_at: datetime | None = None
    tags: frozenset[str] = frozenset()


def apply_account(row: Account | None, key: str, fact: Recorded[Any]) -> Account | None:
    """A sum that shows when something is applied twice, and an order that shows in `amounts`."""
    match fact.event:
        case Paid(amount=amount, effective_at=at):
            row = row or Account(0)
            if amount == 13:
                raise ArithmeticError("thirteen is not for this projection")
            tags = row.tags | {f"tag-{amount % 5}"}
            return Account(row.total + amount, (*row.amounts, amount)[-8:], at, tags)
        case Closed():
            return None
    return row


def fixed_apply(row: Account | None, key: str, fact: Recorded[Any]) -> Account | None:
    """As the toy's apply, but thirteen is well."""
    row = row or Account(0)
    amount = fact.event.amount
    return attrs.evolve(row, total=row.total + amount, amounts=(*row.amounts, amount))


def accounts(name: str = "accounts", version: int = 1, **changes: Any) -> TableProjection[Account]:
    """One row a stream."""
    plain = TableProjection(
        name=name,
        version=version,
        row_type=Account,
        keys_of=lambda fact: (fact.stream,),
        apply=apply_account,
        columns={
            "total": Column(ColumnType.INTEGER, lambda row: row.total, indexed=True),
            "last_at": Column(ColumnType.INSTANT, lambda row: row.last_at),
            "big": Column(ColumnType.FLAG, lambda row: row.total > 100),
            "last_day": Column(ColumnType.DAY, lambda row: row.last_at and row.last_at.date()),
            "label": Column(ColumnType.TEXT, lambda row: f"total {row.total}"),
        },
    )
    return attrs.evolve(plain, **changes)


def groups(name: str = "groups", version: int = 1) -> TableProjection[Account]:
    """One row for all streams of the same first letter: rows that several streams touch."""
    return accounts(name, version, keys_of=lambda fact: (f"group-{fact.stream[0]}",))


def expected_rows(projection: TableProjection[Any], items: Sequence[Any]) -> dict[str, Any]:
    """The rows by the plainest fold there is."""
    rows: dict[str, Any] = {}
    for item in items:
        for key in projection.keys_of(item):
            rows[key] = projection.apply(rows.get(key), key, item)
    return {key: row for key, row in rows.items() if row is not None}


def busy_log(streams: int, events: int) -> ListLog:
    """A log in which streams take turns; some accounts close and open again."""
    log = ListLog()
    versions = dict.fromkeys(range(streams), 0)
    for number in range(events):
        stream = (number * 7 + number // streams) % streams
        versions[stream] += 1
        amount = number % 97
        closing = number % 31 == 30
        at = NOW + timedelta(hours=number)
        event = Closed(at) if closing else Paid(amount if amount != 13 else 14, at)
        letter = "abc"[stream % 3]
        log.items.append(recorded(number + 1, f"{letter}-{stream}", versions[stream], event))
    return log
