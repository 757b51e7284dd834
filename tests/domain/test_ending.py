"""Cancel, and complete with the last payment."""

from __future__ import annotations

import pytest

from domain.processes.agenda import ItemKind, agenda_of
from domain.subscription.charging import ANSWER, settle
from domain.subscription.ending import cancel
from domain.subscription.events import (
    ChargeDiscrepancyFound,
    SubscriptionCancelled,
    SubscriptionCompleted,
)
from domain.subscription.state import Status
from domain.subscription.vaulting import request_token
from tests.specimens import (
    DAY,
    DUE,
    MERCHANT,
    MINUTE,
    NEXT_DUE,
    OFFERED,
    PRICE,
    captured,
    declined,
    instalments,
    key,
    requested,
    signed_up,
    started,
)
from tests.vocabulary import given, play

LATER = DUE + MINUTE


def test_cancelling_ends_billing() -> None:
    """One fact with the caller's reason; nothing falls due any more."""
    ended = (
        given(*signed_up())
        .when(cancel, reason="moved", now=LATER)
        .then(SubscriptionCancelled(reason="moved", effective_at=LATER))
    )
    assert ended.state.status is Status.CANCELLED
    assert agenda_of(ended.state) == ()


def test_a_subscription_that_has_no_token_yet_can_be_cancelled() -> None:
    """The open request goes with it."""
    ended = given(started(), requested()).when(cancel, reason="no", now=LATER)
    assert ended.then_types(SubscriptionCancelled).state.token_request is None


def test_cancelling_twice_is_quiet() -> None:
    """A repeat writes nothing, whatever its reason."""
    ended = given(*signed_up(), SubscriptionCancelled(reason="moved", effective_at=LATER))
    ended.when(cancel, reason="", now=LATER).then_nothing()


@pytest.mark.parametrize("reason", ["", "x" * 201, "a\nb", "\u202eabc", "a\x00"])
def test_F36_a_reason_is_printable_and_short(reason: str) -> None:
    """A reason is kept for good, so it is looked at first."""
    given(*signed_up()).when(cancel, reason=reason, now=LATER).then_refused("reason-malformed")


def test_what_ended_by_itself_is_not_cancelled() -> None:
    """Completed is completed."""
    completed = given(*signed_up(instalments(1)), SubscriptionCompleted(effective_at=LATER))
    completed.when(cancel, reason="moved", now=LATER).then_refused("subscription-completed")


def test_what_is_owed_stays_owed() -> None:
    """An open invoice stays on the agenda of a cancelled subscription, and says why it waits."""
    run = play(*signed_up())
    run.at(DUE)
    run.decide(settle, key(), declined(), evidence=ANSWER, now=LATER)
    run.decide(cancel, reason="moved", now=LATER)
    (item,) = agenda_of(run.state)
    assert (item.kind, item.due_at) == (ItemKind.COLLECT, None)
    assert "owed" in item.why
    assert run.at(NEXT_DUE) == []


def test_the_last_payment_completes() -> None:
    """The money of the last invoice, and the end, in one append."""
    run = play(*signed_up(instalments(2)))
    assert run.at(DUE, captured())[-1] == "ChargeSucceeded"
    assert run.at(NEXT_DUE, captured())[-2:] == ["ChargeSucceeded", "SubscriptionCompleted"]
    assert run.state.status is Status.COMPLETED
    assert agenda_of(run.state) == ()


def test_the_last_invoice_alone_completes_nothing() -> None:
    """While an earlier instalment is owed the subscription goes on."""
    run = play(*signed_up(instalments(2)))
    run.at(DUE, MERCHANT)
    assert run.at(NEXT_DUE, captured())[-1] == "ChargeSucceeded"
    assert run.state.status is Status.ACTIVE


def test_a_payment_that_differs_completes_only_when_nothing_is_left() -> None:
    """More than asked completes, beside the discrepancy; less does not."""
    for minor, last in ((100, SubscriptionCompleted), (-100, ChargeDiscrepancyFound)):
        run = play(*signed_up(instalments(1)))
        run.at(DUE, captured(PRICE + type(PRICE)(minor, "NOK")))
        assert type(run.facts[-1]) is last
        assert len(run.of(ChargeDiscrepancyFound)) == 1


def test_completing_takes_an_open_token_request_off_the_agenda() -> None:
    """The payer had asked for a new token: nobody needs it any more, and nobody asks on."""
    run = play(*signed_up(instalments(1)))
    run.decide(request_token, reason="payer asked", now=DUE - DAY)
    run.at(DUE - DAY, OFFERED)
    assert run.at(DUE, captured())[-1] == "SubscriptionCompleted"
    assert agenda_of(run.state) == ()
    assert run.at(NEXT_DUE) == []
