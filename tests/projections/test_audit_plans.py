"""The audit of the catalogue: sound ones are clean, and each planted lie is named."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import Timing
from domain.subscription.events import SubscriptionStarted
from projections.audit import Audit, audit_log
from projections.due_dates import DUE_DATES
from projections.plans import PLANS, words_of_plan
from projections.replay import replay
from tests.domain.plans import version
from tests.domain.test_moving import doings, played
from tests.examples import PLAN_EXAMPLES
from tests.projections.forging import Forger, renumbered
from tests.projections.plants_of_plans import PLANTS_OF_PLANS, moved_story


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(doings(), st.sampled_from(list(Timing)), st.sampled_from([Unit.WEEK, Unit.MONTH]))
def test_whatever_is_published_and_moved_is_clean(
    acts: list[tuple[str, Any]], timing: Timing, unit: Unit
) -> None:
    """Each subscription's facts and the catalogue's agree; replayed, the plans are those decided
    on; and no plan has an agenda."""
    books, _, began = played(acts, timing, Interval(unit))
    assert audit_log(books.log).findings == ()
    assert replay(PLANS, books.log) == books.plans
    assert set(replay(DUE_DATES, books.log)) == set(began)


@pytest.mark.parametrize(
    ("code", "forge"),
    [plant[1:] for plant in PLANTS_OF_PLANS],
    ids=[f"{code}: {what}" for what, code, _ in PLANTS_OF_PLANS],
)
def test_a_fault_planted_in_the_catalogue_is_found(code: str, forge: Forger) -> None:
    """In a story that is clean without it."""
    log = list(moved_story().log)
    assert audit_log(log).findings == ()
    forged = forge(log)
    assert forged
    found = audit_log(renumbered(forged)).findings
    assert code in {each.code for each in found}
    assert all(each.words and each.subscription for each in found)


def test_terms_of_ones_own_are_left_alone() -> None:
    """A start that was not made by a plan's name may name any, at any price."""
    story = moved_story().log
    begun = next(each for each in story if isinstance(each.event, SubscriptionStarted))
    own = attrs.evolve(begun.event, terms=version(1, price=Money(100, "NOK")))
    start = attrs.evolve(begun, event=own, cause="command:import")
    assert audit_log(renumbered([start])).findings == ()


def test_a_plan_that_cannot_be_read_leaves_the_audit_incomplete() -> None:
    """Nothing is said of its subscribers, in either direction."""
    audit = Audit()
    for each in moved_story().log:
        if each.stream == "plan-gold":
            audit.cannot_read(each.position, each.stream, each.version, "no such fact")
        else:
            audit.see(each)
    report = audit.report()
    assert report.findings == ()
    assert len(report.incomplete) == 5
    assert report.verdict.value == "incomplete"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "plan-version-published.v1",
            "Version 3 published, available from 2026-01-10 05:00Z on (new year's prices).",
        ),
        (
            "plan-retired.v1",
            "Retired: nobody starts on it from 2026-07-01 05:00Z on (fibre 200 takes its place).",
        ),
        (
            "plan-move-announced.v1",
            "Subscribers on version 2 move to version 3 with the first period that begins on or "
            "after 2026-03-01 (new year's prices).",
        ),
        (
            "plan-move-withdrawn.v1",
            "The move from version 2 to 3 is withdrawn (announced too late).",
        ),
    ],
)
def test_each_fact_has_its_words(name: str, words: str) -> None:
    """One plain sentence."""
    assert words_of_plan(PLAN_EXAMPLES[name]) == words
