"""What holds of every instalment plan, in stories in which most are settled early."""

from __future__ import annotations

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from domain.deciding_anew import OtherPolicy
from domain.refusals import Refused
from domain.settlement_previews import preview_settlement
from domain.subscription.events import SubscriptionStarted
from domain.subscription.settling import settle_early
from domain.subscription.state import Status
from domain.what_if import what_if
from tests.domain.test_properties import SOME, follow_instalments, follow_periods, moments
from tests.histories import ZONE_VERSION
from tests.projections.stories_of_settlements import story_of_settlements

SEEDS = st.integers(0, 10_000)


@SOME
@given(SEEDS)
def test_payments_are_billed_once_and_add_up(seed: int) -> None:
    """By the schedule, by a settlement, by both."""
    facts = [each.event for each in story_of_settlements(seed).log]
    assert isinstance(facts[0], SubscriptionStarted)
    follow_periods(facts)
    follow_instalments(facts[0].terms, facts)


def test_a_preview_at_any_moment_is_what_settling_then_writes() -> None:
    """Or the same refusal."""
    seen = set()
    for seed in range(30):
        for moment in moments(list(story_of_settlements(seed).log)):
            if not moment.whole:
                continue
            now, state = moment.recorded.recorded_at, moment.state
            wish = {"reason": "x", "now": now, "zone_version": ZONE_VERSION}
            try:
                shown = preview_settlement(state, **wish)  # type: ignore[arg-type]
            except Refused as refused:
                seen.add(refused.code)
                with pytest.raises(Refused, match=refused.code):
                    settle_early(state, **wish)  # type: ignore[arg-type]
                continue
            seen.add("shown")
            assert shown.facts == settle_early(state, **wish)  # type: ignore[arg-type]
            assert shown.to_pay + shown.applied == shown.invoice.total == shown.settled.amount
            assert shown.to_pay.minor >= 0
    assert seen >= {"shown", "subscription-not-active", "already-settled", "nothing-to-settle"}
    assert seen >= {"subscription-ended", "token-unusable", "cancellation-scheduled"}


@SOME
@given(SEEDS)
def test_decided_anew_every_settlement_bills_the_same(seed: int) -> None:
    """Under the same terms; and all paid, nothing is left to bill."""
    story = story_of_settlements(seed)
    found = what_if(list(story.log), OtherPolicy())
    assert (found.refused, found.was) == ((), found.would_be)
    state = story.states["s-1"]
    if state.settled is not None:
        event(f"settled, and then {state.status.value}")
        assert state.next_due_at is None
        assert state.invoices_issued == state.settled.last_invoice
        if not state.open_invoices:
            assert state.status not in (Status.ACTIVE, Status.PENDING)
