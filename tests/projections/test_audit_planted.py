"""Planted faults: a sound log is damaged in one place, and the audit says what is wrong."""

from __future__ import annotations

import pytest

from projections.audit import Verdict, audit_log
from projections.auditing.codes import CODES
from tests.due_runs.plants_of_runs import PLANTS_OF_RUNS
from tests.histories import History
from tests.periods.plants_of_periods import PLANTS_OF_PERIODS
from tests.projections.forging import Forger
from tests.projections.plants import PLANTS
from tests.projections.plants_of_backups import PLANTS_OF_BACKUPS
from tests.projections.plants_of_beginnings import PLANTS_OF_BEGINNINGS
from tests.projections.plants_of_budgets import PLANTS_OF_BUDGETS
from tests.projections.plants_of_changes import Plant
from tests.projections.plants_of_credit import PLANTS_OF_CHANGES
from tests.projections.plants_of_demands import PLANTS_OF_DEMANDS
from tests.projections.plants_of_disputes import PLANTS_OF_DISPUTES
from tests.projections.plants_of_dunning import PLANTS_OF_DUNNING
from tests.projections.plants_of_first_payments import PLANTS_OF_FIRST_PAYMENTS
from tests.projections.plants_of_payouts import PLANTS_OF_PAYOUTS
from tests.projections.plants_of_plans import PLANTS_OF_PLANS
from tests.projections.plants_of_prices import PLANTS_OF_PRICES
from tests.projections.plants_of_refunds import PLANTS_OF_REFUNDS
from tests.projections.plants_of_settlements import PLANTS_OF_SETTLEMENTS
from tests.projections.plants_of_tokens import PLANTS_OF_TOKENS
from tests.projections.plants_of_voids import PLANTS_OF_VOIDS
from tests.restorations.restored_books import PLANTS_OF_RESTORATIONS

# Faults planted in stories that are told for them.
TOLD = [
    *(*PLANTS_OF_CHANGES, *PLANTS_OF_PRICES, *PLANTS_OF_BEGINNINGS, *PLANTS_OF_DEMANDS),
    *(*PLANTS_OF_DUNNING, *PLANTS_OF_BUDGETS, *PLANTS_OF_BACKUPS, *PLANTS_OF_REFUNDS),
    *(*PLANTS_OF_SETTLEMENTS, *PLANTS_OF_DISPUTES, *PLANTS_OF_VOIDS, *PLANTS_OF_TOKENS),
    *PLANTS_OF_FIRST_PAYMENTS,
]
_ENOUGH = 4


@pytest.mark.parametrize(("what", "code", "forge"), PLANTS, ids=[what for what, *_ in PLANTS])
def test_a_planted_fault_is_found(what: str, code: str, forge: Forger, corpus: list[History]):
    """With its code, and the position and subscription where it shows."""
    tried = found = 0
    for history in corpus:
        forged = forge(list(history.log))
        if not forged:
            continue
        report = audit_log(forged, head=len(history.log))
        assert report.verdict is Verdict.DIFFERENCES
        tried += 1
        hits = [finding for finding in report.findings if finding.code == code]
        found += bool(hits)
        assert all(0 < hit.position <= len(forged) + 1 and hit.words for hit in hits)
        if found == _ENOUGH:
            break
    assert tried, "no history has anything to damage"
    assert found, f"{what} was planted {tried} times and never called {code}"


@pytest.mark.parametrize("plant", TOLD, ids=[f"{code}: {what}" for what, code, *_ in TOLD])
def test_a_fault_planted_in_a_story_is_found(plant: Plant):
    """In a story that is clean without it."""
    _, code, story, forge = plant
    log = list(story().log)
    assert audit_log(log).findings == ()
    forged = forge(log)
    assert forged
    assert forged != log
    findings = audit_log(forged).findings
    assert code in {finding.code for finding in findings}
    assert all(finding.words and finding.subscription == "s-1" for finding in findings)


def test_every_code_is_planted():
    """A check that nothing can trip would be decoration."""
    apart = (
        *(*PLANTS_OF_PLANS, *PLANTS_OF_PERIODS, *PLANTS_OF_PAYOUTS, *PLANTS_OF_RUNS),
        *PLANTS_OF_RESTORATIONS,
    )
    planted = {code for _, code, *_ in (*PLANTS, *TOLD, *apart)}
    assert planted == set(CODES)
