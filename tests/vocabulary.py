"""The words that tests of the rules are written in.

Decisions:  given(*facts).when(decision, ...).then(*facts) | .then_refused(code) | .then_nothing()
Processes:  play(*facts).at(now, answer, answer, ...) is one turn of a worker against a script:
            facts in, steps out, answers in, facts out. A script that runs out is a crash: whatever
            would have followed from the missing answer is not on the ledger.

What facts and answers look like: specimens.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property
from typing import Any, cast
from uuid import UUID

import attrs

from domain.ports import Declined
from domain.processes.answers import Answer, follow
from domain.processes.next_step import next_step
from domain.processes.steps import (
    Call,
    DeleteToken,
    LookUp,
    LookUpRefund,
    Nothing,
    Record,
    SendRefund,
    SendRenewal,
)
from domain.refusals import Refused
from domain.subscription.events import ChargeAttempted, SubscriptionEvent
from domain.subscription.folding import evolve
from domain.subscription.looking_up import may_send_again
from domain.subscription.owed import Attempt
from domain.subscription.settling_refunds import may_send_refund_again
from domain.subscription.state import Subscription
from tests.specimens import ZONE_VERSION

Facts = tuple[SubscriptionEvent, ...]
Decision = Callable[..., Facts]


def state_of(
    facts: Iterable[SubscriptionEvent], state: Subscription | None = None
) -> Subscription | None:
    """The facts folded, from the first or onto a state."""
    for fact in facts:
        state = evolve(state, fact)
    return state


# --- decisions --------------------------------------------------------------------------------


@attrs.frozen
class When:
    """What a decision made of a history: facts, or a refusal."""

    before: Given
    facts: Facts
    refusal: Refused | None

    def then(self, *expected: SubscriptionEvent) -> Given:
        """Exactly these facts, which also fold. Returns the longer history."""
        if self.refusal is not None:
            raise AssertionError(f"refused: {self.refusal}") from self.refusal
        assert self.facts == expected
        assert expected, "say then_nothing() where nothing is expected"
        return self.before.and_(*self.facts)

    def then_types(self, *expected: type[SubscriptionEvent]) -> Given:
        """Facts of exactly these types, which also fold."""
        if self.refusal is not None:
            raise AssertionError(f"refused: {self.refusal}") from self.refusal
        assert tuple(type(fact) for fact in self.facts) == expected
        return self.before.and_(*self.facts)

    def then_refused(self, code: str) -> None:
        """A refusal with this code and a reason for a person."""
        assert self.refusal is not None, f"not refused, but {self.facts}"
        assert self.refusal.code == code
        assert self.refusal.reason

    def then_nothing(self) -> None:
        """No fact and no refusal."""
        if self.refusal is not None:
            raise AssertionError(f"refused: {self.refusal}") from self.refusal
        assert self.facts == ()


@attrs.frozen
class Given:
    """A history of one subscription, from its first fact.

    A longer one is folded on from where this one ends: states do not change.
    """

    facts: Facts
    onto: tuple[int, Subscription | None] = attrs.field(
        default=(0, None), eq=False, repr=False, kw_only=True
    )

    @cached_property
    def folded(self) -> Subscription | None:
        """What the facts add up to; None of none."""
        count, state = self.onto
        return state_of(self.facts[count:], state)

    @property
    def state(self) -> Subscription:
        """What the facts add up to."""
        assert self.folded is not None
        return self.folded

    @property
    def attempt(self) -> Attempt:
        """The open attempt, where there must be one."""
        assert self.state.open_attempt is not None
        return self.state.open_attempt

    def and_(self, *facts: SubscriptionEvent) -> Given:
        """The history with more facts."""
        return Given((*self.facts, *facts), onto=(len(self.facts), self.folded))

    def when(self, decision: Decision, *arguments: Any, **named: Any) -> When:
        """What `decision(state, ...)` makes of it."""
        try:
            made = decision(self.folded, *arguments, **named)
        except Refused as refusal:
            return When(self, (), refusal)
        state_of(made, self.folded)
        return When(self, made, None)


def given(*facts: SubscriptionEvent) -> Given:
    """These facts happened."""
    return Given(facts)


# --- processes --------------------------------------------------------------------------------


@attrs.define
class Play:
    """A subscription, and a worker that works it against scripted answers.

    facts: the ledger. calls: everything that was sent to the provider, in order.
    """

    facts: list[SubscriptionEvent]
    calls: list[Call] = attrs.field(factory=list)

    @property
    def state(self) -> Subscription:
        """What the ledger adds up to."""
        return given(*self.facts).state

    @property
    def sent(self) -> list[str]:
        """The names of the calls so far."""
        return [type(call).__name__ for call in self.calls]

    def of(self, kind: type[Any]) -> list[Any]:
        """The facts of one kind, in order."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def decide(self, decision: Decision, *arguments: Any, **named: Any) -> Facts:
        """Record what a decision makes of the state as it is."""
        facts = decision(self.state, *arguments, **named)
        self.facts.extend(facts)
        return facts

    def at(
        self, now: datetime, *script: Answer, taken_before: bool = False, lose_record: bool = False
    ) -> list[str]:
        """One turn of a worker at `now`; the names of the facts that it recorded.

        script: the provider's answers, in order. When a call finds none, the worker dies while
            it waits: the call was sent, nothing is recorded.
        taken_before: another worker held the subscription and never gave it back.
        lose_record: the worker dies before its first facts are on the ledger.
        """
        answers, before = list(script), len(self.facts)
        refunds_taken = [r.refund_id for r in self.state.refunds if r.attempted_at and taken_before]
        held: list[UUID] = []
        not_renewed: list[UUID] = []
        kept: list[str] = []
        for _ in range(200):
            step = next_step(
                self.state,
                now=now,
                taken_before=taken_before,
                zone_version=ZONE_VERSION,
                refunds_taken=refunds_taken,
                refunds_held=held,
                not_renewed=not_renewed,
                tokens_held=kept,
            )
            if isinstance(step, Nothing) or (isinstance(step, Record) and lose_record):
                break
            if isinstance(step, Record):
                self.facts.extend(step.events)
                if any(isinstance(fact, ChargeAttempted) for fact in step.events):
                    taken_before = False
                continue
            self.calls.append(step)
            if not answers:
                break
            answer = answers.pop(0)
            looked_at = step.attempt.attempt_id if isinstance(step, LookUp) else None
            if isinstance(step, LookUpRefund) and may_send_refund_again(
                self.state, step.refund.refund_id, cast(Any, answer), now=now
            ):
                refunds_taken.remove(step.refund.refund_id)
                continue
            if looked_at and may_send_again(self.state, looked_at, cast(Any, answer), now=now):
                taken_before = False
                continue
            facts = follow(self.state, step, answer, now=now)
            if not facts and isinstance(step, SendRefund | LookUpRefund):
                held.append(step.refund.refund_id)
            elif isinstance(step, SendRenewal) and isinstance(answer, Declined):
                not_renewed.append(step.capture_id)
            elif not facts and isinstance(step, DeleteToken):
                kept.append(step.token.token_ref)
            elif not facts:
                break
            self.facts.extend(facts)
        else:
            raise AssertionError("never comes to rest")
        assert not answers, f"nobody asked for {answers}"
        return [type(fact).__name__ for fact in self.facts[before:]]


def play(*facts: SubscriptionEvent) -> Play:
    """These facts are on the ledger."""
    return Play(list(facts))
