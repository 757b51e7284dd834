"""What a stretch of the journal moved, as the sums and the answers at a position both ask for it.

Columns: role, of, currency, day, fact, minor. Role "earned" is what moves from deferred revenue to
revenue, positive; customers are taken together.
"""

from __future__ import annotations

from psycopg.sql import SQL, Composed, Identifier

from domain.books.accounts import CUSTOMERS
from infrastructure.store.journal_parts import alike

# The roles whose accounts are customers, in SQL.
TOGETHER = ", ".join(f"'{role.value}'" for role in CUSTOMERS)


def moved(schema: str, entries: Identifier, parts: Identifier | None = None) -> Composed:
    """What the entries with %(after)s < position <= %(upto)s move, on every day.

    parts: where their parts stand already, as those of chunk %(chunk)s.
    """
    # Subscriptions of one plan and day are earned alike: they are counted before they are spread.
    return SQL("""{lines}
        UNION ALL
        SELECT 'earned', alike."of", alike.currency, alike.first + days.n, '',
            alike.times * (
                {earned}(alike.minor, alike.starts, alike.days, alike.not_before,
                    alike.first + days.n)
                - {earned}(alike.minor, alike.starts, alike.days, alike.not_before,
                    alike.first + days.n - 1))
        FROM (
            SELECT *, greatest(starts, not_before) AS first,
                greatest(starts + greatest(days - 1, 0), not_before) AS last
            FROM ({alike}) AS part
        ) AS alike
        CROSS JOIN LATERAL generate_series(0, alike.last - alike.first) AS days (n)
    """).format(
        lines=_lines(entries),
        alike=_alike(entries) if parts is None else alike(parts),
        earned=Identifier(schema, "journal_earned"),
    )


def moved_by(schema: str, entries: Identifier) -> Composed:
    """What they move by the end of %(day)s; that day stands for all."""
    return SQL("""
        SELECT * FROM ({lines}) AS moved WHERE moved.day <= %(day)s
        UNION ALL
        SELECT 'earned', "of", currency, %(day)s::date, '',
            times * {earned}(minor, starts, days, not_before, %(day)s)
        FROM ({alike}) AS alike
    """).format(
        lines=_lines(entries),
        alike=_alike(entries, begun=True),
        earned=Identifier(schema, "journal_earned"),
    )


def _lines(entries: Identifier) -> Composed:
    return SQL("""
        SELECT role, CASE WHEN role IN ({together}) THEN '' ELSE "of" END AS "of",
            currency, day, fact, minor
        FROM (
            SELECT split_part(line.account, ':', 1) AS role,
                substr(line.account, strpos(line.account, ':') + 1) AS "of",
                line.currency, entry.day, entry.fact, line.minor
            FROM {entries} AS entry
            CROSS JOIN unnest(entry.accounts, entry.currencies, entry.minors)
                AS line (account, currency, minor)
            WHERE entry.position > %(after)s AND entry.position <= %(upto)s
        ) AS line""").format(together=SQL(TOGETHER), entries=entries)


def _alike(entries: Identifier, *, begun: bool = False) -> Composed:
    return SQL("""
        SELECT part."of", part.currency, part.minor, part.starts, part.days, part.not_before,
            count(*) AS times
        FROM {entries} AS entry
        CROSS JOIN unnest(entry.earned_of, entry.earned_currency, entry.earned_minor,
            entry.earned_from, entry.earned_days, entry.earned_not_before)
            AS part ("of", currency, minor, starts, days, not_before)
        WHERE entry.position > %(after)s AND entry.position <= %(upto)s
            AND {begun}
        GROUP BY part."of", part.currency, part.minor, part.starts, part.days, part.not_before
    """).format(
        entries=entries,
        begun=SQL("entry.earned_first <= %(day)s" if begun else "entry.earned_of IS NOT NULL"),
    )
