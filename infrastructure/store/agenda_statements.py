"""The SQL of the agenda: claims over the due_dates projection and the table `work`."""

from __future__ import annotations

from typing import Any

import attrs
from psycopg.sql import SQL, Composed, Identifier, Literal

from domain.identity import SUBSCRIPTION_STREAMS

_NAME = "due_dates"


@attrs.frozen(kw_only=True)
class AgendaStatements:
    """The statements for one set of books. walk: how the planner goes on.

    enter_*: make missing rows of `work`.
    """

    walk: Composed
    enter_due: Composed
    claim_due: Composed
    enter_ids: Composed
    claim_ids: Composed
    renew: Composed
    held: Composed
    release: Composed
    busy: Composed
    next_due: Composed

    @classmethod
    def of(cls, schema: str, version: int) -> AgendaStatements:
        """version: of the due_dates projection."""
        names = {
            "work": Identifier(schema, "work"),
            "view": Identifier(schema, f"view_{_NAME}_v{version}"),
            "positions": Identifier(schema, "view_positions"),
            "parked": Identifier(schema, "view_parked"),
            "name": Literal(_NAME),
            "version": Literal(version),
            "streams": Literal(SUBSCRIPTION_STREAMS),
        }
        texts = {
            "walk": _WALK,
            "enter_due": _ENTER_DUE,
            "claim_due": _CLAIM_DUE,
            "enter_ids": _ENTER_IDS,
            "claim_ids": _CLAIM_IDS,
            "renew": _RENEW,
            "held": _HELD,
            "release": _RELEASE,
            "busy": _BUSY,
            "next_due": _NEXT,
        }
        return cls(**{key: _statement(text, names) for key, text in texts.items()})


def _statement(text: str, names: dict[str, Any]) -> Composed:
    """The statement with the conditions that several of them share."""
    shared = {key: SQL(part).format(**names) for key, part in _SHARED.items()}
    return SQL(text).format(**names, **shared)


_SHARED = {
    "is_free": "(work.leased_until IS NULL OR work.leased_until <= clock_timestamp())",
    "is_due": (
        "view.next_due_at <= %(now)s AND (work.not_before IS NULL OR work.not_before <= %(now)s)"
    ),
    # The row holds what its last owner wrote: either it was changed since, or the projection has
    # passed that position without changing it, and not because the stream is parked.
    "is_current": (
        "(coalesce(work.seen_position, 0) <= view.position OR ("
        " work.seen_position <= (SELECT position FROM {positions}"
        "  WHERE name = {name} AND version = {version})"
        " AND NOT EXISTS (SELECT FROM {parked} WHERE projection = {name} AND version = {version}"
        "  AND stream = {streams} || view.key)))"
    ),
}

# For the rest of the transaction: the agenda is walked by its index in the order of due instants,
# until enough is found. Left to itself the planner joins and sorts all that is due, which after an
# outage is everything; and compiling such a plan (jit) takes longer than the walk.
_WALK = """
SELECT set_config(setting, 'off', true) FROM unnest(ARRAY[
    'enable_hashjoin', 'enable_mergejoin', 'enable_seqscan', 'enable_sort', 'jit']) AS setting
"""

# Inserted in the order of ids, here and below: two who enter the same rows then never wait for
# each other. Only what could be taken next is looked at, not all that is due.
_ENTER_DUE = """
INSERT INTO {work} (subscription_id)
SELECT key FROM (
    SELECT view.key, work.subscription_id
    FROM {view} AS view LEFT JOIN {work} AS work ON work.subscription_id = view.key
    WHERE {is_due} AND {is_free}
      AND (%(providers)s::text[] IS NULL OR view.provider = ANY (%(providers)s::text[]))
    ORDER BY view.next_due_at LIMIT %(limit)s
) AS next WHERE subscription_id IS NULL ORDER BY key
ON CONFLICT DO NOTHING
"""

# Each due row is tried in turn, and no more are locked than are taken. A row of `work` that changed
# since this statement began is judged again on its newest state before it is locked: the
# conditions hold for what is taken.
_CLAIM_DUE = """
WITH free AS MATERIALIZED (
    SELECT taken.subscription_id, view.next_due_at
    FROM (
        SELECT key, next_due_at, position FROM {view} AS due
        WHERE next_due_at <= %(now)s
          AND (%(providers)s::text[] IS NULL OR provider = ANY (%(providers)s::text[]))
        ORDER BY next_due_at
    ) AS view
    CROSS JOIN LATERAL (
        SELECT work.subscription_id FROM {work} AS work
        WHERE work.subscription_id = view.key AND {is_due} AND {is_free} AND {is_current}
        FOR UPDATE SKIP LOCKED
    ) AS taken
    LIMIT %(limit)s
)
UPDATE {work} AS work SET
    owner = %(owner)s, fence = work.fence + 1,
    taken_before = work.leased_until IS NOT NULL,
    leased_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
FROM free WHERE free.subscription_id = work.subscription_id
RETURNING work.subscription_id, work.fence, work.taken_before, free.next_due_at
"""

_ENTER_IDS = """
INSERT INTO {work} (subscription_id)
SELECT id FROM unnest(%(ids)s::text[]) AS id
WHERE NOT EXISTS (SELECT FROM {work} AS work WHERE work.subscription_id = id)
ORDER BY id
ON CONFLICT DO NOTHING
"""

_CLAIM_IDS = """
WITH free AS MATERIALIZED (
    SELECT work.subscription_id FROM {work} AS work
    WHERE work.subscription_id = ANY (%(ids)s::text[]) AND {is_free}
    ORDER BY work.subscription_id
    FOR UPDATE SKIP LOCKED
)
UPDATE {work} AS work SET
    owner = %(owner)s, fence = work.fence + 1,
    taken_before = work.leased_until IS NOT NULL,
    leased_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
FROM free WHERE free.subscription_id = work.subscription_id
RETURNING work.subscription_id, work.fence, work.taken_before, NULL::timestamptz
"""

_RENEW = """
UPDATE {work} AS work
SET leased_until = clock_timestamp() + make_interval(secs => ours.lease_s)
FROM unnest(%s::text[], %s::bigint[], %s::double precision[]) AS ours (id, fence, lease_s)
WHERE work.subscription_id = ours.id AND work.fence = ours.fence
  AND work.leased_until IS NOT NULL
RETURNING work.subscription_id
"""

_HELD = """
WITH margin AS (SELECT clock_timestamp() + make_interval(secs => %s) AS ends)
SELECT work.subscription_id
FROM unnest(%s::text[], %s::bigint[]) AS ours (id, fence), {work} AS work, margin
WHERE work.subscription_id = ours.id AND work.fence = ours.fence
  AND work.leased_until > margin.ends
"""

_RELEASE = """
UPDATE {work} AS work SET
    owner = NULL, leased_until = NULL, taken_before = false,
    seen_position = greatest(work.seen_position, ours.seen_position),
    not_before = ours.not_before
FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::timestamptz[])
    AS ours (id, fence, seen_position, not_before)
WHERE work.subscription_id = ours.id AND work.fence = ours.fence
  AND work.leased_until IS NOT NULL
RETURNING work.subscription_id
"""

_BUSY = """
SELECT EXISTS (SELECT FROM {work} WHERE leased_until > clock_timestamp())
    OR EXISTS (
        SELECT FROM {view} AS view LEFT JOIN {work} AS work ON work.subscription_id = view.key
        WHERE {is_due} AND ({is_current} OR work.seen_position > (
            SELECT position FROM {positions} WHERE name = {name} AND version = {version}))
    )
"""

_NEXT = """
SELECT min(greatest(view.next_due_at, work.not_before))
FROM {view} AS view LEFT JOIN {work} AS work ON work.subscription_id = view.key
WHERE view.next_due_at IS NOT NULL
  AND (view.next_due_at > %(after)s OR work.not_before > %(after)s)
"""
