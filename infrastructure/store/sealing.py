"""Sealing with AES-GCM: what is sealed opens only under its key, its customer and its place."""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID_TEXT = b"billing-ledger token vault master key"


class VaultError(Exception):
    """The vault cannot do what was asked."""


class VaultDamaged(VaultError):
    """A stored value does not open under its key and place."""


def key_id_of(master_key: bytes) -> str:
    """A name for a master key that gives nothing of it away, and that only it has."""
    return hmac.new(master_key, _KEY_ID_TEXT, hashlib.sha256).hexdigest()[:16]


def derived_key(master_key: bytes, purpose: str) -> AESGCM:
    """A key for one purpose; it gives nothing of the master key away."""
    return AESGCM(hmac.new(master_key, f"billing-ledger {purpose}".encode(), "sha256").digest())


def sealed(key: AESGCM, plain: bytes, customer_id: str, place: str) -> bytes:
    """Nonce and ciphertext, bound to the customer and the place."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, _bound_to(customer_id, place))


def opened(key: AESGCM, sealed: bytes, customer_id: str, place: str) -> bytes:
    """What was sealed. Raises: VaultDamaged."""
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return key.decrypt(nonce, ciphertext, _bound_to(customer_id, place))
    except (InvalidTag, ValueError):
        raise VaultDamaged(f"what lies under {place!r} does not open") from None


def _bound_to(customer_id: str, place: str) -> bytes:
    """Additional data that names a place; the length keeps the two parts from running together."""
    return f"{len(customer_id)}:{customer_id}:{place}".encode()
