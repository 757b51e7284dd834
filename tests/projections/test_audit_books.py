"""The audit of a set of books: facts and stored rows on a real PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from eventsourcing.persistence import StoredEvent
from psycopg.sql import SQL, Identifier

from domain.recorded import Recorded, Stamp
from domain.subscription.events import SubscriptionEvent
from domain.subscription.folding import evolve
from domain.subscription.state import Subscription
from infrastructure.audit import BooksReport, as_data, as_json, as_words, audit_books
from infrastructure.store.attempt_rebuild import rebuild_attempts
from infrastructure.store.books import Books as StoredBooks
from infrastructure.store.ledger import Append, Appended, Ledger
from infrastructure.store.projector import Runner
from projections.audit import Verdict
from projections.balances import BALANCES
from projections.catalogue import PROJECTIONS
from projections.charges import CHARGES
from projections.due_dates import DUE_DATES
from tests.books import Books
from tests.histories import History
from tests.projections.forging import DAY
from tests.projections.scenes import billed, signed_up
from tests.replies import Reply


@attrs.define
class Shop:
    """A ledger over fresh books, and what keeps its views."""

    books: StoredBooks
    ledger: Ledger[Subscription]
    runner: Runner

    def write(self, log: list[Recorded[SubscriptionEvent]]) -> None:
        """Append the facts of a log in memory, in its order, at its instants."""
        for recorded in log:
            stamp = Stamp(
                actor=recorded.actor, cause=recorded.cause, command_id=recorded.command_id
            )
            append = Append(recorded.stream, recorded.version - 1, (recorded.event,), stamp)
            (written,) = self.ledger.append([append], now=recorded.recorded_at)
            assert isinstance(written, Appended)

    def catch_up(self) -> None:
        """Bring the views and the ledger of attempts to the end of the log."""
        self.runner.catch_up(signed_up().now)
        self.rebuild_attempts()

    def rebuild_attempts(self) -> None:
        """Make the ledger of attempts from the log, long after its end."""
        connect, later = self.books.connect, signed_up().now + 9999 * DAY
        rebuild_attempts(connect, self.books.schema, self.ledger, now=later)

    def audit(self, **options: Any) -> BooksReport:
        """The audit, in small batches."""
        return audit_books(
            self.books.connect, self.books.schema, self.ledger, **{"batch": 7, **options}
        )

    def damage(self, table: str, statement: str) -> None:
        """Change live rows behind everybody's back."""
        with self.books.connect() as conn:
            conn.execute(SQL(statement).format(Identifier(self.books.schema, table)))


@pytest.fixture
def shop(books: StoredBooks) -> Iterator[Shop]:
    ledger: Ledger[Subscription] = Ledger(books, evolve=evolve, state_type=Subscription)
    runner = Runner(books.connect, books.schema, ledger, PROJECTIONS)
    yield Shop(books, ledger, runner)
    runner.close()
    ledger.close()


def story() -> Books:
    """Two subscriptions: one paid after a decline, one short of money."""
    books = signed_up(subscription_id="s-2", into=signed_up())
    billed(billed(books, Reply.SOFT))
    return billed(books, Reply.LESS, "s-2")


def test_sound_books_are_clean(shop: Shop, corpus: list[History]):
    """Histories written to a real ledger, their views built, nothing to say."""
    longest = max(corpus, key=lambda history: len(history.log))
    shop.write(list(longest.log))
    shop.catch_up()
    told: list[tuple[int, int]] = []
    report = shop.audit(tell=lambda position, head: told.append((position, head)))
    assert report.verdict is Verdict.CLEAN, as_words(report)
    assert report.clean
    assert report.facts.positions == report.head == len(longest.log)
    assert set(report.views.values()) == {report.head}
    assert told[-1] == (report.head, report.head)
    assert as_words(report).startswith(f"audit of {shop.books.schema}: clean\n")


def test_every_damaged_row_is_listed(shop: Shop):
    """A changed one, a lost one, a column; with position and subscription."""
    shop.write(story().log)
    shop.catch_up()
    shop.damage(
        f"view_balances_v{BALANCES.version}",
        "UPDATE {} SET row = jsonb_set(row::jsonb, '{{paid}}', '1')::json, paid = 1",
    )
    shop.damage(f"view_due_dates_v{DUE_DATES.version}", "DELETE FROM {} WHERE key = 's-1'")
    shop.damage(
        f"view_charges_v{CHARGES.version}",
        "UPDATE {} SET status = 'declined' WHERE status = 'succeeded'",
    )
    report = shop.audit()
    assert report.verdict is Verdict.DIFFERENCES
    assert not report.clean
    assert [each.projection for each in report.differences].count("charges") == 2
    words = as_words(report)
    assert "row-missing: due_dates row s-1 is not there" in words
    assert "row-differs: balances row c-1|NOK: paid is 1, the facts say 59700" in words
    assert 'column status is "declined", the facts say "succeeded"' in words
    data = json.loads(as_json(report))
    assert data == as_data(report)
    assert data["verdict"] == "differences"
    assert {each["subscription"] for each in data["differences"]} == {"s-1", "s-2", ""}


def test_findings_in_the_facts_are_listed_beside_the_rows(shop: Shop):
    """A ledger that took a fact against the rules: rows agree with it, the audit does not."""
    log = list(story().log)
    place = next(i for i, r in enumerate(log) if type(r.event).__name__ == "InvoiceIssued")
    log[place] = attrs.evolve(
        log[place], event=attrs.evolve(log[place].event, due_on=log[place].event.period.end)
    )
    shop.write(log)
    shop.catch_up()
    report = shop.audit()
    assert report.differences == ()
    assert [each.code for each in report.facts.findings] == ["due-day-wrong"]
    assert "subscription" in as_data(report)["findings"][0]
    assert f"position {place + 1}  s-1  due-day-wrong" in as_words(report)


def test_F26_what_cannot_be_read_makes_it_incomplete(shop: Shop):
    """An event of a later version: named with its place, and nothing is called clean."""
    shop.write(signed_up().log)
    shop.ledger.recorder.insert_events(
        [StoredEvent("subscription-s-1", 5, "charge-teleported.v9", b'{"a":1}')]
    )
    shop.catch_up()
    report = shop.audit()
    assert report.verdict is Verdict.INCOMPLETE
    assert report.facts.incomplete[0].startswith("position 5, subscription-s-1 version 5")
    aside = [each for each in report.incomplete if "set aside from position 5" in each]
    assert len(aside) == len(PROJECTIONS)


@pytest.mark.parametrize(
    ("seen", "words"), [(0, "has never run"), (2, "stands at 2, the log at 4")]
)
def test_views_that_cannot_be_compared_make_it_incomplete(shop: Shop, seen: int, words: str):
    """An audit that could not look does not say that all is well."""
    log = signed_up().log
    shop.write(log[:seen])
    if seen:
        shop.catch_up()
    shop.write(log[seen:])
    report = shop.audit()
    assert report.verdict is Verdict.INCOMPLETE
    assert all(words in reason for reason in report.incomplete)
    assert len(report.incomplete) == len(PROJECTIONS)


def test_rows_beyond_the_log_are_a_finding(shop: Shop):
    """Views that claim more than the log holds mean that facts were lost."""
    shop.write(signed_up().log)
    shop.catch_up()
    shop.damage("view_positions", "UPDATE {} SET position = 9")
    report = shop.audit()
    assert [each.code for each in report.facts.findings] == ["log-too-short"]
    assert report.verdict is Verdict.DIFFERENCES


def test_the_ledger_of_attempts_is_held_against_the_log(shop: Shop):
    """A lost row, another outcome, a place that no attempt ever used; mended by a rebuild."""
    shop.write(billed(billed(billed(signed_up(), Reply.SOFT))).log)
    shop.catch_up()
    assert shop.audit().clean
    shop.damage(
        "attempts",
        "DELETE FROM {0} WHERE attempt_id ="
        " (SELECT attempt_id FROM {0} WHERE outcome = 'succeeded' ORDER BY attempted_at DESC"
        " LIMIT 1)",
    )
    shop.damage("attempts", "UPDATE {} SET outcome = 'succeeded' WHERE outcome = 'declined'")
    shop.damage(
        "attempts",
        "INSERT INTO {0} SELECT gen_random_uuid(), instrument, network, provider,"
        " attempted_at - interval '9 days' FROM {0} LIMIT 1",
    )
    words = as_words(shop.audit())
    assert 'outcome is "succeeded", the facts say "declined"' in words
    assert "row-missing: attempts row" in words
    assert "row-unfounded: attempts row" in words
    shop.rebuild_attempts()
    assert shop.audit().clean


def test_a_lost_ledger_of_attempts_is_made_from_the_log(shop: Shop, corpus: list[History]):
    """Row for row as it was."""
    longest = max(corpus, key=lambda history: len(history.log))
    shop.write(list(longest.log))
    shop.catch_up()

    def rows() -> list[Any]:
        statement = SQL("SELECT * FROM {} ORDER BY attempt_id")
        with shop.books.connect() as conn:
            table = Identifier(shop.books.schema, "attempts")
            return conn.execute(statement.format(table)).fetchall()

    before = rows()
    assert before
    shop.damage("attempts", "DELETE FROM {}")
    assert shop.audit().verdict is Verdict.DIFFERENCES
    shop.rebuild_attempts()
    assert rows() == before
