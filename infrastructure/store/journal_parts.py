"""The parts of deferred revenue that chunks of the log brought, and the days on which they are
earned.

Like parts of one day are one row, with how often they are there. first, last: the first and the
last day that may earn of it. So what is deferred on a day is read by an index, of a few chunks, and
how much of it each month earns is told once for like parts.
"""

from __future__ import annotations

from psycopg.sql import SQL, Composed, Identifier

PARTS_COLUMNS = (
    *("level", "chunk", "of", "currency", "minor", "starts", "days", "not_before"),
    *("day", "first", "last", "times"),
)
PARTS = """
    level      smallint NOT NULL,
    chunk      bigint NOT NULL,
    "of"       text NOT NULL,
    currency   text NOT NULL,
    minor      bigint NOT NULL,
    starts     date NOT NULL,
    days       integer NOT NULL,
    not_before date,
    day        date NOT NULL,
    first      date NOT NULL,
    last       date NOT NULL,
    times      bigint NOT NULL"""
# What is earned after a day, by which chunks are also taken together; and what is earned before it
# is billed, which few parts are.
INDEXES = ("(level, chunk, last)", "(level, chunk, day, first) WHERE first < day")

_LIKE = SQL('"of", currency, minor, starts, days, not_before')


def brought(entries: Identifier, parts: Identifier) -> Composed:
    """Makes the rows of chunk %(chunk)s of the lowest level: %(after)s < position <= %(upto)s."""
    return SQL("""
        INSERT INTO {parts}
        SELECT 0, %(chunk)s, {like}, day, {first}, {last}, count(*)
        FROM ({of_entries}) AS part
        GROUP BY {like}, day ORDER BY last, day, {like}
    """).format(
        parts=parts,
        like=_LIKE,
        first=SQL("greatest(starts, not_before) AS first"),
        last=SQL("greatest(starts + greatest(days - 1, 0), not_before) AS last"),
        of_entries=_of_entries(entries),
    )


def merged(parts: Identifier) -> Composed:
    """Makes the rows of chunk %(chunk)s of %(level)s from those of the level below:
    %(begin)s <= chunk < %(end)s."""
    return SQL("""
        INSERT INTO {parts}
        SELECT %(level)s, %(chunk)s, {like}, day, first, last, sum(times)
        FROM {parts} WHERE level = %(below)s AND chunk >= %(begin)s AND chunk < %(end)s
        GROUP BY {like}, day, first, last ORDER BY last, day, {like}
    """).format(parts=parts, like=_LIKE)


def alike(parts: Identifier) -> Composed:
    """The parts of chunk %(chunk)s of the lowest level, whatever their entries' days."""
    return SQL("""
        SELECT {like}, sum(times)::bigint AS times FROM {parts}
        WHERE level = 0 AND chunk = %(chunk)s GROUP BY {like}
    """).format(parts=parts, like=_LIKE)


def deferred(entries: Identifier, parts: Identifier) -> Composed:
    """Like parts that are billed by %(day)s and earn after it, each with how often it is there."""
    return SQL("""
        SELECT "of", minor, currency, starts, days, not_before, sum(times)::bigint FROM (
            {chunks} AND day <= %(day)s AND last > %(day)s) AS part
            UNION ALL
            SELECT {like}, day, 1 FROM ({of_entries} AND entry.day <= %(day)s
                AND entry.earned_last > %(day)s) AS part
        ) AS part GROUP BY {like}
    """).format(chunks=_of_chunks(parts), of_entries=_of_entries(entries), like=_LIKE)


def early(entries: Identifier, parts: Identifier, earned: Identifier) -> Composed:
    """What is billed after %(day)s and earned by then: month of the bill, revenue, currency,
    minor units."""
    return SQL("""
        SELECT date_trunc('month', day::timestamp)::date, "of", currency,
            sum(times * {earned}(minor, starts, days, not_before, %(day)s))::bigint FROM (
            {chunks} AND day > %(day)s AND first <= %(day)s AND first < day) AS part
            UNION ALL
            SELECT {like}, day, 1 FROM ({of_entries} AND entry.day > %(day)s
                AND entry.earned_first <= %(day)s) AS part
        ) AS part GROUP BY 1, 2, 3
    """).format(
        chunks=_of_chunks(parts), of_entries=_of_entries(entries), like=_LIKE, earned=earned
    )


def _of_chunks(parts: Identifier) -> Composed:
    """The parts of the wanted chunks. It ends in a condition, and a bracket is open."""
    # One by one, so that each is read by an index whatever the server knows of the table.
    return SQL("""
        SELECT part.* FROM unnest(%(levels)s::smallint[], %(numbers)s::bigint[])
            AS wanted (level, chunk)
        CROSS JOIN LATERAL (
            SELECT {like}, day, times FROM {parts} AS part
            WHERE part.level = wanted.level AND part.chunk = wanted.chunk""").format(
        like=_LIKE, parts=parts
    )


def _of_entries(entries: Identifier) -> Composed:
    """The parts of entries with %(after)s < position <= %(upto)s. It ends in a condition."""
    return SQL("""
        SELECT part."of", part.currency, part.minor, part.starts, part.days, part.not_before,
            entry.day
        FROM {entries} AS entry
        CROSS JOIN unnest(entry.earned_of, entry.earned_currency, entry.earned_minor,
            entry.earned_from, entry.earned_days, entry.earned_not_before)
            AS part ("of", currency, minor, starts, days, not_before)
        WHERE entry.position > %(after)s AND entry.position <= %(upto)s
            AND entry.earned_of IS NOT NULL""").format(entries=entries)
