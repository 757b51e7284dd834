"""Settling an attempt: once, and the same whoever speaks first."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from domain.money import Money
from domain.ports import (
    Authorized,
    Captured,
    ChargeAnswer,
    Declined,
    LookUpAnswer,
    NotDone,
    NotFound,
    Unknown,
)
from domain.subscription.charging import ANSWER, CALLBACK, LOOK_UP, settle
from domain.subscription.events import ChargeAttempted, DeclineClass, SubscriptionEvent
from domain.subscription.folding import evolve
from domain.subscription.looking_up import looked_up
from domain.subscription.owed import Attempt
from domain.subscription.state import Subscription
from tests.histories import History, histories

SOME = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def answers(draw: st.DrawFn, attempt: Attempt) -> ChargeAnswer:
    """Any answer to a charge of that attempt."""
    at = attempt.attempted_at + timedelta(seconds=draw(st.integers(0, 10**6)))
    minor = draw(st.sampled_from([attempt.amount.minor] * 3 + [1, attempt.amount.minor + 1]))
    amount = Money(minor, draw(st.sampled_from([attempt.amount.currency] * 5 + ["SEK"])))
    every: list[ChargeAnswer] = [
        Captured(amount=amount, provider_ref="cap", at=at),
        Authorized(amount=amount, authorization_ref="a", order_ref="o", expires_at=None, at=at),
        *(Declined(decline=kind, code="X", message="no", at=at) for kind in DeclineClass),
        Unknown(reason="ReadTimeout"),
        NotDone(reason="429"),
    ]
    return draw(st.sampled_from(every))


def open_states(history: History) -> list[Subscription]:
    """Every state in which an attempt was open and its append was complete."""
    found: list[Subscription] = []
    states: dict[str, Subscription] = {}
    for place, recorded in enumerate(history.log):
        state = evolve(states.get(recorded.stream), recorded.event)
        states[recorded.stream] = state
        after = history.log[place + 1] if place + 1 < len(history.log) else None
        whole = after is None or after.command_id != recorded.command_id
        if whole and state.open_attempt is not None:
            found.append(state)
    return found


def folded(state: Subscription, facts: tuple[SubscriptionEvent, ...]) -> Subscription:
    """The state after these facts."""
    for fact in facts:
        state = evolve(state, fact)
    return state


def drawn(data: st.DataObject, history: History) -> tuple[Subscription, Attempt]:
    """A state of the history with an open attempt."""
    states = open_states(history)
    assume(states)
    state = data.draw(st.sampled_from(states))
    assert state.open_attempt is not None
    return state, state.open_attempt


@SOME
@given(histories(subscriptions=1), st.data())
def test_F10_an_answer_told_twice_changes_nothing(history: History, data: st.DataObject) -> None:
    """Settling is idempotent, whichever way the same words come again."""
    state, attempt = drawn(data, history)
    answer = data.draw(answers(attempt))
    now = attempt.attempted_at + timedelta(minutes=2)
    first = settle(state, attempt.attempt_id, answer, evidence=ANSWER, now=now)
    after = folded(state, first)
    event(f"{type(answer).__name__}: {', '.join(type(fact).__name__ for fact in first)}")
    for evidence in (ANSWER, CALLBACK):
        assert settle(after, attempt.attempt_id, answer, evidence=evidence, now=now) == ()
    again = looked_up(after, attempt.attempt_id, answer, evidence=CALLBACK, now=now)
    assert again == ()
    if after.open_attempt is None:
        assert looked_up(after, attempt.attempt_id, answer, evidence=LOOK_UP, now=now) == ()


@SOME
@given(histories(subscriptions=1), st.data())
def test_F11_answer_and_look_in_either_order(history: History, data: st.DataObject) -> None:
    """Two honest words about one charge, in either order, make one state and pay once."""
    state, attempt = drawn(data, history)
    truth = data.draw(answers(attempt))
    assume(isinstance(truth, Captured | Declined))
    other: LookUpAnswer = data.draw(
        st.sampled_from(
            [truth, Unknown(reason="x"), NotDone(reason="x"), NotFound(finding="not yet")]
        )
    )
    now = attempt.attempted_at + timedelta(minutes=2)

    def look(before: Subscription, answer: LookUpAnswer) -> tuple[SubscriptionEvent, ...]:
        return looked_up(before, attempt.attempt_id, answer, evidence=CALLBACK, now=now)

    def answer(before: Subscription) -> tuple[SubscriptionEvent, ...]:
        return settle(before, attempt.attempt_id, truth, evidence=ANSWER, now=now)

    one = folded(state, answer(state))
    one = folded(one, look(one, other))
    two = folded(state, look(state, other))
    two = folded(two, answer(two))
    assert one == two
    assert one.open_attempt is None
    event(f"{type(truth).__name__} and {type(other).__name__}")


@SOME
@given(histories(subscriptions=1), st.data())
def test_F06_a_doubt_is_never_a_decline(history: History, data: st.DataObject) -> None:
    """An unknown answer keeps the charge open, blocks another, and dunns nobody."""
    state, attempt = drawn(data, history)
    doubt = Unknown(reason="ReadTimeout")
    now = attempt.attempted_at + timedelta(minutes=2)
    after = folded(state, settle(state, attempt.attempt_id, doubt, evidence=ANSWER, now=now))
    assert after.open_attempt is not None
    assert after.open_attempt.unknown
    assert after.open_invoices == state.open_invoices
    assert after.token == state.token
    assert after.token_request == state.token_request


def test_the_histories_reach_open_attempts() -> None:
    """The properties above speak of something."""
    reached: list[bool] = []

    @settings(max_examples=50, deadline=None, database=None, derandomize=True)
    @given(histories(subscriptions=1))
    def count(history: History) -> None:
        reached.append(any(isinstance(each.event, ChargeAttempted) for each in history.log))

    count()
    assert sum(reached) > len(reached) / 4
