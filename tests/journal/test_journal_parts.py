"""Parts of deferred revenue: what is earned when, of whole chunks and of the last one."""

from __future__ import annotations

from datetime import date

import pytest
from psycopg.sql import SQL

from infrastructure.store.tracking import advance
from tests.journal.keeping import NOW, SMALL, Stored

REVENUE = "gold|untaxed"
FEBRUARY, MARCH = date(2025, 2, 1), date(2025, 3, 1)


def keep(stored: Stored, head: int, day: date) -> None:
    """Positions 1 and 2: an invoice each of 1.00 a day, for the 28 days of February."""
    stored.begin([], "UTC")
    with stored.conn.transaction():
        for position in (1, 2):
            stored.conn.execute(
                SQL(
                    "INSERT INTO {} VALUES (%s, '', '', 's-1', 'invoice-issued.v1', 'invoice 1',"
                    " 'c-1', now(), now(), %s, '', NULL, '{{}}', '{{}}', '{{}}', ARRAY[%s],"
                    " '{{NOK}}', '{{2800}}', '{{2025-02-01}}', '{{28}}', '{{NULL}}', '2025-02-01',"
                    " '2025-02-28')"
                ).format(stored.table.identifier),
                [position, day, REVENUE],
            )
        stored.table.add_up(stored.conn, 0, head)
        advance(stored.conn, stored.books.schema, [stored.journal], head, NOW)


@pytest.mark.parametrize("head", [2, SMALL.chunk, SMALL.chunk * SMALL.fan])
@pytest.mark.parametrize(
    ("billed", "asked", "month", "minor"),
    [
        # In advance: what is left after the day.
        (date(2025, 1, 20), date(2025, 1, 19), None, 0),
        (date(2025, 1, 20), date(2025, 1, 20), FEBRUARY, 5600),
        (date(2025, 1, 20), date(2025, 2, 1), FEBRUARY, 5400),
        (date(2025, 1, 20), date(2025, 2, 27), FEBRUARY, 200),
        (date(2025, 1, 20), date(2025, 2, 28), None, 0),
        # Afterwards: what is served already and not billed, in the month of the invoice.
        (date(2025, 3, 1), date(2025, 1, 31), None, 0),
        (date(2025, 3, 1), date(2025, 2, 1), MARCH, -200),
        (date(2025, 3, 1), date(2025, 2, 28), MARCH, -5600),
        (date(2025, 3, 1), date(2025, 3, 1), None, 0),
    ],
)
def test_deferred(stored, head, billed, asked, month, minor):
    """given two invoices in a chunk that is not full, in one, and in one of the next level."""
    keep(stored, head, billed)
    found = {key: each for key, each in stored.reader.deferred(head, asked).items() if each}
    assert found == ({} if month is None else {(month, REVENUE, "NOK"): minor})
