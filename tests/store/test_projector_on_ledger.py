"""The stored projections of the real catalogue over the real ledger."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID, uuid4, uuid5

import attrs
import pytest
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from domain.identity import stream_of
from domain.plan import CaptureMode
from domain.providers import Provider
from domain.recorded import Stamp
from domain.subscription.folding import evolve
from domain.subscription.starting import Start
from domain.subscription.state import STATE_VERSION, Subscription
from infrastructure.store.agenda import Agenda
from infrastructure.store.books import Books
from infrastructure.store.ledger import Append, Ledger, Unreadable
from infrastructure.store.parking import replay_parked
from infrastructure.store.projector import Runner
from infrastructure.store.rebuild import Rebuilder
from infrastructure.store.view_reader import ViewReader
from infrastructure.store.wakeups import Listener
from projections.catalogue import PROJECTIONS
from projections.due_dates import DUE_DATES
from tests import examples
from tests.books import Books as LogInMemory
from tests.books import Clock
from tests.replies import Reply
from tests.store.toy_views import expected_rows
from tests.waiting import WITHIN_S

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
SUBSCRIPTIONS = [f"sub-{number}" for number in range(12)]


def lives() -> LogInMemory:
    """A few months of a dozen subscriptions of five customers, with all kinds of answers."""
    log = LogInMemory(now=FIRST)
    terms = attrs.evolve(examples.TERMS, capture=CaptureMode.AT_ONCE)
    for number, each in enumerate(SUBSCRIPTIONS):
        log.sign_up(
            Start(
                subscription_id=each,
                customer_id=f"customer-{number % 5}",
                namespace=uuid5(UUID(int=7), each),
                provider=Provider.PAYPAL,
                account="main",
                zone="Europe/Oslo",
                start=date(2026, 1, 1),
                terms=terms,
            )
        )
    replies = list(Reply)
    for step in range(5):
        for number, each in enumerate(SUBSCRIPTIONS):
            log.work(each, replies[(number + step) % len(replies)])
        log.advance(Clock.MONTH, SUBSCRIPTIONS[0])
    return log


def write(ledger: Ledger[Subscription], log: LogInMemory) -> None:
    """The log in memory, fact by fact, in its order."""
    appends = [
        Append(
            fact.stream,
            fact.version - 1,
            (fact.event,),
            Stamp(actor=fact.actor, cause=fact.cause, command_id=uuid4()),
        )
        for fact in log.log
    ]
    for append in appends:
        ledger.append([append], now=log.now)


@pytest.fixture
def ledger(books: Books) -> Iterator[Ledger[Subscription]]:
    opened = Ledger(books, evolve=evolve, state_type=Subscription, state_version=STATE_VERSION)
    yield opened
    opened.close()


@pytest.fixture
def pool(books: Books) -> Iterator[ConnectionPool]:
    with ConnectionPool(
        kwargs={**books.connection_arguments, "autocommit": True}, min_size=1, max_size=4, open=True
    ) as made:
        yield made


@pytest.fixture
def runner(books: Books, ledger: Ledger[Subscription]) -> Iterator[Runner]:
    made = Runner(books.connect, books.schema, ledger, PROJECTIONS, batch=20)
    yield made
    made.close()


def test_every_row_of_the_catalogue_is_the_plain_fold_of_the_ledger(books, ledger, pool, runner):
    """Through JSON and back, in batches; and the audit finds nothing."""
    write(ledger, log := lives())
    assert runner.catch_up(log.now) == len(log.log)
    facts = ledger.read_log(0, 10_000)
    reader = ViewReader(pool, books.schema, PROJECTIONS)
    for projection in PROJECTIONS:
        page = reader.select(projection.name, limit=10_000)
        assert page.rows == expected_rows(projection, facts)
        assert page.position == len(log.log)
    assert list(Rebuilder(books.connect, books.schema, ledger).compare(*PROJECTIONS)) == []


def test_claims_are_made_over_the_real_due_dates(books, ledger, pool, runner):
    """What the projection says is due is what can be claimed."""
    write(ledger, log := lives())
    runner.catch_up(log.now)
    rows = ViewReader(pool, books.schema, PROJECTIONS).select("due_dates").rows
    due = {key for key, row in rows.items() if row.next_due_at and row.next_due_at <= log.now}
    agenda = Agenda(pool, books.schema, version=DUE_DATES.version)
    claims = agenda.claim(log.now, limit=100, owner="me", lease_s=60)
    assert {each.subscription_id for each in claims} == due != set()


def test_a_signal_wakes_the_runner(books, ledger, pool):
    """Long before it would have polled."""
    listener, stop = Listener(books), threading.Event()
    runner = Runner(books.connect, books.schema, ledger, PROJECTIONS, poll_s=60, wake=listener.wait)
    thread = threading.Thread(target=runner.run_forever, args=(stop,))
    thread.start()
    try:
        write(ledger, log := lives())
        reader = ViewReader(pool, books.schema, PROJECTIONS)
        assert reader.wait_for(len(log.log), timeout_s=20)
    finally:
        stop.set()
        listener.interrupt()
        thread.join(WITHIN_S)
        listener.close()
    assert not thread.is_alive()


def test_F26_an_event_of_unknown_name_parks_its_subscription_until_the_code_knows_it(
    books, ledger, pool, runner
):
    """The others go on; a replay with the same code changes nothing."""
    write(ledger, log := lives())
    version = log.versions[stream_of(SUBSCRIPTIONS[0])] + 1
    with books.connect() as conn:
        conn.execute(
            SQL(
                "SELECT {}(%(now)s, true, %(streams)s, %(versions)s::bigint[],"
                " '{{charge-levitated.v1}}', '{{\"{{}}\"}}', %(ids)s, %(times)s, '{{t}}', '{{t}}',"
                " %(ids)s)"
            ).format(Identifier(books.schema, "append_events")),
            {
                "now": log.now,
                "streams": [f"subscription-{SUBSCRIPTIONS[0]}"],
                "versions": [version],
                "ids": [uuid4()],
                "times": [log.now],
            },
        )
    runner.catch_up(log.now)
    reader = ViewReader(pool, books.schema, PROJECTIONS)
    parked = reader.parked()
    assert set(parked) == {projection.name for projection in PROJECTIONS}
    assert {each.stream for streams in parked.values() for each in streams} == {
        f"subscription-{SUBSCRIPTIONS[0]}"
    }
    assert min(reader.positions().values()) == len(log.log) + 1
    before = reader.select("due_dates").rows
    with books.connect() as conn, pytest.raises(Unreadable):
        replay_parked(
            conn, books.schema, ledger, DUE_DATES, f"subscription-{SUBSCRIPTIONS[0]}", log.now
        )
    assert reader.parked() == parked
    assert reader.select("due_dates").rows == before
