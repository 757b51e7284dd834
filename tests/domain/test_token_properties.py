"""What holds of tokens in every history that the rules can make."""

from __future__ import annotations

from hypothesis import event, given

from domain.processes.next_step import next_step
from domain.processes.steps import SendCharge
from domain.subscription.events import ChargeAttempted, TokenRequested
from domain.subscription.token_events import TokenDeletionRequested, TokenRevoked
from tests.domain.test_properties import SOME, moments, streams
from tests.histories import ZONE_VERSION, History, histories


@SOME
@given(histories())
def test_F38_nothing_is_charged_with_a_token_that_has_ended(history: History) -> None:
    """Neither attempted nor, where it was attempted before, sent; and it ends once."""
    for log in streams(history).values():
        let_go: set[str] = set()
        gone: set[str] = set()
        for moment in moments(log):
            fact = moment.recorded.event
            if isinstance(fact, ChargeAttempted):
                assert fact.token_ref not in let_go | gone
            elif isinstance(fact, TokenDeletionRequested):
                event("let go")
                assert fact.token_ref not in let_go | gone
                let_go.add(fact.token_ref)
            elif isinstance(fact, TokenRevoked):
                event(f"gone: {fact.reason}")
                assert fact.token_ref not in gone
                assert (fact.token_ref in let_go) == (fact.reason != "revoked at the provider")
                gone.add(fact.token_ref)
            state = moment.state
            step = next_step(
                state,
                now=moment.recorded.recorded_at,
                taken_before=False,
                zone_version=ZONE_VERSION,
            )
            if isinstance(step, SendCharge):
                assert step.attempt.token_ref not in let_go | gone
            assert {each.token_ref for each in state.tokens}.isdisjoint(gone)
            assert {e.token_ref for e in state.tokens if e.let_go_at is not None} == let_go - gone


@SOME
@given(histories())
def test_F38_a_first_method_that_ends_leads_to_one_request(history: History) -> None:
    """In the same append, where billing goes on and the payer is not being asked already."""
    for log in streams(history).values():
        states = list(moments(log))
        for moment, following in zip(states, [*states[1:], None], strict=True):
            fact, before = moment.recorded.event, moment.before
            if not isinstance(fact, TokenDeletionRequested | TokenRevoked) or before is None:
                continue
            first = before.token
            ends = first is not None and first.usable and first.token_ref == fact.token_ref
            if not ends or not before.collects or before.token_request is not None:
                continue
            event("the first method ended")
            assert following is not None
            assert following.recorded.command_id == moment.recorded.command_id
            assert isinstance(following.recorded.event, TokenRequested | TokenDeletionRequested)
