"""Names and keys: derived, never drawn."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity import (
    ReferenceParts,
    attempt_id,
    capture_id,
    charge_reference,
    checked_id,
    event_id,
    reference_parts,
    stream_of,
    subscription_of,
    token_request_id,
)
from domain.refusals import Refused

SPACE = UUID("11111111-2222-4333-8444-555555555555")
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)


def test_keys_are_for_ever() -> None:
    """The keys of known places: were one to change, a charge could be sent under two keys."""
    assert str(attempt_id(SPACE, 1, 1)) == "470242f8-36f8-55a9-9a41-5472cc1c624e"
    assert str(token_request_id(SPACE, 1)) == "f3e32290-47e6-524b-86d3-41b3e8f7430c"
    assert str(capture_id(attempt_id(SPACE, 1, 1), 1)) == "45b6170d-e7a5-5544-961a-7acc56b01029"
    assert str(event_id(SPACE, "subscription-s-1", 3)) == "1a23b6fb-4305-583c-9fdc-a646e87c52cb"


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 999)), unique=True, max_size=20))
def test_no_two_places_share_a_key(places: list[tuple[int, int]]) -> None:
    """Attempts, captures and token requests of one subscription never collide."""
    keys = [attempt_id(SPACE, *place) for place in places]
    keys += [capture_id(key, number) for key in tuple(keys) for number in (1, 2)]
    keys += [token_request_id(SPACE, number) for number in range(1, 20)]
    assert len(set(keys)) == len(keys)


@given(IDS)
def test_ids_are_kept_as_they_are(value: str) -> None:
    """A well-formed id is accepted, names its stream, and is read back from it."""
    assert checked_id("id", value) == value
    assert subscription_of(stream_of(value)) == value


@pytest.mark.parametrize(
    "value",
    ["", "-a", "a b", "a/b", "a\n", "a\x00", "å", "a" * 65, "\u202eabc", None, 7, "x" * 10**6],
)
def test_F36_malformed_ids_are_refused(value: object) -> None:
    """Anything else is refused, with a short reason."""
    with pytest.raises(Refused) as refusal:
        checked_id("customer id", value)  # type: ignore[arg-type]
    assert refusal.value.code == "id-malformed"
    assert len(refusal.value.reason) < 200


@given(IDS, st.integers(1, 10**9 - 1), st.integers(1, 10**6 - 1))
def test_a_reference_says_what_it_belongs_to(subscription: str, invoice: int, attempt: int) -> None:
    """References fit both providers and are read back, whatever dashes the id holds."""
    reference = charge_reference(
        subscription, invoice, attempt, attempt_id(SPACE, invoice, attempt)
    )
    assert len(reference) <= 100
    assert reference_parts(reference) == ReferenceParts(subscription, invoice, attempt)


@pytest.mark.parametrize(
    "foreign", ["", "order 7", "s-1-1-1", "s-1-0-1-0123456789", "s-1-1-1-0123456789AB", "\n" * 30]
)
def test_foreign_references_are_not_ours(foreign: str) -> None:
    """A reference of somebody else's making has no parts."""
    assert reference_parts(foreign) is None
