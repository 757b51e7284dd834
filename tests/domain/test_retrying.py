"""After a decline: again later, a new token, or a person."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.money import Money
from domain.plan import RetryPolicy
from domain.ports import Declined
from domain.subscription.charging import ANSWER, attempt_charge, settle
from domain.subscription.events import (
    ChargeDeclined,
    CollectionEnded,
    DeclineClass,
    RetryScheduled,
    SubscriptionCancelled,
    TokenRequested,
)
from domain.subscription.retrying import after_decline
from tests.specimens import (
    DAY,
    DUE,
    HARD,
    MERCHANT,
    MINUTE,
    PAYER_ACTION,
    captured,
    declined,
    key,
    requested,
    signed_up,
    terms,
    token_ref,
    vaulted,
)
from tests.vocabulary import Given, given, play

LATER = DUE + MINUTE


def attempted(*facts: object) -> Given:
    """The first charge may have been sent."""
    run = play(*signed_up(*facts))  # type: ignore[arg-type]
    run.at(DUE)
    return given(*run.facts)


def test_a_soft_decline_is_tried_again_by_the_plans_schedule() -> None:
    """The first wait of the plan, counted from the decline."""
    attempted().when(settle, key(), declined(), evidence=ANSWER, now=LATER).then(
        ChargeDeclined(
            attempt_id=key(),
            customer_id="c-1",
            invoice_number=1,
            decline=DeclineClass.SOFT,
            code="INSUFFICIENT_FUNDS",
            message="no funds",
            retry_not_before=None,
            provider_ref="",
            evidence="answer",
            effective_at=LATER,
        ),
        RetryScheduled(
            attempt_id=key(),
            invoice_number=1,
            retry_number=1,
            retry_at=LATER + 3 * DAY,
            effective_at=LATER,
        ),
    )


@pytest.mark.parametrize(
    ("advice", "retry_at"),
    [(LATER + DAY, LATER + 3 * DAY), (LATER + 9 * DAY, LATER + 9 * DAY), (None, LATER + 3 * DAY)],
)
def test_a_retry_is_never_earlier_than_the_provider_advises(
    advice: datetime | None, retry_at: datetime
) -> None:
    """The later of the plan's wait and the provider's advice counts."""
    no = declined(retry_not_before=advice)
    retry = attempted().when(settle, key(), no, evidence=ANSWER, now=LATER).facts[1]
    assert isinstance(retry, RetryScheduled)
    assert retry.retry_at == retry_at


def test_the_schedule_is_used_up() -> None:
    """Three waits, four declines: then collection of this invoice ends."""
    run, now = play(*signed_up()), DUE
    for wait in (3, 5, 7):
        assert run.at(now, declined())[-1] == "RetryScheduled"
        assert run.at(now + wait * DAY - MINUTE) == []
        now += wait * DAY
    assert run.at(now, declined())[-2:] == ["ChargeDeclined", "CollectionEnded"]
    assert run.facts[-1] == CollectionEnded(
        attempt_id=key(1, 4), invoice_number=1, reason="retries-used-up", effective_at=now
    )
    assert run.sent == ["SendCharge"] * 4


def test_a_plan_may_have_no_retries() -> None:
    """An empty schedule ends collection with the first decline."""
    never = terms(retry=RetryPolicy(()))
    attempted(never).when(settle, key(), declined(), evidence=ANSWER, now=LATER).then_types(
        ChargeDeclined, CollectionEnded
    )


@pytest.mark.parametrize("no", [HARD, PAYER_ACTION])
def test_a_hard_decline_asks_for_a_new_token(no: Declined) -> None:
    """The token is not charged again; the code says why a new one is needed."""
    after = attempted().when(settle, key(), no, evidence=ANSWER, now=LATER)
    with_request = after.then_types(ChargeDeclined, TokenRequested)
    assert after.facts[1] == requested(2, at=LATER, reason=no.code)
    assert with_request.state.token is not None
    assert not with_request.state.token.usable
    with_request.when(attempt_charge, now=LATER + 30 * DAY).then_nothing()


def test_a_hard_decline_does_not_ask_while_the_payer_is_asked() -> None:
    """One request is open at a time."""
    asked = attempted().and_(requested(2, at=DUE))
    asked.when(settle, key(), HARD, evidence=ANSWER, now=LATER).then_types(ChargeDeclined)


def test_a_hard_decline_of_a_token_that_was_replaced_asks_nobody() -> None:
    """The payer has just given a new token: it is charged next, the payer is left alone."""
    replaced = attempted().and_(requested(2, at=DUE), vaulted(2, at=DUE, replaces=1))
    after = replaced.when(settle, key(), HARD, evidence=ANSWER, now=LATER).then_types(
        ChargeDeclined
    )
    assert after.state.token is not None
    assert after.state.token.usable
    (again,) = after.when(attempt_charge, now=LATER).facts
    assert again.token_ref == token_ref(2)  # type: ignore[union-attr]


def test_a_hard_decline_asks_even_when_its_invoice_was_paid_meanwhile() -> None:
    """Late money paid the invoice: the next one still needs a token that can be charged."""
    run = play(*signed_up())
    run.at(DUE, declined())
    run.at(DUE + 3 * DAY)
    run.decide(settle, key(1, 1), captured(), evidence="callback", now=DUE + 3 * DAY)
    assert run.state.open_invoices == ()
    facts = run.decide(settle, key(1, 2), HARD, evidence=ANSWER, now=DUE + 3 * DAY)
    assert [type(fact) for fact in facts] == [ChargeDeclined, TokenRequested]


def test_a_soft_decline_of_an_invoice_that_was_paid_meanwhile_is_only_recorded() -> None:
    """There is nothing to try again."""
    run = play(*signed_up())
    run.at(DUE, declined())
    run.at(DUE + 3 * DAY)
    run.decide(settle, key(1, 1), captured(), evidence="callback", now=DUE + 3 * DAY)
    facts = run.decide(settle, key(1, 2), declined(), evidence=ANSWER, now=DUE + 3 * DAY)
    assert [type(fact) for fact in facts] == [ChargeDeclined]


@pytest.mark.parametrize("no", [declined(), MERCHANT])
def test_an_invoice_in_a_persons_hands_stays_there(no: Declined) -> None:
    """Late money of another amount came while the next attempt was out: no new token may set
    its collection going again before somebody has looked."""
    run = play(*signed_up())
    run.at(DUE, declined())
    run.at(DUE + 3 * DAY)
    little = captured(Money(1, "NOK"))
    run.decide(settle, key(1, 1), little, evidence="callback", now=DUE + 3 * DAY)
    facts = run.decide(settle, key(1, 2), no, evidence=ANSWER, now=DUE + 3 * DAY)
    assert [type(fact) for fact in facts] == [ChargeDeclined]
    run.facts += [requested(2, at=DUE + 4 * DAY), vaulted(2, at=DUE + 4 * DAY, replaces=1)]
    assert run.at(DUE + 4 * DAY) == []


def test_a_fault_of_ours_ends_collection_until_a_person_has_looked() -> None:
    """No retry storm against a provider that refuses our account."""
    attempted().when(settle, key(), MERCHANT, evidence=ANSWER, now=LATER).then_types(
        ChargeDeclined, CollectionEnded
    )


def test_after_the_end_a_decline_is_only_recorded() -> None:
    """Nobody is asked and nothing is tried for a subscription that was cancelled."""
    ended = attempted().and_(SubscriptionCancelled(reason="moved", effective_at=LATER))
    for no in (declined(), HARD, PAYER_ACTION, MERCHANT):
        ended.when(settle, key(), no, evidence=ANSWER, now=LATER).then_types(ChargeDeclined)


def test_a_decline_told_again_is_quiet() -> None:
    """Neither a second decline nor a second retry."""
    for no in (declined(), HARD, PAYER_ACTION, MERCHANT):
        once = attempted().when(settle, key(), no, evidence=ANSWER, now=LATER)
        settled = once.before.and_(*once.facts)
        settled.when(settle, key(), no, evidence="callback", now=LATER + DAY).then_nothing()


def test_a_new_token_gives_open_invoices_a_fresh_start() -> None:
    """What waited for a retry or had ended is collected again, with the whole schedule."""
    run = play(*signed_up(terms(retry=RetryPolicy((3,)))))
    run.at(DUE, declined())
    run.at(DUE + 3 * DAY, declined())
    assert run.of(CollectionEnded)
    run.facts += [requested(2, at=DUE + 4 * DAY), vaulted(2, at=DUE + 4 * DAY, replaces=1)]
    assert run.at(DUE + 4 * DAY, declined()) == [
        "ChargeAttempted",
        "ChargeDeclined",
        "RetryScheduled",
    ]


def test_the_decision_alone() -> None:
    """after_decline gives the same facts on the state after the decline."""
    start = attempted()
    (retry,) = after_decline(start.state, start.attempt, declined(), now=LATER)
    assert retry == RetryScheduled(
        attempt_id=key(),
        invoice_number=1,
        retry_number=1,
        retry_at=LATER + timedelta(days=3),
        effective_at=LATER,
    )
