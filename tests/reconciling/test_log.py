"""Our side of a reconciliation, as the log tells it: against the projections of charges and
refunds, which fold the same facts by other means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from domain.settlement_ports import SettledKind
from domain.settlements.accounts import Code, How, Standing
from domain.subscription.dispute_events import ChargeReversed
from projections.charges import CHARGES
from projections.reconciliation import Reconciliation
from projections.refunds import REFUNDS
from projections.replay import replay
from tests.histories import History
from tests.projections.scenes_of_payouts import reported, settled_story
from tests.projections.stories import story, story_of_dunning
from tests.projections.stories_of_disputes import story_of_disputes
from tests.projections.stories_of_refunds import story_of_refunds
from tests.projections.stories_of_voids import story_of_voids

TELLERS = (story, story_of_dunning, story_of_disputes, story_of_refunds, story_of_voids)


@pytest.mark.parametrize("tell", TELLERS, ids=lambda tell: tell.__name__)
def test_movements_are_those_of_charges_and_refunds(tell: Callable[[int], History]) -> None:
    """What moved, how much, under which names; found late or not, in forty stories."""
    reached: Counter[Standing] = Counter()
    for seed in range(40):
        log = tell(seed).log
        known = Reconciliation()
        for each in log:
            known.see(each)
        movements = {each.key: each for each in known.movements}
        charges, refunds = replay(CHARGES, log), replay(REFUNDS, log)
        for key, charge in charges.items():
            movement = movements.pop(f"charge {key}")
            reached[movement.standing] += 1
            assert (movement.standing is Standing.MOVED) == (charge.received is not None)
            assert movement.reference == charge.reference
            assert movement.place == f"{charge.provider.value}/{charge.account}"
            if charge.received is not None:
                assert movement.amount == charge.received
                assert movement.provider_ref == charge.provider_ref
        for key, refund in refunds.items():
            movement = movements.pop(f"refund {key}")
            back = refund.given_back
            assert (movement.standing is Standing.MOVED) == (back is not None and back.minor > 0)
            assert movement.reference == refund.reference
        reversed_ = [each.event for each in log if isinstance(each.event, ChargeReversed)]
        assert {each.kind for each in movements.values()} <= {SettledKind.CHARGEBACK}
        assert sorted(each.amount.minor for each in movements.values()) == sorted(
            each.amount.minor for each in reversed_
        )
    assert reached[Standing.MOVED]


def test_the_story_is_reconciled() -> None:
    """What a person confirmed is matched, what was decided is listed and explained."""
    found = reported(settled_story())
    assert [each.how for each in found.comparison.matches].count(How.PERSON) == 1
    (one,) = found.comparison.listed
    assert (one.code, one.exception_id in found.decisions) == (Code.MISSING_OURS, True)
    assert (found.unexplained, found.owners) == ((), {one.exception_id: "kari"})
    elsewhere = Reconciliation()
    for each in settled_story().log:
        elsewhere.see(each)
    other = elsewhere.compare(as_of=found.as_of, place="paypal/nobody")
    assert (other.comparison.matches, other.comparison.listed) == ((), ())
