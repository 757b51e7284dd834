"""Claims and leases: one holder at a time, fences, staleness, and what a stepping clock asks."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from infrastructure.store.agenda import Agenda, Claim
from infrastructure.store.books import Books
from infrastructure.store.projector import Runner
from projections.table import Column, ColumnType, TableProjection
from tests.store.toy_views import NOW, ListLog
from tests.waiting import until

HOUR = timedelta(hours=1)


@attrs.frozen
class Due:
    """Something falls due; None: nothing does."""

    due_at: datetime | None
    provider: str = "paypal"
    effective_at: datetime = NOW


@attrs.frozen
class DueRow:
    next_due_at: datetime | None
    provider: str


def due_dates() -> TableProjection[DueRow]:
    """A toy of the projection that the agenda reads."""

    def apply(row: DueRow | None, key: str, fact: Any) -> DueRow | None:
        if not isinstance(fact.event, Due):
            return row
        return DueRow(fact.event.due_at, fact.event.provider)

    return TableProjection(
        name="due_dates",
        version=1,
        row_type=DueRow,
        keys_of=lambda fact: (
            (fact.stream.removeprefix("subscription-"),) if isinstance(fact.event, Due) else ()
        ),
        apply=apply,
        columns={
            "next_due_at": Column(ColumnType.INSTANT, lambda row: row.next_due_at, indexed=True),
            "provider": Column(ColumnType.TEXT, lambda row: row.provider),
            "account": Column(ColumnType.TEXT, lambda row: "main"),
        },
    )


@attrs.frozen
class Other:
    """A fact that the toy projection passes over."""

    effective_at: datetime = NOW


class World:
    """A log, its due dates and the agenda over them."""

    def __init__(self, books: Books, pool: ConnectionPool[Any]) -> None:
        self.books, self.pool = books, pool
        self.log = ListLog()
        self.runner = Runner(books.connect, books.schema, self.log, [due_dates()])
        self.runner.catch_up(NOW)
        self.agenda = Agenda(pool, books.schema)

    def due(self, *ids: str, at: datetime | None = NOW, provider: str = "paypal") -> int:
        """Let these fall due, project it, and say the log's head."""
        for each in ids:
            self.log.add(f"subscription-{each}", Due(at, provider))
        self.runner.catch_up(NOW)
        return self.log.head()

    def claim(self, now: datetime = NOW, **changes: Any) -> list[Claim]:
        given = {"limit": 100, "owner": "me", "lease_s": 60.0, **changes}
        return self.agenda.claim(now, **given)

    def expire(self, *ids: str) -> None:
        """Let leases run out now."""
        with self.books.connect() as conn:
            conn.execute(
                SQL(
                    "UPDATE {} SET leased_until = clock_timestamp() - interval '1 ms'"
                    " WHERE subscription_id = ANY(%s)"
                ).format(Identifier(self.books.schema, "work")),
                [list(ids)],
            )


@pytest.fixture(params=[True, False], ids=["autocommit", "transactions"])
def world(books: Books, request: pytest.FixtureRequest) -> Iterator[World]:
    arguments = {**books.connection_arguments, "autocommit": request.param}
    # A claim that waits for a lock, which it never should, fails instead of hanging.
    arguments["options"] = f"{arguments['options']} -c lock_timeout=5s"
    with ConnectionPool(kwargs=arguments, min_size=1, max_size=8, open=True) as pool:
        made = World(books, pool)
        yield made
        made.runner.close()


def ids(claims: list[Claim]) -> list[str]:
    return [each.subscription_id for each in claims]


# --- what is taken ----------------------------------------------------------------------------


def test_what_is_due_is_taken_longest_due_first(world):
    """Up to the limit; what falls due later stays."""
    world.due("later", at=NOW + HOUR)
    world.due("young", at=NOW - HOUR)
    world.due("old", at=NOW - 5 * HOUR)
    world.due("middle", at=NOW - 2 * HOUR)
    world.due("never", at=None)
    first = world.claim(limit=2)
    assert ids(first) == ["old", "middle"]
    assert (first[0].due_at, first[0].taken_before, first[0].fence) == (NOW - 5 * HOUR, False, 1)
    assert ids(world.claim()) == ["young"]
    assert world.claim() == []


def test_providers_can_be_chosen(world):
    """A worker may serve some providers only."""
    world.due("a", provider="paypal")
    world.due("b", provider="dintero")
    assert ids(world.claim(providers=["dintero"])) == ["b"]
    assert ids(world.claim(providers=[])) == []
    assert ids(world.claim()) == ["a"]


def test_a_claim_by_name_needs_no_due_date(world):
    """The same lease, also for a subscription that no agenda row knows."""
    world.due("due")
    (claimed,) = world.claim()
    by_name = world.agenda.claim_ids(["new", "due", "new"], owner="api", lease_s=60)
    assert ids(by_name) == ["new"]
    assert by_name[0].due_at is None
    world.agenda.release([(claimed, 0, None)])
    assert ids(world.agenda.claim_ids(["due", "new"], owner="api", lease_s=60)) == ["due"]
    assert world.claim() == []


# --- one holder at a time ---------------------------------------------------------------------


def test_F19_ten_thousand_races_never_give_two_holders(world):
    """Four workers snatch at the same forty rows; holders are counted by another means."""
    names = [f"s{number:02}" for number in range(40)]
    world.due(*names)
    holders: Counter[str] = Counter()
    lock = threading.Lock()
    taken = [0]
    faults: list[str] = []

    def work(owner: str) -> None:
        while taken[0] < 10_000 and not faults:
            by_name = taken[0] % 5 == 0
            claims = (
                world.agenda.claim_ids(names[::3], owner=owner, lease_s=60)
                if by_name
                else world.claim(limit=15, owner=owner)
            )
            with lock:
                taken[0] += len(claims)
                for each in claims:
                    holders[each.subscription_id] += 1
                    if holders[each.subscription_id] != 1:
                        faults.append(each.subscription_id)
            with lock:
                for each in claims:
                    holders[each.subscription_id] -= 1
            if lost := world.agenda.release([(each, 0, None) for each in claims]):
                faults.append(f"lost {lost}")

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    assert taken[0] >= 10_000
    fences = [each.fence for each in world.claim()]
    assert sum(fences) == taken[0] + len(names)


def test_F19_a_row_that_another_claim_is_taking_is_passed_over(world):
    """SKIP LOCKED: nobody waits for a transaction that is under way."""
    world.due("a", "b")
    world.agenda.release([(each, 0, None) for each in world.claim()])
    with world.books.connect() as other, other.transaction():
        other.execute(
            SQL("SELECT FROM {} WHERE subscription_id = 'a' FOR UPDATE").format(
                Identifier(world.books.schema, "work")
            )
        )
        started = time.monotonic()
        assert ids(world.claim()) == ["b"]
        assert world.agenda.claim_ids(["a"], owner="me", lease_s=60) == []
        assert time.monotonic() - started < 5


# --- fences -----------------------------------------------------------------------------------


def test_F20_a_sleeper_finds_out_that_its_lease_is_gone(world):
    """A higher fence has been given out: not held, not renewed, not released."""
    world.due("a")
    (sleeper,) = world.claim(owner="sleeper")
    assert world.agenda.still_held([sleeper]) == {"a"}
    world.expire("a")
    assert world.agenda.still_held([sleeper]) == set()
    (second,) = world.claim(owner="second")
    assert (second.fence, second.taken_before) == (sleeper.fence + 1, True)

    assert world.agenda.still_held([sleeper]) == set()
    assert world.agenda.renew([sleeper]) == set()
    assert world.agenda.release([(sleeper, 99, None)]) == (sleeper,)
    assert world.agenda.still_held([second]) == {"a"}
    assert world.agenda.release([(second, 0, None)]) == ()
    (third,) = world.claim()
    assert not third.taken_before


def test_F20_a_lease_must_last_for_the_call(world):
    """The margin is the longest time that the call may take."""
    world.due("a")
    (claim,) = world.claim(lease_s=30)
    assert world.agenda.still_held([claim], margin_s=20) == {"a"}
    assert world.agenda.still_held([claim], margin_s=40) == set()


def test_a_lease_that_ran_out_unnoticed_can_be_renewed(world):
    """Nobody else took it: the fence is still the newest."""
    world.due("a", "b")
    claims = world.claim(lease_s=60)
    world.expire("a")
    assert world.agenda.renew(claims) == {"a", "b"}
    assert world.agenda.still_held(claims, margin_s=50) == {"a", "b"}
    assert world.claim() == []


def test_a_claim_given_back_is_not_given_back_twice(world):
    """The second release is reported."""
    world.due("a")
    claims = world.claim()
    assert world.agenda.release([(claims[0], 0, None)]) == ()
    assert world.agenda.release([(claims[0], 0, None)]) == (claims[0],)


def test_a_lease_ends_by_the_clock_of_the_database(world):
    """However long the books' clock stands still."""
    world.due("a")
    (first,) = world.claim(lease_s=0.05)
    until(lambda: world.claim() != [])
    assert world.agenda.still_held([first]) == set()


# --- later, and stale rows --------------------------------------------------------------------


def test_what_is_to_be_left_alone_is_not_taken_before(world):
    """By the books' clock."""
    world.due("a")
    (claim,) = world.claim()
    world.agenda.release([(claim, 0, NOW + HOUR)])
    assert world.claim() == []
    assert world.claim(NOW + HOUR / 2) == []
    assert ids(world.claim(NOW + HOUR)) == ["a"]


def test_a_row_that_the_agenda_has_not_caught_up_with_is_not_taken_again(world):
    """The due date has been dealt with, the projection does not know it yet."""
    world.due("a")
    (claim,) = world.claim()
    world.log.add("subscription-a", Due(NOW + HOUR))
    world.agenda.release([(claim, world.log.head(), None)])
    assert world.claim() == []
    assert not world.agenda.idle(NOW)
    world.runner.catch_up(NOW)
    assert world.claim() == []
    assert world.agenda.idle(NOW)
    assert ids(world.claim(NOW + HOUR)) == ["a"]


def test_a_fact_that_leaves_the_row_alone_does_not_block_it(world):
    """The projection has passed that position: the row is what it should be."""
    world.due("a")
    (claim,) = world.claim()
    world.log.add("subscription-a", Other())
    world.agenda.release([(claim, world.log.head(), None)])
    assert world.claim() == []
    world.runner.catch_up(NOW)
    assert ids(world.claim()) == ["a"]


def test_a_row_of_a_parked_stream_is_not_taken_over_and_over(world):
    """It stays as it is until the stream is mended; the clock does not wait for it."""
    world.due("a")
    (claim,) = world.claim()
    world.log.add("subscription-a", None, Due(NOW + HOUR))
    world.agenda.release([(claim, world.log.head(), None)])
    world.runner.catch_up(NOW)
    assert world.claim() == []
    assert world.agenda.idle(NOW)


# --- a stepping clock -------------------------------------------------------------------------


def test_the_clock_stands_while_something_is_due_or_leased(world):
    """Idle only when all is given back and nothing is due."""
    assert world.agenda.idle(NOW)
    world.due("a")
    assert not world.agenda.idle(NOW)
    assert world.agenda.idle(NOW - HOUR)
    (claim,) = world.claim()
    assert not world.agenda.idle(NOW - HOUR)
    world.due("a", at=NOW + HOUR)
    world.agenda.release([(claim, 0, None)])
    assert world.agenda.idle(NOW)


def test_the_next_step_is_the_first_due_date_or_end_of_a_wait(world):
    """Waits count as well as due dates, each with its row's later one."""
    assert world.agenda.next_due(NOW) is None
    world.due("a", at=NOW + 5 * HOUR)
    world.due("b", at=NOW)
    world.due("c", at=None)
    assert world.agenda.next_due(NOW - HOUR) == NOW
    assert world.agenda.next_due(NOW) == NOW + 5 * HOUR
    (claim,) = world.claim()
    world.agenda.release([(claim, 0, NOW + HOUR)])
    assert world.agenda.next_due(NOW) == NOW + HOUR
    assert world.agenda.next_due(NOW + HOUR) == NOW + 5 * HOUR
    assert world.agenda.next_due(NOW + 5 * HOUR) is None
