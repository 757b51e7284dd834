"""The ledger of attempts: a place for each attempt on a card, taken before it is recorded.

A batch of places is taken in one round trip: the instruments are locked (advisory locks, so that
two workers who hold two subscriptions on one card take turns), then whatever certainly fits is
inserted. Only an instrument near one of its limits costs a second one: its attempts are read and
domain/budgets.py decides, under the same locks.

Outcomes are written by the server with the facts that bring them (attempts.sql).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Literal
from psycopg_pool import ConnectionPool

from domain.budgets import Outcome, Tried, Wait, wait_for
from domain.processes.places import Place
from domain.providers import Provider
from projections.attempts import AttemptRow

# How long an open place is kept by whoever asks for it again, without being judged anew: not
# longer than the shortest window, in which it counts anyway.
_KEPT = timedelta(hours=24)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Attempts:
    """The ledger of attempts of one set of books."""

    def __init__(self, pool: ConnectionPool[Connection[Any]], schema: str) -> None:
        self._pool = pool
        names = {
            "attempts": Identifier(schema, "attempts"),
            "schema": Literal(schema),
            "asked": SQL(_ASKED),
            "has": SQL(_HAS),
            "again": SQL(_AGAIN),
        }
        texts = {
            "lock": _LOCK, "take": _TAKE, "missing": _MISSING, "insert": _INSERT,
            "drop": _DROP, "select": _SELECT,
        }  # fmt: skip
        self._sql: dict[str, Composed] = {
            name: SQL(text).format(**names) for name, text in texts.items()
        }

    def reserve(self, places: Sequence[Place]) -> list[Wait | None]:
        """Take a place for each attempt, in order; None where it has one, else how long to wait.

        Asking again for the same attempt is quiet: it has its place. Nothing may be recorded or
        sent without one.
        """
        asked = list({each.attempt_id: each for each in places}.values())
        if not asked:
            return []
        values = {
            **_columns(asked),
            "limits": [min(budget.limit for budget in each.budgets) for each in asked],
            "kept": _KEPT,
            "longest": _longest(asked),
        }
        with self._pool.connection() as conn, conn.transaction():
            with conn.pipeline():
                conn.execute(self._sql["lock"], values)
                conn.execute(self._sql["take"], values)
                rows = conn.execute(self._sql["missing"], values).fetchall()
            if not rows:
                return [None] * len(places)
            missing = {row[0] for row in rows}
            waits = self._judged(conn, [each for each in asked if each.attempt_id in missing])
        return [waits.get(each.attempt_id) for each in places]

    def _judged(self, conn: Connection[Any], places: Sequence[Place]) -> dict[UUID, Wait]:
        """Judge by the rules what did not certainly fit; the locks are held. Who has to wait."""
        values = {
            "instruments": sorted({each.instrument for each in places}),
            "since": min(each.attempted_at for each in places) - _longest(places),
        }
        tried: dict[str, dict[UUID, Tried]] = defaultdict(dict)
        for row in _rows(conn.execute(self._sql["select"], values).fetchall()):
            tried[row.instrument][row.attempt_id] = row.tried
        waits: dict[UUID, Wait] = {}
        fitting = []
        for place in places:
            mine = tried[place.instrument]
            others = [each for key, each in mine.items() if key != place.attempt_id]
            wait = wait_for(others, place.budgets, place.attempted_at)
            if wait is None:
                fitting.append(place)
                mine[place.attempt_id] = Tried(place.attempted_at, Outcome.OPEN)
            else:
                waits[place.attempt_id] = wait
        if fitting:
            conn.execute(self._sql["insert"], _columns(fitting))
        return waits

    def release(self, attempt_ids: Collection[UUID]) -> None:
        """Give places back whose attempts were not recorded after all."""
        if attempt_ids:
            with self._pool.connection() as conn:
                conn.execute(self._sql["drop"], {"ids": list(attempt_ids)})

    def of(self, instrument: str) -> list[AttemptRow]:
        """What was tried on an instrument, oldest first."""
        with self._pool.connection() as conn:
            values = {"instruments": [instrument], "since": _EVER}
            found = conn.execute(self._sql["select"], values).fetchall()
        return _rows(found)


def _columns(places: Sequence[Place]) -> dict[str, Any]:
    return {
        "ids": [each.attempt_id for each in places],
        "instruments": [each.instrument for each in places],
        "networks": [each.network for each in places],
        "providers": [each.provider.value for each in places],
        "ats": [each.attempted_at for each in places],
    }


def _longest(places: Sequence[Place]) -> timedelta:
    return max(budget.window for each in places for budget in each.budgets)


def _rows(found: Sequence[Sequence[Any]]) -> list[AttemptRow]:
    return [
        AttemptRow(
            attempt_id=key,
            instrument=instrument,
            network=network,
            provider=Provider(provider),
            attempted_at=at,
            outcome=Outcome(outcome),
            code=code,
        )
        for key, instrument, network, provider, at, outcome, code in found
    ]


# In one order for everybody, so that nobody waits for each other. Held to the transaction's end.
_LOCK = """
SELECT pg_advisory_xact_lock(number) FROM (
    SELECT DISTINCT hashtextextended({schema} || '.attempts.' || instrument, 0) AS number
    FROM unnest(%(instruments)s::text[]) AS instrument ORDER BY number
) AS instruments
"""

_ASKED = """
asked AS (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(instruments)s::text[], %(networks)s::text[], %(providers)s::text[],
        %(ats)s::timestamptz[], %(limits)s::bigint[]
    ) WITH ORDINALITY AS asked (id, instrument, network, provider, at, least, n)
)
"""

# Whether an attempt has its place: on this instrument, unless its outcome is on record already
# (then whoever asks is behind, and is going to learn it).
_HAS = """
attempts.attempt_id = asked.id AND (attempts.outcome <> 'open' OR (
    attempts.instrument = asked.instrument AND attempts.attempted_at > asked.at - %(kept)s))
"""

# An attempt that died before it was recorded may come again on another card.
_AGAIN = """
ON CONFLICT (attempt_id) DO UPDATE SET
    instrument = excluded.instrument, network = excluded.network, provider = excluded.provider,
    attempted_at = excluded.attempted_at
"""

# A place that is there stays, and moves with the clock while its attempt is open. A new one is
# taken here only where even all attempts of the longest window, whatever became of them but a
# success, leave room under the least limit; everything else is judged by the rules.
_TAKE = """
WITH {asked}, there AS (
    SELECT asked.id FROM asked JOIN {attempts} AS attempts ON {has}
), moved AS (
    UPDATE {attempts} AS attempts SET attempted_at = greatest(attempts.attempted_at, asked.at)
    FROM asked JOIN there USING (id)
    WHERE attempts.attempt_id = asked.id AND attempts.outcome = 'open'
), fresh AS (
    SELECT asked.*, row_number() OVER (PARTITION BY instrument ORDER BY n) AS turn
    FROM asked WHERE id NOT IN (SELECT id FROM there)
)
INSERT INTO {attempts} (attempt_id, instrument, network, provider, attempted_at)
SELECT id, instrument, network, provider, at FROM fresh
WHERE turn + (
    SELECT count(*) FROM {attempts} AS attempts
    WHERE attempts.instrument = fresh.instrument AND attempts.outcome <> 'succeeded'
      AND attempts.attempted_at > fresh.at - %(longest)s
) <= least
{again}
"""

_MISSING = """
WITH {asked} SELECT asked.id FROM asked
WHERE NOT EXISTS (SELECT FROM {attempts} AS attempts WHERE {has})
"""

_INSERT = """
INSERT INTO {attempts} (attempt_id, instrument, network, provider, attempted_at)
SELECT * FROM unnest(
    %(ids)s::uuid[], %(instruments)s::text[], %(networks)s::text[], %(providers)s::text[],
    %(ats)s::timestamptz[]
)
{again}
"""

_DROP = "DELETE FROM {attempts} WHERE attempt_id = ANY (%(ids)s::uuid[]) AND outcome = 'open'"

_SELECT = """
SELECT attempt_id, instrument, network, provider, attempted_at, outcome, code FROM {attempts}
WHERE instrument = ANY (%(instruments)s::text[]) AND attempted_at > %(since)s
ORDER BY attempted_at, attempt_id
"""
