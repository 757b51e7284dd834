"""What is left to pay on each invoice, as of any day, known at the end of any chunk of the log.

What an item (customer, stream, about, currency) is worth is a step function over days, and what is
recorded later may change it for any day. So a row is a rectangle: for chunks from_chunk <= n <
until_chunk (n: how many whole chunks are known) and days from_day <= day < until_day the item is
worth `minor`, never 0; an end that is open is NULL. issued: the day of its invoice, where that has
come by from_day.

When a chunk closes, the items that moved in it get their open rows closed, and new ones made of
these and the movements. An invoice that is paid on its day, in the chunk of its issue, leaves none.
"""

from __future__ import annotations

from psycopg.sql import SQL, Composed, Identifier

from domain.books.accounts import Role
from projections.statements import ISSUED

ITEMS_COLUMNS = (
    *("customer", "stream", "about", "currency", "minor", "issued"),
    *("from_chunk", "until_chunk", "from_day", "until_day"),
)
ITEMS = """
    customer    text NOT NULL,
    stream      text NOT NULL,
    about       text NOT NULL,
    currency    text NOT NULL,
    minor       bigint NOT NULL CHECK (minor <> 0),
    issued      date,
    from_chunk  bigint NOT NULL,
    until_chunk bigint CHECK (until_chunk > from_chunk),
    from_day    date NOT NULL,
    until_day   date CHECK (until_day > from_day)"""

# How long a row lasts, in classes: up to 1, 2, 4, ... days or chunks, and longer than all of these.
# Of each class only the rows are read that begin so long before the day that they may contain it.
_CLASSES = 15
_LENGTHS = ",".join(str(2**each + 1) for each in range(_CLASSES))
_DAYS = f"width_bucket(until_day - from_day, '{{{_LENGTHS}}}'::integer[])"
_CHUNKS = f"width_bucket(until_chunk - from_chunk, '{{{_LENGTHS}}}'::bigint[])"
_LASTING = "until_day IS NULL AND until_chunk IS NULL"
# The first is for changing them, the others for reading.
INDEXES = (
    "(stream, about) WHERE until_chunk IS NULL",
    f"(({_DAYS}), from_day) WHERE until_day IS NOT NULL",
    f"(({_CHUNKS}), from_chunk) WHERE until_day IS NULL AND until_chunk IS NOT NULL",
    f"(from_day) WHERE {_LASTING}",
)

_ITEM = SQL("customer, stream, about, currency")


def changed(entries: Identifier, items: Identifier) -> Composed:
    """Closes rows and makes new ones, for what moved in the positions %(after)s < p <= %(upto)s,
    which are the whole of chunk %(chunks)s - 1."""
    return SQL("""
        WITH moved AS MATERIALIZED (
            SELECT {item}, day, sum(minor)::bigint AS minor, max(issued) AS issued
            FROM ({lines}) AS line
            GROUP BY {item}, day
            HAVING sum(minor) <> 0 OR max(issued) IS NOT NULL
        ), closed AS (
            -- Looked up one by one, whatever the server knows of the table.
            UPDATE {items} SET until_chunk = %(chunks)s
            WHERE ctid = ANY(ARRAY(
                SELECT old.place FROM (SELECT DISTINCT {item} FROM moved) AS one
                CROSS JOIN LATERAL (
                    SELECT it.ctid AS place FROM {items} AS it
                    WHERE it.until_chunk IS NULL AND it.stream = one.stream
                        AND it.about = one.about AND it.customer = one.customer
                        AND it.currency = one.currency
                    OFFSET 0
                ) AS old
            ))
            RETURNING *
        ), back AS (
            -- Worth nothing since it was issued: the day of that is in no row.
            SELECT one.*, {issue} AS issued
            FROM (
                SELECT {item} FROM moved GROUP BY {item}
                HAVING max(issued) IS NULL AND bool_or(minor <> 0)
                EXCEPT SELECT {item} FROM closed WHERE issued IS NOT NULL
            ) AS one
        ), steps AS (
            SELECT {item}, day, sum(minor) AS minor, max(issued) AS issued FROM (
                SELECT {item}, day, minor, issued FROM moved
                UNION ALL SELECT {item}, from_day, minor, NULL FROM closed
                UNION ALL SELECT {item}, until_day, -minor, NULL FROM closed
                    WHERE until_day IS NOT NULL
                UNION ALL SELECT {item}, issued, 0, issued FROM closed WHERE issued IS NOT NULL
                UNION ALL SELECT {item}, issued, 0, issued FROM back WHERE issued IS NOT NULL
            ) AS step
            GROUP BY {item}, day
            HAVING sum(minor) <> 0 OR max(issued) IS NOT NULL
        )
        INSERT INTO {items} ({columns})
        SELECT {item}, minor, issued, %(chunks)s, NULL, from_day, until_day FROM (
            SELECT {item}, sum(minor) OVER days AS minor, max(issued) OVER days AS issued,
                day AS from_day, lead(day) OVER days AS until_day
            FROM steps WINDOW days AS (PARTITION BY {item} ORDER BY day)
        ) AS worth WHERE minor <> 0
    """).format(
        item=_ITEM,
        items=items,
        lines=_lines(entries),
        issue=_issue(entries, day=SQL("'infinity'")),
        columns=SQL(", ").join(map(Identifier, ITEMS_COLUMNS)),
    )


def open_items(entries: Identifier, items: Identifier) -> Composed:
    """What is left to pay on %(day)s: customer, currency, minor units, the day of the invoice.

    %(chunks)s: how many whole chunks are known; %(after)s: their last position.
    """
    return SQL("""
        SELECT customer, currency, minor, coalesce(issued, {issue}) FROM (
            SELECT {item}, sum(minor)::bigint AS minor, max(issued) AS issued FROM (
                {held}
                UNION ALL SELECT {item}, minor, issued FROM ({lines}) AS line
                    WHERE day <= %(day)s
            ) AS moved
            GROUP BY {item} HAVING sum(minor) <> 0
        ) AS one
    """).format(
        item=_ITEM,
        held=_held(items),
        lines=_lines(entries),
        issue=_issue(entries, day=SQL("%(day)s")),
    )


def _held(items: Identifier) -> Composed:
    """The rows that contain %(day)s and %(chunks)s."""
    return SQL("""
        SELECT it.* FROM generate_series(0, {classes}) AS class (n)
        CROSS JOIN LATERAL (
            SELECT {item}, minor, issued FROM {items} WHERE until_day IS NOT NULL
                AND {days} = class.n AND from_day <= %(day)s AND until_day > %(day)s
                AND from_day > CASE WHEN class.n < {classes}
                    THEN %(day)s::date - (1 << class.n) ELSE '-infinity' END
                AND from_chunk <= %(chunks)s
                AND (until_chunk > %(chunks)s OR until_chunk IS NULL)
            OFFSET 0
        ) AS it
        UNION ALL
        SELECT it.* FROM generate_series(0, {classes}) AS class (n)
        CROSS JOIN LATERAL (
            SELECT {item}, minor, issued FROM {items}
            WHERE until_day IS NULL AND until_chunk IS NOT NULL
                AND {chunks} = class.n AND from_chunk <= %(chunks)s AND until_chunk > %(chunks)s
                AND from_chunk > CASE WHEN class.n < {classes}
                    THEN %(chunks)s::bigint - (1 << class.n) ELSE -1 END
                AND from_day <= %(day)s
            OFFSET 0
        ) AS it
        UNION ALL
        SELECT {item}, minor, issued FROM {items}
        WHERE {lasting} AND from_day <= %(day)s AND from_chunk <= %(chunks)s
    """).format(
        item=_ITEM,
        items=items,
        classes=_CLASSES,
        days=SQL(_DAYS),
        chunks=SQL(_CHUNKS),
        lasting=SQL(_LASTING),
    )


def _lines(entries: Identifier) -> Composed:
    """The receivables' lines of entries with %(after)s < position <= %(upto)s."""
    return SQL("""
        SELECT substr(line.account, {skip}) AS customer, entry.stream, entry.about, line.currency,
            entry.day, line.minor, CASE WHEN entry.fact = {issued} THEN entry.day END AS issued
        FROM {entries} AS entry
        CROSS JOIN unnest(entry.accounts, entry.currencies, entry.minors)
            AS line (account, currency, minor)
        WHERE entry.position > %(after)s AND entry.position <= %(upto)s
            AND starts_with(line.account, {prefix})
    """).format(
        entries=entries,
        issued=ISSUED,
        prefix=f"{Role.RECEIVABLE.value}:",
        skip=len(Role.RECEIVABLE.value) + 2,
    )


def _issue(entries: Identifier, *, day: SQL) -> Composed:
    """The day of the invoice of `one`, known at %(upto)s, if it has come by a day."""
    return SQL("""(
        SELECT max(entry.day) FROM {entries} AS entry
        WHERE entry.customer = one.customer AND entry.stream = one.stream
            AND entry.about = one.about AND entry.fact = {issued}
            AND entry.position <= %(upto)s AND entry.day <= {day}
    )""").format(entries=entries, issued=ISSUED, day=day)
