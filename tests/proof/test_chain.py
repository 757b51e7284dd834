"""The hash chain."""

from __future__ import annotations

from hashlib import sha256

from domain.proof.chain import GENESIS, follow, link


def test_a_link_holds_what_was_before():
    """By hand: 0x02, the chain so far, the leaf."""
    leaf = sha256(b"leaf").digest()
    assert bytes(32) == GENESIS
    assert link(GENESIS, leaf) == sha256(b"\x02" + bytes(32) + leaf).digest()


def test_the_order_is_in_it():
    """Two leaves the other way round make another chain."""
    one, two = sha256(b"1").digest(), sha256(b"2").digest()
    assert follow(GENESIS, [one, two]) == link(link(GENESIS, one), two)
    assert follow(GENESIS, [one, two]) != follow(GENESIS, [two, one])
    assert follow(GENESIS, []) == GENESIS
