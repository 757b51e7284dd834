"""Redaction by allow-list, and the search for card numbers."""

from __future__ import annotations

import pytest

from infrastructure.gateways.redaction import card_numbers, passes_luhn, redacted


def test_only_named_fields_are_shown() -> None:
    """A field is hidden unless it is named, at any depth; structure stays."""
    payload = {
        "id": "WH-1",
        "resource": {"id": "CAP-1", "payer": {"email": "a@b.example"}, "amounts": [{"value": "1"}]},
        "links": ["https://x.example"],
    }
    assert redacted(payload, {"id", "value"}) == {
        "id": "WH-1",
        "resource": {"id": "CAP-1", "payer": {"email": "***"}, "amounts": [{"value": "1"}]},
        "links": ["***"],
    }


def test_named_object_does_not_open_what_is_inside() -> None:
    """Naming a field shows its own value, not the fields of an object under it."""
    assert redacted({"payer": {"email": "a"}}, {"payer"}) == {"payer": {"email": "***"}}


@pytest.mark.parametrize(
    "text",
    ["4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005"],
)
def test_card_number_is_found(text: str) -> None:
    """Digits in one piece or in groups, with a right check digit; they are not repeated."""
    payload = f'{{"note": "card {text} please"}}'.encode()
    (finding,) = card_numbers(payload)
    assert payload[finding.offset :].startswith(text.encode())
    assert finding.last_digits == text.replace(" ", "").replace("-", "")[-4:]
    assert text not in repr(finding)


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # check digit
        "WH4111111111111111",  # inside an id
        "4111111111111111-1-2",
        "123456789012",  # too short
        "41111111111111111111111",  # too long
        "6f0c2a52-0f3e-4b8e-9a55-2f1f6f7c2a10",
        "1767225600000",  # milliseconds
        "2524608000000",  # milliseconds, from 2033 on
        "4111111111114",  # as long as no network makes them: 13 digits that fail
        "7111111111111114",  # no network's
        "2025-01-31 2025-02-28",
    ],
)
def test_other_digits_are_not_card_numbers(text: str) -> None:
    """Ids, times and wrong check digits are no findings."""
    assert card_numbers(f'{{"id": "{text}"}}'.encode()) == ()


def test_luhn_refuses_every_single_wrong_digit() -> None:
    """Changing any one digit breaks the check."""
    right = "4111111111111111"
    for place in range(len(right)):
        for digit in "0123456789":
            changed = right[:place] + digit + right[place + 1 :]
            assert passes_luhn(changed) == (changed == right)
