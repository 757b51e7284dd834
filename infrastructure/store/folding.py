"""A batch of the log folded into the rows of one projection: no database, no clock.

The live runner, the rebuild and the audit all fold through here, so they cannot differ.

An event that cannot be read, or that a projection cannot apply, parks its stream for that
projection: it and every later event of the stream are held, the other streams go on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import attrs

from domain.recorded import Recorded
from projections.table import TableProjection

Row = TypeVar("Row")


class PoisonEvent(Protocol):
    """An event of the log that cannot be decoded, as the ledger hands it out."""

    @property
    def position(self) -> int: ...
    @property
    def stream(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def reason(self) -> str: ...


LogItem = Recorded[Any] | PoisonEvent


class Log(Protocol):
    """What a fold needs of the ledger."""

    def read_log(self, after: int, limit: int, stop: int | None = None) -> Sequence[LogItem]:
        """At most `limit` events with after < position <= stop, in order."""

    def read_stream(self, stream: str, after_version: int = 0) -> Sequence[Recorded[Any]]:
        """One stream's events with a version above `after_version`, in order."""

    def head(self) -> int:
        """The last position of the log; 0 when it is empty."""


@attrs.frozen
class Held(Generic[Row]):
    """A row as it stands: None where there is none; position of the last fact applied to it."""

    row: Row | None
    position: int


@attrs.frozen
class Unreadable:
    """A stored row that is not of its projection's type; streams that touch it are parked."""

    reason: str


@attrs.frozen(kw_only=True)
class Parked:
    """A stream set aside for one projection, from this event on.

    position, stream_version: of the first event that was not applied.
    reason: for the operator; holds a name of an error and its words.
    """

    stream: str
    position: int
    stream_version: int
    reason: str


@attrs.frozen
class Touch:
    """One event and the keys of the rows that it touches."""

    recorded: Recorded[Any]
    keys: tuple[str, ...]


@attrs.define
class Folded(Generic[Row]):
    """What a batch did: rows changed (row None: removed), and streams newly parked.

    late: keys of rows that held newer facts than one now applied; never so in log order.
    """

    changed: dict[str, Held[Row]]
    parked: dict[str, Parked]
    late: tuple[str, ...] = ()


class RowUnreadable(Exception):
    """Raised inside a fold where an event meets a row that cannot be read."""


Check = Callable[[str, Any], object]


def touches_of(
    projection: TableProjection[Any], items: Sequence[LogItem], parked: Collection[str]
) -> tuple[list[Touch], dict[str, Parked]]:
    """The events of a batch that touch rows, and the streams that it parks before any fold.

    parked: streams that are set aside already; their events are left out.
    """
    touches: list[Touch] = []
    parked_now: dict[str, Parked] = {}
    keys_of = projection.keys_of
    for item in items:
        stream = item.stream
        if stream in parked or stream in parked_now:
            continue
        if not isinstance(item, Recorded):
            parked_now[stream] = parked_at(item, f"{item.name}: {item.reason}")
            continue
        try:
            keys = keys_of(item)
        # A projection is a pure function of ours: whatever it raises is a fault in it or an event
        # it was not written for. To stop the runner would stop every customer for one.
        except Exception as error:
            parked_now[stream] = parked_at(item, f"keys_of: {type(error).__name__}: {error}")
            continue
        if keys:
            touches.append(Touch(item, keys))
    return touches, parked_now


def fold(
    projection: TableProjection[Row],
    touches: Sequence[Touch],
    rows: Mapping[str, Held[Row] | Unreadable],
    check: Check | None = None,
) -> Folded[Row]:
    """The rows after the touches, in order.

    rows: what stands now, by key; a missing key has no row.
    check: raises for a row that could not be stored; its event parks the stream like one that
        cannot be applied. None: rows are not checked one by one.
    """
    changed: dict[str, Held[Row]] = {}
    parked: dict[str, Parked] = {}
    late: dict[str, None] = {}
    for touch in touches:
        recorded = touch.recorded
        if recorded.stream in parked:
            continue
        try:
            after = _rows_after(projection, touch, changed, rows)
            if check is not None:
                for key, held in after.items():
                    check(key, held.row)
        # As in touches_of. No row has been changed yet: an event is applied whole or not at all.
        except Exception as error:
            parked[recorded.stream] = parked_at(recorded, f"{type(error).__name__}: {error}")
            continue
        for key, held in after.items():
            changed[key] = held
            if held.position > recorded.position:
                late[key] = None
    return Folded(changed, parked, tuple(late))


def _rows_after(
    projection: TableProjection[Row],
    touch: Touch,
    changed: Mapping[str, Held[Row]],
    rows: Mapping[str, Held[Row] | Unreadable],
) -> dict[str, Held[Row]]:
    """What one event makes of the rows that it touches."""
    recorded = touch.recorded
    after: dict[str, Held[Row]] = {}
    for key in touch.keys:
        held = changed.get(key) or rows.get(key)
        if isinstance(held, Unreadable):
            raise RowUnreadable(f"row {key!r}: {held.reason}")
        row = projection.apply(held.row if held else None, key, recorded)
        # A replay of a parked stream brings older facts to a row that others have moved on.
        position = max(recorded.position, held.position) if held else recorded.position
        after[key] = Held(row, position)
    return after


def parked_at(item: LogItem, reason: str) -> Parked:
    """Its stream set aside from an item on."""
    return Parked(
        stream=item.stream,
        position=item.position,
        stream_version=item.version,
        reason=reason[:1000].replace("\x00", "\\0"),
    )
