"""Verify, prove, checkpoint and the certificate of an erasure, from the command line. 31.00 USD a
month from 1 January 2025 in Oslo; January is paid, it is 11 January."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from domain.proof.notes import read_checkpoint, read_key, read_note
from domain.recorded import Stamp
from infrastructure.cli.exits import DIFFERENT, DONE, INCOMPLETE, REFUSED, USAGE
from infrastructure.proof.publishing import PublishedCheckpoints
from infrastructure.proof.signing import Signer, is_signed_by
from infrastructure.store.ledger import Append
from tests.api.billing import music
from tests.cli.conftest import Terminal
from tests.cli.test_changing import begin, books_of
from tests.cli.test_letting_go import ERASE, worked
from tests.proof.offline import SCRIPT, verifier


@pytest.fixture
def running(terminal: Terminal) -> Terminal:
    """Prepaid, with January billed and paid."""
    begin(terminal, music())
    return terminal


def key_of(terminal: Terminal) -> str:
    return terminal.run("checkpoint", "--key").stdout.strip()


def note_of(terminal: Terminal) -> str:
    said = terminal.run("checkpoint")
    assert said.exit_code == DONE, said.output
    return said.stdout


def kept(terminal: Terminal, text: str, name: str = "checkpoint") -> str:
    path = terminal.folder / name
    path.write_bytes(text.encode())
    return str(path)


def tamper(terminal: Terminal, *statements: str) -> None:
    """A superuser without triggers; EVENTS and SEALS stand for the tables."""
    schema = terminal.environment["BILLING_SCHEMA"]
    with psycopg.connect(terminal.environment["BILLING_DATABASE_URL"], autocommit=True) as admin:
        for name in ("events", "seals"):
            table = f'"{schema}".{name}'
            admin.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only".encode())
            statements = tuple(each.replace(name.upper(), table) for each in statements)
        for statement in statements:
            admin.execute(statement.encode())


EDITED = "UPDATE EVENTS SET actor = 'me' WHERE position = 4"


def test_a_checkpoint_is_signed_and_repeated(running: Terminal) -> None:
    """By the key that is printed; the same one while nothing is recorded."""
    key = read_key(key_of(running))
    note = read_note(note_of(running))
    assert is_signed_by(note, key)
    with books_of(running) as system:
        assert read_checkpoint(note.text).size == system.ledger.head()
        assert read_checkpoint(note.text).origin == f"billing-ledger/{system.books.schema}"
    assert note_of(running) == str(note)


def test_no_key_is_ever_printed(running: Terminal) -> None:
    """Neither the seed nor what it was derived from."""
    seed = "c2VlZHNlZWRzZWVkc2VlZHNlZWRzZWVkc2VlZHNlZWQ="  # base64 of 32 bytes
    changes = {"BILLING_SEAL_KEY": seed}
    said = [
        running.run("checkpoint", "--key", **changes).output,
        running.run("checkpoint", **changes).output,
        running.run("info", **changes).output,
        running.run("verify", "--quick", **changes).output,
    ]
    assert seed not in "".join(said)
    raw = b"seed" * 8
    assert raw.hex() not in "".join(said)
    with books_of(running) as system:
        assert said[0].strip() == str(Signer(system.signer.origin, raw).verifier)
    assert key_of(running) != said[0].strip()
    bad = running.run("checkpoint", BILLING_SEAL_KEY="short")
    assert (bad.exit_code, "seal key is not base64" in bad.stderr) == (USAGE, True)
    assert "short" not in bad.stderr


def test_nothing_to_print_yet(terminal: Terminal) -> None:
    """Of an empty log there is no checkpoint, and no proof."""
    terminal.set_clock("2025-01-10T23")
    assert terminal.run("checkpoint").exit_code == INCOMPLETE
    refused = terminal.run("prove", "invoice", "s-1", "1")
    assert (refused.exit_code, "nothing-to-prove" in refused.stderr) == (REFUSED, True)
    assert terminal.run("verify").exit_code == DONE


def test_verified_whole_and_kept(running: Terminal) -> None:
    """Log, audit and replay; recorded, with its scope, and shown."""
    before = running.json("verify", "--quick")
    assert (before["verdict"], before["proved_to"]) == ("clean", 0)
    outside = kept(running, note_of(running))
    said = running.run("verify")
    assert said.exit_code == DONE, said.output
    head = read_checkpoint(read_note(Path(outside).read_text()).text).size
    assert f"proved: positions 1 to {head}" in said.stdout
    assert "unanchored since position 1" in said.stdout
    held = running.run("verify", "--quick", "--checkpoint", outside, "--key", key_of(running))
    assert (held.exit_code, "anchored: the outside checkpoint" in held.stdout) == (DONE, True)
    running.run("credit", "s-1", "5.00", "--reason", "outage")
    later = running.run("verify", "--quick").stdout
    assert f"not sealed yet: positions {head + 1} to {head + 1}" in later
    assert f"unanchored since position {head + 1}" in later
    twice = running.run("verify", "--quick", "--every", "1", "--times", "2")
    assert twice.stdout.count("(quick): clean") == 2
    found = running.json("verify", "--history")["verifications"]
    assert [each["scope"] for each in found] == ["quick"] * 4 + ["full", "quick"]
    assert [each["anchored_to"] for each in found] == [None, None, None, head, None, None]
    assert "clean" in running.run("verify", "--history").stdout


def test_F33_an_edited_fact_is_named(running: Terminal) -> None:
    """With its position, what is still proved, and what is not; exit 1; and kept."""
    note_of(running)
    tamper(running, EDITED)
    said = running.run("verify")
    assert said.exit_code == DIFFERENT
    assert "edited at 4" in said.stdout
    assert "proved: positions 1 to 3" in said.stdout
    assert "UNPROVED: every report that is known at a position after 3" in said.stdout
    last = running.json("verify", "--history")["verifications"][0]
    assert (last["verdict"], last["first_broken"], last["kind"]) == ("broken", 4, "edited")


def test_F33_no_proof_is_made_of_an_edited_fact(running: Terminal) -> None:
    """Of another one there is."""
    note_of(running)
    tamper(running, EDITED)
    assert verifier().verify(prove(running, "invoice", "s-1", "1"), key_of(running))
    tamper(running, EDITED.replace("position = 4", "name = 'invoice-issued.v1'"))
    refused = running.run("prove", "invoice", "s-1", "1")
    assert (refused.exit_code, "log-broken" in refused.stderr) == (REFUSED, True)


def test_F34_a_forgery_is_found_by_the_checkpoint_that_was_kept(running: Terminal) -> None:
    """All hashed and signed anew, with the key: only outside it is known better."""
    outside = kept(running, note_of(running))
    tamper(running, EDITED, "DELETE FROM SEALS")
    note_of(running)
    alone = running.run("verify", "--quick")
    assert (alone.exit_code, "unanchored since position 1" in alone.stdout) == (DONE, True)
    found = running.run("verify", "--quick", "--checkpoint", outside)
    assert found.exit_code == DIFFERENT
    assert "replaced at 1: the facts up to" in found.stdout
    assert "proved: nothing" in found.stdout


def test_a_checkpoint_or_a_key_of_somebody_else(running: Terminal) -> None:
    """Usage errors: they say nothing about the log."""
    note = note_of(running)
    with books_of(running) as system:
        origin = system.signer.origin
    thief = Signer(origin, b"t" * 32)
    forged = kept(running, str(thief.sign(read_note(note).text)), "forged")
    for arguments in (
        ("--checkpoint", forged),
        ("--checkpoint", kept(running, "nothing", "empty")),
        ("--key", "nonsense"),
        ("--key", str(Signer("billing-ledger/other", b"s" * 32).verifier)),
    ):
        assert running.run("verify", "--quick", *arguments).exit_code == USAGE
    said = running.run("verify", "--quick", "--key", str(thief.verifier))
    assert (said.exit_code, "seal-unsigned at 1" in said.stdout) == (DIFFERENT, True)


def prove(terminal: Terminal, *what: str) -> str:
    said = terminal.run("prove", *what)
    assert said.exit_code == DONE, said.output
    return said.stdout


def test_what_is_proved_is_verified_offline(running: Terminal) -> None:
    """By one file that knows none of our code: a charge and an invoice, with the facts of each."""
    note_of(running)
    running.run("credit", "s-1", "5.00", "--reason", "outage")
    check, key = verifier().verify, key_of(running)
    (charge,) = running.json("charges")["items"]
    text = prove(running, "charge", charge["attempt_id"])
    words = check(text, key)
    assert words[0] == (f"PROVED: charge {charge['attempt_id']} for invoice 1 of subscription s-1.")
    names = [fact["name"] for fact in json.loads(text)["facts"]]
    assert names == ["invoice-issued.v1", "charge-attempted.v1", "charge-succeeded.v1"]
    assert prove(running, "charge", charge["reference"]) == text
    invoice = prove(running, "invoice", "s-1", "1")
    assert check(invoice, key)[0] == "PROVED: invoice 1 of subscription s-1."
    assert check(invoice, key, note_of(running))[-2] == (
        "It is the log of the checkpoint that you keep."
    )
    unknown = running.run("prove", "charge", str(uuid4()))
    assert (unknown.exit_code, "charge-unknown" in unknown.stderr) == (REFUSED, True)


def test_all_of_a_period(running: Terminal) -> None:
    """Whatever facts its stream holds."""
    with books_of(running) as system:
        loaded = system.ledger.read_stream("subscription-s-1")
        stamp = Stamp(actor="finance", cause="test", command_id=uuid4())
        facts = tuple(each.event for each in loaded[:2])
        system.ledger.append([Append("period-2025-01", 0, facts, stamp)], now=system.clock())
    text = prove(running, "period", "2025-01")
    assert verifier().verify(text, key_of(running))[0] == (
        "PROVED: all facts of the accounting period 2025-01, to version 2 of its stream."
    )
    assert running.run("prove", "period", "2025-02").exit_code == REFUSED
    assert running.run("prove", "period", "../x").exit_code == REFUSED


def test_the_verifier_runs_alone(running: Terminal, tmp_path: Path) -> None:
    """Copied elsewhere, without our packages in reach."""
    proof = tmp_path / "proof.json"
    running.run("prove", "invoice", "s-1", "1", "--out", str(proof))
    alone = tmp_path / "elsewhere" / "verify_proof.py"
    alone.parent.mkdir()
    alone.write_bytes(SCRIPT.read_bytes())
    wall = "import sys; sys.modules.update(domain=None, infrastructure=None, projections=None);"
    script = (
        f"{wall} sys.argv[:1] = []; import runpy; runpy.run_path(sys.argv[0], {{}}, '__main__')"
    )

    def check(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, str(alone), *arguments]
        return subprocess.run(
            command, cwd=alone.parent, env={}, capture_output=True, text=True, check=False
        )

    done = check(str(proof), "--key", key_of(running))
    assert (done.returncode, done.stdout[:7]) == (0, "PROVED:"), done.stderr
    note = kept(running, note_of(running))
    assert check(str(proof), "--key", key_of(running), "--checkpoint", note).returncode == 0
    other = str(Signer("billing-ledger/other", b"o" * 32).verifier)
    refused = check(str(proof), "--key", other)
    assert (refused.returncode, refused.stderr[:11]) == (1, "NOT PROVED:")
    proof.write_bytes(proof.read_bytes().replace(b"\n", b"\r\n"))
    assert check(str(proof), "--key", key_of(running)).returncode == 1
    assert check(str(tmp_path / "none"), "--key", other).returncode == 2


def test_F40_an_erasure_leaves_hash_totals_and_exports_unchanged(running: Terminal) -> None:
    """And the signed certificate says so."""
    running.run("cancel", "s-1", "--reason", "left")
    running.run(*ERASE)
    worked(running)
    folder = str(running.folder / "out")
    assert running.run("export", "csv", folder).exit_code == DONE
    before, totals = note_of(running), running.json("trial-balance")
    path = running.folder / "certificate"
    said = running.run(*ERASE, "--certificate", str(path))
    assert said.exit_code == DONE, said.output
    assert note_of(running) == before
    assert running.json("trial-balance") == totals
    assert running.run("verify-export", folder).exit_code == DONE
    assert running.run("verify", "--checkpoint", kept(running, before)).exit_code == DONE
    text = path.read_text(encoding="utf-8")
    assert text in said.stdout
    note = read_note(text)
    assert is_signed_by(note, read_key(key_of(running)))
    checkpoint = read_checkpoint(read_note(before).text)
    assert checkpoint.chain is not None
    lines = note.text.split("\n")
    assert "customer c-1" in lines
    assert f"position {checkpoint.size}" in lines
    assert f"chain {checkpoint.chain.hex()}" in lines
    assert f"root {checkpoint.root.hex()}" in lines
    for each in totals["lines"]:
        assert f"total {each['number']} {each['currency']} {each['minor']}" in lines


def test_nobody_is_erased_from_a_broken_log(running: Terminal) -> None:
    """What the certificate would say could not be said."""
    running.run("cancel", "s-1", "--reason", "left")
    note_of(running)
    tamper(running, EDITED)
    refused = running.run(*ERASE, "--keys-only")
    assert (refused.exit_code, "log-broken" in refused.stderr) == (REFUSED, True)


def settle_in(terminal: Terminal, line: str) -> None:
    """One more line at the beginning of the settings."""
    config = Path(terminal.environment["BILLING_CONFIG"])
    config.write_text(f"{line}\n{config.read_text('utf-8')}", encoding="utf-8")


def test_a_change_of_keys(running: Terminal) -> None:
    """What the older one signed stays proved where it is known: by the settings, or by --key."""
    note, old = note_of(running), key_of(running)
    proof = prove(running, "invoice", "s-1", "1")
    seed = running.folder / "seal.key"
    seed.write_text("bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3LW5ldy0=", encoding="utf-8")
    settle_in(running, f'seal_key_file = "{seed}"')
    alone = running.run("verify", "--quick")
    assert (alone.exit_code, "seal-unsigned at 1" in alone.stdout) == (DIFFERENT, True)
    refused = running.run("prove", "invoice", "s-1", "1")
    assert (refused.exit_code, "log-broken" in refused.stderr) == (REFUSED, True)
    new = key_of(running)
    assert new != old
    both = ("--key", new, "--key", old)
    assert running.run("verify", "--quick", *both).exit_code == DONE
    settle_in(running, f'older_seal_keys = ["{old}"]')
    said = running.run("verify", "--quick", "--checkpoint", kept(running, note))
    assert (said.exit_code, "anchored" in said.stdout) == (DONE, True)
    assert prove(running, "invoice", "s-1", "1") == proof
    running.run("credit", "s-1", "5.00", "--reason", "outage")
    assert is_signed_by(read_note(note_of(running)), read_key(new))
    later = prove(running, "invoice", "s-1", "1")
    assert json.loads(later)["key"] == new
    assert verifier().verify(later, [new, old])[0].startswith("PROVED")
    path = running.folder / "proof"
    path.write_text(later, encoding="utf-8")
    offline = [sys.executable, str(SCRIPT), str(path)]
    assert subprocess.run([*offline, *both], capture_output=True, check=False).returncode == 0
    assert subprocess.run([*offline, *both[:2]], capture_output=True, check=False).returncode == 1


def test_an_older_key_of_another_log_or_none(running: Terminal) -> None:
    """The settings are refused."""
    other = str(Signer("billing-ledger/other", b"o" * 32).verifier)
    for older in (other, key_of(running)[:-4]):
        config = Path(running.environment["BILLING_CONFIG"])
        before = config.read_text("utf-8")
        settle_in(running, f'older_seal_keys = ["{older}"]')
        said = running.run("verify", "--quick")
        assert (said.exit_code, "older_seal_keys" in said.stderr) == (USAGE, True)
        config.write_text(before, encoding="utf-8")


def test_the_last_verification_is_told(running: Terminal) -> None:
    """With where the books stand."""
    assert "never" in running.run("info").stdout.split("verified")[1].splitlines()[0]
    assert running.json("info")["verified"] == "never"
    running.run("checkpoint")
    running.run("verify")
    head = running.json("info")["head"]
    said = running.json("info")["verified"]
    assert f"clean at 2025-01-10 23:00Z (full), proved to {head}, unanchored; as a whole" in said
    tamper(running, EDITED)
    running.run("verify", "--quick")
    assert running.json("info")["verified"].startswith("broken at")


def test_a_forged_close_is_found_by_verify_and_by_audit(running: Terminal) -> None:
    """Its hash of the log is another one: the audit holds it against the seals."""
    running.set_clock("2025-02-03T12")
    closed = running.run("period", "close", "2025-01", "--reason", "done")
    assert closed.exit_code == DONE, closed.output
    assert running.run("audit").exit_code == DONE
    tamper(
        running,
        "UPDATE EVENTS SET body = jsonb_set(body::jsonb, '{head_hash}', to_jsonb(repeat('ab', 32)))"
        "::json WHERE name = 'period-closed.v1'",
    )
    audited = running.run("audit")
    assert (audited.exit_code, "seal-hash-wrong: 2025-01" in audited.stdout) == (DIFFERENT, True)
    found = running.run("verify", "--quick")
    assert (found.exit_code, "period-hash-wrong at" in found.stdout) == (DIFFERENT, True)


def test_with_checkpoints_published_nothing_is_signed_on_a_replaced_log(running: Terminal) -> None:
    """By no command either."""
    folder = running.folder / "outside"
    outside = {"BILLING_CHECKPOINTS": str(folder)}
    note = running.run("checkpoint", **outside).stdout
    with books_of(running) as system:
        PublishedCheckpoints(folder, system.seal_keys).publish(note)
    tamper(running, EDITED, "DELETE FROM SEALS")
    refused = running.run("checkpoint", **outside)
    assert (refused.exit_code, "log-broken" in refused.stderr) == (DIFFERENT, True)
