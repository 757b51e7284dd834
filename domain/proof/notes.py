"""Checkpoints as signed notes: the text that is signed, and the lines of signatures below it.

The formats are C2SP's tlog-checkpoint and signed-note (https://c2sp.org/tlog-checkpoint,
https://c2sp.org/signed-note), so that other people's tools and witnesses can read ours:

    billing-ledger/books                       origin: the name of the log, and of its key
    1573                                       size: the position of the last fact in the tree
    q1yR...=                                   root of the tree of that size, base64
    chain 5yQk...=                             an extension line of ours: the hash chain there

    — billing-ledger/books hV3e...=            base64 of 4 bytes of key id and the signature

Signing itself is outside; here is only text.
"""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import sha256

import attrs

from domain.proof.merkle import HASH_BYTES

ED25519 = 1
_CHAIN = "chain "
_KEY_ID_BYTES = 4
_SIGNATURE_LINE = re.compile(r"\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
# Control characters other than the end of a line may not be in a note.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_NAME = re.compile(r"[^\s+]+")


class NotANote(ValueError):
    """A text that is no checkpoint, or a key that is none; the text says why."""


@attrs.frozen(kw_only=True)
class Checkpoint:
    """What a checkpoint says. size: facts in the tree; root, chain: 32 bytes each.

    chain: None in a checkpoint of another log, which has no such line.
    """

    origin: str
    size: int
    root: bytes
    chain: bytes | None = None

    @property
    def text(self) -> str:
        """What is signed: the lines, each with its end."""
        lines = [self.origin, str(self.size), _base64(self.root)]
        if self.chain is not None:
            lines.append(_CHAIN + _base64(self.chain))
        return "".join(f"{line}\n" for line in lines)


@attrs.frozen
class SignatureLine:
    """One signature below a note. signature: what follows the key id."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def text(self) -> str:
        """The line with its end."""
        return f"\u2014 {self.name} {_base64(self.key_id + self.signature)}\n"


@attrs.frozen
class Note:
    """A signed text. text: what is signed, with the end of its last line."""

    text: str
    signatures: tuple[SignatureLine, ...]

    def __str__(self) -> str:
        """The whole note as it is kept and sent."""
        return self.text + "\n" + "".join(each.text for each in self.signatures)


@attrs.frozen
class VerifierKey:
    """A public key by which a note can be verified; as text NAME+ID+KEY.

    key: the 32 bytes of an Ed25519 public key.
    """

    name: str
    key: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature line names it."""
        return key_id_of(self.name, self.key)

    def __str__(self) -> str:
        """As it is published."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes([ED25519]) + self.key)}"


def key_id_of(name: str, key: bytes) -> bytes:
    """The id of an Ed25519 public key (C2SP signed-note)."""
    return sha256(name.encode() + b"\n" + bytes([ED25519]) + key).digest()[:_KEY_ID_BYTES]


def read_key(text: str) -> VerifierKey:
    """A verifier key from its text. Raises: NotANote."""
    name, _, rest = text.strip().partition("+")
    stated, _, encoded = rest.partition("+")
    raw = _unbase64(encoded)
    if not _NAME.fullmatch(name) or len(raw) != 1 + 32 or raw[0] != ED25519:
        raise NotANote("a verifier key is NAME+ID+KEY, with the key of an Ed25519 signer")
    key = VerifierKey(name, raw[1:])
    if key.key_id.hex() != stated:
        raise NotANote(f"the key is not the one of id {stated[:8]}")
    return key


def read_note(text: str) -> Note:
    """A note from its text; signatures of whoever else are kept. Raises: NotANote."""
    if _CONTROL.search(text):
        raise NotANote("a note holds no control characters")
    body, found, below = text.rpartition("\n\n")
    if not found or not body or not below.endswith("\n"):
        raise NotANote("a note is a text, an empty line, and lines of signatures")
    signatures = []
    for line in below[:-1].split("\n"):
        match = _SIGNATURE_LINE.fullmatch(line)
        raw = _unbase64(match[2]) if match else b""
        if match is None or len(raw) <= _KEY_ID_BYTES:
            raise NotANote(f"not a line of a signature: {line[:60]!r}")
        signatures.append(SignatureLine(match[1], raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:]))
    return Note(body + "\n", tuple(signatures))


def read_checkpoint(text: str) -> Checkpoint:
    """What a note's text says, if it is a checkpoint. Raises: NotANote."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise NotANote("a checkpoint has an origin, a size and a root, a line each")
    origin, size, root, *extension = lines[:-1]
    if not _SIZE.fullmatch(size):
        raise NotANote(f"{size[:30]!r} is not the size of a tree")
    chain = None
    for line in extension:
        if line.startswith(_CHAIN) and chain is None:
            chain = _hash(line.removeprefix(_CHAIN))
    return Checkpoint(origin=origin, size=int(size), root=_hash(root), chain=chain)


def _hash(text: str) -> bytes:
    value = _unbase64(text)
    if len(value) != HASH_BYTES:
        raise NotANote(f"{text[:60]!r} is not a hash of {HASH_BYTES} bytes")
    return value


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _unbase64(text: str) -> bytes:
    """Strict: of all texts that mean the same bytes only the one that we would write."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotANote(f"not base64: {text[:60]!r}") from error
    if _base64(value) != text:
        raise NotANote(f"not base64 as it is written: {text[:60]!r}")
    return value
