"""A fact's bytes: by hand, there and back, and never the same for two facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.proof.canonical import (
    COLUMNS,
    NotCanonical,
    RawFact,
    decode,
    encode,
    moved,
    place_of,
    position_of,
)

FACT = RawFact(
    position=7,
    stream="s-1",
    version=2,
    name="x.v1",
    body='{"a": 1}',
    event_id=UUID(int=1),
    recorded_at=datetime(2000, 1, 1, 0, 0, 0, 3, tzinfo=UTC),
    effective_at=datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    actor="é",
    cause="",
    command_id=UUID(int=2),
)
# Written by hand from the description at the head of canonical.py.
BY_HAND = bytes.fromhex(
    "000b"
    "00000008 0000000000000007"
    "00000003 732d31"
    "00000008 0000000000000002"
    "00000004 782e7631"
    "00000008 7b2261223a20317d"
    "00000010 00000000000000000000000000000001"
    "00000008 0000000000000003"
    "00000008 ffffffffffffffff"
    "00000002 c3a9"
    "00000000"
    "00000010 00000000000000000000000000000002"
)
TEXTS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=20)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
TIMES = st.datetimes(timezones=st.just(UTC))
FACTS = st.builds(
    RawFact,
    position=NUMBERS,
    stream=TEXTS,
    version=NUMBERS,
    name=TEXTS,
    body=TEXTS,
    event_id=st.uuids(),
    recorded_at=TIMES,
    effective_at=TIMES,
    actor=TEXTS,
    cause=TEXTS,
    command_id=st.uuids(),
)


def test_the_bytes_are_those_of_the_description():
    """So that anybody can write another verifier."""
    assert encode(FACT) == BY_HAND
    assert decode(BY_HAND) == FACT
    assert position_of(BY_HAND) == 7
    assert place_of(BY_HAND) == (b"s-1", 2)


def test_every_field_of_a_fact_is_in_them():
    """Nothing can be changed that the hash does not hold."""
    assert tuple(each.name for each in attrs.fields(RawFact)) == COLUMNS
    others = {
        "position": 8,
        "stream": "s-2",
        "version": 3,
        "name": "y.v1",
        "body": '{"a":1}',
        "event_id": UUID(int=3),
        "recorded_at": FACT.recorded_at + timedelta(microseconds=1),
        "effective_at": FACT.effective_at + timedelta(microseconds=1),
        "actor": "e",
        "cause": "c",
        "command_id": UUID(int=3),
    }
    for name in COLUMNS:
        assert encode(attrs.evolve(FACT, **{name: others[name]})) != BY_HAND


@given(FACTS)
def test_there_and_back(fact):
    """Whatever is stored can be read from the proof again."""
    assert decode(encode(fact)) == fact


@given(FACTS, FACTS)
def test_two_facts_never_have_the_same_bytes(one, other):
    """Texts do not run into one another."""
    assert (encode(one) == encode(other)) == (one == other)


@given(FACTS, NUMBERS, NUMBERS)
def test_moved_is_the_same_fact_elsewhere(fact, position, version):
    """As if it had been recorded there."""
    data = encode(fact)
    assert moved(data, position=position) == encode(attrs.evolve(fact, position=position))
    both = attrs.evolve(fact, position=position, version=version)
    assert moved(data, position=position, version=version) == encode(both)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\x0a" + BY_HAND[2:],
        BY_HAND[:-1],
        BY_HAND + b"\0",
        BY_HAND.replace(bytes.fromhex("00000003732d31"), bytes.fromhex("ffffffff732d31")),
        BY_HAND.replace(bytes.fromhex("00000002c3a9"), bytes.fromhex("00000002c3c3")),
        BY_HAND.replace(bytes(7) + b"\3", b"\x7f" + bytes(7)),
    ],
    ids=["nothing", "ten fields", "cut off", "too long", "a null", "no UTF-8", "no such year"],
)
def test_other_bytes_are_no_fact(data):
    """They are told apart, not guessed at."""
    with pytest.raises(NotCanonical):
        decode(data)
