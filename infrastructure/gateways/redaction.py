"""What may be shown of a provider's message, and what should never have been in one.

Redaction is by allow-list: a field is hidden unless it is named, so that a field a provider adds
tomorrow is hidden too. The search for card numbers is for inbound payloads that are stored raw:
neither provider sends one, so a finding is an alarm, not a filter.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import attrs

HIDDEN = "***"

# 13 to 19 digits (ISO/IEC 7812), in one piece or in groups, not inside a longer word or number.
_CANDIDATE = re.compile(rb"(?<![0-9A-Za-z._-])[2-6](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z_-])")


@attrs.frozen(kw_only=True)
class CardNumberFound:
    """Digits that pass for a card number. They are not repeated here.

    offset: byte at which they start; digits: how many; last_digits: the last four.
    """

    offset: int
    digits: int
    last_digits: str


def redacted(payload: object, shown: Collection[str]) -> object:
    """A copy of decoded JSON in which only scalars under the named keys keep their value.

    shown: names of fields, at any depth, e.g. {"id", "status", "event_type"}.
    """
    if isinstance(payload, dict):
        return {str(key): _field(value, str(key) in shown, shown) for key, value in payload.items()}
    if isinstance(payload, list):
        return [redacted(item, shown) for item in payload]
    return HIDDEN


def _field(value: object, is_shown: bool, shown: Collection[str]) -> object:
    if isinstance(value, dict | list):
        return redacted(value, shown)
    return value if is_shown else HIDDEN


def card_numbers(payload: bytes) -> tuple[CardNumberFound, ...]:
    """Every run of digits in a payload that a card network could have issued and that passes Luhn.

    Not found are our own keys (hexadecimal, in one word or behind a dash), and instants in
    milliseconds (13 digits from 1 on, or, from 2033 on, from 2).
    """
    findings = []
    for match in _CANDIDATE.finditer(payload):
        digits = bytes(byte for byte in match.group() if 48 <= byte <= 57).decode("ascii")
        if _issued(digits) and passes_luhn(digits):
            findings.append(
                CardNumberFound(offset=match.start(), digits=len(digits), last_digits=digits[-4:])
            )
    return tuple(findings)


# Prefixes of ISO/IEC 7812 as the networks use them: the first and the last one, and lengths.
_LONG = range(16, 20)
_NETWORKS: tuple[tuple[str, str, Collection[int]], ...] = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),  # Mastercard
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("300", "305", (14, *_LONG)),  # Diners Club
    ("36", "36", (14, *_LONG)),
    ("38", "39", (14, *_LONG)),
    ("3528", "3589", _LONG),  # JCB
    ("2200", "2204", _LONG),  # Mir
    ("50", "50", _LONG),  # Maestro, Dankort, RuPay
    ("56", "58", _LONG),  # Maestro
    ("60", "69", _LONG),  # Discover, UnionPay, Maestro, RuPay
)


def _issued(digits: str) -> bool:
    """Whether a network issues numbers that begin like that and are as long."""
    return any(
        len(digits) in lengths and first <= digits[: len(first)] <= last
        for first, last, lengths in _NETWORKS
    )


def passes_luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
