"""What is sealed: the stored hashes, and every chain, root and proof that follows from them."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from typing import Any

import attrs
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.sql import SQL, Composed, Identifier

from domain.proof.chain import GENESIS, follow
from domain.proof.merkle import (
    BLOCK,
    EMPTY_ROOT,
    HASH_BYTES,
    Frontier,
    consistency_path,
    inclusion_path,
    root_of,
)

_PIECE, _ALL = 500, 2**62
_COLUMNS = SQL("position, first, leaves, chain, root, node, note, sealed_at")


class SealDamaged(RuntimeError):
    """The seals contradict one another; `billing verify` says where."""


class NotSealed(LookupError):
    """The seals do not reach that far yet."""


@attrs.frozen(kw_only=True)
class Sealed:
    """The log up to a position. chain, root: in hex; root is of the tree of that size."""

    position: int
    chain: str
    root: str


@attrs.frozen(kw_only=True)
class Seal:
    """One row of seals; see proof.sql. note: the signed checkpoint at `position`."""

    position: int
    first: int
    leaves: bytes
    chain: bytes
    root: bytes
    node: bytes | None
    note: str
    sealed_at: datetime

    @property
    def hashes(self) -> list[bytes]:
        """The hash of each leaf."""
        return hashes_in(self.leaves)


def hashes_in(leaves: bytes) -> list[bytes]:
    """Hashes that lie one behind the other."""
    return [leaves[at : at + HASH_BYTES] for at in range(0, len(leaves), HASH_BYTES)]


class SealedLog:
    """Reads the seals of one set of books over one connection."""

    def __init__(self, conn: Connection[Any], schema: str) -> None:
        self._conn = conn
        self._table = Identifier(schema, "seals")

    # --- seals ------------------------------------------------------------------------------------

    def last(self) -> Seal | None:
        """The newest seal."""
        return self._one("ORDER BY position DESC LIMIT 1")

    def last_position(self) -> int:
        """To where the log is sealed; 0 when nothing is."""
        statement = SQL("SELECT coalesce(max(position), 0) FROM {}").format(self._table)
        row = self._conn.execute(statement).fetchone()
        assert row is not None
        return int(row[0])

    def covering(self, position: int) -> Seal:
        """The seal that covers a position. Raises: NotSealed."""
        seal = self._one("WHERE position >= %s ORDER BY position LIMIT 1", position)
        if seal is None or not seal.first <= position:
            raise NotSealed(f"position {position} is not sealed")
        return seal

    def before(self, position: int) -> Seal | None:
        """The last seal that ends before a position."""
        return self._one("WHERE position < %s ORDER BY position DESC LIMIT 1", position)

    def seals(self, upto: int = _ALL) -> Generator[Seal, None, None]:
        """All seals up to a position, in order, some at a time; no statement is open meanwhile."""
        after, where = 0, "WHERE position > %s AND position <= %s ORDER BY position LIMIT %s"
        while True:
            with self._conn.cursor(row_factory=class_row(Seal)) as cursor:
                found = cursor.execute(self._select(where), [after, upto, _PIECE]).fetchall()
            yield from found
            if len(found) < _PIECE:
                return
            after = found[-1].position

    # --- what follows from them -------------------------------------------------------------------

    def at(self, position: int) -> Sealed:
        """Chain and root at any sealed position. Raises: NotSealed; ValueError below 0."""
        if position < 0:
            raise ValueError(f"there is no position {position}")
        if position == 0:
            return Sealed(position=0, chain=GENESIS.hex(), root=EMPTY_ROOT.hex())
        seal = self.covering(position)
        if position == seal.position:
            chain, root = seal.chain, seal.root
        else:
            earlier = self.before(seal.first)
            begins = GENESIS if earlier is None else earlier.chain
            chain = follow(begins, seal.hashes[: position - seal.first + 1])
            root = self.subtree(0, position)
        return Sealed(position=position, chain=chain.hex(), root=root.hex())

    def frontier(self, position: int) -> Frontier:
        """The right edge of the tree at the end of a seal. Raises: NotSealed."""
        edge = Frontier()
        whole = position - position % BLOCK
        for node in self._nodes(0, whole // BLOCK):
            edge.add_block(node)
        if position > whole:
            edge.extend(self.leaves(whole, position))
        return edge

    def leaves(self, begin: int, end: int) -> list[bytes]:
        """The hashes of leaves begin to end - 1, counted from 0. Raises: NotSealed."""
        found: list[bytes] = []
        statement = self._select("WHERE position > %s AND first <= %s ORDER BY position")
        with self._conn.cursor(row_factory=class_row(Seal)) as cursor:
            for seal in cursor.execute(statement, [begin, end]):
                at = seal.first - 1
                found += seal.hashes[max(begin - at, 0) : end - at]
        if len(found) != end - begin:
            raise NotSealed(f"positions {begin + 1} to {end} are not all sealed")
        return found

    def subtree(self, begin: int, end: int) -> bytes:
        """The hash of the tree over leaves begin to end - 1: a subtree of RFC 9162's recursion, so
        that one of more than a block begins with a block. Raises: NotSealed."""
        if end - begin < BLOCK:
            return root_of(self.leaves(begin, end))
        edge = Frontier()
        for node in self._nodes(begin // BLOCK, end // BLOCK):
            edge.add_block(node)
        if end % BLOCK:
            edge.extend(self.leaves(end - end % BLOCK, end))
        return edge.root()

    def inclusion(self, position: int, size: int) -> tuple[bytes, ...]:
        """The proof that the fact at a position is in the tree of that size. Raises: NotSealed."""
        return inclusion_path(position - 1, size, self.subtree)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the log at one size begins the log at another. Raises: NotSealed."""
        return consistency_path(old, new, self.subtree)

    # --- reading ----------------------------------------------------------------------------------

    def _nodes(self, begin: int, end: int) -> list[bytes]:
        """The nodes of blocks begin to end - 1."""
        statement = SQL(
            "SELECT node FROM {} WHERE node IS NOT NULL AND position > %s AND position <= %s"
            " ORDER BY position"
        ).format(self._table)
        rows = self._conn.execute(statement, [begin * BLOCK, end * BLOCK]).fetchall()
        if len(rows) != end - begin:
            raise NotSealed(f"blocks {begin} to {end} are not all sealed")
        return [bytes(node) for (node,) in rows]

    def _select(self, where: str) -> Composed:
        return SQL("SELECT {} FROM {} ").format(_COLUMNS, self._table) + SQL(where)

    def _one(self, where: str, *values: int) -> Seal | None:
        with self._conn.cursor(row_factory=class_row(Seal)) as cursor:
            return cursor.execute(self._select(where), values).fetchone()
