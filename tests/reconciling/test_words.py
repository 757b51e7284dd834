"""Each fact of settlements and reconciliation in one sentence."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from domain.settlements.events import Decision
from projections.settlement_words import words_of_settlement
from tests.examples import ATTEMPT, SETTLEMENT_EXAMPLES

WORDS = {
    "settlement-lines-read.v1": "Lines 1 to 3 of version 1 were read.",
    "settlement-read.v1": "Version 1 was read over the API, 3 lines: 39.85 USD came, 0.00 USD went"
    " back, 1.88 USD was kept, 30.00 USD was paid out, 7.97 USD more lies there.",
    "exception-assigned.v1": "kari looks after 6f0c2a51e0d94b7a: knows the account.",
    "exception-decided.v1": "6f0c2a51e0d94b7a cost the merchant 0.12 USD, by PayPal case 4711:"
    " the payer's bank was short of it.",
    "match-confirmed.v1": f"Line 0b64c0e5ab1f4a0d is charge {ATTEMPT}: the same amount and payer.",
}


@pytest.mark.parametrize("name", sorted(SETTLEMENT_EXAMPLES))
def test_words(name: str) -> None:
    """As an operator reads them."""
    assert words_of_settlement(SETTLEMENT_EXAMPLES[name]) == WORDS[name]


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("settlement-read.v1", {"source": "file:STL.csv"}, "from STL.csv"),
        ("settlement-read.v1", {"paid": False}, "30.00 USD is to be paid out"),
        ("settlement-read.v1", {"totals": ()}, "nothing moved"),
        ("exception-decided.v1", {"decision": Decision.EXPLAINED}, "is explained, by PayPal"),
    ],
)
def test_other_words(name: str, change: dict[str, Any], words: str) -> None:
    """Where the fact says something else."""
    assert words in words_of_settlement(attrs.evolve(SETTLEMENT_EXAMPLES[name], **change))
