"""Snapshots: folded streams, kept so that long ones load fast. A cache, never the truth.

A snapshot is used only if it was made by this shape of the state and this version of the fold,
and if its bytes are what was written for this stream at this version. Anything else is passed
over, and the state is folded from the facts. The table may be emptied at any time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from eventsourcing.persistence import InterfaceError, OperationalError
from eventsourcing.postgres import PostgresDatastore
from eventsourcing.utils import retry
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from domain.refusals import Refused

S = TypeVar("S")
_lost_connection = retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)


class Snapshot(NamedTuple, Generic[S]):
    """A state and the version of the stream that it is the state of."""

    version: int
    state: S


def shape_of(state_type: type[Any], version: int) -> str:
    """A mark of the code that makes a state: its fields and types, and the fold's version.

    version: raised by hand when the fold changes what it makes of the same facts; a change of
        fields or types is noticed by itself.
    """
    schema = msgspec.json.encode(msgspec.json.schema(state_type), order="sorted")
    return f"{version}-{hashlib.blake2b(schema, digest_size=12).hexdigest()}"


def _checksum(stream: str, version: int, state: bytes) -> bytes:
    # Stream and version are in it: a row that was moved or relabelled does not pass either.
    return hashlib.blake2b(f"{stream}@{version}:".encode() + state, digest_size=16).digest()


class Snapshots(Generic[S]):
    """The snapshots of one state type in one set of books."""

    def __init__(self, datastore: PostgresDatastore, state_type: type[S], version: int) -> None:
        self._datastore = datastore
        self._shape = shape_of(state_type, version)
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(state_type)
        table = Identifier(datastore.schema, "snapshots")
        self._select = SQL(
            "SELECT stream, version, state, checksum FROM {} WHERE stream = ANY(%b) AND shape = %b"
        ).format(table)
        # An older snapshot never takes the place of a newer one of the same shape.
        self._upsert = SQL(
            "INSERT INTO {table} AS s (stream, version, shape, state, checksum) "
            "SELECT stream, version, %b, state, checksum "
            "FROM unnest(%b::text[], %b::bigint[], %b::bytea[], %b::bytea[]) "
            "AS i(stream, version, state, checksum) ORDER BY stream "
            "ON CONFLICT (stream) DO UPDATE SET version = excluded.version, "
            "shape = excluded.shape, state = excluded.state, checksum = excluded.checksum "
            "WHERE s.shape <> excluded.shape OR s.version <= excluded.version"
        ).format(table=table)

    @_lost_connection
    def load(self, streams: Sequence[str]) -> dict[str, Snapshot[S]]:
        """The usable snapshots of these streams."""
        with (
            self._datastore.get_connection() as conn,
            conn.cursor(row_factory=tuple_row, binary=True) as cursor,
        ):
            cursor.execute(self._select, (list(streams), self._shape), prepare=True)
            rows = cursor.fetchall()
        found = {}
        for stream, version, state, checksum in rows:
            if checksum != _checksum(stream, version, state):
                continue
            try:
                found[stream] = Snapshot(version, self._decoder.decode(state))
            except (msgspec.DecodeError, Refused, TypeError, ValueError):
                continue
        return found

    @_lost_connection
    def save(self, items: Sequence[tuple[str, int, S]]) -> None:
        """Keep (stream, version, state). The last of several for one stream counts."""
        latest = {stream: (version, self._encoder.encode(s)) for stream, version, s in items}
        if not latest:
            return
        versions = [version for version, _ in latest.values()]
        states = [state for _, state in latest.values()]
        sums = [_checksum(stream, *kept) for stream, kept in latest.items()]
        with self._datastore.get_connection() as conn:
            conn.execute(
                self._upsert,
                (self._shape, list(latest), versions, states, sums),
                prepare=True,
                binary=True,
            )
