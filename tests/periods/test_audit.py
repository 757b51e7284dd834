"""The audit of periods: what people may do is clean, and each planted lie is named."""

from __future__ import annotations

import pytest

from projections.audit import audit_log
from projections.periods import words_of_period
from tests.examples_of_periods import PERIOD_EXAMPLES
from tests.periods.closing_books import CHAIN, closed_story
from tests.periods.plants_of_periods import PLANTS_OF_PERIODS
from tests.projections.forging import Forger


@pytest.mark.parametrize(
    ("code", "forge"),
    [plant[1:] for plant in PLANTS_OF_PERIODS],
    ids=[f"{code}: {what}" for what, code, _ in PLANTS_OF_PERIODS],
)
def test_a_fault_planted_in_a_period_is_found(code: str, forge: Forger) -> None:
    """In a story that is clean without it."""
    log = list(closed_story().log)
    assert audit_log(log, chain_at=lambda _: CHAIN).findings == ()
    forged = forge(log)
    assert forged
    found = audit_log(forged, chain_at=lambda _: CHAIN).findings
    assert code in {each.code for each in found}
    assert all(each.words and each.subscription for each in found)


def test_words() -> None:
    """One sentence a fact, with who and why."""
    assert [words_of_period(each) for each in PERIOD_EXAMPLES.values()] == [
        "Closed by kari at position 1770, 1 entries, days end in Europe/Oslo (January is done).",
        "Locked for good by kari (the VAT return is filed).",
        "kari asks for it to be opened again (a credit note belongs there).",
        "Opened again by ola, as kari had asked (seen the credit note).",
    ]
