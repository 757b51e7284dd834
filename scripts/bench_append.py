"""Durable appends per second: this ledger, the library's default recorder, and raw COPY.

All in one run against one server with fsync on, each to tables of its own. Workloads:

  single, 1 client     one event a commit, one after the other
  single, 16 clients   the same from 16 threads at once, each waiting for its own commit
  batches of 100       100 events for 100 new streams a commit, one client

What is compared:

  ledger / library     `Ledger.append` as the workers call it (event encoded, ids derived, group
                       commit, wake-ups) against `Application.save` of eventsourcing's PostgreSQL
                       default with an event of the same content: each with its own codec
  the two recorders    ready-made stored events into `insert_events` of both: no codec in either,
                       and no group commit (that is the ledger's)
  raw COPY             ready-made rows of the ledger's shape into a table without index, check or
                       order: what this server takes at all from this client

Contenders take turns within a run, so that a slow moment of the machine hits them all; a ratio is
the median of the runs' ratios, not the ratio of medians.

Usage: python scripts/bench_append.py [--runs 7] [--seconds 0.5] [--url CONNINFO]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import attrs
import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

sys.path.insert(0, str(Path(__file__).parent.parent))

from domain.money import Money
from domain.recorded import Stamp
from domain.subscription.events import ChargeSucceeded
from infrastructure.store.books import Books
from infrastructure.store.datastore import BooksDatastore
from infrastructure.store.embedded import EmbeddedPostgres
from infrastructure.store.ledger import Append, Appended, Ledger
from infrastructure.store.recorder import LedgerRecorder
from infrastructure.store.schema import drop_books, open_books

CLIENTS = 16
BATCH = 100
# Makes a ready-made body as long as an encoded event.
PADDING = b" " * 190
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

# Appends `count` events, each to a new stream, in one commit.
Commit = Callable[[int], None]


@attrs.frozen
class Nothing:
    """The state of a ledger that nobody loads from."""


def fact() -> ChargeSucceeded:
    """An event as most are: 300 bytes of JSON."""
    return ChargeSucceeded(
        attempt_id=uuid4(),
        customer_id="7590-VHVEG",
        invoice_number=7,
        amount=Money(2985, "USD"),
        provider_ref="3C679366HH908993F",
        evidence="answer",
        effective_at=NOW,
    )


@dataclass(frozen=True)
class LibraryEvent:
    """The same content as the library's own examples would hold it."""

    originator_id: UUID
    originator_version: int
    timestamp: datetime
    attempt_id: UUID
    customer_id: str
    invoice_number: int
    minor: int
    currency: str
    provider_ref: str
    evidence: str
    actor: str
    cause: str
    command_id: UUID


def library_event() -> LibraryEvent:
    """One for a new stream."""
    return LibraryEvent(uuid4(), 1, NOW, uuid4(), "7590-VHVEG", 7, 2985, "USD",
                        "3C679366HH908993F", "answer", "bench", "bench", uuid4())  # fmt: skip


# --- contenders -----------------------------------------------------------------------------------


@contextmanager
def ledger(books: Books) -> Iterator[Commit]:
    """Our ledger, as the workers use it."""
    opened = Ledger(books, evolve=lambda state, _: state or Nothing(), state_type=Nothing)

    def commit(count: int) -> None:
        stamp = Stamp(actor="bench", cause="bench", command_id=uuid4())
        appends = [Append(str(uuid4()), 0, (fact(),), stamp) for _ in range(count)]
        results = opened.append(appends, now=NOW)
        assert all(isinstance(result, Appended) for result in results)

    yield commit
    opened.close()


@contextmanager
def ledger_recorder(books: Books) -> Iterator[Commit]:
    """Our recorder behind the library's interface, without codec and without group commit."""
    datastore = BooksDatastore(books, pool_size=CLIENTS, max_overflow=0)
    recorder = LedgerRecorder(datastore)
    with recorders_commit(recorder, str) as commit:
        yield commit
    datastore.close()


def library_settings(books: Books) -> dict[str, str]:
    """How the library's default is pointed at the same server."""
    given = conninfo_to_dict(books.conninfo)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(given.get("dbname", "postgres")),
        "POSTGRES_HOST": str(given.get("host", "")),
        "POSTGRES_PORT": str(given.get("port", "5432")),
        "POSTGRES_USER": str(given.get("user", "")),
        "POSTGRES_PASSWORD": str(given.get("password", "")),
        "POSTGRES_SCHEMA": books.schema,
        "POSTGRES_POOL_SIZE": str(CLIENTS),
        "POSTGRES_MAX_OVERFLOW": "0",
    }


@contextmanager
def library(books: Books) -> Iterator[Commit]:
    """An application of the library with all its defaults for PostgreSQL."""
    application: Application[UUID] = Application(library_settings(books))

    def commit(count: int) -> None:
        application.save(*[library_event() for _ in range(count)])

    yield commit
    application.close()


@contextmanager
def library_recorder(books: Books) -> Iterator[Commit]:
    """The library's default recorder alone."""
    settings = library_settings(books)
    datastore = PostgresDatastore(
        settings["POSTGRES_DBNAME"],
        settings["POSTGRES_HOST"],
        settings["POSTGRES_PORT"],
        settings["POSTGRES_USER"],
        settings["POSTGRES_PASSWORD"],
        pool_size=CLIENTS,
        schema=books.schema,
    )
    recorder = PostgresApplicationRecorder(datastore, events_table_name="library_events")
    recorder.create_table()
    with recorders_commit(recorder, lambda given: given) as commit:
        yield commit
    datastore.close()


@contextmanager
def recorders_commit(
    recorder: PostgresApplicationRecorder, identity: Callable[[UUID], Any]
) -> Iterator[Commit]:
    """Ready-made stored events into a recorder."""
    state = b'{"customer_id":"7590-VHVEG","provider_ref":"3C679366HH908993F"%s}' % PADDING

    def commit(count: int) -> None:
        recorder.insert_events(
            [StoredEvent(identity(uuid4()), 1, "charge-succeeded.v1", state) for _ in range(count)]
        )

    yield commit


@contextmanager
def raw_copy(books: Books) -> Iterator[Commit]:
    """COPY of ready-made rows: no codec, no checks, no index, no order."""
    body = (b'{"customer_id":"7590-VHVEG","provider_ref":"3C679366HH908993F"%s}' % PADDING).decode()
    idle: deque[psycopg.Connection[Any]] = deque(books.connect() for _ in range(CLIENTS))
    idle[0].execute(
        f"CREATE TABLE {books.identifier}.copied (position bigint, stream text, version bigint,"
        " name text, body json, event_id uuid, recorded_at timestamptz,"
        " effective_at timestamptz, actor text, cause text, command_id uuid)"
    )

    def commit(count: int) -> None:
        conn = idle.popleft()
        with (
            conn.cursor() as cursor,
            cursor.copy(f"COPY {books.identifier}.copied FROM STDIN") as copy,
        ):
            for number in range(count):
                place = (number, str(uuid4()), 1, "charge-succeeded.v1", body, uuid4(), NOW, NOW)
                copy.write_row((*place, "bench", "bench", uuid4()))
        idle.append(conn)

    yield commit
    for each in idle:
        each.close()


# --- measuring ------------------------------------------------------------------------------------


def rate(commit: Commit, clients: int, batch: int, seconds: float) -> float:
    """Events per second that `clients` threads get committed, each in batches of `batch`."""
    counts = [0] * clients
    barrier = threading.Barrier(clients + 1)
    ends_at = 0.0

    def work(client: int) -> None:
        try:
            commit(batch)  # connections are made and statements prepared before the clock starts
            barrier.wait()
            barrier.wait()
            while time.perf_counter() < ends_at:
                commit(batch)
                counts[client] += batch
        except BaseException:
            barrier.abort()  # else the others would wait for this one for ever
            raise

    threads = [threading.Thread(target=work, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    ends_at = began + seconds
    barrier.wait()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


CONTENDERS: dict[str, Callable[[Books], Any]] = {
    "ledger": ledger,
    "library": library,
    "ledger recorder": ledger_recorder,
    "library recorder": library_recorder,
    "raw COPY": raw_copy,
}
WORKLOADS = {
    "single, 1 client": (1, 1),
    f"single, {CLIENTS} clients": (CLIENTS, 1),
    f"batches of {BATCH}": (1, BATCH),
}

PAIRS = (
    ("ledger", "library"),
    ("ledger recorder", "library recorder"),
    ("ledger", "raw COPY"),
)


# By contender and workload, one figure a run.
Samples = dict[tuple[str, str], list[float]]


def measure(conninfo: str, runs: int, seconds: float) -> Samples:
    """Events per second of every contender in every workload."""
    samples: Samples = {}
    schema = f"bench_{os.getpid()}"
    with ExitStack() as stack:
        stack.callback(drop_books, conninfo, schema)
        books = open_books(conninfo, schema)
        commits = {name: stack.enter_context(make(books)) for name, make in CONTENDERS.items()}
        for _ in range(runs):
            for workload, (clients, batch) in WORKLOADS.items():
                for name, commit in commits.items():
                    found = rate(commit, clients, batch, seconds)
                    samples.setdefault((name, workload), []).append(found)
    return samples


def report(samples: Samples) -> None:
    """The table and the ratios."""
    runs = len(next(iter(samples.values())))
    print(f"events per second, median of {runs} runs, fsync on")
    print(f"{'':34}" + "".join(f"{workload:>20}" for workload in WORKLOADS))
    for name in CONTENDERS:
        medians = (statistics.median(samples[name, workload]) for workload in WORKLOADS)
        print(f"{name:34}" + "".join(f"{median:>20,.0f}" for median in medians))
    print()
    for ours, theirs in PAIRS:
        ratios = (
            statistics.median(
                mine / other
                for mine, other in zip(
                    samples[ours, workload], samples[theirs, workload], strict=True
                )
            )
            for workload in WORKLOADS
        )
        print(f"{ours + ' / ' + theirs:34}" + "".join(f"{ratio:>19.2f}x" for ratio in ratios))


def main() -> None:
    """Parse, start a server if none is given, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--url", help="a server of your own; by default an embedded one is made")
    arguments = parser.parse_args()
    if arguments.url:
        report(measure(arguments.url, arguments.runs, arguments.seconds))
        return
    folder = Path(tempfile.mkdtemp(prefix="billing-bench-"))
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder) as conninfo:
            report(measure(conninfo, arguments.runs, arguments.seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
