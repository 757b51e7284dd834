"""Snapshots are used when they are sound, and are never the truth."""

from __future__ import annotations

import attrs
import pytest

from infrastructure.store.snapshots import shape_of
from tests.store.writing import NOW, Tally, facts_for, open_ledger

# What no fold of the events gives: if it shows, the snapshot was used.
KEPT = Tally(40, "from the snapshot")
FOLDED = Tally(3, "z")


@pytest.fixture
def kept(ledger):
    """A stream of three facts with a (recognisable) snapshot at version 2."""
    ledger.append([facts_for("a", 0, "x", "y", "z")], now=NOW)
    ledger.save_snapshots([("a", 2, KEPT)])
    return ledger


def state(ledger):
    """The state of the stream."""
    loaded = ledger.load(["a"])["a"]
    assert loaded.version == 3
    return loaded.state


def test_a_snapshot_saves_folding_what_is_before_it(kept):
    """Only later facts are folded upon it."""
    assert state(kept) == Tally(41, "z")


def test_a_snapshot_of_the_last_version_is_the_state(kept):
    """Nothing is left to fold."""
    kept.save_snapshots([("a", 3, KEPT)])
    assert state(kept) == KEPT


@pytest.mark.parametrize(
    "damage",
    [
        "state = convert_to(replace(convert_from(state, 'UTF8'), '40', '41'), 'UTF8')",
        "state = ''",
        "checksum = decode('00', 'hex')",
        "version = 1",
        "shape = 'other'",
    ],
)
def test_F30_a_corrupt_snapshot_is_passed_over(books, kept, damage):
    """Whichever column was touched, the facts decide."""
    with books.connect() as conn:
        assert conn.execute(f"UPDATE {books.identifier}.snapshots SET {damage}").rowcount == 1
    assert state(kept) == FOLDED


def test_F30_a_snapshot_of_another_stream_is_passed_over(books, kept):
    """Its checksum knows whose it is."""
    kept.append([facts_for("b", 0, "x", "y", "z")], now=NOW)
    with books.connect() as conn:
        conn.execute(f"UPDATE {books.identifier}.snapshots SET stream = 'b'")
    assert kept.load(["b"])["b"].state == FOLDED


def test_F30_a_snapshot_of_an_older_fold_is_passed_over_and_replaced(books, kept):
    """Raising the version of the fold is enough; older code in turn passes over the newer one."""
    newer = open_ledger(books, state_version=2)
    try:
        assert state(newer) == FOLDED
        newer.save_snapshots([("a", 1, KEPT)])
        assert state(newer) == Tally(42, "z")
        assert state(kept) == FOLDED
    finally:
        newer.close()


@attrs.frozen
class WiderTally(Tally):
    """The state after somebody has added a field."""

    more: int = 0


def test_F30_a_snapshot_of_another_shape_is_passed_over(books, kept):
    """A changed field is noticed even when nobody raised the version."""

    def fold(state, event):
        return WiderTally((state.count if state else 0) + 1, event.reason)

    newer = open_ledger(books, state_type=WiderTally, evolve=fold)
    try:
        assert state(newer) == WiderTally(3, "z")
    finally:
        newer.close()
    assert shape_of(Tally, 1) != shape_of(WiderTally, 1)
    assert shape_of(Tally, 1) == shape_of(Tally, 1)


def test_an_older_snapshot_does_not_replace_a_newer_one(kept):
    """Two workers may save in any order."""
    kept.save_snapshots([("a", 1, Tally(0, ""))])
    assert state(kept) == Tally(41, "z")


def test_the_table_may_be_emptied(books, kept):
    """It is a cache."""
    with books.connect() as conn:
        conn.execute(f"DELETE FROM {books.identifier}.snapshots")
    assert state(kept) == FOLDED


def test_many_are_saved_at_once_and_none_is_nothing(ledger):
    """The last of several for one stream counts."""
    ledger.append([facts_for("a", 0, "x", "y", "z"), facts_for("b")], now=NOW)
    ledger.save_snapshots([])
    ledger.save_snapshots([("a", 1, Tally(1, "x")), ("b", 1, KEPT), ("a", 3, KEPT)])
    assert state(ledger) == KEPT
    assert ledger.load(["b"])["b"].state == KEPT
