"""Commands that are repeated: the first answer again, or a refusal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from psycopg_pool import ConnectionPool

from infrastructure.digests import digest_of
from infrastructure.store.books import Books
from infrastructure.store.commands import Commands, KeyReused, StoredAnswer
from tests.waiting import WITHIN_S

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY, OTHER = digest_of("POST", "/v1/x", b"{}"), digest_of("POST", "/v1/x", b"{1}")


@pytest.fixture(params=[True, False], ids=["autocommit", "transactions"])
def commands(books: Books, request: pytest.FixtureRequest) -> Iterator[Commands]:
    with ConnectionPool(
        kwargs={**books.connection_arguments, "autocommit": request.param},
        min_size=1,
        max_size=8,
        open=True,
    ) as pool:
        yield Commands(pool, books.schema)


def test_a_repeated_command_gets_its_first_answer(commands):
    """Also when a second run finishes later with another answer."""
    assert commands.begin("k", BODY, NOW) is None
    answer = StoredAnswer(201, b'{"position": 7}')
    assert commands.finish("k", BODY, answer, NOW) == answer
    assert commands.begin("k", BODY, NOW) == answer
    assert commands.finish("k", BODY, StoredAnswer(500, b""), NOW) == answer


def test_a_command_that_died_is_carried_out_again(commands):
    """No answer is stored: run it; its facts have derived ids."""
    assert commands.begin("k", BODY, NOW) is None
    assert commands.begin("k", BODY, NOW) is None


def test_F37_a_key_with_another_body_is_refused_and_shows_both_digests(commands):
    """While it is under way as well as after its answer; nothing is changed by it."""
    commands.begin("k", BODY, NOW)
    answer = StoredAnswer(201, b"first")
    for _ in range(2):
        with pytest.raises(KeyReused) as refused:
            commands.begin("k", OTHER, NOW)
        assert refused.value.code == "idempotency-key-reused"
        assert BODY.hex() in refused.value.reason
        assert OTHER.hex() in refused.value.reason
        assert refused.value.stored_digest == BODY.hex()
        assert refused.value.given_digest == OTHER.hex()
        with pytest.raises(KeyReused):
            commands.finish("k", OTHER, StoredAnswer(200, b"stranger"), NOW)
        commands.finish("k", BODY, answer, NOW)
    assert commands.begin("k", BODY, NOW) == answer


def test_an_answer_without_a_beginning_is_a_fault(commands):
    """It would be stored under a key that nobody pinned."""
    with pytest.raises(KeyError):
        commands.finish("k", BODY, StoredAnswer(200, b""), NOW)


def test_two_at_once_give_one_answer(commands):
    """Whoever finishes second gives the first one's answer."""
    given: list[StoredAnswer] = []
    barrier = threading.Barrier(6)

    def run(number: int) -> None:
        barrier.wait()
        done = commands.begin("k", BODY, NOW)
        mine = StoredAnswer(200, str(number).encode())
        given.append(done or commands.finish("k", BODY, mine, NOW))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WITHIN_S)
    assert len(given) == 6
    assert len(set(given)) == 1


def test_old_commands_are_forgotten(commands):
    """A key may be used anew after that."""
    commands.begin("old", BODY, NOW - timedelta(days=31))
    commands.begin("new", BODY, NOW)
    assert commands.forget(NOW - timedelta(days=30)) == 1
    assert commands.begin("old", OTHER, NOW) is None


def test_parts_of_a_request_do_not_run_together():
    """Path and body are told apart."""
    assert digest_of("POST", "/a", b"bc") != digest_of("POST", "/ab", b"c")
    assert digest_of("POST", "/a") == digest_of(b"POST", b"/a")
