"""Signing checkpoints with Ed25519, and telling whose signature is on one."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.proof.notes import Note, SignatureLine, VerifierKey

SEED_BYTES = 32
_PURPOSE = b"billing-ledger checkpoint signing key"


def origin_of(schema: str) -> str:
    """What the log of a set of books is called in its checkpoints."""
    return f"billing-ledger/{schema}"


def derived_seed(master_key: bytes) -> bytes:
    """A seed for signing from the master key; it gives nothing of that away (HKDF)."""
    return HKDF(algorithm=SHA256(), length=SEED_BYTES, salt=None, info=_PURPOSE).derive(master_key)


class Signer:
    """Signs in the name of one log. Its seed is never shown."""

    def __init__(self, origin: str, seed: bytes) -> None:
        self.origin = origin
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.verifier = VerifierKey(origin, public)

    def __repr__(self) -> str:
        """Without the seed."""
        return f"Signer({self.verifier})"

    def sign(self, text: str) -> Note:
        """A note of this text, which ends with the end of a line."""
        signature = self._key.sign(text.encode())
        line = SignatureLine(self.verifier.name, self.verifier.key_id, signature)
        return Note(text, (line,))


def is_signed_by(note: Note, *keys: VerifierKey) -> bool:
    """Whether the note is signed by one of these keys; see `signer_of`."""
    return signer_of(note, keys) is not None


def signer_of(note: Note, keys: Sequence[VerifierKey]) -> VerifierKey | None:
    """The first of these keys that the note is signed by; None: by none of them.

    Signatures of other keys, also of those of the same name, are passed over; one that names a key
    that is known and does not hold spoils the note (C2SP signed-note).
    """
    known = {(each.name, each.key_id): each for each in keys}
    found = None
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.key).verify(line.signature, note.text.encode())
        except InvalidSignature:
            return None
        found = found or key
    return found


def named(keys: Sequence[VerifierKey]) -> str:
    """Keys by name and id, in words."""
    named = " or ".join(f"{each.name}+{each.key_id.hex()}" for each in keys)
    return f"the key {named}" if len(keys) == 1 else f"a key of {named}"
