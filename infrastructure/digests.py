"""What makes two requests the same."""

from __future__ import annotations

import hashlib


def digest_of(*parts: str | bytes) -> bytes:
    """SHA-256 of what makes a request this one: method, path, body. Parts cannot run together."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.digest()
