"""Checkpoints outside the database: a folder with one file for each, never changed.

NAME-SIZE.checkpoint is the signed note of the log NAME at that size, SIZE with leading zeros. Put
the folder where the database's administrators cannot write: what is there is what the log is held
against before anything more of it is signed.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from domain.proof.notes import Checkpoint, VerifierKey
from infrastructure.proof.outside import OutsideCheckpoint, read_outside
from infrastructure.proof.sealed import NotSealed, SealDamaged, SealedLog

_DIGITS = 19
_READABLE = 0o444


class PublishedCheckpoints:
    """The checkpoints of one log in a folder. keys: the log's; the present one first."""

    def __init__(self, folder: Path, keys: Sequence[VerifierKey]) -> None:
        self.folder, self.keys = folder, keys
        self._name = keys[0].name.rpartition("/")[2]
        self._files = re.compile(rf"{re.escape(self._name)}-(\d{{{_DIGITS}}})\.checkpoint")

    def newest(self) -> Checkpoint | None:
        """The largest that was published; None: none was.

        Raises: SealDamaged where it cannot be read, or is none of ours: nothing can be held
            against it, and nobody is to find that out by signing on.
        """
        try:
            names = [each.name for each in self.folder.iterdir()]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SealDamaged(f"published checkpoints cannot be read: {error}") from error
        newest = max((name for name in names if self._files.fullmatch(name)), default=None)
        return None if newest is None else self._read(self.folder / newest)

    def _read(self, path: Path) -> Checkpoint:
        try:
            found = read_outside(path.read_bytes().decode(), *self.keys)
        except (OSError, UnicodeDecodeError, OutsideCheckpoint) as error:
            raise SealDamaged(f"the published checkpoint {path.name}: {error}") from error
        if path != self._path(found.size):
            raise SealDamaged(f"the published checkpoint {path.name} is of size {found.size}")
        return found

    def hold_against(self, log: SealedLog) -> None:
        """Whether the seals lead to the newest that was published. Raises: SealDamaged."""
        published = self.newest()
        if published is None:
            return
        size = published.size
        try:
            at = log.at(size)
        except NotSealed as error:
            words = f"a checkpoint of {size} was published, the seals end at {log.last_position()}"
            raise SealDamaged(words) from error
        stated = (published.root.hex(), (published.chain or bytes.fromhex(at.chain)).hex())
        if (at.root, at.chain) != stated:
            raise SealDamaged(f"the seals up to {size} are not those of the published checkpoint")

    def publish(self, note: str) -> bool:
        """Write a signed checkpoint; False when that size is published already.

        The file is there whole or not at all, and one that is there stays as it is.
        Raises: SealDamaged where another one of that size is published; OutsideCheckpoint for what
            is no checkpoint of this log; OSError.
        """
        checkpoint = read_outside(note, *self.keys)
        path = self._path(checkpoint.size)
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=self.folder, prefix=f".{self._name}-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(note.encode())
                file.flush()
                os.fchmod(file.fileno(), _READABLE)
                os.fsync(file.fileno())
            # Not a rename, which would replace what is there.
            os.link(part, path)
        except FileExistsError:
            if self._read(path) != checkpoint:
                raise SealDamaged(f"another checkpoint of {checkpoint.size} is published") from None
            return False
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)
        self._settle()
        return True

    def _settle(self) -> None:
        """Let the folder's new entry outlive a power cut."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _path(self, size: int) -> Path:
        return self.folder / f"{self._name}-{size:0{_DIGITS}}.checkpoint"
