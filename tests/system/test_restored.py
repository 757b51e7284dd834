"""F45: the books are put back to last night's backup, while the providers have moved on.

Eight subscribers at both providers pay 1 January; the backup is taken; they pay 1 February; the
backup is put back. What the providers settled since then is listed, charge by charge, and the
workers find each of those charges under its reference instead of making it again.
"""

from __future__ import annotations

from datetime import date, timedelta

import httpx
import psycopg
import pytest

from domain.settlement_ports import SettledKind
from domain.settlements.accounts import Code
from domain.subscription.events import ChargeSucceeded
from infrastructure.books.reconciling import read_reconciliation, today
from infrastructure.clock import SteppingClock
from infrastructure.commands.settlements import Settlements
from infrastructure.simulators.book import Movement
from projections.reconciliation import Reported
from tests.system import oracle
from tests.system.customers import customers
from tests.system.house import House

Backup = dict[str, bytes]


def _tables(home: House, conn: psycopg.Connection[tuple[str, ...]]) -> list[str]:
    """The books' tables, in the server's own words."""
    found = conn.execute(
        "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
        " WHERE schemaname = %s ORDER BY 1",
        [home.system.books.schema],
    )
    return [row[0] for row in found]


def backed_up(home: House) -> Backup:
    """Every table as it stands, of one instant."""
    kept: Backup = {}
    with psycopg.connect(home.admin) as conn:
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for table in _tables(home, conn):
            with conn.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as out:
                kept[table] = b"".join(bytes(part) for part in out)
    return kept


def put_back(home: House, backup: Backup) -> None:
    """The books as they were; their time goes on from now.

    Restoring makes tables anew. Here they stay, so the triggers that refuse every change to a
    ledger, even to the administrator, are off meanwhile.
    """
    now = home.now
    with psycopg.connect(home.admin) as conn:
        triggers = conn.execute(
            "SELECT t.tgrelid::regclass::text, quote_ident(t.tgname), t.tgenabled::text"
            " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE NOT t.tgisinternal AND c.relnamespace = %s::regnamespace",
            [home.system.books.schema],
        ).fetchall()
        for table, name, _ in triggers:
            conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        conn.execute("SET LOCAL session_replication_role = replica")
        for table in _tables(home, conn):
            conn.execute(f"TRUNCATE {table} CASCADE")
        for table, rows in backup.items():
            with conn.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)") as into:
                into.write(rows)
        for table, name, enabled in triggers:
            always = "ALWAYS" if enabled == "A" else ""
            conn.execute(f"ALTER TABLE {table} ENABLE {always} TRIGGER {name}")
    assert isinstance(home.system.clock, SteppingClock)
    home.system.clock.set(now)


def fetched(home: House, until: date) -> Reported:
    """What both providers settled, read into the books, against them."""
    httpx.post(f"{home.stage.dintero_url}/_payouts").raise_for_status()
    for each in Settlements(home.system, actor="test").fetch(date(2024, 12, 1), until):
        assert not each.problem, each
    known = read_reconciliation(home.system.ledger)
    return known.compare(as_of=today(home.system))


@pytest.mark.parametrize("late", [timedelta(hours=3), timedelta(days=4)])
def test_F45_what_was_charged_after_the_backup_is_listed_and_not_charged_again(
    home: House, late: timedelta
) -> None:
    """The same references are found at the provider, within its memory of keys and after it."""
    home.crowd = 0
    home.move_in(customers(8))
    with home.helper():
        home.play(days=2)
    before = set(home.captured())
    assert len(before) == 8
    backup = backed_up(home)
    with home.helper():
        home.play(days=30)
    after = set(home.captured()) - before
    assert len(after) == 8
    home.set_time(max(home.captured().values()) + late)
    put_back(home, backup)
    assert len(home.facts(ChargeSucceeded)) == 8

    found = fetched(home, home.now.date())
    listed = {
        line.line.reference
        for each in found.comparison.listed
        if each.code is Code.MISSING_OURS
        for line in each.lines
        if line.line.kind is SettledKind.CAPTURE
    }
    if late > timedelta(days=1):  # PayPal's report has passed the day
        assert listed == after
    assert listed <= after
    assert found.comparison.complete

    with home.helper():
        home.play(days=3)
    home.send_home()
    for controls in home.controls.values():
        assert controls.book.captured_more_than_once() == {}
        captured = [each for each in controls.book.entries() if each.movement is Movement.CAPTURED]
        assert len(captured) == 8
    assert len(home.facts(ChargeSucceeded)) == 16
    oracle.check(home)
    again = fetched(home, home.now.date())
    assert [each for each in again.comparison.listed if each.code is not Code.TIMING] == []
