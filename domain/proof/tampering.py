"""What happened to a log, told from the rows that are there and the hashes of those that were.

A hash cannot be turned back, but it can be tried: a row that was moved has, at its old position,
its old hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import attrs

from domain.proof.canonical import moved, place_of, position_of
from domain.proof.merkle import leaf_hash


class Kind(Enum):
    """How a log was broken."""

    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    # Not the facts, but what is sealed about them.
    SEAL_EDITED = "seal-edited"
    SEAL_MISSING = "seal-missing"
    SEAL_UNSIGNED = "seal-unsigned"
    # The facts are as they were sealed, and yet no log of ours.
    VERSIONS = "stream-versions"
    PERIOD_HASH = "period-hash-wrong"
    REPLACED = "replaced"


@attrs.frozen(kw_only=True)
class Broken:
    """The first place at which a log is not what was sealed. position: of the fact."""

    position: int
    kind: Kind
    words: str


def what_happened(position: int, sealed: Sequence[bytes], rows: Sequence[bytes]) -> Broken:
    """What happened at the first position whose row does not have its sealed hash.

    sealed: the hashes of leaves from `position` on; rows: the rows from there on, in the order of
    their positions. The longer both are, the further a row may have been moved.
    """
    if not rows:
        return _broken(position, Kind.DELETED, f"position {position} and what followed is gone")
    here = position_of(rows[0])
    if here > position:
        gone = f"position {position}" if here == position + 1 else f"{position} to {here - 1}"
        return _broken(position, Kind.DELETED, f"no fact at {gone}")
    came_from = _sealed_place(rows[0], position, sealed, rows)
    now_at = _row_that_was(position, sealed[0], rows)
    if came_from is not None and now_at is not None:
        words = f"the fact of position {came_from} stands at {position}, its own at {now_at}"
        return _broken(position, Kind.REORDERED, words)
    if now_at is not None:
        words = f"a fact that was never sealed stands at {position}; its own follows at {now_at}"
        return _broken(position, Kind.INSERTED, words)
    if came_from is not None:
        words = f"the fact of position {came_from} stands at {position}, whose own is gone"
        return _broken(position, Kind.DELETED, words)
    return _broken(position, Kind.EDITED, f"the fact at {position} is not the one that was sealed")


def _broken(position: int, kind: Kind, words: str) -> Broken:
    return Broken(position=position, kind=kind, words=words)


def _sealed_place(
    row: bytes, position: int, sealed: Sequence[bytes], rows: Sequence[bytes]
) -> int | None:
    """The later position at which this row was sealed."""
    for ahead in range(1, len(sealed)):
        neighbour = rows[ahead] if ahead < len(rows) else row
        if sealed[ahead] in _leaves(row, position + ahead, neighbour):
            return position + ahead
    return None


def _row_that_was(position: int, leaf: bytes, rows: Sequence[bytes]) -> int | None:
    """Where the fact that was sealed at a position stands now."""
    for row in rows[1:]:
        if leaf in _leaves(row, position, rows[0]):
            return position_of(row)
    return None


def _leaves(row: bytes, position: int, neighbour: bytes) -> set[bytes]:
    """The hashes that a row would have at a position: with its own version of the stream, with the
    one beside it where the stream's others were moved up or down, and with that of who is there."""
    version, other = place_of(row)[1], place_of(neighbour)[1]
    versions = {version, version - 1, version + 1, other}
    return {leaf_hash(moved(row, position=position, version=each)) for each in versions}
