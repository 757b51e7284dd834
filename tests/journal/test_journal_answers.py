"""The journal's tables say what the log says: in every history, at every position, on any day."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL

from domain.books.accounts import Role
from projections.account_lines import Place
from projections.journal import journal
from tests.histories import History, Mood, histories, show
from tests.journal.keeping import CHART, SMALL, Stored
from tests.periods.closing_books import DEEDS, Deed, closed_books

SOME = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    print_blob=True,
)
DAYS = st.integers(0, 700).map(lambda days: date(2024, 1, 10) + timedelta(days=days))
ZONES = st.sampled_from(["UTC", "Europe/Oslo", "Pacific/Kiritimati"])


def near(moved: list[date]) -> st.SearchStrategy[date]:
    """A day on which something moved, or one near it; any day where nothing did."""
    beside = st.sampled_from([-2, -1, 0, 0, 0, 1]).map(lambda days: timedelta(days=days))
    return st.builds(lambda a, b: a + b, st.sampled_from(moved), beside) if moved else DAYS


def show_items(stored: Stored, position: int, day: date) -> None:
    """Which rows an answer about invoices and deferred revenue is made of."""
    rows = stored.conn.execute(
        SQL("SELECT coalesce(until_chunk, from_chunk) - from_chunk FROM {}").format(
            stored.table.items
        )
    ).fetchall()
    event(f"rows of items: {min(len(rows), 20) // 5 * 5} or more")
    event(f"one ended after so many chunks: {min(max((n for (n,) in rows), default=0), 5)}")
    items = stored.reader.open_items(position, day)
    event(f"open items: {min(len(items), 3)}, owed back: {any(each.minor < 0 for each in items)}")
    event(f"open before it is issued: {any(each.due is None for each in items)}")


# Money that does not come, and money that goes back and comes again, move invoices for long.
MONEY = st.one_of(histories(), histories(mood=Mood.DISPUTED), histories(mood=Mood.UNPAID))
BATCHES = st.lists(st.integers(1, 30), min_size=1, max_size=3)


@SOME
@given(MONEY, DEEDS, ZONES, BATCHES, st.integers(0, 3), st.data())
def test_tables_answer_as_the_log_does(
    stored: Stored,
    history: History,
    deeds: list[Deed],
    zone: str,
    batches: list[int],
    held: int,
    data: st.DataObject,
) -> None:
    """Every report, whatever is held in memory and however the log came in; also where periods are
    closed and opened again."""
    show(history)
    log = closed_books(history.log, deeds, zone).log
    head = len(log)
    stored.begin(log, zone)
    stored.go_on(head, batches, held)
    entries = list(journal(log))
    for fact in {
        entry.fact
        for entry in entries
        if any(line.account.role is Role.RECEIVABLE for line in entry.lines)
    }:
        event(f"receivable: {fact}")
    assert list(stored.reader.entries(head)) == entries
    event(f"late: {any(each.belongs_to for each in entries)}")
    moved = sorted({entry.day(ZoneInfo(zone)) for entry in entries})
    for position in data.draw(st.lists(st.integers(0, head), min_size=2, max_size=4)):
        day = data.draw(near(moved))
        tables, derived = stored.both(day, position)
        assert tables.trial_balance() == derived.trial_balance()
        assert tables.revenue() == derived.revenue()
        assert tables.waterfall() == derived.waterfall()
        assert tables.ageing() == derived.ageing()
        assert tables.cash() == derived.cash()
        for customer_id in {wish.customer_id for wish in history.wishes}:
            found = tables.statement(customer_id)
            assert found == derived.statement(customer_id)
            event(f"lines {min(len(found.lines), 3)}")
        show_items(stored, position, day)
        event(f"chunks: {min(len(SMALL.chunks_to(position)[0]), 3)}")
        assert tables.position == position


@SOME
@given(MONEY, ZONES, st.data())
def test_ledgers_page_by_page(
    stored: Stored, history: History, zone: str, data: st.DataObject
) -> None:
    """As the log says, and each page where the one before it ended; the last at the balance."""
    show(history)
    log = history.log
    stored.begin(log, zone)
    stored.go_on(len(log))
    entries = list(journal(log))
    moved = sorted({entry.day(ZoneInfo(zone)) for entry in entries})
    position = data.draw(st.integers(len(log) // 2, len(log)))
    tables, derived = stored.both(data.draw(near(moved)), position)
    limit, since = data.draw(st.integers(1, 4)), data.draw(near(moved))
    begin = data.draw(st.sampled_from([None, Place(since, 0), Place(since, position // 2)]))
    accounts = {line.account for entry in entries for line in entry.lines}
    known = sorted({(CHART.account(each).number, each.of) for each in accounts})
    for number, of in data.draw(st.lists(st.sampled_from(known), max_size=3)) if known else ():
        of = data.draw(st.sampled_from([None, of]))
        whole = derived.ledger(number, of=of, after=begin, limit=10**6)
        event(f"lines: {min(len(whole.lines), 4)}, opening: {bool(whole.opening)}")
        assert tables.ledger(number, of=of, after=begin, limit=10**6) == whole
        first = derived.ledger(number, of=of, after=begin, limit=limit)
        assert tables.ledger(number, of=of, after=begin, limit=limit) == first
        lines, after, closing = first.lines, first.end, first.closing
        while after is not None:
            found = tables.ledger(number, of=of, after=after, limit=limit)
            assert found.opening == {code: minor for code, minor in closing.items() if minor}
            lines, after, closing = lines + found.lines, found.end, found.closing
        assert lines == whole.lines
        assert closing.items() <= whole.closing.items()


@SOME
@given(MONEY, DAYS, st.integers(0, 100))
def test_an_answer_stays_when_more_is_recorded(
    stored: Stored, history: History, day: date, percent: int
) -> None:
    """The answer at (E, R) before anything later is kept, and after all of it."""
    show(history)
    position = len(history.log) * percent // 100
    stored.begin(history.log, "UTC")
    stored.go_on(position)
    answers, _ = stored.both(day, position)
    before = (answers.trial_balance(), answers.waterfall(), answers.ageing(), answers.cash())
    stored.go_on(len(history.log))
    after = (answers.trial_balance(), answers.waterfall(), answers.ageing(), answers.cash())
    assert after == before
