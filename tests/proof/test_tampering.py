"""What happened to a log, told from rows and sealed hashes; without a database."""

from __future__ import annotations

import attrs
import pytest

from domain.proof.canonical import RawFact, encode
from domain.proof.merkle import leaf_hash
from domain.proof.tampering import Kind, what_happened
from tests.proof.proofs import tree_of

FACTS = tree_of(80, 0).facts
SEALED = [leaf_hash(encode(each)) for each in FACTS]
AT = 41  # its rows begin here; the fact at it is of a stream of five


def renumbered(facts: list[RawFact]) -> list[RawFact]:
    """With positions that follow one another."""
    first = FACTS[AT - 1].position
    return [attrs.evolve(each, position=first + n) for n, each in enumerate(facts)]


def told(rows: list[RawFact], position: int = AT) -> tuple[int, Kind]:
    """What is found."""
    found = what_happened(position, SEALED[position - 1 :], [encode(each) for each in rows])
    assert found.words
    return found.position, found.kind


def rest() -> list[RawFact]:
    return list(FACTS[AT - 1 :])


def test_edited() -> None:
    """The row is nowhere among the sealed ones, and the sealed one nowhere among the rows."""
    rows = rest()
    rows[0] = attrs.evolve(rows[0], body="{}")
    assert told(rows) == (AT, Kind.EDITED)
    assert told(rows[:1]) == (AT, Kind.EDITED)


def test_deleted() -> None:
    """A gap, a gap that was closed, an end that is gone, a whole end."""
    assert told(rest()[1:]) == (AT, Kind.DELETED)
    assert told(renumbered(rest()[1:])) == (AT, Kind.DELETED)
    assert told(renumbered(rest()[3:])) == (AT, Kind.DELETED)
    assert told([]) == (AT, Kind.DELETED)


def test_deleted_and_the_stream_closed_up() -> None:
    """Positions and versions moved down."""
    rows = renumbered(rest()[1:])
    stream = FACTS[AT - 1].stream
    closed = [
        attrs.evolve(each, version=each.version - 1) if each.stream == stream else each
        for each in rows
    ]
    assert told(closed) == (AT, Kind.DELETED)


def test_inserted() -> None:
    """What was there stands behind it, in its stream or not."""
    forged = attrs.evolve(FACTS[3], stream="forged", version=1)
    assert told(renumbered([forged, *rest()])) == (AT, Kind.INSERTED)
    own = rest()[0]
    forged = attrs.evolve(own, body="{}")
    moved = [
        attrs.evolve(each, version=each.version + 1) if each.stream == own.stream else each
        for each in rest()
    ]
    assert told(renumbered([forged, *moved])) == (AT, Kind.INSERTED)


@pytest.mark.parametrize("other", [1, 5, 30])
def test_reordered(other: int) -> None:
    """Each at the other's place, near and far; as they were, or with each other's versions."""
    rows = rest()
    rows[0], rows[other] = rows[other], rows[0]
    assert told(renumbered(rows)) == (AT, Kind.REORDERED)
    if rows[0].stream == rows[other].stream:
        one, two = rows[0].version, rows[other].version
        rows[0] = attrs.evolve(rows[0], version=two)
        rows[other] = attrs.evolve(rows[other], version=one)
        assert told(renumbered(rows)) == (AT, Kind.REORDERED)


def test_streams_of_the_example_repeat() -> None:
    """So that one of the cases above is within a stream."""
    assert FACTS[AT - 1].stream == FACTS[AT + 4].stream
