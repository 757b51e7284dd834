"""Two workers, two subscriptions, one card: each with a system of its own on the same books."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid5

import attrs
import pytest

from domain.budgets import BUDGETS, Budget
from domain.identity import stream_of
from domain.money import Money
from domain.plan import RetryPolicy
from domain.ports import Captured, ChargeAnswer, ChargeOrder, Secret
from domain.providers import Provider
from domain.recorded import Stamp
from domain.subscription.events import (
    ChargeAttempted,
    ChargeDeclined,
    CollectionPostponed,
    SubscriptionEvent,
)
from infrastructure.audit import as_words, audit_books
from infrastructure.bootstrap import System
from infrastructure.store.attempt_rebuild import rebuild_attempts
from infrastructure.store.books import Books
from infrastructure.store.ledger import Append, Appended
from infrastructure.workers.advance import Advancer
from infrastructure.workers.agenda_worker import advance_and_give_back, hand_of
from infrastructure.workers.desk import Desk
from tests.books import Books as MemoryBooks
from tests.specimens import DUE, NAMESPACE, SIGNED_UP, declined, terms, wish
from tests.systems import HandClock, project, system_over

COUNT = 24
ONCE = terms(retry=RetryPolicy(()))


@attrs.define
class Bank:
    """A provider that declines, and keeps a book of its own of what it was sent, by instant."""

    answer: ChargeAnswer
    clock: HandClock
    sent: list[tuple[str, Any]] = attrs.field(factory=list)
    lock: threading.Lock = attrs.field(factory=threading.Lock)

    async def charge(self, order: ChargeOrder) -> ChargeAnswer:
        await asyncio.sleep(0.001)
        with self.lock:
            self.sent.append((order.reference, self.clock()))
        return self.answer

    async def close(self) -> None:
        return


def sign_up(system: System, count: int, **changes: Any) -> None:
    """So many subscriptions of one customer, each with its own token of the same card."""
    for number in range(count):
        name = f"s-{number}"
        made = MemoryBooks(SIGNED_UP)
        namespace = uuid5(NAMESPACE, name)
        one = wish(
            subscription_id=name,
            namespace=namespace,
            provider=Provider.DINTERO,
            terms=ONCE,
            **changes,
        )
        made.sign_up(one)
        facts: tuple[SubscriptionEvent, ...] = tuple(each.event for each in made.log)
        state = made.states[name]
        assert state.token is not None
        system.vault.put_many([(state.customer_id, state.token.token_ref, Secret("tok"))])
        stamp = Stamp(actor="test", cause="given", command_id=namespace)
        (written,) = system.ledger.append([Append(stream_of(name), 0, facts, stamp)], now=SIGNED_UP)
        assert isinstance(written, Appended)


async def work(system: System, bank: Bank, owner: str, budgets: tuple[Budget, ...]) -> int:
    """One worker: claim what is due, three at a time, and advance it; how many it had."""
    desk = Desk(
        ledger=system.ledger,
        agenda=system.agenda,
        attempts=system.attempts,
        vault=system.vault,
        clock=system.clock,
        actor="worker",
        owner=owner,
        lease_s=60,
    )
    gateways: Any = {("dintero", "main"): bank}
    advancer, worked = Advancer(desk, gateways, "2025b", budgets), 0
    while claims := await asyncio.to_thread(
        system.agenda.claim, system.clock(), limit=3, owner=owner, lease_s=60
    ):
        loaded = await asyncio.gather(*(desk.load(each.subscription_id) for each in claims))
        hands = [hand_of(claim, one, 60) for claim, one in zip(claims, loaded, strict=True)]
        await asyncio.gather(
            *(advance_and_give_back(desk, advancer, hand) for hand in hands if hand)
        )
        worked += len(claims)
    return worked


@contextmanager
def workers(books: Books, count: int) -> Iterator[list[System]]:
    with ExitStack() as stack:
        yield [stack.enter_context(system_over(books)) for _ in range(count)]


def facts_of(system: System, kind: type) -> list[Any]:
    log = system.ledger.read_log(0, 10_000)
    return [each.event for each in log if isinstance(getattr(each, "event", None), kind)]


def day(systems: list[System], bank: Bank, budgets: tuple[Budget, ...] = BUDGETS) -> None:
    """All workers at once, until nothing is due."""
    project(systems[0])
    for system in systems:
        assert isinstance(system.clock, HandClock)
        system.clock.now = bank.clock.now
    at_once = threading.Barrier(len(systems))

    def run(number: int) -> int:
        at_once.wait()
        return asyncio.run(work(systems[number], bank, f"worker-{number}", budgets))

    for _ in range(COUNT):
        with ThreadPoolExecutor(len(systems)) as pool:
            list(pool.map(run, range(len(systems))))
        project(systems[0])
        if systems[0].agenda.idle(bank.clock.now):
            return
    raise AssertionError("it never comes to rest")


@pytest.mark.parametrize("count", [2, 4])
def test_workers_on_one_card_never_send_more_than_it_has(books: Books, count: int) -> None:
    """24 subscriptions fall due at once: 15 are sent, in the bank's own book as in ours; the
    others are billed, put off, and sent when the oldest decline has left the window."""
    with workers(books, count) as systems:
        sign_up(systems[0], COUNT)
        clock = HandClock(DUE)
        bank = Bank(declined(), clock)
        day(systems, bank)
        assert len(bank.sent) == len(facts_of(systems[0], ChargeAttempted)) == 15
        postponed = facts_of(systems[0], CollectionPostponed)
        assert len(postponed) >= COUNT - 15
        assert {each.reason for each in postponed} == {"dintero-visa-30-days"}
        clock.now = DUE + timedelta(days=30)
        bank.answer = Captured(amount=Money(29900, "NOK"), provider_ref="cap", at=clock.now)
        day(systems, bank)
        late = [reference for reference, at in bank.sent if at > DUE]
        assert len(late) >= COUNT - 15
        audit = audit_books(books.connect, books.schema, systems[0].ledger)
        assert audit.clean, as_words(audit)


def test_a_place_outlives_the_worker_that_took_it(books: Books) -> None:
    """It died before it recorded the attempt: who follows has the same place, not another one."""
    with workers(books, 2) as systems:
        sign_up(systems[0], 1)
        clock = HandClock(DUE)
        bank = Bank(declined(), clock)
        one = tuple(attrs.evolve(each, limit=1) for each in BUDGETS)

        def die(*_: Any, **__: Any) -> Any:
            raise RuntimeError("the worker died")

        dying = systems[1]
        dying.ledger.append = die  # type: ignore[method-assign]
        project(systems[0])
        dying.clock.now = DUE  # type: ignore[attr-defined]
        assert asyncio.run(work(dying, bank, "worker-9", one)) == 1
        assert bank.sent == []
        with systems[0].pool.connection() as conn:
            conn.execute(f"UPDATE {books.identifier}.work SET leased_until = NULL")  # type: ignore[arg-type]
        day(systems[:1], bank, one)
        assert len(bank.sent) == 1
        assert len(facts_of(systems[0], ChargeDeclined)) == 1
        assert facts_of(systems[0], CollectionPostponed) == []


def test_a_rebuild_beside_workers_forgets_no_place(books: Books) -> None:
    """Rebuilt over and over while three work: never more than the card has, and a clean audit."""
    with workers(books, 4) as systems:
        sign_up(systems[0], COUNT)
        clock = HandClock(DUE)
        bank = Bank(declined(), clock)
        done = threading.Event()

        def rebuild() -> None:
            while not done.is_set():
                rebuild_attempts(books.connect, books.schema, systems[3].ledger, now=DUE)

        with ThreadPoolExecutor(1) as pool:
            rebuilding = pool.submit(rebuild)
            try:
                day(systems[:3], bank)
            finally:
                done.set()
            rebuilding.result()
        assert len(bank.sent) == 15
        audit = audit_books(books.connect, books.schema, systems[0].ledger)
        assert audit.clean, as_words(audit)
