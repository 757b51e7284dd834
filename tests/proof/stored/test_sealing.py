"""Sealing behind a real log: what is sealed, when, and by whom."""

from __future__ import annotations

import threading

import psycopg
import pytest

from domain.proof.canonical import RawFact, encode
from domain.proof.chain import GENESIS, follow
from domain.proof.merkle import EMPTY_ROOT, continues, includes, leaf_hash, root_of
from domain.proof.notes import read_checkpoint, read_note
from infrastructure.proof.raw_log import raw_rows
from infrastructure.proof.sealed import NotSealed, SealDamaged, SealedLog
from infrastructure.proof.sealer import LogBroken, Sealer
from infrastructure.proof.signing import is_signed_by
from tests.proof.stored.conftest import SIGNER
from tests.store.writing import NOW, facts_for
from tests.waiting import until

REFUSED = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def ledger(log):
    """Its ledger."""
    return log.ledger


@pytest.fixture
def sealer(log):
    """Its sealer."""
    return log.sealer


def sealer_of(books, pool):
    return Sealer(pool, books, SIGNER, clock=lambda: NOW)


def write(ledger, count, stream="a"):
    """So many facts more in one append, to a stream of their own."""
    name = f"{stream}-{ledger.head()}"
    ledger.append([facts_for(name, 0, *[f"reason {n} åß" for n in range(count)])], now=NOW)


def leaves_of(ledger):
    """The leaves of the whole log, made of its decoded rows: not as the sealer makes them."""
    rows = ledger.recorder.rows_of_log(0, 100_000, None)
    names = [each.name for each in RawFact.__attrs_attrs__]
    return [leaf_hash(encode(RawFact(**dict(zip(names, row, strict=True))))) for row in rows]


def seals_of(books):
    with books.connect(autocommit=False) as conn:
        return list(SealedLog(conn, books.schema).seals())


def test_rows_as_the_server_sends_them_are_canonical(ledger, books):
    """COPY's bytes are the ones of canonical.py, computed from decoded rows."""
    write(ledger, 3)
    with books.connect() as conn:
        sent = list(raw_rows(conn, books.schema, 0, 3))
        assert [leaf_hash(each) for each in sent] == leaves_of(ledger)
        assert list(raw_rows(conn, books.schema, 1, 2)) == sent[1:2]
        assert list(raw_rows(conn, books.schema, 3, 9)) == []


def test_an_empty_log_is_sealed_at_nothing(sealer):
    """Chain and root of no facts."""
    sealed = sealer.seal_to(0)
    assert (sealed.position, sealed.chain, sealed.root) == (0, GENESIS.hex(), EMPTY_ROOT.hex())
    assert sealer.seal_all() == sealed


def test_chain_and_root_are_those_of_the_facts(ledger, books, sealer):
    """At every position, however the seals were cut: at 5, at 256, at 300, at 700."""
    for count in (5, 295, 400):
        write(ledger, count)
        sealer.seal_all()
    leaves = leaves_of(ledger)
    for position in (1, 4, 5, 6, 255, 256, 257, 299, 300, 512, 513, 699, 700):
        sealed = sealer.seal_to(position)
        assert sealed.chain == follow(GENESIS, leaves[:position]).hex(), position
        assert sealed.root == root_of(leaves[:position]).hex(), position
    cuts = [(each.first, each.position) for each in seals_of(books)]
    assert cuts == [(1, 5), (6, 256), (257, 300), (301, 512), (513, 700)]


def test_to_a_position_and_no_further(ledger, books, sealer):
    """What closes a period is sealed to the very fact."""
    write(ledger, 20)
    assert sealer.seal_to(7) == sealer.seal_to(7)
    assert [each.position for each in seals_of(books)] == [7]
    sealer.seal_to(20)
    assert [(each.first, each.position) for each in seals_of(books)] == [(1, 7), (8, 20)]


def test_a_position_that_is_not_there(ledger, sealer):
    """An error of the caller's, and nothing is sealed."""
    write(ledger, 2)
    with pytest.raises(ValueError, match="beyond the log, which ends at 2"):
        sealer.seal_to(3)
    with pytest.raises(ValueError, match="no position"):
        sealer.seal_to(-1)


def test_each_seal_has_a_signed_checkpoint(ledger, books, sealer):
    """Of its own size, root and chain."""
    write(ledger, 300)
    sealer.seal_all()
    for seal in seals_of(books):
        note = read_note(seal.note)
        assert is_signed_by(note, SIGNER.verifier)
        stated = read_checkpoint(note.text)
        assert (stated.size, stated.root, stated.chain) == (seal.position, seal.root, seal.chain)


def test_proofs_come_from_the_seals(ledger, books, sealer):
    """Inclusion of any fact in any later tree, and a later tree after any earlier one."""
    for count in (5, 295, 400):
        write(ledger, count)
        sealer.seal_all()
    leaves = leaves_of(ledger)
    with books.connect() as conn:
        log = SealedLog(conn, books.schema)
        for position, size in ((1, 700), (256, 257), (257, 700), (700, 700), (300, 512), (6, 6)):
            root = root_of(leaves[:size])
            path = log.inclusion(position, size)
            assert includes(leaves[position - 1], position - 1, size, path, root)
        for old, new in ((1, 700), (5, 300), (256, 512), (300, 700), (699, 700), (700, 700)):
            path = log.consistency(old, new)
            assert continues(old, new, path, root_of(leaves[:old]), root_of(leaves[:new]))
        with pytest.raises(NotSealed):
            log.inclusion(1, 701)
        with pytest.raises(NotSealed):
            log.at(701)


def test_two_sealers_make_one_row_of_seals(ledger, books):
    """Of two that seal the same facts one writes, the other reads."""
    write(ledger, 600)
    with books.pool(8) as pool:
        sealers = [sealer_of(books, pool) for _ in range(4)]
        found = []
        threads = [
            threading.Thread(
                target=lambda each=each: found.extend(each.seal_to(p) for p in range(1, 600, 37))
            )
            for each in sealers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    leaves = leaves_of(ledger)
    assert len(found) == 4 * 17
    assert {each.position: each.chain for each in found} == {
        position: follow(GENESIS, leaves[:position]).hex() for position in range(1, 600, 37)
    }
    seals = seals_of(books)
    assert [each.first for each in seals] == [1, *(each.position + 1 for each in seals[:-1])]


def test_the_sealer_follows_the_log(ledger, books, sealer):
    """In a thread beside whoever appends; a second one stands by and takes over."""
    ends = [threading.Event(), threading.Event()]
    with books.pool(2) as pool:
        threads = [
            threading.Thread(target=each.run_forever, args=(end, 0.02))
            for each, end in zip((sealer, sealer_of(books, pool)), ends, strict=True)
        ]
        for thread in threads:
            thread.start()
        try:
            for number, end in enumerate([*ends, None], start=1):
                write(ledger, 10)
                until(lambda n=number: sealed_to(books) == 10 * n)
                if end is not None and number == 1:
                    end.set()
        finally:
            for end in ends:
                end.set()
            for thread in threads:
                thread.join()


def sealed_to(books):
    with books.connect() as conn:
        return SealedLog(conn, books.schema).last_position()


@pytest.mark.parametrize("table", ["seals", "verifications"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_seals_cannot_be_changed(server, ledger, books, sealer, table, change):
    """Not by the application, and not by their owner."""
    write(ledger, 3)
    sealer.seal_all()
    column = {"seals": "note = ''", "verifications": "head = 0"}[table]
    statement = change.format(f"{books.identifier}.{table}", column)
    with books.connect() as conn, pytest.raises(REFUSED):
        conn.execute(statement)
    with (
        psycopg.connect(server.conninfo, autocommit=True) as admin,
        pytest.raises(REFUSED, match="append-only"),
    ):
        admin.execute(statement)


def test_the_application_seals_through_the_function_alone(ledger, books, sealer):
    """Which writes what follows the last seal, and nothing beyond the log."""
    write(ledger, 3)
    sealer.seal_to(2)
    call = (
        f"SELECT {books.identifier}.seal_events(now(), %s, %s, %s::bytea[], %s::bytea[],"
        " %s::bytea[], %s::bytea[], %s)"
    )
    some = [bytes(32)]

    def arguments(first, last):
        return [[first], [last], [bytes(32 * (last - first + 1))], some, some, [None], ["x"]]

    with books.connect() as conn:
        with pytest.raises(REFUSED):
            conn.execute(f"INSERT INTO {books.identifier}.seals DEFAULT VALUES")
        for first in (1, 2, 4):
            row = conn.execute(call, arguments(first, max(first, 3))).fetchone()
            assert row == (False,)
        with pytest.raises(psycopg.errors.CheckViolation, match="beyond the log"):
            conn.execute(call, arguments(3, 4))
    assert sealed_to(books) == 2


def test_a_gap_in_the_log_is_not_sealed(log, ledger, books, sealer):
    """Nor is what follows it; the worker's sealer tells, and goes on looking."""
    write(ledger, 5)
    sealer.seal_to(2)
    log.tamper("DELETE FROM EVENTS WHERE position = 4")
    with pytest.raises(LogBroken, match="position 4 is missing"):
        sealer.seal_all()
    assert sealed_to(books) == 2


def test_damaged_seals_are_not_built_upon(log, ledger, books, sealer):
    """A tree whose hashes do not make its root says nothing."""
    write(ledger, 5)
    sealer.seal_to(3)
    log.tamper("UPDATE SEALS SET leaves = sha256('x') || substr(leaves, 33)")
    with books.pool(2) as pool, pytest.raises(SealDamaged):
        sealer_of(books, pool).seal_all()
    assert sealed_to(books) == 3
