"""The one way in which a recorded fact becomes bytes.

    number of fields     2 bytes, always 11
    each field           length in 4 bytes, then that many bytes

Fields, in this order: position, stream, version, name, body, event_id, recorded_at, effective_at,
actor, cause, command_id. Numbers are signed, 8 bytes; texts are UTF-8; the body is the JSON text as
it is stored, to the last space; ids are their 16 bytes; times are microseconds since
2000-01-01T00:00:00Z, signed, 8 bytes. All numbers most significant byte first. No two facts have
the same bytes, because every length is there.

It is also how PostgreSQL writes a row in COPY ... (FORMAT binary), so the log can be hashed as the
server sends it, and nothing is built on the way.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID

import attrs

COLUMNS = (
    "position",
    "stream",
    "version",
    "name",
    "body",
    "event_id",
    "recorded_at",
    "effective_at",
    "actor",
    "cause",
    "command_id",
)
_COUNT = struct.pack("!h", len(COLUMNS))
_NUMBER, _LENGTH = struct.Struct("!q"), struct.Struct("!i")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Where the position's 8 bytes and the stream's length begin: after the count and one length.
_POSITION_AT, _STREAM_AT = 6, 14


class NotCanonical(ValueError):
    """Bytes that are no fact; the text says where they go wrong."""


@attrs.frozen(kw_only=True)
class RawFact:
    """A fact as it lies in the log, its body not decoded. Times in UTC; see domain.recorded."""

    position: int
    stream: str
    version: int
    name: str
    body: str
    event_id: UUID
    recorded_at: datetime
    effective_at: datetime
    actor: str
    cause: str
    command_id: UUID


def encode(fact: RawFact) -> bytes:
    """The bytes of a fact. Raises: struct.error for a number that 8 bytes do not hold."""
    fields = (
        _NUMBER.pack(fact.position),
        fact.stream.encode(),
        _NUMBER.pack(fact.version),
        fact.name.encode(),
        fact.body.encode(),
        fact.event_id.bytes,
        _NUMBER.pack((fact.recorded_at - _EPOCH) // _MICROSECOND),
        _NUMBER.pack((fact.effective_at - _EPOCH) // _MICROSECOND),
        fact.actor.encode(),
        fact.cause.encode(),
        fact.command_id.bytes,
    )
    return _COUNT + b"".join(_LENGTH.pack(len(each)) + each for each in fields)


def decode(data: bytes) -> RawFact:
    """The fact of these bytes. Raises: NotCanonical."""
    if data[:2] != _COUNT:
        raise NotCanonical(f"not a fact of {len(COLUMNS)} fields")
    fields, at = [], 2
    for _ in COLUMNS:
        field, at = _field(data, at)
        fields.append(field)
    if at != len(data):
        raise NotCanonical(f"{len(data) - at} bytes follow the last field")
    try:
        return RawFact(
            position=_number(fields[0]),
            stream=fields[1].decode(),
            version=_number(fields[2]),
            name=fields[3].decode(),
            body=fields[4].decode(),
            event_id=UUID(bytes=fields[5]),
            recorded_at=_instant(fields[6]),
            effective_at=_instant(fields[7]),
            actor=fields[8].decode(),
            cause=fields[9].decode(),
            command_id=UUID(bytes=fields[10]),
        )
    except (ValueError, OverflowError) as error:
        raise NotCanonical(str(error)) from error


def position_of(data: bytes) -> int:
    """The position in a fact's bytes."""
    return int.from_bytes(data[_POSITION_AT:_STREAM_AT], signed=True)


def place_of(data: bytes) -> tuple[bytes, int]:
    """The stream, in UTF-8, and the version in a fact's bytes, which are taken to be a fact's."""
    end = _STREAM_AT + 4 + int.from_bytes(data[_STREAM_AT : _STREAM_AT + 4])
    return data[_STREAM_AT + 4 : end], int.from_bytes(data[end + 4 : end + 12], signed=True)


def moved(data: bytes, *, position: int, version: int | None = None) -> bytes:
    """The same fact at another position, and at another version of its stream if one is given."""
    stream, at = _field(data, _STREAM_AT)
    end = at + _LENGTH.size + _NUMBER.size
    kept = data[at:end] if version is None else _LENGTH.pack(8) + _NUMBER.pack(version)
    head = data[:_POSITION_AT] + _NUMBER.pack(position)
    return head + _LENGTH.pack(len(stream)) + stream + kept + data[end:]


def _field(data: bytes, at: int) -> tuple[bytes, int]:
    """A field and where the next one begins."""
    begins = at + _LENGTH.size
    if begins > len(data):
        raise NotCanonical(f"the bytes end within a length, at {at}")
    (length,) = _LENGTH.unpack_from(data, at)
    if length < 0 or begins + length > len(data):
        raise NotCanonical(f"a field of {length} bytes at {at} in {len(data)}")
    return bytes(data[begins : begins + length]), begins + length


def _number(field: bytes) -> int:
    if len(field) != _NUMBER.size:
        raise NotCanonical(f"a number of {len(field)} bytes")
    (value,) = _NUMBER.unpack(field)
    return int(value)


def _instant(field: bytes) -> datetime:
    return _EPOCH + _number(field) * _MICROSECOND
