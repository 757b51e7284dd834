"""The sealer: hashes what was recorded, behind the log and never in its way.

It reads rows that are committed, and writes seals of its own; who appends waits for nothing. Any
number may run: one leads, by an advisory lock of its session, and where another has sealed first
(a period is closed, a proof is asked for) the database refuses the second seal, which is then read.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import attrs
import psycopg
import structlog
from psycopg import Connection
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from domain.proof.canonical import position_of
from domain.proof.chain import GENESIS, follow
from domain.proof.merkle import BLOCK, Frontier, leaf_hash
from domain.proof.notes import Checkpoint, VerifierKey
from infrastructure.proof.leading import LOST, Leading
from infrastructure.proof.raw_log import last_position, raw_rows
from infrastructure.proof.sealed import Seal, SealDamaged, Sealed, SealedLog
from infrastructure.proof.signing import Signer
from infrastructure.store.books import Books

_log = structlog.get_logger(__name__)

# Facts that one transaction seals at most.
BATCH = 64 * BLOCK
# Seconds between two seals of a log that grows slowly.
EVERY_S = 1.0
_SILENCE_S = 5.0
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 0.2, 5.0


# Asked before anything is signed on top of seals that this process did not just make itself:
# whether they are those that are known outside. Raises: SealDamaged.
HoldAgainst = Callable[[SealedLog], None]


class LogBroken(RuntimeError):
    """Positions are missing or out of order; nothing is sealed from there on."""


@attrs.define
class _Edge:
    """Where the seals end, kept so that sealing on reads nothing again."""

    frontier: Frontier
    chain: bytes

    @property
    def position(self) -> int:
        return self.frontier.size


class Sealer:
    """Seals the log of one set of books. Safe for many threads."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[Any]],
        books: Books,
        signer: Signer,
        *,
        clock: Callable[[], datetime],
        older_keys: Sequence[VerifierKey] = (),
        hold_against: HoldAgainst | None = None,
    ) -> None:
        """older_keys: that signed before this one. hold_against: see HoldAgainst."""
        self.signer = signer
        self.keys = (signer.verifier, *older_keys)
        self._hold_against = hold_against
        self._pool, self._books, self._clock = pool, books, clock
        self._schema = books.schema
        self._mutex = threading.Lock()
        self._edge: _Edge | None = None
        columns = SQL(", ").join([SQL("%b")] * 8)
        self._write = SQL("SELECT {}({})").format(Identifier(self._schema, "seal_events"), columns)

    # --- sealing ----------------------------------------------------------------------------------

    def seal_to(self, position: int) -> Sealed:
        """Seal what is missing up to a position; chain and root there. Idempotent.

        Raises: ValueError for a position that the log does not have; SealDamaged, LogBroken; the
            driver's errors, nothing of the last batch being written.
        """
        if position < 0:
            raise ValueError(f"there is no position {position}")
        with self._pool.connection() as conn:
            log = SealedLog(conn, self._schema)
            if log.last_position() < position:
                head = last_position(conn, self._schema)
                if position > head:
                    raise ValueError(f"position {position} is beyond the log, which ends at {head}")
                with self._mutex:
                    while self._seal_some(conn, position):
                        pass
            return log.at(position)

    def seal_all(self) -> Sealed:
        """The same up to the log's end as it is now."""
        with self._pool.connection() as conn:
            head = last_position(conn, self._schema)
        return self.seal_to(head)

    def _seal_some(self, conn: Connection[Any], stop: int) -> bool:
        """One transaction's seals; False when all is sealed up to `stop`."""
        edge, self._edge = self._edge, None
        log = SealedLog(conn, self._schema)
        if edge is None or edge.position != log.last_position():
            edge = _edge_of(log)
            if self._hold_against is not None:
                self._hold_against(log)
        # Looked at once: others may seal meanwhile, and then the database refuses ours.
        if edge.position >= stop:
            self._edge = edge
            return False
        upto = min(stop, edge.position + BATCH)
        # Closed before the connection is used again, also where the rows are not read to their end.
        with contextlib.closing(raw_rows(conn, self._schema, edge.position, upto)) as rows:
            seals = [
                _seal(edge, leaves, self.signer, self._clock())
                for leaves in _runs(rows, edge.position, upto)
            ]
        if self._write_seals(conn, seals):
            self._edge = edge
        return True

    def _write_seals(self, conn: Connection[Any], seals: list[Seal]) -> bool:
        """False when somebody else has sealed from there meanwhile."""
        columns: list[Any] = [
            [getattr(seal, name) for seal in seals]
            for name in ("first", "position", "leaves", "chain", "root", "node", "note")
        ]
        with conn.cursor(binary=True) as cursor:
            cursor.execute(self._write, [seals[0].sealed_at, *columns])
            row = cursor.fetchone()
        assert row is not None
        return bool(row[0])

    # --- leading ----------------------------------------------------------------------------------

    def run_forever(self, stop: threading.Event, every_s: float = EVERY_S) -> None:
        """Seal now and then, as long as this is the leader, until `stop` is set.

        A lost connection is waited out. What is found broken is told, and looked at again; whoever
        appends goes on.
        """
        backoff_s, leading, told = _FIRST_BACKOFF_S, Leading(self._books, "sealer", _SILENCE_S), ""
        try:
            while not stop.is_set():
                try:
                    if leading.is_ours():
                        self.seal_all()
                except LOST as error:
                    _log.warning("sealer-connection-lost", error=type(error).__name__)
                    leading.close()
                    stop.wait(backoff_s)
                    backoff_s = min(backoff_s * 2, _LONGEST_BACKOFF_S)
                    continue
                except (SealDamaged, LogBroken, LookupError, psycopg.Error) as error:
                    if str(error) != told:
                        told = str(error)
                        _log.error("sealing-stopped", reason=told)
                backoff_s = _FIRST_BACKOFF_S
                stop.wait(every_s)
        finally:
            leading.close()


def _edge_of(log: SealedLog) -> _Edge:
    """Where the stored seals end. Raises: SealDamaged when they contradict themselves."""
    last = log.last()
    if last is None:
        return _Edge(Frontier(), GENESIS)
    edge = _Edge(log.frontier(last.position), last.chain)
    if edge.frontier.root() != last.root:
        raise SealDamaged(f"the hashes sealed up to {last.position} do not make its root")
    return edge


def _runs(rows: Iterator[bytes], after: int, upto: int) -> Iterator[list[bytes]]:
    """Leaf hashes of consecutive facts, cut where a block ends. Raises: LogBroken."""
    run: list[bytes] = []
    position = after
    for data in rows:
        position += 1
        if position_of(data) != position:
            raise LogBroken(f"position {position} is missing; {position_of(data)} follows")
        run.append(leaf_hash(data))
        if position % BLOCK == 0:
            yield run
            run = []
    if position != upto:
        raise LogBroken(f"positions {position + 1} to {upto} are missing")
    if run:
        yield run


def _seal(edge: _Edge, leaves: list[bytes], signer: Signer, now: datetime) -> Seal:
    """The next seal; the edge moves on."""
    first = edge.position + 1
    node = edge.frontier.extend(leaves)
    edge.chain = follow(edge.chain, leaves)
    root = edge.frontier.root()
    checkpoint = Checkpoint(origin=signer.origin, size=edge.position, root=root, chain=edge.chain)
    return Seal(
        position=edge.position,
        first=first,
        leaves=b"".join(leaves),
        chain=edge.chain,
        root=root,
        node=node,
        note=str(signer.sign(checkpoint.text)),
        sealed_at=now,
    )
