"""The tree of RFC 9162, against published figures and against its definition."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.proof.merkle import (
    BLOCK,
    EMPTY_ROOT,
    Frontier,
    consistency_path,
    continues,
    includes,
    inclusion_path,
    leaf_hash,
    node_hash,
    root_of,
)

# The reference entries, roots and proofs of Certificate Transparency; they are facts, published in
# transparency-dev/merkle, testonly/reference_test.go and constants.go (and before that in
# google/certificate-transparency, merkletree_test.cc).
ENTRIES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): (),
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
CONSISTENCY = {
    (1, 1): (),
    (1, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
    (6, 7): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
}
LEAVES = [leaf_hash(each) for each in ENTRIES]


def many(count):
    """So many leaves, all different."""
    return [leaf_hash(str(number).encode()) for number in range(count)]


def tree(leaves):
    """The definition of RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(tree(leaves[:k]), tree(leaves[k:]))


def subtree_of(leaves):
    """What inclusion_path and consistency_path ask."""
    return lambda begin, end: tree(leaves[begin:end])


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size):
    """Computed at once, and leaf by leaf."""
    grown = Frontier()
    for leaf in LEAVES[:size]:
        grown.add(leaf)
    assert root_of(LEAVES[:size]).hex() == ROOTS[size]
    assert grown.root().hex() == ROOTS[size]
    assert EMPTY_ROOT.hex() == ROOTS[0]


@pytest.mark.parametrize("place", INCLUSION)
def test_inclusion_proofs_are_the_published_ones(place):
    """Index and size of the tree."""
    index, size = place
    path = inclusion_path(index, size, subtree_of(LEAVES))
    assert [each.hex() for each in path] == list(INCLUSION[place])
    assert includes(LEAVES[index], index, size, path, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize("sizes", CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(sizes):
    """The two sizes."""
    old, new = sizes
    path = consistency_path(old, new, subtree_of(LEAVES))
    assert [each.hex() for each in path] == list(CONSISTENCY[sizes])
    assert continues(old, new, path, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]))


@pytest.mark.parametrize("size", [*range(1, 20), 255, 256, 257, 511, 512, 513, 1100])
def test_a_grown_tree_is_the_defined_one(size):
    """Leaf by leaf, and in runs that do not go beyond a block."""
    leaves = many(size)
    single, runs = Frontier(), Frontier()
    nodes = [node for leaf in leaves if (node := single.add(leaf))]
    more = [runs.extend(leaves[at : at + BLOCK]) for at in range(0, size, BLOCK)]
    assert single.root() == runs.root() == root_of(leaves) == tree(leaves)
    assert single.size == runs.size == size
    assert nodes == [each for each in more if each]
    assert nodes == [tree(leaves[at : at + BLOCK]) for at in range(0, size - size % BLOCK, BLOCK)]


def test_a_block_begins_where_another_ends():
    """A node in the middle of one would make another tree."""
    grown = Frontier()
    grown.add(LEAVES[0])
    with pytest.raises(ValueError, match="cannot begin"):
        grown.add_block(LEAVES[1])


@given(st.integers(1, 80).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_a_proof_proves_its_own_leaf_at_its_own_place_alone(place):
    """Other places, other sizes, other leaves, and paths cut or longer are refused."""
    size, index = place
    leaves = many(size)
    path = inclusion_path(index, size, subtree_of(leaves))
    root = tree(leaves)
    assert includes(leaves[index], index, size, path, root)
    for other in range(size):
        assert (other == index) == includes(leaves[index], other, size, path, root)
        assert (other == index) == includes(leaves[other], index, size, path, root)
    assert not includes(leaves[index], index, size, (*path, root), root)
    assert not includes(leaves[index], -1, size, path, root)
    assert not includes(leaves[index], size, size, path, root)
    if path:
        assert not includes(leaves[index], index, size, path[:-1], root)
        assert not includes(leaves[index], index, size, path[1:], root)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))))
def test_a_tree_continues_its_own_beginning_alone(sizes):
    """Not another one of the same size."""
    old, new = sizes
    leaves = many(new)
    path = consistency_path(old, new, subtree_of(leaves))
    begun, root = tree(leaves[:old]), tree(leaves)
    assert continues(old, new, path, begun, root)
    other = tree([*leaves[: old - 1], leaf_hash(b"forged")])
    assert not continues(old, new, path, other, root)
    assert not continues(old, new, path, begun, other)
    assert not continues(old, new, (*path, root), begun, root)
    assert not continues(0, new, path, begun, root)
    assert not continues(new + 1, new, path, begun, root)
    if path:
        assert not continues(old, new, path[:-1], begun, root)


def test_no_proof_of_what_is_not_there():
    """It is an error of the caller's."""
    with pytest.raises(ValueError, match="not in a tree"):
        inclusion_path(8, 8, subtree_of(LEAVES))
    for old, new in ((0, 8), (9, 8)):
        with pytest.raises(ValueError, match="no proof leads"):
            consistency_path(old, new, subtree_of(LEAVES))
