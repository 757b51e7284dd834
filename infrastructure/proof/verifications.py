"""What verifications found, kept beside the log: one row each, never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Json

from domain.proof.tampering import Kind

QUICK, FULL = "quick", "full"
CLEAN = "clean"


@attrs.frozen(kw_only=True)
class Verification:
    """One verification.

    scope: "quick" for the log alone, "full" with the audit. verdict: clean, broken, differences,
    incomplete. first_broken, kind: None and "" where nothing is. anchored_to: size of the outside
    checkpoint that the log agrees with. findings: in words, the first ones.
    """

    at: datetime
    actor: str
    scope: str
    head: int
    sealed_to: int
    proved_to: int
    verdict: str
    first_broken: int | None
    kind: str
    anchored_to: int | None
    took_ms: int
    findings: list[str]


@attrs.frozen(kw_only=True)
class LastVerified:
    """What the last verification said, for monitoring; `whole_at`: of the last one with the audit.

    proved_to, head: positions. anchored_to: as in Verification.
    """

    at: datetime
    scope: str
    verdict: str
    head: int
    proved_to: int
    anchored_to: int | None
    whole_at: datetime | None
    whole_verdict: str


_COLUMNS = tuple(each.name for each in attrs.fields(Verification))


def keep(conn: Connection[Any], schema: str, found: Verification) -> None:
    """Record a verification."""
    statement = SQL("INSERT INTO {} ({}) VALUES ({})").format(
        Identifier(schema, "verifications"),
        SQL(", ").join(map(Identifier, _COLUMNS)),
        SQL(", ").join([SQL("%s")] * len(_COLUMNS)),
    )
    values = attrs.asdict(found)
    conn.execute(statement, [*(values[name] for name in _COLUMNS[:-1]), Json(found.findings)])


def history(conn: Connection[Any], schema: str, limit: int) -> list[Verification]:
    """The newest verifications, the newest first."""
    statement = SQL("SELECT {} FROM {} ORDER BY number DESC LIMIT %s").format(
        SQL(", ").join(map(Identifier, _COLUMNS)), Identifier(schema, "verifications")
    )
    with conn.cursor(row_factory=class_row(Verification)) as cursor:
        return cursor.execute(statement, [limit]).fetchall()


def last_of(conn: Connection[Any], schema: str, scope: str | None = None) -> Verification | None:
    """The last verification, of that scope or of any."""
    statement = SQL(
        "SELECT {} FROM {} WHERE scope = coalesce(%s, scope) ORDER BY number DESC LIMIT 1"
    ).format(SQL(", ").join(map(Identifier, _COLUMNS)), Identifier(schema, "verifications"))
    with conn.cursor(row_factory=class_row(Verification)) as cursor:
        return cursor.execute(statement, [scope]).fetchone()


def last_verified(conn: Connection[Any], schema: str) -> LastVerified | None:
    """The last verification and the last whole one, in short; None: there was none."""
    last, whole = last_of(conn, schema), last_of(conn, schema, FULL)
    if last is None:
        return None
    return LastVerified(
        at=last.at,
        scope=last.scope,
        verdict=last.verdict,
        head=last.head,
        proved_to=last.proved_to,
        anchored_to=last.anchored_to,
        whole_at=None if whole is None else whole.at,
        whole_verdict="" if whole is None else whole.verdict,
    )


def last_anchor(conn: Connection[Any], schema: str) -> tuple[int, datetime] | None:
    """The largest outside checkpoint that the log was ever found to agree with, and when."""
    statement = SQL(
        "SELECT anchored_to, at FROM {} WHERE anchored_to IS NOT NULL AND kind <> %s"
        " ORDER BY anchored_to DESC, number LIMIT 1"
    ).format(Identifier(schema, "verifications"))
    row = conn.execute(statement, [Kind.REPLACED.value]).fetchone()
    return None if row is None else (int(row[0]), row[1])
