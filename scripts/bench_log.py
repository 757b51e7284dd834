"""A long log for the benchmarks: plausible subscriptions over three years, made once and reused.

A few dozen lives are made by the real decisions, in memory; every other subscription is one of them
under names and ids of its own. The facts are appended a day at a time by the ledger's own function.

    with long_log(1_000_000) as (books, ledger): ...

The data lies in a folder of the system's temporary directory, named after the number of facts.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

import attrs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from domain.calendar import Interval, Unit
from domain.identity import stream_of
from domain.money import Money
from domain.plan import Kind, RetryPolicy, Terms, Timing
from domain.providers import Provider
from domain.recorded import Recorded
from domain.refusals import Refused
from domain.subscription.crediting import grant_credit
from domain.subscription.folding import evolve
from domain.subscription.refunding import request_refund
from domain.subscription.starting import Start
from domain.subscription.state import STATE_VERSION, Subscription
from domain.taxes import TaxRate
from infrastructure.store.appending import Addition, AppendFunction, Row, event_id_bytes
from infrastructure.store.books import Books, BooksError
from infrastructure.store.codec import Codec
from infrastructure.store.embedded import EmbeddedPostgres
from infrastructure.store.ledger import Ledger
from infrastructure.store.schema import drop_books, open_books
from tests.books import Books as LogInMemory
from tests.replies import Reply

SCHEMA = "bench"
FIRST, DAYS = datetime(2023, 1, 1, 3, tzinfo=UTC), 36 * 30
LIVES = 56
PLANS = (
    ("gym", Money(29900, "NOK"), Unit.MONTH, TaxRate(code="NO-25", ppm=250_000, included=True)),
    ("music", Money(1099, "USD"), Unit.MONTH, None),
    ("paper", Money(349_00, "NOK"), Unit.MONTH, TaxRate(code="NO-0", ppm=0, included=True)),
    ("club", Money(2490_00, "NOK"), Unit.YEAR, TaxRate(code="NO-25", ppm=250_000, included=False)),
    ("fibre", Money(4985, "USD"), Unit.MONTH, TaxRate(code="NY", ppm=88_750, included=False)),
    ("water", Money(18900, "NOK"), Unit.WEEK, TaxRate(code="NO-15", ppm=150_000, included=True)),
    (
        "gym-plus",
        Money(49900, "NOK"),
        Unit.MONTH,
        TaxRate(code="NO-25", ppm=250_000, included=True),
    ),
)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def lives() -> LogInMemory:
    """The lives of which all are copies, three years long."""
    log = LogInMemory(now=FIRST)
    names = [f"life{number:02}" for number in range(LIVES)]
    for step in range(DAYS):
        log.now = FIRST + timedelta(days=step)
        if step < LIVES:
            log.sign_up(_wish(step, names[step], log.now.date()))
        for number, name in enumerate(names[: step + 1]):
            _a_day(log, name, number, step)
    return log


def _wish(number: int, name: str, start: date) -> Start:
    plan, price, unit, tax = PLANS[number % len(PLANS)]
    terms = Terms(
        plan=plan,
        plan_version=1,
        description=plan,
        kind=Kind.SUBSCRIPTION,
        timing=Timing.POSTPAID if number % 9 == 4 else Timing.PREPAID,
        interval=Interval(unit),
        price=price,
        tax=tax,
        retry=RetryPolicy((3, 5, 7)),
    )
    return Start(
        subscription_id=name,
        customer_id=f"c-{name}",
        namespace=uuid5(UUID(int=7), name),
        provider=Provider.PAYPAL if number % 3 else Provider.DINTERO,
        account="main",
        zone="Europe/Oslo" if price.currency == "NOK" else "America/New_York",
        start=start,
        terms=terms,
    )


def _a_day(log: LogInMemory, name: str, number: int, step: int) -> None:
    """What falls due; now and then a card declines, and credit is granted or paid back."""
    due = (step * 7 + number * 13) % 40
    reply = Reply.SOFT if due == 0 else Reply.UNKNOWN if due == 1 else Reply.YES
    for _ in range(4):
        if log.work(name, reply) is None:
            break
    state = log.states[name]
    try:
        if (step + number * 17) % 211 == 0:
            log.append(name, grant_credit(state, Money(500, state.currency), reason="outage",
                                          now=log.now))  # fmt: skip
        elif (step + number * 29) % 307 == 0:
            log.append(name, request_refund(state, Money(700, state.currency), reason="complaint",
                                            now=log.now, credit_missing=True))  # fmt: skip
    except Refused:
        return


@attrs.frozen
class _Part:
    """One fact of a life, cut where a copy's own names go. ids: which of them are UUIDs."""

    fact: Recorded[object]
    name: bytes
    pieces: tuple[str, ...]

    def body(self, life: str, copy: str) -> bytes:
        """The fact of a copy."""
        return "".join(
            f"{life}{copy}" if piece == life else piece[:24] + copy.zfill(12)
            if len(piece) == 36 and _UUID.fullmatch(piece) else piece
            for piece in self.pieces
        ).encode()  # fmt: skip


def _parts(log: LogInMemory) -> dict[datetime, dict[str, list[_Part]]]:
    """By day and life."""
    codec, found = Codec(), dict[datetime, dict[str, list[_Part]]]()
    for fact in log.log:
        name, body = codec.encode(fact.event)
        life = fact.stream.rpartition("-")[2]
        pieces = tuple(re.split(f"({_UUID.pattern}|{life})", body.decode()))
        of_day = found.setdefault(fact.recorded_at, {})
        of_day.setdefault(life, []).append(_Part(fact, name.encode(), pieces))
    return found


def _copies(life: str, parts: list[_Part], copy: str) -> Addition:
    stream = stream_of(f"{life}{copy}")
    rows = []
    for part in parts:
        fact = part.fact
        command = UUID(str(fact.command_id)[:24] + copy.zfill(12)).bytes
        rows.append(
            Row(
                stream.encode(),
                fact.version,
                part.name,
                part.body(life, copy),
                event_id_bytes(command, stream.encode(), fact.version),
                fact.effective_at,
                fact.actor.encode(),
                fact.cause.encode(),
                command,
            )
        )
    return Addition(stream, parts[0].fact.version - 1, rows)


def fill(books: Books, facts: int) -> int:
    """Append so many facts, or a few more. The number of facts."""
    log = lives()
    copies = -(-facts // len(log.log))
    add, done = AppendFunction(books.schema).add, 0
    with books.connect() as conn:
        conn.autocommit = True
        for day, by_life in _parts(log).items():
            batch: list[Addition] = []
            for life, parts in by_life.items():
                for number in range(copies):
                    batch.append(_copies(life, parts, f"{number:05}"))
            for place in range(0, len(batch), 2000):
                some = batch[place : place + 2000]
                add(conn, some, day)
                done += sum(len(each.rows) for each in some)
    return done


def _opened(conninfo: str) -> Books:
    """The books; those that another version of the code made are made anew."""
    try:
        return open_books(conninfo, SCHEMA)
    except BooksError:
        drop_books(conninfo, SCHEMA)
        return open_books(conninfo, SCHEMA)


@contextmanager
def long_log(facts: int) -> Iterator[tuple[Books, Ledger[Subscription]]]:
    """Books with so many facts and nothing else, and their ledger."""
    folder = Path(tempfile.gettempdir()) / f"billing-bench-log-{facts}"
    with EmbeddedPostgres(folder) as conninfo:
        books = _opened(conninfo)
        ledger = Ledger(books, evolve=evolve, state_type=Subscription, state_version=STATE_VERSION)
        if ledger.head() < facts:
            began = time.perf_counter()
            print(f"making {facts:,} facts in {folder}", flush=True)
            done = fill(books, facts)
            print(f"{done:,} facts in {time.perf_counter() - began:.0f} s", flush=True)
        yield books, ledger
        ledger.close()


if __name__ == "__main__":
    with long_log(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000) as (_, made):
        print(f"{made.head():,} facts")
