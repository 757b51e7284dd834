"""The library's stored events, with the metadata that our table has beside them.

The library knows an event as id, version, topic and state. Here these are stream, version, stored
name and JSON text, and each event carries its own id, both its times, and who caused it and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

import attrs
from eventsourcing.persistence import Notification, StoredEvent

from domain.identity import event_id
from domain.recorded import Event, Recorded, Stamp
from infrastructure.store.appending import Addition, Row

E = TypeVar("E", bound=Event, covariant=True)

# What a plain StoredEvent, of which nobody said who caused it, is recorded as.
UNKNOWN_ACTOR = b"library"


@dataclass(frozen=True)
class NewEvent(StoredEvent):
    """An event on its way into the ledger."""

    event_id: UUID
    effective_at: datetime
    actor: str
    cause: str
    command_id: UUID


@dataclass(frozen=True)
class RecordedEvent(Notification):
    """An event as it lies in the ledger; `id` is its position."""

    event_id: UUID
    recorded_at: datetime
    effective_at: datetime
    actor: str
    cause: str
    command_id: UUID


@attrs.frozen(kw_only=True)
class Draft(Generic[E]):
    """A fact that is to be saved through the library's own interface, at a place in a stream."""

    stream: str
    version: int
    stamp: Stamp
    event: E

    @property
    def originator_id(self) -> str:
        """The library's name for the stream."""
        return self.stream

    @property
    def originator_version(self) -> int:
        """The library's name for the version."""
        return self.version

    @property
    def event_id(self) -> UUID:
        """Derived from the command and the place, so that a repeat is recognised."""
        return event_id(self.stamp.command_id, self.stream, self.version)


class Fact(Recorded[Any]):
    """A recorded fact as the library's interface hands it out."""

    @property
    def originator_id(self) -> str:
        """The library's name for the stream."""
        return self.stream

    @property
    def originator_version(self) -> int:
        """The library's name for the version."""
        return self.version


def additions_of(stored: Sequence[StoredEvent], now: datetime) -> list[Addition]:
    """Stored events as additions, one a stream, in the order of their first events.

    A plain StoredEvent gets an id of its own here, once: a retry of the same insert is recognised,
    another insert of the same event is a conflict, as the library's contract has it.
    """
    rows: dict[str, list[Row]] = {}
    for event in stored:
        rows.setdefault(str(event.originator_id), []).append(_row(event, now))
    return [Addition(stream, found[0].version - 1, found) for stream, found in rows.items()]


def _row(event: StoredEvent, now: datetime) -> Row:
    row = Row(
        stream=str(event.originator_id).encode(),
        version=event.originator_version,
        name=event.topic.encode(),
        body=event.state,
        event_id=uuid4().bytes,
        effective_at=now,
        actor=UNKNOWN_ACTOR,
        cause=b"",
        command_id=uuid4().bytes,
    )
    if not isinstance(event, NewEvent):
        return row
    return row._replace(
        event_id=event.event_id.bytes,
        effective_at=event.effective_at,
        actor=event.actor.encode(),
        cause=event.cause.encode(),
        command_id=event.command_id.bytes,
    )
