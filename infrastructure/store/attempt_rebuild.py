"""The ledger of attempts made again from the log, and held against it.

Nobody is stopped by the comparison: the rows are read between two readings of the log, and a row
is right when it shows what the log showed at the first, at the second, or in between. A rebuild
keeps places from being taken, and outcomes from being noted, for the moment in which the rows are
written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from domain.budgets import Outcome
from domain.providers import Provider
from domain.recorded import Recorded
from infrastructure.store.folding import Log
from infrastructure.store.rebuild import Difference
from projections.attempts import AttemptLog, AttemptRow

NAME = "attempts"
BATCH = 5000
# A place whose attempt is not in the log may be about to be recorded; after so long it is not.
UNUSED_AFTER = timedelta(days=1)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = SQL("attempt_id, instrument, network, provider, attempted_at, outcome, code")

Connect = Callable[[], Connection[Any]]


def rebuild_attempts(
    connect: Connect, schema: str, log: Log, *, now: datetime, batch: int = BATCH
) -> int:
    """Make the ledger of attempts say what the log says; how many rows came from the log.

    Places that were taken and not recorded yet stay, unless they were taken long before `now`.
    Attempts of streams that cannot be read are left as they are.
    """
    attempts = AttemptLog(horizon=None)
    position, readable = _follow(attempts, log, 0, batch)
    table = Identifier(schema, NAME)
    with connect() as conn, conn.transaction():
        # Appends that bring outcomes wait at this table; what they append is not seen yet, and
        # changes the new rows once we are done.
        conn.execute(SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(table))
        _, still = _follow(attempts, log, position, batch)
        rows = list(attempts.rows.values())
        for begins in range(0, len(rows), batch):
            _write(conn, table, rows[begins : begins + batch])
        if readable and still:
            conn.execute(
                SQL(
                    "DELETE FROM {} WHERE attempted_at < %s AND NOT attempt_id = ANY (%s::uuid[])"
                ).format(table),
                [now - UNUSED_AFTER, list(attempts.rows)],
            )
    return len(rows)


def compare_attempts(
    connect: Connect, schema: str, log: Log, attempts: AttemptLog, position: int
) -> Iterator[Difference]:
    """Every row that is not what the facts say, as far back as `attempts` reaches.

    attempts: the log folded up to `position`; it is folded on to the log's end.
    """
    shown: dict[UUID, set[tuple[Outcome, str]]] = defaultdict(set)
    for row in attempts.rows.values():
        shown[row.attempt_id].add((row.outcome, row.code))
    first = set(shown)
    stored = _stored(connect, schema, attempts.begins or _EVER)
    position, readable = _follow(attempts, log, position, BATCH, shown)
    begins = attempts.begins or _EVER
    for key, row in attempts.rows.items():
        live = stored.get(key)
        if row.attempted_at < begins or (live is None and key not in first):
            continue
        if live is None or not _agree(live, row, shown[key]):
            yield _difference(key, position, live, row)
    newest = max((row.attempted_at for row in attempts.rows.values()), default=_EVER)
    for key, live in stored.items():
        unused = begins <= live.attempted_at < newest - UNUSED_AFTER
        if key not in attempts.rows and unused and readable:
            yield _difference(key, position, live, None)


def _agree(live: AttemptRow, row: AttemptRow, shown: set[tuple[Outcome, str]]) -> bool:
    """Whether a row says what the log said. It may say a later time: its place was asked for
    again by somebody who came too late."""
    where = (live.instrument, live.network, live.provider)
    return (
        where == (row.instrument, row.network, row.provider)
        and live.attempted_at >= row.attempted_at
        and (live.outcome, live.code) in shown
    )


def _difference(
    key: UUID, position: int, live: AttemptRow | None, row: AttemptRow | None
) -> Difference:
    return Difference(NAME, str(key), position, _as_row(live), _as_row(row))


def _as_row(row: AttemptRow | None) -> dict[str, Any] | None:
    if row is None:
        return None
    values = {
        "instrument": row.instrument,
        "network": row.network,
        "provider": row.provider.value,
        "attempted_at": row.attempted_at.isoformat(),
        "outcome": row.outcome.value,
        "code": row.code,
    }
    return {"key": str(row.attempt_id), "row": values}


def _follow(
    attempts: AttemptLog,
    log: Log,
    position: int,
    batch: int,
    shown: dict[UUID, set[tuple[Outcome, str]]] | None = None,
) -> tuple[int, bool]:
    """Fold the log to its end; how far it reached, and whether all of it could be read."""
    readable = True
    while items := log.read_log(position, batch):
        for item in items:
            if not isinstance(item, Recorded):
                readable = False
                continue
            row = attempts.see(item)
            if row is not None and shown is not None:
                shown[row.attempt_id].add((row.outcome, row.code))
        position = items[-1].position
    return position, readable


def _stored(connect: Connect, schema: str, since: datetime) -> dict[UUID, AttemptRow]:
    statement = SQL("SELECT {} FROM {} WHERE attempted_at >= %s")
    with connect() as conn:
        found = conn.execute(
            statement.format(_COLUMNS, Identifier(schema, NAME)), [since]
        ).fetchall()
    return {
        key: AttemptRow(
            attempt_id=key,
            instrument=instrument,
            network=network,
            provider=Provider(provider),
            attempted_at=at.astimezone(UTC),
            outcome=Outcome(outcome),
            code=code,
        )
        for key, instrument, network, provider, at, outcome, code in found
    }


def _write(conn: Connection[Any], table: Identifier, rows: Sequence[AttemptRow]) -> None:
    conn.execute(
        SQL(
            "INSERT INTO {} AS attempts ({})"
            " SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[],"
            " %s::timestamptz[], %s::text[], %s::text[])"
            " ON CONFLICT (attempt_id) DO UPDATE SET instrument = excluded.instrument,"
            " network = excluded.network, provider = excluded.provider,"
            " attempted_at = excluded.attempted_at, outcome = excluded.outcome,"
            " code = excluded.code"
        ).format(table, _COLUMNS),
        [
            [each.attempt_id for each in rows],
            [each.instrument for each in rows],
            [each.network for each in rows],
            [each.provider.value for each in rows],
            [each.attempted_at for each in rows],
            [each.outcome.value for each in rows],
            [each.code for each in rows],
        ],
    )
