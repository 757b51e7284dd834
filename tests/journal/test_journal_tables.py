"""The journal's tables over the real ledger: kept, gone on with, rebuilt, compared, refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from domain.books.accounts import Unbalanced
from domain.refusals import Refused
from domain.subscription.folding import evolve
from domain.subscription.state import STATE_VERSION, Subscription
from infrastructure.audit import audit_books
from infrastructure.books.answers import Answers
from infrastructure.books.chart_file import read_chart
from infrastructure.books.reading import KnownJournal
from infrastructure.store import journal_writer
from infrastructure.store.books import Books
from infrastructure.store.journal_reader import JournalReader, NotReached, position_at
from infrastructure.store.journal_table import JournalBooks
from infrastructure.store.ledger import Ledger
from infrastructure.store.projector import Runner
from infrastructure.store.rebuild import Rebuilder
from infrastructure.store.tracking import ShapeChanged
from projections.account_lines import Place
from projections.account_sums import Known
from projections.balances import BALANCES
from projections.journal import Journal
from tests.store.test_projector_on_ledger import FIRST, lives, write
from tests.waiting import WITHIN_S

JOURNAL = JournalBooks("Europe/Oslo", chunk=8, fan=2, levels=3)
LATE = date(2026, 3, 15)
NOW = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def ledger(books: Books) -> Iterator[Ledger[Subscription]]:
    opened = Ledger(books, evolve=evolve, state_type=Subscription, state_version=STATE_VERSION)
    write(opened, lives())
    yield opened
    opened.close()


@pytest.fixture
def reader(books: Books) -> Iterator[JournalReader]:
    with ConnectionPool(
        kwargs={**books.connection_arguments, "autocommit": True}, min_size=1, max_size=4
    ) as pool:
        yield JournalReader(pool, books.schema, JOURNAL)


def keep(books: Books, ledger: Ledger[Subscription], batch: int = 20) -> Runner:
    """The journal beside a projection, up to the log's end."""
    runner = Runner(books.connect, books.schema, ledger, [BALANCES, JOURNAL], batch=batch)
    runner.catch_up(NOW)
    runner.close()
    return runner


def table(books: Books, which: str = "") -> Identifier:
    return Identifier(books.schema, f"view_journal_v1{which}")


def change(books: Books, statement: str, which: str = "") -> int:
    """Change the tables behind our back. {}: the one meant. The number of rows."""
    with books.connect() as conn:
        done = conn.execute(SQL(statement).format(table(books, which)))  # type: ignore[arg-type]
        return done.rowcount


def differences(books: Books, ledger: Ledger[Subscription]) -> list[tuple[str, bool, bool]]:
    """Which rows differ: key, whether it is live, whether it should be."""
    found = Rebuilder(books.connect, books.schema, ledger, batch=30).compare(JOURNAL)
    return [(each.key, each.live is not None, each.replayed is not None) for each in found]


def answers(
    ledger: Ledger[Subscription], reader: JournalReader | None, day: date = LATE, **known: Any
) -> Answers:
    return Answers(
        ledger,
        reader,
        known=Known(as_of=day, zone=JOURNAL.zone),
        chart=read_chart(),
        **known,
    )


def test_tables_hold_the_journal(books, ledger, reader):
    """Batch by batch, each by a runner that begins anew; sums on every level."""
    for upto in range(0, ledger.head(), 50):
        runner = Runner(books.connect, books.schema, ledger, [JOURNAL], batch=17)
        for _ in range(3):
            runner.run_once(NOW)
        runner.close()
        assert reader.reached().position >= min(upto, ledger.head())
    assert reader.reached().position == ledger.head()
    assert list(reader.entries(ledger.head())) == list(KnownJournal(ledger))
    # Months of service end on the 14th: on the 13th one day of them is still deferred.
    days = itertools.cycle([LATE, date(2026, 2, 13), date(2026, 1, 31), date(2026, 3, 2)])
    for position, day in zip(range(0, ledger.head() + 1, 7), days, strict=False):
        stored = answers(ledger, reader, day, known_at=position)
        derived = answers(ledger, None, day, known_at=position)
        assert stored.trial_balance() == derived.trial_balance()
        assert stored.waterfall() == derived.waterfall()
        assert stored.ageing() == derived.ageing()
    with books.connect() as conn:
        found = conn.execute(SQL("SELECT DISTINCT level FROM {}").format(table(books, "_sums")))
        assert {level for (level,) in found} == {0, 1, 2}
        shown = conn.execute(
            SQL(
                "SELECT (SELECT count(*) FROM {0}.journal_entries),"
                " (SELECT count(*) FROM {0}.journal_parts),"
                " (SELECT count(*) FROM {0}.journal_items), count(*) FROM {0}.journal_sums"
            ).format(Identifier(books.schema))
        ).fetchone()
        assert min(shown) > 0


def test_a_ledger_of_many_pages(books, ledger, reader):
    """Tables and log agree on every page; a page that begins after the last day has all before."""
    keep(books, ledger)
    stored, derived = answers(ledger, reader), answers(ledger, None)
    for number, of in (("1500", None), ("1500", "customer-0001"), ("1570", None)):
        after, pages = None, 0
        while pages == 0 or after is not None:
            found = stored.ledger(number, of=of, after=after, limit=4)
            assert found == derived.ledger(number, of=of, after=after, limit=4)
            after, pages = found.end, pages + 1
        assert pages > 1 or of
    for begin in (Place(date(2026, 2, 1), 0), Place(date(2030, 1, 1), 7), Place(date.min, 3)):
        found = stored.ledger("1570", after=begin, limit=1)
        assert found == derived.ledger("1570", after=begin, limit=1)
    with pytest.raises(Refused, match="9999"):
        stored.ledger("9999", limit=1)


def test_the_database_refuses_an_entry_that_does_not_balance(books, ledger):
    """In one currency, in one of two, and lines that lack a part."""
    keep(books, ledger)
    broken = [
        "minors = ARRAY[1::bigint] || minors[2:]",
        "currencies = ARRAY['XTS'] || currencies[2:]",
        "minors = minors[2:]",
        "currencies = currencies || 'USD'::text",
        "minors = ARRAY[NULL::bigint] || minors[2:]",
        "accounts = accounts[2:]",
        "accounts = accounts || 'bank:x'::text, currencies = currencies || 'EUR'::text,"
        " minors = minors || 5::bigint",
    ]
    for each in broken:
        with pytest.raises(psycopg.errors.CheckViolation):
            change(books, f"UPDATE {{}} SET {each}")
    assert differences(books, ledger) == []
    assert change(
        books,
        "UPDATE {} SET accounts = accounts || '{{bank:x,fees:x}}'::text[],"
        " currencies = currencies || '{{EUR,EUR}}'::text[], minors = minors || '{{5,-5}}'::bigint[]"
        " WHERE position = (SELECT min(position) FROM view_journal_v1)".replace(
            "view_journal_v1", f'"{books.schema}".view_journal_v1'
        ),
    )


def test_forged_rows_are_found_and_a_rebuild_mends_them(books, ledger, reader):
    """An entry more, less, other; a sum more, less, other; a number. The audit lists all."""
    keep(books, ledger)

    def audited() -> list[str]:
        report = audit_books(books.connect, books.schema, ledger, [BALANCES, JOURNAL], batch=30)
        return [each.key for each in report.differences if each.projection == "journal"]

    assert (differences(books, ledger), audited()) == ([], [])
    last = max(entry.position for entry in reader.entries(ledger.head()))
    forged = [
        (f"DELETE FROM {{}} WHERE position = {last}", "", (str(last), False, True)),
        (f"UPDATE {{}} SET day = day + 1 WHERE position = {last}", "", (str(last), True, True)),
        (
            "UPDATE {} SET minor = minor + 1 WHERE ctid = (SELECT min(ctid) FROM {})",
            "_sums",
            ("sums", True, False),
        ),
        ("INSERT INTO {} SELECT * FROM {} LIMIT 1", "_sums", ("sums", True, False)),
        ("DELETE FROM {} WHERE level = 1", "_sums", ("sums", False, True)),
        ("UPDATE {} SET last = last + 1 WHERE level = 0", "_parts", ("parts", True, False)),
        ("INSERT INTO {} SELECT * FROM {} LIMIT 1", "_parts", ("parts", True, False)),
        ("DELETE FROM {} WHERE level = 2", "_parts", ("parts", False, True)),
        (
            "UPDATE {} SET minor = minor + 1 WHERE ctid = (SELECT min(ctid) FROM {})",
            "_items",
            ("items", True, False),
        ),
        ("UPDATE {} SET until_chunk = NULL", "_items", ("items", True, False)),
        ("INSERT INTO {} SELECT * FROM {} LIMIT 1", "_items", ("items", True, False)),
        ("DELETE FROM {} WHERE until_day IS NULL", "_items", ("items", False, True)),
        ("UPDATE {} SET value = '7' WHERE name <> 'zone'", "_notes", ("notes", True, False)),
    ]
    for statement, which, expected in forged:
        assert change(books, statement.replace("{}", "{0}"), which)
        found = differences(books, ledger)
        assert expected in found, statement
        assert audited() == [key for key, *_ in found]
        Rebuilder(books.connect, books.schema, ledger).rebuild(JOURNAL, NOW)
        assert differences(books, ledger) == []


def test_a_rebuild_goes_on_from_where_it_ends(books, ledger, reader):
    """The runner that led reads anew; zone and numbers are those of the new tables."""
    runner = Runner(books.connect, books.schema, ledger, [JOURNAL], batch=20)
    runner.run_once(NOW)
    done = Rebuilder(books.connect, books.schema, ledger, batch=7).rebuild(JOURNAL, NOW)
    assert (done.position, done.parked) == (ledger.head(), ())
    runner.catch_up(NOW)
    runner.close()
    assert differences(books, ledger) == []
    other = JournalBooks("UTC", chunk=8, fan=2, levels=3)
    Rebuilder(books.connect, books.schema, ledger).rebuild(other, NOW)
    assert reader.reached().zone == "UTC"
    with pytest.raises(NotReached):
        reader.sums(1, LATE)
    assert answers(ledger, reader).trial_balance() == answers(ledger, None).trial_balance()


def test_tables_of_an_older_program_are_rebuilt(books, ledger, reader):
    """Without those that came since: the runner says what to do; the log answers until then."""
    keep(books, ledger)
    with books.connect() as conn:
        for which in ("_parts", "_items"):
            conn.execute(SQL("DROP TABLE {} CASCADE").format(table(books, which)))
        conn.execute(
            SQL("UPDATE {} SET shape = 'older' WHERE name = 'journal'").format(
                Identifier(books.schema, "view_positions")
            )
        )
    with pytest.raises(ShapeChanged, match="billing rebuild journal"):
        keep(books, ledger)
    with pytest.raises(ShapeChanged, match="billing rebuild journal"):
        differences(books, ledger)
    assert answers(ledger, reader).ageing() == answers(ledger, None).ageing()
    Rebuilder(books.connect, books.schema, ledger).rebuild(JOURNAL, NOW)
    assert differences(books, ledger) == []
    assert reader.open_items(ledger.head(), LATE)
    assert change(books, "DELETE FROM {}", "_items")
    with books.connect() as conn:
        shown = SQL("SELECT count(*) FROM {}").format(Identifier(books.schema, "journal_items"))
        assert conn.execute(shown).fetchone() == (0,)


def test_tables_that_have_not_reached_a_position_are_not_asked(books, ledger, reader):
    """Then the log answers; who waits is told when they hold it."""
    assert reader.reached() is None
    assert not reader.wait_for(1, 0.01)
    assert answers(ledger, reader).ageing() == answers(ledger, None).ageing()
    runner = Runner(books.connect, books.schema, ledger, [JOURNAL], batch=60)
    runner.run_once(NOW)
    assert reader.wait_for(60, WITHIN_S)
    assert not reader.wait_for(61, 0.01)
    with pytest.raises(NotReached):
        reader.sums(61, LATE)
    assert list(answers(ledger, reader).entries()) == list(KnownJournal(ledger))
    assert reader.sums(60, LATE)
    runner.close()


def test_from_a_fact_that_cannot_be_posted_on_the_journal_stands_still(
    books, ledger, reader, monkeypatch
):
    """No number is given to what follows; a rebuild goes on when the rule is mended."""
    entries = list(KnownJournal(ledger))
    poison = entries[len(entries) // 2]
    post = Journal.post

    def broken(self, recorded):
        if recorded.position == poison.position:
            raise Unbalanced("1 USD too much")
        return post(self, recorded)

    monkeypatch.setattr(journal_writer.Journal, "post", broken)
    runner = keep(books, ledger)
    assert runner.stats.parked == 1
    assert reader.reached().position == poison.position - 1
    early = [each for each in entries if each.position < poison.position]
    assert list(reader.entries(poison.position - 1)) == early
    report = audit_books(books.connect, books.schema, ledger, [JOURNAL])
    assert any("1 USD too much" in each for each in report.incomplete)
    monkeypatch.undo()
    Rebuilder(books.connect, books.schema, ledger).rebuild(JOURNAL, NOW)
    assert list(reader.entries(ledger.head())) == entries


def test_what_is_not_held_is_read_again(books, ledger, reader, monkeypatch):
    """With no room for a single subscription the entries are the same."""
    monkeypatch.setattr(journal_writer.JournalWriter.__init__, "__kwdefaults__", {"held": 0})
    keep(books, ledger, batch=9)
    assert list(reader.entries(ledger.head())) == list(KnownJournal(ledger))


def test_the_position_of_an_instant(ledger):
    """The last that was recorded by then."""
    facts = ledger.read_log(0, 10_000)
    times = [each.recorded_at for each in facts]
    for instant in (FIRST.replace(year=2020), *times[::7], times[-1]):
        expected = sum(each <= instant for each in times)
        assert position_at(ledger.recorded_at, ledger.head(), instant) == expected
    with pytest.raises(LookupError):
        ledger.recorded_at(ledger.head() + 1)


def test_texts_that_copy_and_arrays_would_misread() -> None:
    """Tabs, backslashes, quotes, braces, commas, nothing and the word NULL."""
    odd = 'a\tb\\c"d{e},f\n\r'
    assert journal_writer._text(odd) == 'a\\tb\\\\c"d{e},f\\n\\r'
    assert journal_writer._item("NULL") == '"NULL"'
    assert journal_writer._item("") == '""'
    with pytest.raises(ValueError, match="NUL"):
        journal_writer._text("a\x00")
