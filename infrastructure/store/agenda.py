"""Who works on what falls due: claims and leases over the due_dates projection.

A claim is a lease on one subscription, by the database's own clock, because it is about real
processes; what is due is judged by the clock of the books, which is passed in. Each take has a
higher fence than the one before, so whoever lost a lease finds out.

The agenda row only says where to look. Whoever claims a subscription loads its stream and decides
on that; a stale row leads to nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import attrs
from psycopg import Connection
from psycopg.sql import Composed
from psycopg_pool import ConnectionPool

from infrastructure.store.agenda_statements import AgendaStatements
from infrastructure.store.arrays import BigintArray, TextArray


@attrs.frozen(kw_only=True)
class Claim:
    """A lease on one subscription.

    fence: grows at every take; compared at every later step.
    taken_before: the lease before this one was not given back: its holder may have sent something.
    due_at: UTC instant at which the agenda's row fell due; None when claimed by name.
    lease_s: seconds for which it was taken, from the database's clock.
    """

    subscription_id: str
    fence: int
    taken_before: bool
    due_at: datetime | None
    lease_s: float


Return = tuple[Claim, int, datetime | None]


class Agenda:
    """Claims over one set of books.

    version: of the due_dates projection whose table is read. It has subscription ids as keys and
        the columns next_due_at (null: nothing falls due) and provider.
    """

    def __init__(
        self, pool: ConnectionPool[Connection[Any]], schema: str, *, version: int = 1
    ) -> None:
        self._pool = pool
        self._sql = AgendaStatements.of(schema, version)

    def claim(
        self,
        now: datetime,
        *,
        limit: int,
        owner: str,
        lease_s: float,
        providers: Collection[str] | None = None,
    ) -> list[Claim]:
        """Take what is due and free, longest due first; one round trip.

        Left out: what is leased, what is to be left alone until later, and what the agenda has
        not yet caught up with since it was given back. Rows that another claim is just taking are
        passed over, not waited for.

        now: the books' clock. limit: subscriptions. lease_s: seconds. providers: None for all.
        """
        values = {
            "now": now,
            "limit": limit,
            "owner": owner,
            "lease_s": lease_s,
            "providers": None if providers is None else list(providers),
        }
        found = self._take(self._sql.enter_due, self._sql.claim_due, values)
        claims = [_claim(row, lease_s) for row in found]
        return sorted(claims, key=lambda each: (each.due_at or now, each.subscription_id))

    def claim_ids(
        self, subscription_ids: Collection[str], *, owner: str, lease_s: float
    ) -> list[Claim]:
        """Take these subscriptions, due or not; those that somebody holds are left out."""
        ids = sorted(set(subscription_ids))
        if not ids:
            return []
        values = {"ids": ids, "owner": owner, "lease_s": lease_s}
        found = self._take(self._sql.enter_ids, self._sql.claim_ids, values)
        return [_claim(row, lease_s) for row in sorted(found)]

    def renew(self, claims: Collection[Claim]) -> set[str]:
        """Lengthen leases, each by what it was taken for, counted from now.

        Returns: the subscriptions still held. A lease that has run out but that nobody else took
        is held again: its fence is the newest.
        """
        if not claims:
            return set()
        return self._changed(
            self._sql.renew,
            [
                [each.subscription_id for each in claims],
                [each.fence for each in claims],
                [each.lease_s for each in claims],
            ],
        )

    def still_held(self, claims: Collection[Claim], *, margin_s: float = 0.0) -> set[str]:
        """The subscriptions whose lease is ours for at least `margin_s` more seconds.

        Asked before a provider is called: a process that slept past its lease must not call.
        """
        if not claims:
            return set()
        return self._changed(self._sql.held, [margin_s, *_ids_and_fences(claims)])

    def release(self, returns: Sequence[Return]) -> tuple[Claim, ...]:
        """Give claims back: (claim, position of the last fact written, leave alone until or None).

        seen position: 0 when nothing was written. The agenda's row is not taken again before the
        projection holds it.
        Returns: the claims that were no longer ours; nothing was changed for them.
        """
        if not returns:
            return ()
        claims = [each for each, _, _ in returns]
        done = self._changed(
            self._sql.release,
            [
                *_ids_and_fences(claims),
                BigintArray(seen for _, seen, _ in returns),
                [not_before for _, _, not_before in returns],
            ],
        )
        return tuple(each for each in claims if each.subscription_id not in done)

    def idle(self, now: datetime) -> bool:
        """True when nothing is leased and nothing can be taken, now or once the agenda caught up.

        A stepping clock may go on then, provided that the projection holds the log's head.
        """
        with self._pool.connection() as conn:
            row = conn.execute(self._sql.busy, {"now": now}).fetchone()
        assert row is not None
        return not row[0]

    def next_due(self, after: datetime) -> datetime | None:
        """The first instant after `after` at which something falls due or may be tried again."""
        with self._pool.connection() as conn:
            row = conn.execute(self._sql.next_due, {"after": after}).fetchone()
        assert row is not None
        due: datetime | None = row[0]
        return due

    def _take(self, enter: Composed, claim: Composed, values: dict[str, Any]) -> list[Any]:
        """Make the rows that are missing, then take the free ones; together one round trip."""
        with self._pool.connection() as conn, conn.pipeline():
            conn.execute(self._sql.walk)
            # Not prepared: a plan made for any limit and any instant may read the whole agenda.
            conn.execute(enter, values, prepare=False)
            cursor = conn.execute(claim, values, prepare=False)
            return cursor.fetchall()

    def _changed(self, statement: Composed, values: Sequence[Any]) -> set[str]:
        with self._pool.connection() as conn:
            return {row[0] for row in conn.execute(statement, values)}


def _claim(row: Sequence[Any], lease_s: float) -> Claim:
    subscription_id, fence, taken_before, due_at = row
    return Claim(
        subscription_id=subscription_id,
        fence=fence,
        taken_before=taken_before,
        due_at=due_at,
        lease_s=lease_s,
    )


def _ids_and_fences(claims: Collection[Claim]) -> list[list[Any]]:
    return [
        TextArray(each.subscription_id.encode() for each in claims),
        BigintArray(each.fence for each in claims),
    ]
