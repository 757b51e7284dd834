"""Callbacks of providers: stored raw and once, taken by workers, never dropped.

A provider sends the same callback several times and expects 2xx each time: one row is kept, the
others are counted. What belongs to nothing we know is set aside with a reason, and its age shows.

Bodies are sealed: PayPal's word of a new token holds the token itself, and others name the payer.
Workers never need them; `body` opens one as evidence.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString

import attrs
from psycopg import Connection
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Json
from psycopg_pool import ConnectionPool

from domain.money import Money
from domain.ports import Reversal
from infrastructure.store.sealing import derived_key, opened, sealed

# What is kept of a callback's headers: what proves its sender, and nothing that could be a secret
# of ours or of the payer's.
KEPT_HEADERS = frozenset(
    {
        "content-type",
        "user-agent",
        "paypal-auth-algo",
        "paypal-auth-version",
        "paypal-cert-url",
        "paypal-transmission-id",
        "paypal-transmission-sig",
        "paypal-transmission-time",
        "dintero-signature",
        "event",
        "event-delivery",
        "event-signature",
    }
)


# How long a callback may wait for the facts it is about (it can overtake our own append) before
# it is set aside for a person.
QUARANTINE_AFTER = timedelta(minutes=10)


@attrs.frozen(kw_only=True)
class Received:
    """One stored callback. See domain.ports.Hint for the words; received_at: UTC."""

    id: int
    provider: str
    account: str
    delivery_id: str
    event_type: str
    reference: str
    token_request_ref: str
    headers: Mapping[str, str]
    received_at: datetime
    dispute_ref: str = ""
    charge_ref: str = ""
    reversal: Reversal | None = None
    token_digest: bytes = b""
    token_ended: bool = False


@attrs.frozen(kw_only=True)
class Quarantined:
    """A callback that a person has to look at, and for how long it has been waiting."""

    received: Received
    reason: str
    age: timedelta


_COLUMNS = SQL(
    "id, provider, account, delivery_id, event_type, reference, token_request_ref, headers,"
    " received_at, dispute_ref, charge_ref, reversal, token_digest, token_ended"
)


class Inbox:
    """The callbacks of one set of books.

    pool: connections of the application. master_key: 32 bytes, as the token vault's.
    """

    def __init__(
        self, pool: ConnectionPool[Connection[Any]], schema: str, master_key: bytes
    ) -> None:
        self._pool = pool
        self._table = Identifier(schema, "inbox")
        self._key = derived_key(master_key, "inbox")

    def store(
        self,
        *,
        provider: str,
        account: str,
        delivery_id: str,
        event_type: str,
        reference: str,
        token_request_ref: str,
        headers: Mapping[str, str],
        body: bytes,
        received_at: datetime,
        aside: str = "",
        dispute_ref: str = "",
        charge_ref: str = "",
        reversal: Reversal | None = None,
        token_digest: bytes = b"",
        token_ended: bool = False,
    ) -> bool:
        """Keep a verified callback; True if it is new, False if it had come before.

        account: the merchant account it came to. delivery_id: the provider's id of the message.
        headers: only those of KEPT_HEADERS are kept. received_at: the books' clock, UTC.
        aside: why no worker is to take it before a person has looked, or "".
        Returns only after the commit: answer the provider 2xx then, and not before.
        """
        identity = (provider, account, delivery_id)
        kept = {name: value for name, value in headers.items() if name.lower() in KEPT_HEADERS}
        with self._pool.connection() as conn:
            row = conn.execute(
                SQL(
                    "INSERT INTO {} AS inbox (provider, account, delivery_id, event_type,"
                    " reference, token_request_ref, headers, body, received_at, status, outcome,"
                    " dispute_ref, charge_ref, reversal, token_digest, token_ended)"
                    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                    " ON CONFLICT (provider, account, delivery_id)"
                    " DO UPDATE SET duplicates = inbox.duplicates + 1"
                    " RETURNING duplicates = 0"
                ).format(self._table),
                [
                    *identity,
                    event_type,
                    reference,
                    token_request_ref,
                    Json(kept),
                    sealed(self._key, body, *_place(*identity)),
                    received_at,
                    "quarantined" if aside else "waiting",
                    aside or None,
                    dispute_ref,
                    charge_ref,
                    None if reversal is None else Json(_as_json(reversal)),
                    token_digest,
                    token_ended,
                ],
            ).fetchone()
        assert row is not None
        new: bool = row[0]
        return new

    def waits_since(self, provider: str, account: str, delivery_id: str) -> datetime | None:
        """When a callback first came (UTC) that no worker has settled; None where one has, or where
        it was set aside."""
        with self._pool.connection() as conn:
            row = conn.execute(
                SQL(
                    "SELECT received_at FROM {} WHERE status = 'waiting'"
                    " AND (provider, account, delivery_id) = (%s, %s, %s)"
                ).format(self._table),
                [provider, account, delivery_id],
            ).fetchone()
        return None if row is None else row[0]

    def take(self, *, limit: int, owner: str, lease_s: float) -> list[Received]:
        """Lease waiting callbacks, oldest first; those that another worker holds are passed over.

        lease_s: seconds by the database's clock; what is not settled by then is taken again. To
        treat a callback twice is harmless: it only says where to look.
        """
        with self._pool.connection() as conn:
            found = conn.execute(
                SQL(
                    "WITH free AS MATERIALIZED ("
                    " SELECT id AS free_id FROM {table} WHERE status = 'waiting'"
                    " AND (leased_until IS NULL OR leased_until <= clock_timestamp())"
                    " ORDER BY received_at, id LIMIT %s FOR UPDATE SKIP LOCKED)"
                    " UPDATE {table} SET owner = %s,"
                    " leased_until = clock_timestamp() + make_interval(secs => %s)"
                    " FROM free WHERE id = free_id RETURNING {columns}"
                ).format(table=self._table, columns=_COLUMNS),
                [limit, owner, lease_s],
            ).fetchall()
        return sorted((_received(row) for row in found), key=lambda r: (r.received_at, r.id))

    def done(self, ids: Collection[int], outcome: str) -> None:
        """Settle callbacks. outcome: what became of them, in a word."""
        self._settle(ids, "done", outcome)

    def quarantine(self, callback_id: int, reason: str) -> None:
        """Set a callback aside for a person; it is not taken again by itself."""
        self._settle([callback_id], "quarantined", reason)

    def put_back(self, ids: Collection[int], *, delay_s: float = 1.0) -> None:
        """Give callbacks back unsettled; they are taken again after `delay_s` seconds.

        The pause keeps a worker from spinning over a callback that has come too early.
        """
        if ids:
            self._change(
                "leased_until = clock_timestamp() + make_interval(secs => %s), owner = NULL"
                " WHERE id = ANY(%s) AND status = 'waiting'",
                [delay_s, list(ids)],
            )

    def requeue(self, ids: Collection[int]) -> int:
        """Let quarantined callbacks be worked again; how many there were."""
        return self._change(
            "status = 'waiting', outcome = NULL, settled_at = NULL, leased_until = NULL"
            " WHERE id = ANY(%s) AND status = 'quarantined'",
            [list(ids)],
        )

    def quarantined(self, now: datetime, *, limit: int = 1000) -> list[Quarantined]:
        """What waits for a person, oldest first. now: the books' clock."""
        with self._pool.connection() as conn:
            found = conn.execute(
                SQL(
                    "SELECT {}, outcome FROM {} WHERE status = 'quarantined'"
                    " ORDER BY received_at, id LIMIT %s"
                ).format(_COLUMNS, self._table),
                [limit],
            ).fetchall()
        return [
            Quarantined(received=_received(row[:-1]), reason=row[-1], age=now - row[8])
            for row in found
        ]

    def body(self, callback_id: int) -> bytes:
        """The body of a callback, to the byte. Raises: KeyError; VaultDamaged."""
        with self._pool.connection() as conn:
            row = conn.execute(
                SQL("SELECT provider, account, delivery_id, body FROM {} WHERE id = %s").format(
                    self._table
                ),
                [callback_id],
            ).fetchone()
        if row is None:
            raise KeyError(callback_id)
        return opened(self._key, bytes(row[3]), *_place(*row[:3]))

    def pending(self) -> int:
        """Callbacks that wait for a worker or are in the hands of one."""
        return self._number("SELECT count(*) FROM {} WHERE status = 'waiting'")

    def pending_within(self, seconds: float) -> int:
        """Those of `pending` that were not put back for longer than so many seconds."""
        return self._number(
            "SELECT count(*) FROM {} WHERE status = 'waiting' AND (owner IS NOT NULL OR"
            " leased_until IS NULL"
            " OR leased_until <= clock_timestamp() + make_interval(secs => %s))",
            [seconds],
        )

    def duplicates(self) -> int:
        """How many callbacks came that had come before."""
        return self._number("SELECT coalesce(sum(duplicates), 0) FROM {}")

    def _settle(self, ids: Collection[int], status: str, outcome: str) -> None:
        if ids:
            self._change(
                "status = %s, outcome = %s, settled_at = clock_timestamp(), owner = NULL,"
                " leased_until = NULL WHERE id = ANY(%s) AND status = 'waiting'",
                [status, outcome, list(ids)],
            )

    def _change(self, change: LiteralString, values: Sequence[Any]) -> int:
        with self._pool.connection() as conn:
            statement = SQL("UPDATE {} SET {}").format(self._table, SQL(change))
            return conn.execute(statement, values).rowcount

    def _number(self, query: LiteralString, values: Sequence[Any] = ()) -> int:
        with self._pool.connection() as conn:
            row = conn.execute(SQL(query).format(self._table), values).fetchone()
        assert row is not None
        return int(row[0])


def _place(provider: str, account: str, delivery_id: str) -> tuple[str, str]:
    return f"{provider}/{account}", f"callback {delivery_id}"


def _received(row: Sequence[Any]) -> Received:
    return Received(
        id=row[0],
        provider=row[1],
        account=row[2],
        delivery_id=row[3],
        event_type=row[4],
        reference=row[5],
        token_request_ref=row[6],
        headers=row[7],
        received_at=row[8],
        dispute_ref=row[9],
        charge_ref=row[10],
        reversal=None if row[11] is None else _reversal(row[11]),
        token_digest=bytes(row[12]),
        token_ended=row[13],
    )


def _as_json(reversal: Reversal) -> dict[str, Any]:
    return {
        "charge_ref": reversal.charge_ref,
        "minor": reversal.amount.minor,
        "currency": reversal.amount.currency,
        "provider_ref": reversal.provider_ref,
        "at": reversal.at.isoformat(),
    }


def _reversal(stored: Mapping[str, Any]) -> Reversal:
    return Reversal(
        charge_ref=stored["charge_ref"],
        amount=Money(stored["minor"], stored["currency"]),
        provider_ref=stored["provider_ref"],
        at=datetime.fromisoformat(stored["at"]),
    )
