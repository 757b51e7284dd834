"""The ledger of attempts: a place for each attempt, never one more than a card's budgets allow."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import attrs
import pytest
from psycopg_pool import ConnectionPool

from domain.budgets import BUDGETS, Budget, Outcome, budgets_of
from domain.processes.places import Place
from domain.providers import Provider
from infrastructure.store.attempts import Attempts
from infrastructure.store.books import Books
from infrastructure.store.ledger import Append, Ledger
from tests.examples import EXAMPLES
from tests.store.toy_views import NOW
from tests.store.writing import Tally, stamp

DAY = timedelta(days=1)
CARD, OTHER = "c" * 32, "d" * 32
_SPACE = UUID("8a4b7f53-2a36-4f0e-8c77-6b1d2f8e4a55")


def place(
    number: int, at: datetime = NOW, *, card: str = CARD, network: str = "mastercard"
) -> Place:
    """The place of the nth attempt, on a card through Dintero."""
    return Place(
        attempt_id=uuid5(_SPACE, f"{card}/{number}"),
        instrument=card,
        network=network,
        provider=Provider.DINTERO,
        attempted_at=at,
        budgets=budgets_of(network, Provider.DINTERO),
    )


def places(count: int, at: datetime = NOW, **kind: Any) -> list[Place]:
    return [place(number, at, **kind) for number in range(count)]


@pytest.fixture
def attempts(books: Books) -> Iterator[Attempts]:
    # Who waits for a lock that nobody gives back fails instead of hanging.
    arguments = {**books.connection_arguments}
    arguments["options"] = f"{arguments['options']} -c lock_timeout=20s"
    with ConnectionPool(kwargs=arguments, min_size=1, max_size=16, open=True) as pool:
        yield Attempts(pool, books.schema)


def taken(attempts: Attempts, card: str = CARD) -> int:
    return len(attempts.of(card))


def test_nothing_is_asked_for_nothing(attempts: Attempts):
    assert attempts.reserve([]) == []


@pytest.mark.parametrize(("network", "limit"), [("mastercard", 10), ("visa", 15)])
def test_a_batch_gets_as_many_places_as_there_are(attempts: Attempts, network: str, limit: int):
    """Ten, or fifteen: what Dintero lets through; the others are told how long to wait."""
    waits = attempts.reserve(places(limit + 3, network=network))
    assert waits[:limit] == [None] * limit
    assert all(waits[limit:])
    assert taken(attempts) == limit


def test_places_are_taken_one_by_one_up_to_the_limit(attempts: Attempts):
    """The last ones are judged by the rules, not by the quick count."""
    waits = [attempts.reserve([each])[0] for each in places(11)]
    assert waits[:10] == [None] * 10
    assert waits[10] is not None
    assert waits[10].budget.name in ("mastercard-day", "dintero-mastercard-day")


def test_each_card_has_its_own_count(attempts: Attempts):
    both = [*places(10), *places(10, card=OTHER)]
    assert attempts.reserve(both) == [None] * 20
    assert attempts.reserve([place(90), place(91, card=OTHER)]).count(None) == 0


def test_asking_again_is_quiet(attempts: Attempts):
    """The same attempts have their places, also when the budget is used up, also twice in one."""
    first = places(10)
    assert attempts.reserve(first) == [None] * 10
    assert attempts.reserve([*first, *first]) == [None] * 20
    assert attempts.reserve([place(10)]) != [None]
    assert taken(attempts) == 10


def test_a_place_moves_with_its_attempt(attempts: Attempts):
    """Asked for again hours later, it counts from then on: that is when it is sent."""
    attempts.reserve([place(1)])
    attempts.reserve([place(1, NOW + DAY / 2)])
    assert attempts.of(CARD)[0].attempted_at == NOW + DAY / 2
    attempts.reserve([place(1, NOW + DAY / 3)])
    assert attempts.of(CARD)[0].attempted_at == NOW + DAY / 2


def test_a_place_of_long_ago_is_judged_anew(attempts: Attempts):
    """It has left the window meanwhile, and others have used the budget up."""
    attempts.reserve([place(99)])
    later = NOW + 2 * DAY
    attempts.reserve(places(10, later))
    assert attempts.reserve([place(99, later)]) != [None]
    assert attempts.reserve([place(99, later + 2 * DAY)]) == [None]


def test_an_attempt_that_comes_again_on_another_card_counts_there(attempts: Attempts):
    """It died before it was recorded, and the payer gave a new card."""
    attempts.reserve([place(1)])
    attempts.reserve([attrs.evolve(place(1), instrument=OTHER)])
    assert (taken(attempts), taken(attempts, OTHER)) == (0, 1)


def test_a_place_that_was_not_used_is_given_back(attempts: Attempts):
    attempts.reserve(places(10))
    attempts.release([place(3).attempt_id, uuid4()])
    attempts.release([])
    assert attempts.reserve([place(10)]) == [None]


@pytest.mark.parametrize("batch", [1, 3])
def test_two_workers_on_one_card_never_exceed_it(attempts: Attempts, batch: int):
    """Eight threads, each with its own connection and subscriptions, all on two cards."""
    at_once = threading.Barrier(8)

    def work(worker: int) -> int:
        at_once.wait()
        won = 0
        for turn in range(6):
            wanted = [
                place(1000 * worker + 10 * turn + n, card=(CARD, OTHER)[(n + worker) % 2])
                for n in range(batch)
            ]
            won += attempts.reserve(wanted).count(None)
        return won

    with ThreadPoolExecutor(8) as pool:
        won = sum(pool.map(work, range(8)))
    assert won == taken(attempts) + taken(attempts, OTHER) == 20


# --- outcomes, written by the server with their facts -----------------------------------------


def settle(ledger: Ledger[Tally], what: str, key: UUID, **changes: Any) -> None:
    """Record an outcome of an attempt, as anybody may."""
    fact = attrs.evolve(EXAMPLES[what], attempt_id=key, **changes)
    stream = f"subscription-{key}-{what}"
    ledger.append([Append(stream, 0, (fact,), stamp())], now=NOW)


@pytest.mark.parametrize(
    ("what", "outcome", "code"),
    [
        ("charge-succeeded.v1", Outcome.SUCCEEDED, ""),
        ("charge-found-late.v1", Outcome.SUCCEEDED, ""),
        ("charge-declined.v1", Outcome.DECLINED, "INSTRUMENT_DECLINED"),
        ("charge-outcome-unknown.v1", Outcome.UNKNOWN, ""),
        ("charge-looked-up.v1", Outcome.UNKNOWN, ""),
        ("charge-not-made.v1", Outcome.NOT_MADE, ""),
        ("authorization-voided.v1", Outcome.NOT_MADE, ""),
        ("void-attempted.v1", Outcome.OPEN, ""),
        ("charge-authorized.v1", Outcome.OPEN, ""),
        ("capture-attempted.v1", Outcome.OPEN, ""),
        ("charge-attempted.v1", Outcome.OPEN, ""),
    ],
)
def test_an_outcome_is_noted_with_its_fact(
    attempts: Attempts, ledger: Ledger[Tally], what: str, outcome: Outcome, code: str
):
    """Whoever appends it; the neighbour's row stays as it is."""
    attempts.reserve(places(2))
    settle(ledger, what, place(0).attempt_id)
    rows = {row.attempt_id: (row.outcome, row.code) for row in attempts.of(CARD)}
    assert rows == {
        place(0).attempt_id: (outcome, code),
        place(1).attempt_id: (Outcome.OPEN, ""),
    }


def test_an_outcome_of_what_has_no_place_changes_nothing(attempts: Attempts, ledger: Ledger[Tally]):
    """Wallets have none."""
    settle(ledger, "charge-succeeded.v1", uuid4())
    assert taken(attempts) == 0


def test_what_succeeded_uses_nothing_up(attempts: Attempts, ledger: Ledger[Tally]):
    """A company card pays for as many subscriptions as it likes."""
    for number in range(25):
        assert attempts.reserve([place(number)]) == [None]
        settle(ledger, "charge-succeeded.v1", place(number).attempt_id)


def test_a_success_gives_dinteros_count_back_and_not_the_networks(
    attempts: Attempts, ledger: Ledger[Tally]
):
    """Visa: 15 at Dintero since the latest success, 20 in 30 days at the network."""
    number = 0

    def fail(times: int) -> int:
        nonlocal number
        done = 0
        for _ in range(times):
            now = NOW + number * timedelta(hours=1)
            (wait,) = attempts.reserve([place(number, now, network="visa")])
            if wait is not None:
                return done
            settle(ledger, "charge-declined.v1", place(number).attempt_id)
            done, number = done + 1, number + 1
        return done

    assert fail(14) == 14
    attempts.reserve([place(number, NOW + number * timedelta(hours=1), network="visa")])
    settle(ledger, "charge-succeeded.v1", place(number).attempt_id)
    number += 1
    assert fail(14) == 20 - 14


def test_the_wait_ends_when_the_oldest_leaves_the_window(attempts: Attempts, ledger: Ledger[Tally]):
    """Ten declines, an hour apart: the eleventh has its place a day after the first."""
    hour = timedelta(hours=1)
    for number in range(10):
        attempts.reserve([place(number, NOW + number * hour)])
        settle(ledger, "charge-declined.v1", place(number).attempt_id)
    (wait,) = attempts.reserve([place(10, NOW + 10 * hour)])
    assert wait is not None
    assert wait.until == NOW + DAY
    (again,) = attempts.reserve([place(10, NOW + DAY - timedelta(microseconds=1))])
    assert again is not None
    assert attempts.reserve([place(10, NOW + DAY)]) == [None]
    assert attempts.reserve([place(11, NOW + DAY)]) != [None]


def test_the_app_may_not_forge_an_outcome_through_the_trigger(books: Books):
    """The function is the owner's; nobody else may call it."""
    with books.connect() as conn:
        row = conn.execute(
            "SELECT has_function_privilege(current_user, %s, 'EXECUTE')",
            [f"{books.schema}.note_outcome()"],
        ).fetchone()
    assert row == (False,)


def test_the_least_limit_is_what_the_quick_count_goes_by():
    """Or it would let through what the rules refuse."""
    networks = {each.scope.network for each in BUDGETS}
    for network in networks:
        for provider in Provider:
            kept: tuple[Budget, ...] = budgets_of(network, provider)
            assert kept
            assert all(each.limit >= 1 for each in kept)
