"""Signing checkpoints with Ed25519, and telling whose signature is on one."""

from __future__ import annotations

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


def is_signed_by(note: Note, key: VerifierKey) -> bool:
    """Whether the note has this key's signature; those of others are passed over, as the format
    demands."""
    public = Ed25519PublicKey.from_public_bytes(key.key)
    for line in note.signatures:
        if (line.name, line.key_id) == (key.name, key.key_id):
            try:
                public.verify(line.signature, note.text.encode())
            except InvalidSignature:
                return False
            return True
    return False
