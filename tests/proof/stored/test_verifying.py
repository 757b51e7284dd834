"""Verification against a real PostgreSQL whose superuser changes what must not be changed."""

from __future__ import annotations

import json

import pytest

from domain.proof.notes import Checkpoint, read_checkpoint, read_note
from domain.proof.tampering import Kind
from infrastructure.proof import raw_log
from infrastructure.proof import sealed as sealed_module
from infrastructure.proof.outside import OutsideCheckpoint, read_outside
from infrastructure.proof.sealed import SealedLog
from infrastructure.proof.sealer import Sealer
from infrastructure.proof.signing import Signer
from infrastructure.proof.verifying import verify_log
from tests.proof.stored.conftest import SIGNER, Log
from tests.store.writing import NOW, facts_for

KEY = SIGNER.verifier


def verified(log, *outside):
    return verify_log(log.connect, log.books.schema, [KEY], outside)


def newest(log):
    """The newest checkpoint's text, as it would be kept outside."""
    with log.connect() as conn:
        return SealedLog(conn, log.books.schema).last().note


@pytest.fixture
def sealed(log: Log):
    """600 facts of seven streams, sealed to 100, 256, 512 and 600."""
    log.write(100)
    log.sealer.seal_all()
    log.write(500)
    log.sealer.seal_all()
    return log


def test_an_untouched_log_is_proved_to_its_last_seal(sealed):
    """And what is recorded since is read, and said to be unproved."""
    whole = verified(sealed)
    assert (whole.broken, whole.head, whole.proved_to, whole.sealed_to) == (None, 600, 600, 600)
    at_600 = sealed.sealer.seal_to(600)
    assert (whole.chain, whole.root, whole.anchored_to) == (at_600.chain, at_600.root, None)
    sealed.write(7)
    later = verified(sealed)
    assert (later.broken, later.head, later.proved_to) == (None, 607, 600)
    at_607 = sealed.sealer.seal_all()
    assert (later.chain, later.root) == (at_607.chain, at_607.root)


def test_an_empty_log_is_whole(log):
    """Nothing is broken where there is nothing."""
    empty = verified(log)
    assert (empty.broken, empty.head, empty.proved_to) == (None, 0, 0)


# Position, kind, and what the superuser does.
SHIFTED_UP = (
    "UPDATE EVENTS SET position = -position - 1 WHERE position >= 300",
    "UPDATE EVENTS SET position = -position WHERE position < 0",
)
SHIFTED_DOWN = (
    "UPDATE EVENTS SET position = -position + 1 WHERE position > 300",
    "UPDATE EVENTS SET position = -position WHERE position < 0",
)
SWAP = "UPDATE EVENTS SET position = {0} + {1} - position WHERE position IN ({0}, {1})"
INSERT = (
    "INSERT INTO EVENTS SELECT {0}, 'forged', 1, name, body, gen_random_uuid(), recorded_at,"
    " effective_at, actor, cause, command_id FROM EVENTS WHERE position = 299"
)
PARK = (
    "ALTER TABLE EVENTS DROP CONSTRAINT events_pkey",
    "ALTER TABLE EVENTS DROP CONSTRAINT events_stream_version_key",
)
FORGED = "(SELECT replace(body::text, 'reason', 'season')::json)"
TAMPERED = {
    "body": (10, Kind.EDITED, [f"UPDATE EVENTS SET body = {FORGED} WHERE position = 10"]),
    "a space in a body": (
        300,
        Kind.EDITED,
        ["UPDATE EVENTS SET body = (body::text || ' ')::json WHERE position = 300"],
    ),
    "stream": (10, Kind.EDITED, ["UPDATE EVENTS SET stream = 'other' WHERE position = 10"]),
    "version": (10, Kind.EDITED, ["UPDATE EVENTS SET version = 99 WHERE position = 10"]),
    "name": (10, Kind.EDITED, ["UPDATE EVENTS SET name = 'x' WHERE position = 10"]),
    "event id": (
        10,
        Kind.EDITED,
        ["UPDATE EVENTS SET event_id = gen_random_uuid() WHERE position = 10"],
    ),
    "recorded at": (
        10,
        Kind.EDITED,
        ["UPDATE EVENTS SET recorded_at = recorded_at - interval '1us' WHERE position = 10"],
    ),
    "effective at": (
        10,
        Kind.EDITED,
        ["UPDATE EVENTS SET effective_at = 'infinity' WHERE position = 10"],
    ),
    "actor": (10, Kind.EDITED, ["UPDATE EVENTS SET actor = 'me' WHERE position = 10"]),
    "cause": (10, Kind.EDITED, ["UPDATE EVENTS SET cause = 'me' WHERE position = 10"]),
    "command id": (
        10,
        Kind.EDITED,
        ["UPDATE EVENTS SET command_id = gen_random_uuid() WHERE position = 10"],
    ),
    "many": (3, Kind.EDITED, [f"UPDATE EVENTS SET body = {FORGED} WHERE position % 3 = 0"]),
    "the last": (600, Kind.EDITED, ["UPDATE EVENTS SET actor = 'me' WHERE position = 600"]),
    "deleted": (300, Kind.DELETED, ["DELETE FROM EVENTS WHERE position = 300"]),
    "deleted first": (1, Kind.DELETED, ["DELETE FROM EVENTS WHERE position = 1"]),
    "deleted last": (600, Kind.DELETED, ["DELETE FROM EVENTS WHERE position = 600"]),
    "deleted end": (400, Kind.DELETED, ["DELETE FROM EVENTS WHERE position >= 400"]),
    "deleted all": (1, Kind.DELETED, ["DELETE FROM EVENTS"]),
    "deleted, gap closed": (
        300,
        Kind.DELETED,
        ["DELETE FROM EVENTS WHERE position = 300", *SHIFTED_DOWN],
    ),
    "a whole stream, gaps left": (1, Kind.DELETED, ["DELETE FROM EVENTS WHERE stream = 's-0-0'"]),
    "inserted": (300, Kind.INSERTED, [*SHIFTED_UP, INSERT.format(300)]),
    "inserted into a stream": (
        300,
        Kind.INSERTED,
        [
            *PARK,
            *SHIFTED_UP,
            "UPDATE EVENTS e SET version = version + 1 WHERE position > 300"
            " AND stream = (SELECT stream FROM EVENTS WHERE position = 301)",
            "INSERT INTO EVENTS SELECT 300, stream, version - 1, name, body, gen_random_uuid(),"
            " recorded_at, effective_at, actor, cause, command_id FROM EVENTS WHERE position = 301",
        ],
    ),
    "inserted twice": (
        300,
        Kind.INSERTED,
        [*PARK, "INSERT INTO EVENTS SELECT * FROM EVENTS WHERE position = 299",
         "UPDATE EVENTS SET position = position + 1 WHERE position >= 300",
         "UPDATE EVENTS SET position = 300 WHERE ctid = (SELECT max(ctid) FROM EVENTS"
         " WHERE position = 299)"],
    ),
    "reordered": (300, Kind.REORDERED, [*PARK, SWAP.format(300, 301)]),
    "reordered far": (20, Kind.REORDERED, [*PARK, SWAP.format(20, 590)]),
    "reordered in a stream, versions and all": (
        1,
        Kind.REORDERED,
        [*PARK, SWAP.format(1, 2), "UPDATE EVENTS SET version = position WHERE position < 3"],
    ),
    "a seal's hash": (
        257,
        Kind.SEAL_EDITED,
        ["UPDATE SEALS SET leaves = sha256('x') || substr(leaves, 33) WHERE position = 512"],
    ),
    "a seal's chain": (
        101,
        Kind.SEAL_EDITED,
        ["UPDATE SEALS SET chain = sha256('x') WHERE position = 256"],
    ),
    "a seal's node": (
        101,
        Kind.SEAL_EDITED,
        ["UPDATE SEALS SET node = sha256('x') WHERE position = 256"],
    ),
    "a seal is gone": (101, Kind.SEAL_MISSING, ["DELETE FROM SEALS WHERE position = 256"]),
    "a signature": (
        513,
        Kind.SEAL_UNSIGNED,
        ["UPDATE SEALS SET note = split_part(note, E'\\n\\n', 1) || E'\\n\\n' ||"
         " U&'\\2014' || ' billing-ledger/test AAAAAAAAAAA=' || E'\\n' WHERE position = 600"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TAMPERED)
def test_F33_what_was_tampered_with_is_named(sealed, case):
    """The first broken position and its kind; all before it is still proved, nothing after it."""
    position, kind, statements = TAMPERED[case]
    sealed.tamper(*statements)
    found = verified(sealed)
    assert found.broken is not None
    assert (found.broken.position, found.broken.kind) == (position, kind), found.broken
    seals = kind in (Kind.SEAL_EDITED, Kind.SEAL_UNSIGNED, Kind.SEAL_MISSING)
    assert found.proved_to == position - 1 or (seals and found.proved_to < position)


def test_F33_facts_that_are_no_log_of_ours(log):
    """A superuser adds one behind the last, past the append function, before it is sealed."""
    log.write(10)
    log.tamper(INSERT.replace("299", "9").replace("'forged', 1", "'forged', 7").format(11))
    log.sealer.seal_all()
    found = verified(log)
    assert found.broken is not None
    assert (found.broken.position, found.broken.kind) == (11, Kind.VERSIONS)
    assert found.proved_to == 10


def test_F33_what_is_not_sealed_yet_is_looked_at_too(sealed):
    """A gap behind the last seal."""
    sealed.write(5)
    sealed.tamper("DELETE FROM EVENTS WHERE position = 603")
    found = verified(sealed)
    assert found.broken is not None
    assert (found.broken.position, found.broken.kind) == (603, Kind.DELETED)
    assert found.proved_to == 600


def forged(log, signer):
    """The whole log replaced: one amount of the past changed, and everything hashed anew."""
    log.tamper(f"UPDATE EVENTS SET body = {FORGED} WHERE position = 50", "DELETE FROM SEALS")
    with log.books.pool(1) as pool:
        Sealer(pool, log.books, signer, clock=lambda: NOW).seal_all()


def test_F34_a_forgery_without_the_key_is_not_signed(sealed):
    """Consistent hashes are anybody's to make, a signature is not."""
    forged(sealed, Signer(SIGNER.origin, b"t" * 32))
    found = verified(sealed)
    assert found.broken is not None
    assert (found.broken.kind, found.proved_to) == (Kind.SEAL_UNSIGNED, 0)


def test_F34_a_consistent_forgery_is_found_by_an_outside_checkpoint(sealed):
    """Signed with our own stolen key: only what lies outside knows better."""
    early, late = [read_outside(text, KEY) for text in checkpoints(sealed)]
    assert (early.size, late.size) == (100, 600)
    assert verified(sealed, early, late).anchored_to == 600
    forged(sealed, SIGNER)
    alone = verified(sealed)
    assert (alone.broken, alone.anchored_to, alone.proved_to) == (None, None, 600)
    for outside in ((late,), (early,), (early, late)):
        found = verified(sealed, *outside)
        assert found.broken is not None
        assert (found.broken.kind, found.broken.position) == (Kind.REPLACED, 1)
        assert (found.proved_to, found.anchored_to) == (0, None)


def test_F34_an_older_checkpoint_bears_out_what_it_can(sealed):
    """Forged behind it: proved to there, and no further."""
    early, late = [read_outside(text, KEY) for text in checkpoints(sealed)]
    sealed.tamper(f"UPDATE EVENTS SET body = {FORGED} WHERE position = 400", "DELETE FROM SEALS")
    sealed.sealer.seal_all()
    assert verified(sealed, early).broken is None
    found = verified(sealed, late, early)
    assert found.broken is not None
    assert (found.broken.kind, found.broken.position) == (Kind.REPLACED, 101)
    assert (found.proved_to, found.anchored_to) == (100, 100)


def test_F34_a_log_that_was_cut_off_is_found_by_an_outside_checkpoint(sealed):
    """Restored to an earlier day, seals and all."""
    _, late = [read_outside(text, KEY) for text in checkpoints(sealed)]
    sealed.tamper("DELETE FROM EVENTS WHERE position > 512", "DELETE FROM SEALS WHERE first > 512")
    assert verified(sealed).broken is None
    found = verified(sealed, late)
    assert found.broken is not None
    assert (found.broken.kind, found.broken.position) == (Kind.DELETED, 513)
    assert found.proved_to == 512


def checkpoints(log):
    """Those at 100 and 600."""
    with log.connect() as conn:
        seals = SealedLog(conn, log.books.schema)
        return [seals.covering(size).note for size in (100, 600)]


def test_a_checkpoint_at_any_size_anchors(sealed):
    """Also within a seal, and in what is not sealed yet."""
    for size in (1, 99, 257, 600):
        at = sealed.sealer.seal_to(size)
        outside = Checkpoint(
            origin=KEY.name, size=size, root=bytes.fromhex(at.root), chain=bytes.fromhex(at.chain)
        )
        assert verified(sealed, outside).anchored_to == size
        wrong = Checkpoint(origin=KEY.name, size=size, root=bytes(32), chain=outside.chain)
        assert verified(sealed, wrong).broken.kind is Kind.REPLACED
        bare = Checkpoint(origin=KEY.name, size=size, root=outside.root)
        assert verified(sealed, bare).anchored_to == size


def test_an_outside_checkpoint_must_be_ours(sealed):
    """Of this log, signed by its key."""
    text = newest(sealed)
    checkpoint = read_checkpoint(read_note(text).text)
    assert read_outside(text, KEY) == checkpoint
    others = Signer("billing-ledger/other", b"s" * 32)
    thief = Signer(KEY.name, b"t" * 32)
    for wrong in (
        "no note",
        text.replace("600\n", "601\n"),
        str(others.sign(text.split("\n\n")[0].replace("/test", "/other") + "\n")),
        str(thief.sign(checkpoint.text)),
    ):
        with pytest.raises(OutsideCheckpoint):
            read_outside(wrong, KEY)


def test_appending_goes_on_meanwhile(log):
    """What was appended after the verification began is no finding."""
    log.write(30)
    log.sealer.seal_to(10)
    log.ledger.append([facts_for("late")], now=NOW)
    assert verified(log).broken is None


# --- closes of periods ----------------------------------------------------------------------------


def close(log, head_hash=None, period="2025-01"):
    """Close a period as it is done: what came before is sealed, and its hash held by the close."""
    head = log.ledger.head()
    chain = log.sealer.seal_to(head).chain
    log.write(1, streams=1)
    body = {"period": period, "position": head, "head_hash": head_hash or chain}
    log.tamper(
        f"UPDATE EVENTS SET name = 'period-closed.v1', stream = 'period-{period}', version = 1,"
        f" body = '{json.dumps(body)}' WHERE position = {head + 1}"
    )
    return head + 1


@pytest.fixture
def closed(log):
    """Two closes, at 301 and 402, and facts behind them; all sealed."""
    log.write(300)
    assert close(log) == 301
    log.write(100)
    assert close(log, period="2025-02") == 402
    log.write(50)
    log.sealer.seal_all()
    return log


def test_closes_that_hold_the_right_hash_are_whole(closed):
    """Wherever seals were cut; and behind the last seal."""
    assert (verified(closed).broken, verified(closed).proved_to) == (None, 452)
    assert close(closed, period="2025-03") == 453
    assert verified(closed).broken is None


@pytest.mark.parametrize("sealed_after", [True, False])
def test_a_close_with_another_hash_is_named(closed, sealed_after):
    """Forged before it was sealed, so that only its hash tells. Proved is what the close before
    it bears out."""
    place = close(closed, "ab" * 32, "2025-03")
    if sealed_after:
        closed.write(3)
        closed.sealer.seal_all()
    found = verified(closed)
    assert found.broken is not None
    assert (found.broken.position, found.broken.kind) == (place, Kind.PERIOD_HASH)
    assert "the close of 2025-03 holds hash abababab" in found.broken.words
    assert found.proved_to == 401


def test_a_close_of_another_position_is_named(closed):
    """Its hash is right there, but it stands elsewhere."""
    chain = closed.sealer.seal_to(200).chain
    place = close(closed, period="2025-03")
    body = json.dumps({"period": "2025-03", "position": 200, "head_hash": chain})
    closed.tamper(f"UPDATE EVENTS SET body = '{body}' WHERE position = {place}")
    assert verified(closed).broken.kind is Kind.PERIOD_HASH


def test_F34_a_consistent_forgery_is_found_by_the_next_close(closed):
    """All hashed and signed anew with our own key: the close of the period still knows better."""
    closed.tamper(f"UPDATE EVENTS SET body = {FORGED} WHERE position = 350", "DELETE FROM SEALS")
    closed.sealer.seal_all()
    found = verified(closed)
    assert found.broken is not None
    assert (found.broken.position, found.broken.kind) == (402, Kind.PERIOD_HASH)
    assert found.proved_to == 300


def test_what_is_no_close_of_ours_says_nothing(closed):
    """The audit cannot read it; its bytes are what was sealed."""
    for number, body in enumerate(('"x"', '{"period": 1}', "[1]"), start=3):
        place = close(closed, period=f"2025-0{number}")
        closed.tamper(f"UPDATE EVENTS SET body = '{body}' WHERE position = {place}")
    assert verified(closed).broken is None


# --- keys, pieces ---------------------------------------------------------------------------------


def test_seals_of_an_older_key_are_proved_where_it_is_known(sealed):
    """And are unsigned where it is not."""
    new = Signer(SIGNER.origin, b"n" * 32)
    with sealed.books.pool(1) as pool:
        sealer = Sealer(pool, sealed.books, new, clock=lambda: NOW, older_keys=[KEY])
        assert sealer.keys == (new.verifier, KEY)
        sealed.write(10)
        sealer.seal_all()
    both = verify_log(sealed.connect, sealed.books.schema, [new.verifier, KEY])
    assert (both.broken, both.proved_to, both.origin) == (None, 610, KEY.name)
    # A signature is looked at where a block ends, and at the last seal.
    for keys, proved in (([new.verifier], 0), ([KEY], 512)):
        found = verify_log(sealed.connect, sealed.books.schema, keys)
        assert found.broken is not None
        assert (found.broken.kind, found.proved_to) == (Kind.SEAL_UNSIGNED, proved)
    other = Signer(SIGNER.origin, b"x" * 32).verifier
    found = verify_log(sealed.connect, sealed.books.schema, [new.verifier, other])
    assert "a key of" in found.broken.words
    text = checkpoints(sealed)[1]
    assert read_outside(text, new.verifier, KEY).size == 600
    with pytest.raises(OutsideCheckpoint):
        read_outside(text, new.verifier)


def test_a_log_is_read_in_pieces(sealed, monkeypatch):
    """With a rest after each, in which nobody of ours holds anything of the database."""
    monkeypatch.setattr(raw_log, "PIECE", 100)
    monkeypatch.setattr(sealed_module, "_PIECE", 2)
    rests = []

    def rest():
        with sealed.connect() as conn:
            rests.append(
                conn.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND state IN ('active', 'idle in transaction') AND pid <> pg_backend_pid()"
                    " AND backend_type = 'client backend' AND application_name = %s",
                    [conn.info.parameter_status("application_name")],
                ).fetchone()[0]
            )

    found = verify_log(sealed.connect, sealed.books.schema, [KEY], rest=rest)
    assert (found.broken, found.proved_to) == (None, 600)
    assert found.chain == sealed.sealer.seal_to(600).chain
    assert rests == [0] * 6
