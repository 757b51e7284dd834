"""The hash chain: each link holds all facts before it, in their order.

    chain(0) = 32 zero bytes
    chain(n) = SHA-256(0x02 || chain(n-1) || leaf(n))        leaf(n): see merkle.leaf_hash

0x02 keeps links apart from the tree's leaves (0x00) and nodes (0x01). A link can be computed from
the hashes of leaves alone, without the facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

GENESIS = bytes(32)


def link(chain: bytes, leaf: bytes) -> bytes:
    """The chain after one more leaf."""
    return sha256(b"\x02" + chain + leaf).digest()


def follow(chain: bytes, leaves: Iterable[bytes]) -> bytes:
    """The chain after these leaves, in their order."""
    for leaf in leaves:
        chain = sha256(b"\x02" + chain + leaf).digest()
    return chain
