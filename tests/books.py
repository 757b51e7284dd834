"""A log in memory that the real decisions write to, driven move by move."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID, uuid5

import attrs

from domain.budgets import BUDGETS, Budget, Outcome, Tried, Wait, wait_for
from domain.catalogue.events import PlanEvent
from domain.catalogue.folding import evolve_plan
from domain.catalogue.offering import BY_PLAN
from domain.catalogue.starting import StartByPlan, agreed_start
from domain.catalogue.state import Plan
from domain.identity import event_id, plan_stream, stream_of
from domain.ports import Declined
from domain.processes.agenda import agenda_of, next_due
from domain.processes.answers import Answer, follow
from domain.processes.next_step import next_step
from domain.processes.places import Place, place_for, without_place
from domain.processes.steps import Call, LookUp, Nothing, Record, SeeToken, SendRenewal
from domain.providers import Provider
from domain.recorded import Recorded
from domain.refusals import Refused
from domain.subscription.charging import CALLBACK
from domain.subscription.events import (
    ChargeDeclined,
    ChargeFoundLate,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
    SubscriptionEvent,
)
from domain.subscription.folding import evolve
from domain.subscription.in_session import pay_in_session
from domain.subscription.starting import FirstPayment, Start, start
from domain.subscription.state import Subscription
from domain.subscription.vaulting import Elsewhere, ask_payer, request_token
from domain.subscription.void_events import AuthorizationVoided
from tests.replies import Reply, reply_to

ZONE_VERSION = "2025b"
_SPACE = UUID("6f1d3c52-7f0e-4f3e-9a52-0d6f6a3b7c11")


# The real ones would be used up by no history of bearable length.
SMALL_BUDGETS = tuple(attrs.evolve(each, limit=2) for each in BUDGETS)


class Clock(Enum):
    """How far the clock moves on before a move."""

    STILL = "still"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    MONTH = "month"
    NEXT_DUE = "next-due"


_STEPS = {
    Clock.STILL: timedelta(0),
    Clock.MINUTES: timedelta(minutes=6),
    Clock.HOURS: timedelta(hours=7),
    Clock.DAYS: timedelta(days=4),
    Clock.MONTH: timedelta(days=31),
}


@attrs.define
class Places:
    """A ledger of attempts in memory. tried: by instrument, then by attempt."""

    tried: dict[str, dict[UUID, Tried]] = attrs.field(factory=dict)

    def reserve(self, place: Place) -> Wait | None:
        """As the store's."""
        mine = self.tried.setdefault(place.instrument, {})
        wait = wait_for(list(mine.values()), place.budgets, place.attempted_at)
        if wait is None:
            mine[place.attempt_id] = Tried(place.attempted_at, Outcome.OPEN)
        return wait

    def note(self, fact: SubscriptionEvent) -> None:
        """What a fact says of an attempt that has a place."""
        outcome = _OUTCOMES.get(type(fact))
        key: UUID | None = getattr(fact, "attempt_id", None)
        for mine in self.tried.values():
            if outcome is not None and key in mine:
                mine[key] = attrs.evolve(mine[key], outcome=outcome)


_OUTCOMES = {
    ChargeSucceeded: Outcome.SUCCEEDED,
    ChargeFoundLate: Outcome.SUCCEEDED,
    ChargeDeclined: Outcome.DECLINED,
    ChargeNotMade: Outcome.NOT_MADE,
    AuthorizationVoided: Outcome.NOT_MADE,
    ChargeOutcomeUnknown: Outcome.UNKNOWN,
}


@attrs.define
class Books:
    """A log in memory that the real decisions write to. now: its clock, which never goes back.

    budgets: how often a card may be tried. not_renewed: captures before which it was refused.
    """

    now: datetime
    log: list[Recorded[SubscriptionEvent]] = attrs.field(factory=list)
    states: dict[str, Subscription] = attrs.field(factory=dict)
    versions: dict[str, int] = attrs.field(factory=dict)
    commands: int = 0
    budgets: tuple[Budget, ...] = SMALL_BUDGETS
    places: Places = attrs.field(factory=Places)
    plans: dict[str, Plan] = attrs.field(factory=dict)
    not_renewed: set[UUID] = attrs.field(factory=set)

    def publish(self, code: str, events: Iterable[PlanEvent]) -> None:
        """Record facts of a plan under one command; no facts, no command."""
        for fact in self._record(plan_stream(code), tuple(events), "api:shop", "command:publish"):
            self.plans[code] = evolve_plan(self.plans.get(code), fact.event)

    def settle(self, stream: str, events: Iterable[Any]) -> tuple[Recorded[Any], ...]:
        """Record facts of a settlement or of what people said of them, under one command."""
        return self._record(stream, tuple(events), "cli:kari", "command:settlement")

    def _record(
        self, stream: str, facts: tuple[Any, ...], actor: str, cause: str
    ) -> tuple[Recorded[Any], ...]:
        if not facts:
            return ()
        self.commands += 1
        command = uuid5(_SPACE, f"command/{self.commands}")
        written = []
        for fact in facts:
            version = self.versions.get(stream, 0) + 1
            recorded = Recorded(
                position=len(self.log) + 1,
                stream=stream,
                version=version,
                event_id=event_id(command, stream, version),
                recorded_at=self.now,
                actor=actor,
                cause=cause,
                command_id=command,
                event=fact,
            )
            self.log.append(recorded)
            self.versions[stream] = version
            written.append(recorded)
        return tuple(written)

    def append(
        self,
        subscription_id: str,
        events: Iterable[SubscriptionEvent],
        *,
        actor: str = "worker",
        cause: str = "agenda:test",
    ) -> tuple[Recorded[SubscriptionEvent], ...]:
        """Record facts of one subscription under one command; no facts, no command."""
        written = self._record(stream_of(subscription_id), tuple(events), actor, cause)
        for recorded in written:
            self.places.note(recorded.event)
            state = self.states.get(subscription_id)
            self.states[subscription_id] = evolve(state, recorded.event)
        return written

    def start(self, asked: Start | StartByPlan) -> Subscription:
        """Start a subscription and ask for its first token."""
        before, cause, wish = self.states.get(asked.subscription_id), "command:import", asked
        if isinstance(wish, StartByPlan):
            plan = self.plans.get(wish.choice.plan)
            cause, wish = cause + BY_PLAN, agreed_start(before, plan, wish, now=self.now)
        facts = start(before, wish, now=self.now, zone_version=ZONE_VERSION)
        self.append(wish.subscription_id, facts, actor="operator:kari", cause=cause)
        state = self.states[wish.subscription_id]
        self.append(
            wish.subscription_id,
            self._asked(state, wish),
            actor="operator:kari",
            cause="command:import",
        )
        return self.states[wish.subscription_id]

    def _asked(self, state: Subscription, wish: Start) -> tuple[SubscriptionEvent, ...]:
        """The first token request; with the first payment where that is wished for and due."""
        if wish.first_payment is FirstPayment.IN_SESSION:
            try:
                return pay_in_session(
                    state, reason="sign-up", now=self.now, zone_version=ZONE_VERSION
                )
            except Refused as refused:
                if refused.code != "first-payment-not-due":
                    raise
        return request_token(state, reason="sign-up", now=self.now)

    def intend(self, subscription_id: str, *, taken_before: bool = False) -> Call | None:
        """Record what follows from the state and the time; the call that is then needed.

        None when nothing is needed, or after 20 records: a daily plan that sleeps for years
        catches up in several moves.
        """
        for _ in range(20):
            state = self.states[subscription_id]
            step = next_step(
                state,
                now=self.now,
                taken_before=taken_before,
                zone_version=ZONE_VERSION,
                plan=self.plans.get(state.terms.plan),
                refunds_taken=[each.refund_id for each in state.refunds if taken_before],
                not_renewed=self.not_renewed,
            )
            match step:
                case Nothing():
                    return None
                case Record():
                    step = self.within_budgets(subscription_id, step)
                    assert step.events, "a step that records nothing would never come to rest"
                    self.append(subscription_id, step.events, cause=f"agenda:{step.cause}")
                case _:
                    return step
        return None

    def within_budgets(self, subscription_id: str, step: Record) -> Record:
        """The step, or what follows where its attempt has no place in a card's budgets."""
        state = self.states[subscription_id]
        place = place_for(state, step.events, self.budgets)
        if place is None:
            return step
        wait = self.places.reserve(place)
        return step if wait is None else without_place(state, step, wait, now=self.now)

    def answer(self, subscription_id: str, call: Call, answer: Answer) -> None:
        """Record what follows from a provider's answer."""
        facts = follow(self.states[subscription_id], call, answer, now=self.now)
        if isinstance(call, SendRenewal) and isinstance(answer, Declined):
            self.not_renewed.add(call.capture_id)
        self.append(subscription_id, facts, cause="answer")

    def work(
        self, subscription_id: str, reply: Reply | None = None, *, taken_before: bool = False
    ) -> Call | None:
        """One step of a worker: intend, call, record the answer. Returns the call it made."""
        call = self.intend(subscription_id, taken_before=taken_before)
        if call is not None:
            self.answer(subscription_id, call, reply_to(call, reply or Reply.YES, self.now))
        return call

    def sign_up(self, wish: Start | StartByPlan) -> Subscription:
        """Start a subscription whose payer approves at once."""
        self.start(wish)
        self.work(wish.subscription_id)
        self.payer_comes(wish.subscription_id, Reply.YES)
        attempt = self.states[wish.subscription_id].open_attempt
        if attempt is not None and attempt.waits_for_payer:
            look = LookUp(attempt, CALLBACK)
            self.answer(wish.subscription_id, look, reply_to(look, Reply.YES, self.now))
        return self.states[wish.subscription_id]

    def move_to(self, subscription_id: str, provider: Provider, account: str = "main") -> None:
        """The payer gives a token elsewhere, in place of the first."""
        facts = ask_payer(
            self.states[subscription_id],
            backup=False,
            reason="cheaper there",
            now=self.now,
            where=Elsewhere(provider, account),
        )
        self._given(subscription_id, facts)

    def add_backup(self, subscription_id: str) -> None:
        """The payer gives a backup method as well."""
        facts = ask_payer(
            self.states[subscription_id], backup=True, reason="to be safe", now=self.now
        )
        self._given(subscription_id, facts)

    def _given(self, subscription_id: str, facts: tuple[SubscriptionEvent, ...]) -> None:
        self.append(subscription_id, facts, actor="api:shop", cause="command:api")
        self.work(subscription_id)
        self.payer_comes(subscription_id, Reply.YES)

    def payer_comes(self, subscription_id: str, reply: Reply) -> None:
        """A callback says that the payer is done with the approval page."""
        state = self.states[subscription_id]
        if state.token_request is not None and state.token_request.provider_ref:
            call = SeeToken(state.token_request)
            self.answer(subscription_id, call, reply_to(call, reply, self.now))

    def advance(self, clock: Clock, subscription_id: str) -> None:
        """Move the clock on; to the next due item of a subscription where the clock says so."""
        if clock is not Clock.NEXT_DUE:
            self.now += _STEPS[clock]
            return
        state = self.states.get(subscription_id)
        due = None if state is None else next_due(agenda_of(state))
        self.now = max(self.now, due or self.now)
