"""The Merkle tree of RFC 9162 (section 2.1) over the log, with SHA-256.

Leaf `n - 1` is the fact at position n. A tree of size n says what the first n facts are; an
inclusion proof, that a fact is one of them; a consistency proof, that a smaller tree is the
beginning of a larger one. Proofs are some twenty hashes for a million facts.

Subtrees are asked for by their leaves, [begin, end): whoever keeps hashes may keep what it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

# Leaves of one stored block: a complete subtree whose node is kept.
BLOCK = 256
HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

# The hash of the tree over leaves begin to end - 1 of the log.
Subtree = Callable[[int, int], bytes]


def leaf_hash(data: bytes) -> bytes:
    """The hash of one entry (RFC 9162: 0x00 || entry)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees (RFC 9162: 0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The hash of a tree of these leaves' hashes."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        pairs = iter(level)
        above = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(pairs, pairs, strict=False)
        ]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


class Frontier:
    """The right edge of a growing tree: what is needed to add leaves and to know the root.

    Two levels: complete blocks of BLOCK leaves, and the leaves after them.
    """

    __slots__ = ("_blocks", "_peaks", "_tail", "_tail_peaks")

    def __init__(self) -> None:
        self._blocks = 0
        self._peaks: list[bytes] = []
        self._tail = 0
        self._tail_peaks: list[bytes] = []

    @property
    def size(self) -> int:
        """Leaves in the tree."""
        return self._blocks * BLOCK + self._tail

    def add(self, leaf: bytes) -> bytes | None:
        """Add one leaf; the node of the block that it completes, else None."""
        _push(self._tail_peaks, self._tail, leaf)
        self._tail += 1
        if self._tail < BLOCK:
            return None
        node = self._tail_peaks.pop()
        self._tail = 0
        self.add_block(node)
        return node

    def add_block(self, node: bytes) -> None:
        """Add a whole block by its node. Raises: ValueError within a block."""
        if self._tail:
            raise ValueError(f"a block cannot begin after {self.size} leaves")
        _push(self._peaks, self._blocks, node)
        self._blocks += 1

    def extend(self, leaves: Sequence[bytes]) -> bytes | None:
        """Add leaves that do not go beyond the block; its node where they complete it."""
        if self._tail == 0 and len(leaves) == BLOCK:
            node = root_of(leaves)
            self.add_block(node)
            return node
        done = None
        for leaf in leaves:
            done = self.add(leaf)
        return done

    def root(self) -> bytes:
        """The root of the tree."""
        peaks = [*self._peaks, *self._tail_peaks]
        if not peaks:
            return EMPTY_ROOT
        root = peaks.pop()
        while peaks:
            root = node_hash(peaks.pop(), root)
        return root


def _push(peaks: list[bytes], count: int, node: bytes) -> None:
    """Add a node to perfect subtrees that hold `count` of its kind."""
    while count & 1:
        node = sha256(b"\x01" + peaks.pop() + node).digest()
        count >>= 1
    peaks.append(node)


# --- proofs ---------------------------------------------------------------------------------------


def split(size: int) -> int:
    """The largest power of two that is smaller than size; size: at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_path(index: int, size: int, subtree: Subtree) -> tuple[bytes, ...]:
    """The proof that leaf `index` (from 0) is in the tree of that size (RFC 9162, 2.1.3.1).

    Raises: ValueError for a leaf that is not in it.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + split(end - begin)
        if index < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(begin, middle))
            begin = middle
    return tuple(reversed(path))


def consistency_path(old: int, new: int, subtree: Subtree) -> tuple[bytes, ...]:
    """The proof that the tree of size old begins the one of size new (RFC 9162, 2.1.4.1).

    Raises: ValueError unless 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ValueError(f"no proof leads from a tree of {old} to one of {new}")
    path: list[bytes] = []
    begin, end, whole = 0, new, True
    while old != end:
        middle = begin + split(end - begin)
        if old <= middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(begin, middle))
            begin, whole = middle, False
    if not whole:
        path.append(subtree(begin, end))
    return tuple(reversed(path))


def includes(leaf: bytes, index: int, size: int, path: Iterable[bytes], root: bytes) -> bool:
    """Whether a proof shows that the leaf is in the tree (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, place, last = leaf, index, size - 1
    for other in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            node = node_hash(other, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, other)
        place, last = place >> 1, last >> 1
    return last == 0 and node == root


def continues(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether a proof shows that one tree begins the other (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = steps[0]
    for other in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = node_hash(other, first), node_hash(other, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, other)
        place, last = place >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
