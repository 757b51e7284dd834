"""Checkpoints in a folder outside, and the log that is held against them before it is signed on."""

from __future__ import annotations

import os
import stat

import pytest

from domain.proof.notes import Checkpoint, read_checkpoint, read_note
from infrastructure.proof.outside import OutsideCheckpoint
from infrastructure.proof.publishing import PublishedCheckpoints
from infrastructure.proof.sealed import SealDamaged, SealedLog
from infrastructure.proof.sealer import Sealer
from infrastructure.proof.signing import Signer
from tests.proof.stored.conftest import SIGNER
from tests.proof.stored.test_verifying import FORGED
from tests.store.writing import NOW

NAME = "test-{:019}.checkpoint"


@pytest.fixture
def outside(tmp_path):
    """A folder that is not there yet."""
    return PublishedCheckpoints(tmp_path / "outside" / "here", [SIGNER.verifier])


def note_of(size, root=b"r" * 32, signer=SIGNER):
    made = Checkpoint(origin=signer.origin, size=size, root=root, chain=bytes(32))
    return str(signer.sign(made.text))


def newest(log):
    with log.connect() as conn:
        return SealedLog(conn, log.books.schema).last()


def sealer_of(log, pool, outside):
    """Of a process that has just begun."""
    return Sealer(pool, log.books, SIGNER, clock=lambda: NOW, hold_against=outside.hold_against)


def test_one_file_for_each_and_none_is_changed(outside):
    """The newest is the largest; what is there stays, to the letter, and nobody may write to it."""
    assert outside.newest() is None
    assert outside.publish(note_of(9))
    assert outside.publish(note_of(10))
    assert not outside.publish(note_of(9))
    assert outside.newest() == read_checkpoint(read_note(note_of(10)).text)
    assert sorted(os.listdir(outside.folder)) == [NAME.format(9), NAME.format(10)]
    path = outside.folder / NAME.format(9)
    assert path.read_text() == note_of(9)
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    with pytest.raises(SealDamaged, match="another checkpoint of 9 is published"):
        outside.publish(note_of(9, b"x" * 32))
    assert path.read_text() == note_of(9)
    with pytest.raises(OutsideCheckpoint):
        outside.publish(note_of(11, signer=Signer(SIGNER.origin, b"t" * 32)))
    assert len(os.listdir(outside.folder)) == 2


def test_a_write_that_fails_leaves_nothing(outside, monkeypatch):
    """Neither a half of it nor a scrap."""
    outside.publish(note_of(9))

    def full(_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        outside.publish(note_of(10))
    assert os.listdir(outside.folder) == [NAME.format(9)]


def test_files_of_others_are_passed_over(outside):
    """Other logs may publish there."""
    outside.publish(note_of(9))
    for name in ("other-0000000000000000099.checkpoint", "README", ".test-x", "test-99.checkpoint"):
        (outside.folder / name).write_text("x")
    assert outside.newest().size == 9


@pytest.mark.parametrize("change", ["garbage", "thief", "another size"])
def test_what_cannot_be_believed_stops_the_signing(outside, change):
    """An alarm, and no reason to sign on."""
    outside.publish(note_of(9))
    text = {
        "garbage": "x",
        "thief": note_of(10, signer=Signer(SIGNER.origin, b"t" * 32)),
        "another size": note_of(11),
    }[change]
    (outside.folder / NAME.format(10)).write_text(text)
    with pytest.raises(SealDamaged, match="published checkpoint test-0000000000000000010"):
        outside.newest()


def test_F34_a_process_that_begins_signs_nothing_on_a_replaced_table(log, outside):
    """Facts changed and seals taken away by a superuser without a key: ours is not lent to him."""
    log.write(300)
    log.sealer.seal_all()
    outside.publish(newest(log).note)
    log.write(10)
    with log.books.pool(2) as pool:
        assert sealer_of(log, pool, outside).seal_all().position == 310
        log.write(10)
        log.tamper(f"UPDATE EVENTS SET body = {FORGED} WHERE position = 50", "DELETE FROM SEALS")
        with pytest.raises(SealDamaged, match="of 300 was published, the seals end at 0"):
            sealer_of(log, pool, outside).seal_all()
        # One that was not held against anything has signed it.
        log.sealer.seal_all()
        log.write(10)
        with pytest.raises(SealDamaged, match="up to 300 are not those of the published"):
            sealer_of(log, pool, outside).seal_all()
    assert newest(log).position == 320


def test_a_rotated_key_reads_what_the_older_one_published(log, outside):
    """Where the settings know it; else nothing is signed."""
    log.write(20)
    log.sealer.seal_all()
    outside.publish(newest(log).note)
    new = Signer(SIGNER.origin, b"n" * 32)
    both = PublishedCheckpoints(outside.folder, [new.verifier, SIGNER.verifier])
    with log.connect() as conn:
        both.hold_against(SealedLog(conn, log.books.schema))
        alone = PublishedCheckpoints(outside.folder, [new.verifier])
        with pytest.raises(SealDamaged, match="not signed by the key"):
            alone.hold_against(SealedLog(conn, log.books.schema))
