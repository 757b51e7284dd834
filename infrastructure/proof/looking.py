"""Looking for what happened at the first fact that is not the one that was sealed."""

from __future__ import annotations

import contextlib
from typing import Any

from psycopg import Connection

from domain.proof.tampering import Broken, what_happened
from infrastructure.proof.raw_log import raw_rows
from infrastructure.proof.sealed import NotSealed, SealedLog

# Facts that are looked through for one that was moved.
LOOK_AHEAD = 2000


def looked_into(
    conn: Connection[Any], schema: str, seals: SealedLog, position: int, head: int
) -> Broken:
    """What happened at the first fact that is not the sealed one."""
    sealed_to = seals.last_position()
    end = min(position + LOOK_AHEAD, sealed_to)
    try:
        hashes = seals.leaves(position - 1, end)
    except NotSealed:
        hashes = seals.leaves(position - 1, position)
    upto = min(position + LOOK_AHEAD, head)
    with contextlib.closing(raw_rows(conn, schema, position - 1, upto)) as rows:
        return what_happened(position, hashes, list(rows))
