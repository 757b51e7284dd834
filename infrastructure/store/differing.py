"""Rows that are not what the facts say, as a comparison in the database finds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from psycopg import Connection
from psycopg.sql import Composed


@attrs.frozen
class Difference:
    """A row that is not what the facts say.

    position: of the last fact in whichever of the two rows is further on.
    live, replayed: the whole table row (key, position, row, columns); None where it is missing.
    """

    projection: str
    key: str
    position: int
    live: dict[str, Any] | None
    replayed: dict[str, Any] | None


def differing(conn: Connection[Any], name: str, statement: Composed) -> Iterator[Difference]:
    """What a statement finds, row by row: key, position, the live row, the replayed one."""
    with conn.cursor(name="audit_differences") as cursor:
        cursor.execute(statement)
        for key, position, live, replayed in cursor:
            yield Difference(name, key, position, live, replayed)
