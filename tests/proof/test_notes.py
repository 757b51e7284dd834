"""Checkpoints and notes, against the published format."""

from __future__ import annotations

import base64

import attrs
import pytest

from domain.proof.notes import (
    Checkpoint,
    NotANote,
    Note,
    SignatureLine,
    VerifierKey,
    read_checkpoint,
    read_key,
    read_note,
)
from infrastructure.proof.signing import Signer, derived_seed, is_signed_by, origin_of, signer_of
from infrastructure.settings import SettingsError, read_settings, seal_key_bytes

# The example of golang.org/x/mod/sumdb/note (note_test.go), which C2SP signed-note describes.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqd"
    "ngotpRZb6KE6RyyBwJnAM=\n"
)
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]

SIGNER = Signer("billing-ledger/books", b"s" * 32)
CHECKPOINT = Checkpoint(
    origin="billing-ledger/books", size=1573, root=bytes(range(32)), chain=b"c" * 32
)


def test_the_published_note_is_signed_by_its_key():
    """By another implementation."""
    key, note = read_key(GO_KEY), read_note(GO_NOTE)
    assert str(key) == GO_KEY
    assert str(note) == GO_NOTE
    assert is_signed_by(note, key)
    assert str(Signer("PeterNeumann", GO_SEED).sign(note.text)) == GO_NOTE


def test_a_checkpoint_is_these_lines():
    """Origin, size, root; and our chain as an extension."""
    root = base64.b64encode(bytes(range(32))).decode()
    chain = base64.b64encode(b"c" * 32).decode()
    assert CHECKPOINT.text == f"billing-ledger/books\n1573\n{root}\nchain {chain}\n"
    assert read_checkpoint(CHECKPOINT.text) == CHECKPOINT
    bare = Checkpoint(origin="go.sum database tree", size=0, root=bytes(32))
    assert read_checkpoint(bare.text) == bare


def test_a_signed_checkpoint_reads_as_what_was_signed():
    """There and back."""
    note = SIGNER.sign(CHECKPOINT.text)
    again = read_note(str(note))
    assert again == note
    assert is_signed_by(again, SIGNER.verifier)
    assert read_key(str(SIGNER.verifier)) == SIGNER.verifier


def test_signatures_of_others_are_kept_and_passed_over():
    """A witness signs the same text."""
    witness = Signer("witness.example/w", b"w" * 32)
    ours, theirs = SIGNER.sign(CHECKPOINT.text), witness.sign(CHECKPOINT.text)
    both = read_note(str(Note(ours.text, (*theirs.signatures, *ours.signatures))))
    assert is_signed_by(both, SIGNER.verifier)
    assert is_signed_by(both, witness.verifier)
    assert not is_signed_by(theirs, SIGNER.verifier)


def test_no_other_text_and_no_other_key():
    """One figure more, or somebody else of the same name."""
    note = SIGNER.sign(CHECKPOINT.text)
    forged = Note(note.text.replace("1573", "1574"), note.signatures)
    assert not is_signed_by(forged, SIGNER.verifier)
    assert not is_signed_by(note, Signer(SIGNER.origin, b"t" * 32).verifier)
    line = note.signatures[0]
    flipped = bytes([line.signature[0] ^ 1]) + line.signature[1:]
    assert not is_signed_by(
        Note(note.text, (SignatureLine(line.name, line.key_id, flipped),)), SIGNER.verifier
    )


OLD = Signer(SIGNER.origin, b"o" * 32)
KNOWN = (SIGNER.verifier, OLD.verifier)


def test_an_older_key_that_is_known_and_one_that_is_not():
    """Known keys are told by name and id."""
    note = OLD.sign(CHECKPOINT.text)
    assert signer_of(note, KNOWN) == OLD.verifier
    assert signer_of(note, KNOWN[:1]) is None
    assert is_signed_by(note, *KNOWN)
    assert not is_signed_by(note, SIGNER.verifier)
    assert not is_signed_by(note)


def test_two_signatures():
    """Either will do; who knows both keys demands both, and the first of them is named."""
    ours, old = SIGNER.sign(CHECKPOINT.text).signatures, OLD.sign(CHECKPOINT.text).signatures
    both = read_note(str(Note(CHECKPOINT.text, (*old, *ours))))
    for keys in (KNOWN, KNOWN[:1], KNOWN[1:]):
        assert is_signed_by(both, *keys)
    assert signer_of(both, KNOWN[:1]) == SIGNER.verifier
    spoilt = attrs.evolve(old[0], signature=ours[0].signature)
    half = Note(CHECKPOINT.text, (*ours, spoilt))
    assert is_signed_by(half, SIGNER.verifier)
    assert not is_signed_by(half, *KNOWN)


def test_a_key_whose_name_is_right_and_id_wrong():
    """It is a stranger's; and no key can be written down so."""
    line = SIGNER.sign(CHECKPOINT.text).signatures[0]
    other = attrs.evolve(line, key_id=OLD.verifier.key_id)
    assert not is_signed_by(Note(CHECKPOINT.text, (other,)), SIGNER.verifier)
    assert not is_signed_by(Note(CHECKPOINT.text, (other,)), *KNOWN)
    wrong = str(SIGNER.verifier).replace(SIGNER.verifier.key_id.hex(), OLD.verifier.key_id.hex())
    with pytest.raises(NotANote):
        read_key(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        GO_NOTE[:-1],
        GO_NOTE.replace("\n\n", "\n"),
        GO_NOTE.replace("\u2014", "-"),
        GO_NOTE.replace("AM=\n", "AN=\n"),
        GO_NOTE.replace("AM=\n", "AM\n"),
        GO_NOTE.replace("don't", "do\tnot"),
        "text\n\n\u2014 name AAAA\n",
    ],
)
def test_what_is_no_note(text):
    """Strictly."""
    with pytest.raises(NotANote):
        read_note(text)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("1573", "01573"),
        ("1573", "-1"),
        ("1573", "1e3"),
        ("1573\n", ""),
        ("AAEC", "AAE"),
        ("Hh8=", "Hh8"),
        ("billing-ledger/books", ""),
        ("chain ", "chain  "),
    ],
)
def test_what_is_no_checkpoint(was, becomes):
    """Strictly."""
    assert was in CHECKPOINT.text
    with pytest.raises(NotANote):
        read_checkpoint(CHECKPOINT.text.replace(was, becomes))


@pytest.mark.parametrize("change", ["c74f20a4", "+AB", "", "Peter Neumann"])
def test_what_is_no_key(change):
    """Its id is part of it."""
    changed = {
        "c74f20a4": GO_KEY.replace("c74f20a3", "c74f20a4"),
        "+AB": GO_KEY.replace("+AR", "+AB"),
        "": "",
        "Peter Neumann": GO_KEY.replace("PeterN", "Peter N"),
    }[change]
    with pytest.raises(NotANote):
        read_key(changed)


def test_the_seed_is_derived_and_not_shown():
    """Another one for each master key."""
    assert derived_seed(b"m" * 32) != derived_seed(b"n" * 32)
    assert derived_seed(b"m" * 32) != b"m" * 32
    assert str(SIGNER.verifier) in repr(SIGNER)
    assert isinstance(SIGNER.verifier, VerifierKey)
    assert origin_of("books") == SIGNER.origin


def test_the_seed_comes_from_the_environment_or_a_file(tmp_path):
    """By reference, as every secret; wrong ones are told without being shown."""
    seed = base64.b64encode(b"s" * 32).decode()
    (tmp_path / "seal.key").write_text(seed + "\n")
    config = tmp_path / "billing.toml"
    config.write_text(f'seal_key_file = "{tmp_path / "seal.key"}"\n')
    assert seal_key_bytes(read_settings({}, config)) == b"s" * 32
    other = {"BILLING_SEAL_KEY": base64.b64encode(b"t" * 32).decode()}
    assert seal_key_bytes(read_settings(other, config)) == b"t" * 32
    assert seed not in repr(read_settings({}, config))
    config.write_text("")
    assert seal_key_bytes(read_settings({}, config)) is None
    for wrong in ("seal_key_file = 7", f'seal_key_file = "{tmp_path / "none"}"'):
        config.write_text(wrong)
        with pytest.raises(SettingsError):
            read_settings({}, config)
