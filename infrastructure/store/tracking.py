"""Where stored projections stand: their position, their generation, their parked streams.

The row of a projection in `view_positions` is also its lock: whoever writes rows (the live runner,
a rebuild that swaps, a replay of a parked stream) holds it to the end of the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import attrs
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from infrastructure.store.folding import Parked
from infrastructure.store.view_table import Kept, live_name, shape_of


class ViewMissing(LookupError):
    """The projection has never run in these books."""


class ShapeChanged(RuntimeError):
    """The rows in the table are of another shape than the code's, under the same version.

    A rebuild of the projection mends it; better is a new version.
    """


@attrs.frozen
class Standing:
    """Where a projection stands. generation: see projections.sql."""

    position: int
    generation: int
    shape: str


def standing(
    conn: Connection[Any], schema: str, projection: Kept, *, lock: bool = False
) -> Standing:
    """Where the projection stands; with `lock` nobody else writes its rows until commit.

    Raises: ViewMissing.
    """
    row = conn.execute(
        SQL(
            "SELECT position, generation, shape FROM {} WHERE name = %s AND version = %s {}"
        ).format(Identifier(schema, "view_positions"), SQL("FOR UPDATE" if lock else "")),
        [projection.name, projection.version],
    ).fetchone()
    if row is None:
        raise ViewMissing(f"projection {live_name(projection)} has never run in {schema}")
    return Standing(*row)


def lock_standings(
    conn: Connection[Any], schema: str, projections: Sequence[Kept]
) -> list[Standing]:
    """Where several projections stand, in the order given; nobody else writes their rows until
    commit. One round trip.

    The order of the locks is the order of the names, for whoever takes several.
    Raises: ViewMissing.
    """
    rows = conn.execute(
        SQL(
            "SELECT name, version, position, generation, shape FROM {}"
            " WHERE (name, version) IN (SELECT * FROM unnest(%s::text[], %s::int[]))"
            ' ORDER BY name COLLATE "C", version FOR UPDATE'
        ).format(Identifier(schema, "view_positions")),
        [[p.name for p in projections], [p.version for p in projections]],
    )
    found = {(name, version): Standing(*rest) for name, version, *rest in rows}
    try:
        return [found[p.name, p.version] for p in projections]
    except KeyError as error:
        raise ViewMissing(f"projection {error} has never run in {schema}") from error


def require_shape(projection: Kept, stands: Standing) -> None:
    """Raises: ShapeChanged where the stored rows are of another shape."""
    if stands.shape != shape_of(projection):
        raise ShapeChanged(
            f"rows of {live_name(projection)} changed their shape without a new version;"
            f" rebuild the projection: billing rebuild {projection.name}"
        )


def enter(conn: Connection[Any], schema: str, projection: Kept, now: datetime) -> bool:
    """Make the projection's row if there is none; True if it was made."""
    made = conn.execute(
        SQL(
            "INSERT INTO {} (name, version, shape, updated_at) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING"
        ).format(Identifier(schema, "view_positions")),
        [projection.name, projection.version, shape_of(projection), now],
    )
    return made.rowcount == 1


def advance(
    conn: Connection[Any],
    schema: str,
    projections: Sequence[Kept],
    position: int,
    now: datetime,
) -> None:
    """Set the position of projections whose rows are locked by this transaction."""
    conn.execute(
        SQL(
            "UPDATE {} SET position = %s, updated_at = %s"
            " WHERE (name, version) IN (SELECT * FROM unnest(%s::text[], %s::int[]))"
        ).format(Identifier(schema, "view_positions")),
        [position, now, [p.name for p in projections], [p.version for p in projections]],
    )


def renew_generation(conn: Connection[Any], schema: str, projection: Kept, position: int) -> None:
    """Tell the live runner that rows were written past it, and to which position they stand."""
    conn.execute(
        SQL(
            "UPDATE {} SET generation = generation + 1, shape = %s, position = %s"
            " WHERE name = %s AND version = %s"
        ).format(Identifier(schema, "view_positions")),
        [shape_of(projection), position, projection.name, projection.version],
    )


def parked_streams(conn: Connection[Any], schema: str, projection: Kept) -> dict[str, Parked]:
    """The streams that are set aside for this projection."""
    rows = conn.execute(
        SQL(
            "SELECT stream, position, stream_version, reason FROM {}"
            " WHERE projection = %s AND version = %s"
        ).format(Identifier(schema, "view_parked")),
        [projection.name, projection.version],
    )
    return {
        stream: Parked(stream=stream, position=position, stream_version=version, reason=reason)
        for stream, position, version, reason in rows
    }


def park(
    conn: Connection[Any],
    schema: str,
    projection: Kept,
    streams: Iterable[Parked],
    now: datetime,
) -> None:
    """Set streams aside; one that is set aside already starts from the new place."""
    values = [
        (projection.name, projection.version, p.stream, p.position, p.stream_version, p.reason, now)
        for p in streams
    ]
    with conn.cursor() as cursor:
        cursor.executemany(
            SQL(
                "INSERT INTO {} (projection, version, stream, position, stream_version, reason,"
                " parked_at) VALUES (%s, %s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (projection, version, stream) DO UPDATE SET"
                " position = excluded.position, stream_version = excluded.stream_version,"
                " reason = excluded.reason, parked_at = excluded.parked_at"
            ).format(Identifier(schema, "view_parked")),
            values,
        )


def unpark(
    conn: Connection[Any],
    schema: str,
    projection: Kept,
    stream: str | None = None,
) -> None:
    """Take one stream back, or all of them."""
    conn.execute(
        SQL(
            "DELETE FROM {} WHERE projection = %s AND version = %s"
            " AND (%s::text IS NULL OR stream = %s)"
        ).format(Identifier(schema, "view_parked")),
        [projection.name, projection.version, stream, stream],
    )
