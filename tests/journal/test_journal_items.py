"""Open items as rectangles of days and chunks: which rows are made, and what they answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

import attrs
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL

from infrastructure.store.tracking import advance
from projections.statements import ISSUED, OpenItem
from tests.journal.keeping import NOW, SMALL, Stored

JANUARY = date(2025, 1, 1)
OTHER = "charge-succeeded.v1"
# An end that is open.
EVER = None


@attrs.frozen
class Moved:
    """One entry: an invoice, or what pays it or takes the payment back. day: of January."""

    day: int
    minor: int
    about: str = "invoice 1"
    fact: str = OTHER
    customer: str = "c-1"
    currency: str = "NOK"


def bill(day: int, minor: int, **which: str) -> Moved:
    return Moved(day, minor, fact=ISSUED, **which)


def january(day: int) -> date:
    return JANUARY + timedelta(days=day - 1)


def keep(stored: Stored, chunks: Sequence[Sequence[Moved]], last: Sequence[Moved] = ()) -> int:
    """Chunks of four positions, filled up with positions that have no entry; and the rest.

    Returns: the last position.
    """
    stored.begin([], "UTC")
    entries = [
        (number * SMALL.chunk + place, each)
        for number, chunk in enumerate([*chunks, last])
        for place, each in enumerate(chunk, start=1)
    ]
    head = len(chunks) * SMALL.chunk + len(last)
    with stored.conn.cursor() as cursor, stored.conn.transaction():
        cursor.executemany(
            SQL(
                "INSERT INTO {} (position, voucher, document, stream, fact, about, customer,"
                " effective_at, recorded_at, day, belongs_to, accounts, currencies, minors)"
                " VALUES (%s, '', '', 's-1', %s, %s, %s, now(), now(), %s, '',"
                " ARRAY['receivable:' || %s::text, 'bank:x'], ARRAY[%s::text, %s], %s::bigint[])"
            ).format(stored.table.identifier),
            [
                (
                    *(position, each.fact, each.about, each.customer, january(each.day)),
                    *(each.customer, each.currency, each.currency, [each.minor, -each.minor]),
                )
                for position, each in entries
            ],
        )
        for upto in range(SMALL.chunk, head + 1, SMALL.chunk):
            stored.table.add_up(stored.conn, upto - SMALL.chunk, upto)
        advance(stored.conn, stored.books.schema, [stored.journal], head, NOW)
    return head


def rows(stored: Stored) -> list[tuple[int, int | None, int, int | None, int, int | None]]:
    """The rectangles: chunks, days of January, minor units, the day of the invoice."""
    statement = SQL(
        "SELECT from_chunk, until_chunk, from_day, until_day, minor, issued FROM {}"
        " ORDER BY from_chunk, from_day"
    ).format(stored.table.items)

    def number(day: date | None) -> int | None:
        return None if day is None else (day - JANUARY).days + 1

    return [
        (begins, ends, number(first), number(until), minor, number(issued))
        for begins, ends, first, until, minor, issued in stored.conn.execute(statement)
    ]


NOTHING: tuple[Moved, ...] = ()
CASES = {
    "paid on its day": ([[bill(1, 100), Moved(1, -100)]], []),
    "not paid": ([[bill(1, 100)], NOTHING], [(1, EVER, 1, EVER, 100, 1)]),
    "paid later in the chunk": (
        [[bill(1, 100), Moved(8, -100)]],
        [(1, EVER, 1, 8, 100, 1)],
    ),
    "paid on its day, in the next chunk": (
        [[bill(1, 100)], [Moved(1, -100)]],
        [(1, 2, 1, EVER, 100, 1)],
    ),
    "paid in the third chunk, a week later": (
        [[bill(1, 100)], NOTHING, [Moved(8, -100)]],
        [(1, 3, 1, EVER, 100, 1), (3, EVER, 1, 8, 100, 1)],
    ),
    "paid in parts": (
        [[bill(1, 100), Moved(5, -30)], [Moved(9, -70)]],
        [
            (1, 2, 1, 5, 100, 1),
            (1, 2, 5, EVER, 70, 1),
            (2, EVER, 1, 5, 100, 1),
            (2, EVER, 5, 9, 70, 1),
        ],
    ),
    "a part is found out later and counts from before": (
        [[bill(1, 100)], [Moved(10, -40)], [Moved(5, -60)]],
        [
            (1, 2, 1, EVER, 100, 1),
            (2, 3, 1, 10, 100, 1),
            (2, 3, 10, EVER, 60, 1),
            (3, EVER, 1, 5, 100, 1),
            (3, EVER, 5, 10, 40, 1),
        ],
    ),
    "paid before it is billed": (
        [[Moved(3, -100)], [bill(6, 100)]],
        [(1, 2, 3, EVER, -100, None), (2, EVER, 3, 6, -100, None)],
    ),
    "billed for more than was paid before": (
        [[Moved(3, -30)], [bill(6, 100)], [Moved(4, -10)]],
        [
            (1, 2, 3, EVER, -30, None),
            (2, 3, 3, 6, -30, None),
            (2, 3, 6, EVER, 70, 6),
            (3, EVER, 3, 4, -30, None),
            (3, EVER, 4, 6, -40, None),
            (3, EVER, 6, EVER, 60, 6),
        ],
    ),
    "taken back long after": (
        [[bill(1, 100), Moved(1, -100)], NOTHING, [Moved(20, 100)]],
        [(3, EVER, 20, EVER, 100, 1)],
    ),
    "taken back and charged again on one day": (
        [[bill(1, 100)], [Moved(9, -100), Moved(9, 100)]],
        [(1, EVER, 1, EVER, 100, 1)],
    ),
}


@pytest.mark.parametrize(("chunks", "expected"), CASES.values(), ids=CASES)
def test_rectangles(stored, chunks, expected):
    """given chunks of entries, then these rows."""
    keep(stored, chunks)
    assert rows(stored) == expected


def test_items_are_told_apart(stored):
    """By customer, invoice and currency."""
    chunk = [
        bill(1, 1),
        bill(1, 2, about="invoice 2"),
        bill(1, 4, currency="EUR"),
        bill(1, 8, customer="c-2"),
    ]
    head = keep(stored, [chunk], [Moved(2, -8, customer="c-2")])
    assert sorted(row[4] for row in rows(stored)) == [1, 2, 4, 8]
    assert len(stored.reader.open_items(head, january(2))) == 3
    assert len(stored.reader.open_items(head, january(1))) == 4


def test_the_last_chunk_takes_back_what_was_paid_at_once(stored):
    """No row tells when it was issued: the entry does, where its day has come."""
    head = keep(stored, [[bill(5, 100), Moved(5, -100)]], [Moved(4, 30), Moved(20, 100)])
    assert stored.reader.open_items(head, january(20)) == [OpenItem("c-1", "NOK", 130, january(5))]
    assert stored.reader.open_items(head, january(4)) == [OpenItem("c-1", "NOK", 30, None)]
    assert stored.reader.open_items(SMALL.chunk, january(20)) == []


@pytest.mark.parametrize("days", [1, 2, 3, 4, 5, 8, 9, 64, 65, 16384, 16385, 40000, 2_000_000])
def test_rows_of_every_length_are_found(stored, days):
    """On the first day and the last, and on neither side of them."""
    head = keep(stored, [[bill(1, 100), Moved(1 + days, -100)]])
    found = [len(stored.reader.open_items(head, january(day))) for day in (0, 1, days, days + 1)]
    assert found == [0, 1, 1, 0]


@pytest.mark.parametrize("chunks", [1, 2, 3, 4, 5, 8, 9, 33])
def test_rows_of_every_length_in_chunks_are_found(stored, chunks):
    """Known before the payment, and not after it."""
    keep(stored, [NOTHING, [bill(1, 100)], *[NOTHING] * (chunks - 1), [Moved(1, -100)]])
    found = [
        len(stored.reader.open_items(number * SMALL.chunk, january(30)))
        for number in (1, 2, chunks + 1, chunks + 2)
    ]
    assert found == [0, 1, 1, 0]


@st.composite
def movements(draw: st.DrawFn) -> list[Moved]:
    """Any amounts on any days, of which one an item is its invoice."""
    days, minors = st.integers(1, 12), st.integers(-3, 3).map(lambda each: each * 10)
    facts = st.sampled_from([OTHER, OTHER, ISSUED])
    items = st.sampled_from([("invoice 1", "c-1"), ("invoice 1", "c-2"), ("invoice 2", "c-1")])
    found: list[Moved] = []
    for day, minor, (about, customer), fact in draw(
        st.lists(st.tuples(days, minors, items, facts), max_size=40)
    ):
        of = [each for each in found if (each.about, each.customer) == (about, customer)]
        if fact == ISSUED and any(each.fact == ISSUED for each in of):
            fact, minor = OTHER, -sum(each.minor for each in of)
        found.append(Moved(day, minor, about, fact, customer))
    return found


def derived(moved: Sequence[Moved], day: int) -> Counter[OpenItem]:
    """What is left to pay, by adding up."""
    counted = [each for each in moved if each.day <= day]
    sums: Counter[tuple[str, str]] = Counter()
    for each in counted:
        sums[each.customer, each.about] += each.minor
    issued = {(e.customer, e.about): january(e.day) for e in counted if e.fact == ISSUED}
    return Counter(
        OpenItem(customer, "NOK", minor, issued.get((customer, about)))
        for (customer, about), minor in sums.items()
        if minor
    )


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    print_blob=True,
)
@given(moved=movements())
def test_rectangles_answer_as_the_entries_do(stored: Stored, moved: list[Moved]) -> None:
    """At every position, on every day, whatever is paid, taken back and found out late."""
    size = SMALL.chunk
    whole = len(moved) // size * size
    keep(stored, [moved[at : at + size] for at in range(0, whole, size)], moved[whole:])
    made = rows(stored)
    event(f"rows {min(len(made), 20) // 5 * 5} or more")
    event(f"bounded on all sides: {any(None not in row[:4] for row in made)}")
    event(f"chunks that the longest lasts: {max((r[1] - r[0] for r in made if r[1]), default=0)}")
    for position in range(0, len(moved) + 1, 3):
        for day in range(0, 14, 2):
            found = Counter(stored.reader.open_items(position, january(day)))
            assert found == derived(moved[:position], day), (position, day)
