"""Verifying a log: every fact hashed again, and held against seals, signatures and checkpoints.

One pass over the raw rows and the seals beside them, in flat memory (but for a number a stream) and
piece by piece, while whoever appends goes on. Nothing is decoded but closes of periods: what is
hashed is what the server sends. The pass ends at the first thing that is broken; what comes after
it is proved by nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from hashlib import sha256
from itertools import islice
from typing import Any

import attrs
from psycopg import Connection

from domain.identity import PERIOD_STREAMS
from domain.proof.canonical import place_of, position_of
from domain.proof.chain import GENESIS, follow
from domain.proof.merkle import Frontier
from domain.proof.notes import Checkpoint, NotANote, VerifierKey, read_checkpoint, read_note
from domain.proof.tampering import Broken, Kind
from infrastructure.proof.looking import looked_into
from infrastructure.proof.period_hashes import head_stated
from infrastructure.proof.raw_log import last_position, rows_in_pieces
from infrastructure.proof.sealed import Seal, SealedLog
from infrastructure.proof.signing import is_signed_by, named

_TAIL = 256
_PERIODS = PERIOD_STREAMS.encode()


@attrs.frozen(kw_only=True)
class LogReport:
    """What the verification of a log found.

    head: its last position; chain, root: there, in hex (of what was read, where it is broken).
    sealed_to: to where it is sealed. proved_to: to where facts are what a signed seal says, or,
        where an outside checkpoint or the close of a period contradicts the log, to where another
        one bears it out.
    broken: the first break; None for none.
    anchored_to: size of the largest outside checkpoint that the log agrees with; None for none.
    """

    origin: str
    head: int
    sealed_to: int
    proved_to: int
    chain: str
    root: str
    broken: Broken | None
    anchored_to: int | None


def verify_log(
    connect: Callable[[], Connection[Any]],
    schema: str,
    keys: Sequence[VerifierKey],
    outside: Sequence[Checkpoint] = (),
    *,
    rest: Callable[[], None] = lambda: None,
) -> LogReport:
    """Verify a whole log.

    keys: the log's own, the one that signs now and those before it; all have the log's name.
    rest: called after each piece of the log, with no statement open and no moment of the database
        held: whoever is not in a hurry waits there.
    Raises: the driver's errors, and whatever `rest` raises.
    """
    with connect() as rows_conn, connect() as seals_conn:
        # Seals first: what they cover is in the log when that is read.
        seals = SealedLog(seals_conn, schema)
        sealed_to = seals.last_position()
        head = last_position(rows_conn, schema)
        reading = _Reading(keys, outside)
        with contextlib.closing(rows_in_pieces(rows_conn, schema, head, rest)) as rows:
            reading.seals(rows, seals.seals(sealed_to))
            if reading.broken is None and reading.position < sealed_to:
                reading.stop(
                    reading.position + 1,
                    Kind.SEAL_MISSING,
                    f"no seal covers position {reading.position + 1}",
                )
            if reading.broken is None:
                reading.tail(rows)
        if reading.suspect is not None:
            reading.broken = looked_into(rows_conn, schema, seals, reading.suspect, head)
    reading.anchor(head)
    return LogReport(
        origin=keys[0].name,
        head=head,
        sealed_to=sealed_to,
        proved_to=reading.proved_to,
        chain=reading.chain.hex(),
        root=reading.frontier.root().hex(),
        broken=reading.broken,
        anchored_to=reading.anchored_to,
    )


class _Reading:
    """One pass over the log."""

    def __init__(self, keys: Sequence[VerifierKey], outside: Sequence[Checkpoint]) -> None:
        self._keys = keys
        self._outside = {each.size: [] for each in outside}  # type: dict[int, list[Checkpoint]]
        for each in outside:
            self._outside[each.size].append(each)
        self._contradicted: Checkpoint | None = None
        self._versions: dict[bytes, int] = {}
        self._unsigned: Seal | None = None
        self.frontier, self.chain = Frontier(), GENESIS
        self.proved_to = 0
        # To where the last close of a period bears the log out.
        self._borne_out = 0
        self.anchored_to: int | None = None
        self.broken: Broken | None = None
        self.suspect: int | None = None
        self._check_outside()

    @property
    def position(self) -> int:
        """To where facts were taken in."""
        return self.frontier.size

    def stop(self, position: int, kind: Kind, words: str) -> None:
        """End here."""
        self.broken = Broken(position=position, kind=kind, words=words)

    def seals(self, rows: Generator[bytes, None, None], seals: Generator[Seal, None, None]) -> None:
        """Facts that are sealed, seal by seal."""
        for seal in seals:
            if seal.first != self.position + 1:
                words = f"the seal up to {seal.position} begins at {seal.first}"
                self.stop(self.position + 1, Kind.SEAL_MISSING, words)
                break
            facts = list(islice(rows, seal.position - self.position))
            leaves = [sha256(b"\x00" + data).digest() for data in facts]
            chain = self.chain
            if not self._agree(seal, leaves) or not self._in_their_streams(facts, seal.first):
                break
            if not self._periods_agree(facts, leaves, chain):
                break
        if self._unsigned is not None:
            self._check_signature(self._unsigned)

    def tail(self, rows: Generator[bytes, None, None]) -> None:
        """Facts that are not sealed yet: their order and their streams, and no more."""
        while facts := list(islice(rows, _TAIL - self.position % _TAIL)):
            first = self.position + 1
            for place, data in enumerate(facts, start=first):
                if position_of(data) != place:
                    words = f"no fact at position {place}, which is not sealed yet"
                    self.stop(place, Kind.DELETED, words)
                    return
            if not self._in_their_streams(facts, first):
                return
            leaves, chain = [sha256(b"\x00" + data).digest() for data in facts], self.chain
            self._take(leaves)
            if not self._periods_agree(facts, leaves, chain):
                return

    def anchor(self, head: int) -> None:
        """What outside checkpoints say about a log that looks whole by itself, or does not."""
        beyond = max(self._outside, default=0)
        if self._contradicted is not None:
            size = self._contradicted.size
            words = f"the facts up to {size} are not those of the outside checkpoint of {size}"
            first = (self.anchored_to or 0) + 1
            if self.broken is None or self.broken.position > first:
                self.stop(first, Kind.REPLACED, f"{words}; the first that differs is not known")
        elif beyond > head and self.broken is None:
            words = f"an outside checkpoint knows {beyond} facts, the log ends at {head}"
            self.stop(head + 1, Kind.DELETED, words)
        if self.broken is not None:
            self.proved_to = min(self.proved_to, self.broken.position - 1)
            if self.broken.kind is Kind.PERIOD_HASH:
                # One of the facts before it was changed, or it was: which one is not known.
                self.proved_to = min(self.proved_to, max(self._borne_out, self.anchored_to or 0))

    # --- one seal ---------------------------------------------------------------------------------

    def _agree(self, seal: Seal, leaves: list[bytes]) -> bool:
        """Whether the facts are those of the seal, and the seal follows the one before it."""
        if b"".join(leaves) != seal.leaves:
            return self._disagree(seal, leaves)
        node = self._take(leaves)
        stated = Checkpoint(
            origin=self._keys[0].name,
            size=seal.position,
            root=self.frontier.root(),
            chain=self.chain,
        )
        if (seal.chain, seal.root, seal.node) != (self.chain, stated.root, node) or (
            not seal.note.startswith(stated.text + "\n")
        ):
            words = f"chain, root or checkpoint at {seal.position} is not that of the facts"
            self.stop(seal.first, Kind.SEAL_EDITED, words)
            return False
        self._unsigned = seal
        # A signature costs as much as fifty facts; a later one stands for those before it.
        return node is None or self._check_signature(seal)

    def _disagree(self, seal: Seal, leaves: list[bytes]) -> bool:
        """Facts and sealed hashes differ: who is it that was changed?"""
        text = self._stated(seal, leaves)
        if text is not None and len(leaves) == seal.position - seal.first + 1:
            words = f"the hashes sealed at {seal.first} to {seal.position} are not those that the "
            self.stop(
                seal.first, Kind.SEAL_EDITED, words + "signed checkpoint holds; the facts are"
            )
            return False
        differs = next(
            (n for n, (a, b) in enumerate(zip(leaves, seal.hashes, strict=False)) if a != b),
            min(len(leaves), len(seal.hashes)),
        )
        self.suspect = seal.first + differs
        self.stop(self.suspect, Kind.EDITED, "")
        # What stands before it is still what was sealed, if the seal itself is.
        if self._stated(seal, seal.hashes) is not None:
            self.proved_to = self.suspect - 1
            self._unsigned = None
        return False

    def _stated(self, seal: Seal, leaves: list[bytes]) -> str | None:
        """The text of the seal's note, if these leaves make it and it is signed."""
        chain = follow(self.chain, leaves)
        try:
            note = read_note(seal.note)
            stated = read_checkpoint(note.text)
        except NotANote:
            return None
        fits = (stated.size, stated.chain) == (seal.position, chain)
        return note.text if fits and is_signed_by(note, *self._keys) else None

    def _check_signature(self, seal: Seal) -> bool:
        self._unsigned = None
        try:
            signed = is_signed_by(read_note(seal.note), *self._keys)
        except NotANote:
            signed = False
        if signed:
            self.proved_to = max(self.proved_to, seal.position)
        elif self.broken is None:
            words = f"the checkpoint at {seal.position} is not signed by {named(self._keys)}"
            self.stop(self.proved_to + 1, Kind.SEAL_UNSIGNED, words)
        return signed

    # --- facts ------------------------------------------------------------------------------------

    def _take(self, leaves: list[bytes]) -> bytes | None:
        """Take leaves in, with a stop at each outside checkpoint; the node of a completed block."""
        begin = self.position
        cuts = sorted(size for size in self._outside if begin < size <= begin + len(leaves))
        node, taken = None, 0
        for cut in [*(size - begin for size in cuts), len(leaves)]:
            part = leaves[taken:cut]
            if part:
                node = self.frontier.extend(part)
                self.chain = follow(self.chain, part)
            taken = cut
            self._check_outside()
        return node

    def _check_outside(self) -> None:
        for stated in self._outside.get(self.position, ()):
            if self._contradicted is not None:
                return
            chain = stated.chain or self.chain
            if (stated.root, chain) == (self.frontier.root(), self.chain):
                self.anchored_to = stated.size
            else:
                self._contradicted = stated

    def _periods_agree(self, facts: list[bytes], leaves: list[bytes], chain: bytes) -> bool:
        """Whether each close of a period holds the chain before it. chain: before these facts.

        A close is a checkpoint within the log: who replaced facts before it, and sealed and signed
        all of them anew, had to change it, too.
        """
        for place, data in enumerate(facts):
            if not place_of(data)[0].startswith(_PERIODS):
                continue
            stated = head_stated(data)
            if stated is None:
                continue
            position = position_of(data)
            found = follow(chain, leaves[:place]).hex()
            if (stated.position, stated.head_hash) != (position - 1, found):
                words = (
                    f"the close of {stated.period} holds hash {stated.head_hash[:16]} of "
                    f"{stated.position}; the facts up to {position - 1} give {found[:16]}"
                )
                self.stop(position, Kind.PERIOD_HASH, words)
                return False
            self._borne_out = position - 1
        return True

    def _in_their_streams(self, facts: list[bytes], first: int) -> bool:
        """Whether each fact follows the last one of its stream."""
        versions = self._versions
        for place, data in enumerate(facts, start=first):
            stream, version = place_of(data)
            before = versions.get(stream, 0)
            if version != before + 1:
                words = f"version {version} of {stream.decode()} follows {before}"
                self.stop(place, Kind.VERSIONS, words)
                return False
            versions[stream] = version
        return True
