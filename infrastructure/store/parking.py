"""Taking a parked stream back into a projection, once the code or the event has been mended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
from psycopg import Connection

from infrastructure.store.folding import Log, Parked
from infrastructure.store.tracking import (
    park,
    parked_streams,
    renew_generation,
    require_shape,
    standing,
    unpark,
)
from infrastructure.store.view_table import ViewTable, live_name
from infrastructure.store.view_writer import ViewWriter
from projections.table import TableProjection


@attrs.frozen(kw_only=True)
class Replayed:
    """What a replay of a parked stream did.

    events: held events that were applied or touch no row; 0 when the stream was not parked.
    still_parked: where the stream is stuck again, or None.
    out_of_order: keys whose rows had gone on by other streams meanwhile. Older facts came to them
        after newer ones; where a row depends on that order, only a rebuild makes it right.
    """

    events: int
    still_parked: Parked | None
    out_of_order: tuple[str, ...]


def replay_parked(
    conn: Connection[Any],
    schema: str,
    log: Log,
    projection: TableProjection[Any],
    stream: str,
    now: datetime,
) -> Replayed:
    """Apply a parked stream's held events in their order; all of it is one transaction.

    Any process may call it: the live runner waits for the commit and then reads anew.
    Raises: what the log raises for an event that still cannot be read (the stream stays parked);
        ViewMissing; ShapeChanged.
    """
    with conn.transaction():
        stands = standing(conn, schema, projection, lock=True)
        require_shape(projection, stands)
        parked = parked_streams(conn, schema, projection).get(stream)
        if parked is None:
            return Replayed(events=0, still_parked=None, out_of_order=())
        # Later events than the rows' position reach the stream by the live runner.
        held = [
            item
            for item in log.read_stream(stream, parked.stream_version - 1)
            if item.position <= stands.position
        ]
        table = ViewTable(projection, schema, live_name(projection))
        writer = ViewWriter(projection, table)
        writer.start_from(stands.position, {})
        written = writer.write(conn, held, stands.position)
        unpark(conn, schema, projection, stream)
        park(conn, schema, projection, written.folded.parked.values(), now)
        renew_generation(conn, schema, projection, stands.position)
    stuck = written.folded.parked.get(stream)
    done = [item for item in held if stuck is None or item.position < stuck.position]
    return Replayed(events=len(done), still_parked=stuck, out_of_order=written.folded.late)
