"""Checkpoints that were kept outside."""

from __future__ import annotations

from domain.proof.notes import Checkpoint, NotANote, VerifierKey, read_checkpoint, read_note
from infrastructure.proof.signing import is_signed_by, named


class OutsideCheckpoint(ValueError):
    """A checkpoint that cannot be held against this log; the text says why."""


def read_outside(text: str, *keys: VerifierKey) -> Checkpoint:
    """A checkpoint that was kept outside, once one of the log's keys is found to have signed it.

    Raises: OutsideCheckpoint.
    """
    try:
        note = read_note(text)
        checkpoint = read_checkpoint(note.text)
    except NotANote as error:
        raise OutsideCheckpoint(str(error)) from error
    if checkpoint.origin != keys[0].name:
        raise OutsideCheckpoint(f"it is of {checkpoint.origin[:80]!r}, not of {keys[0].name!r}")
    if not is_signed_by(note, *keys):
        raise OutsideCheckpoint(f"it is not signed by {named(keys)}")
    return checkpoint
