"""Group commit: who comes while another commits is committed with the others who came."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from infrastructure.store.group_commit import GroupCommit
from infrastructure.store.ledger import Appended, Conflict
from tests.store.writing import NOW, facts_for
from tests.waiting import WITHIN_S, until


class Gate:
    """A commit that waits to be let through, and remembers its groups."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.open = threading.Semaphore(0)

    def commit(self, requests):
        """Give each request its tenfold, or fail on 13."""
        self.groups.append(list(requests))
        assert self.open.acquire(timeout=WITHIN_S)
        if 13 in requests:
            raise ValueError("thirteen")
        return [10 * request for request in requests]


def queued(group: GroupCommit) -> int:
    """How many callers wait."""
    return len(group._waiting)


def test_a_caller_alone_commits_at_once_in_its_own_thread():
    """No other thread, no waiting for company."""
    seen = []
    group = GroupCommit(lambda requests: seen.append(threading.get_ident()) or requests)
    assert [group.submit(n) for n in range(3)] == [0, 1, 2]
    assert seen == [threading.get_ident()] * 3


def test_those_who_come_meanwhile_are_committed_together():
    """Each gets its own result."""
    gate = Gate()
    group = GroupCommit(gate.commit)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(group.submit, 1)
        until(lambda: gate.groups == [[1]])
        others = {n: pool.submit(group.submit, n) for n in range(2, 8)}
        until(lambda: queued(group) == 6)
        gate.open.release(2)
        assert first.result(WITHIN_S) == 10
        assert {n: future.result(WITHIN_S) for n, future in others.items()} == {
            n: 10 * n for n in range(2, 8)
        }
    assert [len(each) for each in gate.groups] == [1, 6]


def test_an_error_reaches_each_caller_of_the_group_and_no_other():
    """Then the next group goes on."""
    gate = Gate()
    group = GroupCommit(gate.commit)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(group.submit, 1)
        until(lambda: gate.groups == [[1]])
        others = [pool.submit(group.submit, n) for n in (13, 2)]
        until(lambda: queued(group) == 2)
        gate.open.release(2)
        assert first.result(WITHIN_S) == 10
        for future in others:
            with pytest.raises(ValueError, match="thirteen"):
                future.result(WITHIN_S)
        gate.open.release()
        assert group.submit(3) == 30


def test_a_group_has_a_largest_size():
    """The rest follows in the next."""
    gate = Gate()
    group = GroupCommit(gate.commit, largest=2)
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(group.submit, 1)]
        until(lambda: gate.groups == [[1]])
        futures += [pool.submit(group.submit, n) for n in range(2, 7)]
        until(lambda: queued(group) == 5)
        gate.open.release(4)
        assert sorted(future.result(WITHIN_S) for future in futures) == [10, 20, 30, 40, 50, 60]
    assert [len(each) for each in gate.groups] == [1, 2, 2, 1]


def test_callers_of_the_ledger_each_get_their_own_results(books, ledger):
    """Many threads, also on the same stream: one wins, the others are told so."""
    wanted = [facts_for(f"s{n % 20}", 0, str(n)) for n in range(100)]
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda append: ledger.append([append], now=NOW)[0], wanted))
    won = {r.stream: r.position for r in results if isinstance(r, Appended)}
    assert len(won) == 20
    assert sum(isinstance(r, Conflict) for r in results) == 80
    by_place = {r.stream: r for r in ledger.read_log(0, 100)}
    for append, result in zip(wanted, results, strict=True):
        assert result.stream == append.stream
        if isinstance(result, Appended):
            recorded = by_place[append.stream]
            assert (recorded.position, recorded.event) == (result.position, append.events[0])


def test_callers_who_wait_for_the_same_lock_go_in_one_transaction(books, ledger):
    """Held up together, they are recorded at the same instant."""
    with books.connect(autocommit=False) as holder:
        lock = f"'{books.schema}.events'::regclass::oid::int4"
        holder.execute(f"SELECT pg_advisory_xact_lock(1818585188, {lock})")
        with ThreadPoolExecutor(8) as pool:
            futures = [pool.submit(ledger.append, [facts_for(f"s{n}")], now=NOW) for n in range(8)]
            until(lambda: queued(ledger._group) == 7)
            holder.rollback()
            assert all(isinstance(f.result(WITHIN_S)[0], Appended) for f in futures)
    assert len({r.recorded_at for r in ledger.read_log(0, 10)}) == 2
