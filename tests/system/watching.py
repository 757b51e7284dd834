"""A state machine under the eyes of the oracle: its world, its memory, its end."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from hypothesis import currently_in_test_context, event
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
)
from structlog.testing import capture_logs

from domain.identity import stream_of
from domain.subscription.dispute_events import ChargeReversed
from domain.subscription.events import (
    ChargeAttempted,
    ChargeFoundLate,
    ChargeSucceeded,
    Resolution,
    SubscriptionEvent,
    TokenRefused,
)
from domain.subscription.refund_events import RefundFoundLate, RefundRequested, RefundSucceeded
from domain.subscription.state import Subscription
from domain.subscription.void_events import AuthorizationVoided, VoidAttempted
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.store.schema import drop_books
from tests.conftest import Server, fresh_name
from tests.system import oracle
from tests.system.providers import Simulators, accounts
from tests.system.puppets import REACHED
from tests.system.world import World
from tests.systems import T0, system_over


class Watched(RuleBasedStateMachine):
    """A machine's world, and what the oracle remembers of it."""

    server: Server
    root_file: str

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        simulators = Simulators(self.runner, T0)
        schema = fresh_name("machine")
        self.schema = schema
        self._books = system_over(
            self.server.open(schema),
            accounts=accounts(simulators.urls, self.root_file),
            public_url=simulators.door,
        )
        self.world = World(self.runner, self._books.__enter__(), simulators)
        self.commands = Subscriptions(self.world.system, actor="machine")
        self.names: list[str] = []
        self.pages: list[tuple[str, str]] = []
        self.seen = 0
        self.log: list[Any] = []
        self.references: dict[object, str] = {}
        self.received: dict[str, int] = {}
        self.refunded: dict[str, int] = {}
        self.reversed: Counter[str] = Counter()
        self.voided: set[str] = set()
        self.letting_go: set[str] = set()
        self._capture = capture_logs()
        self.lines = self._capture.__enter__()

    # --- the oracle -----------------------------------------------------------------------------

    def states(self) -> list[Subscription]:
        """Every subscription as it is now."""
        streams = [stream_of(name) for name in self.names]
        loaded = self.world.system.ledger.load(streams)
        return [loaded[stream].state for stream in streams if loaded[stream].state]

    def _read(self) -> None:
        """Take in what was written since the last look."""
        news = self.world.system.ledger.read_log(self.seen, 100_000)
        for recorded in news:
            fact: SubscriptionEvent = recorded.event
            REACHED[type(fact).__name__] += 1
            match fact:
                case ChargeAttempted():
                    self.references[fact.attempt_id] = fact.reference
                    REACHED["charged on a page"] += not fact.token_ref
                case TokenRefused():
                    REACHED["no card saved"] += fact.code == "card-not-saved"
                case ChargeSucceeded() | ChargeFoundLate():
                    self.received[self.references[fact.attempt_id]] = fact.amount.minor
                    REACHED[f"by {fact.evidence.partition(':')[0]}"] += 1
                case VoidAttempted():
                    self.letting_go.add(self.references[fact.attempt_id])
                case AuthorizationVoided():
                    self.voided.add(self.references[fact.attempt_id])
                    REACHED[f"voided by {fact.evidence.partition(':')[0]}"] += 1
                case RefundRequested():
                    self.references[fact.refund_id] = fact.reference
                case RefundSucceeded() | RefundFoundLate():
                    self.refunded[self.references[fact.refund_id]] = fact.amount.minor
                case ChargeReversed():
                    self.reversed[self.references[fact.attempt_id]] += fact.amount.minor
                case _:
                    pass
        self.log += news
        self.seen = news[-1].position if news else self.seen

    @invariant()
    def nothing_is_wrong_at_any_time(self) -> None:
        """After every rule."""
        self.check()

    def check(self) -> None:
        """Ours is part of theirs, nothing was captured twice or sent without its intention."""
        self._read()
        assert not self.world.violations, self.world.violations
        failed = [each for each in self.lines if each["event"] == "work on a subscription failed"]
        assert not failed, failed
        theirs = self.world.simulators.captured()
        for reference, minor in self.received.items():
            assert theirs.get(reference) == minor, f"{reference}: ours {minor}, theirs {theirs}"
        # Nothing that we call let go was taken, unless that is told; and nothing was let go that
        # we had not intended to, but the rest of what was captured in part.
        assert not self.voided & theirs.keys() - self.received.keys()
        assert self.world.simulators.voided().keys() - theirs.keys() <= self.letting_go
        gone = self.world.simulators.refunded()
        for reference, minor in self.refunded.items():
            assert gone.get(reference) == minor, f"{reference}: ours {minor}, theirs {gone}"
        # The callback that tells of it may have been lost; none is booked twice.
        back = self.world.simulators.reversed()
        for reference, minor in self.reversed.items():
            assert minor <= back.get(reference, 0), f"{reference}: ours {minor}, theirs {back}"
        oracle.check_facts(self.log)

    def teardown(self) -> None:
        """Come to rest, and then everything must be equal."""
        try:
            if self.names:
                self.world.come_to_rest()
                self._look_at_late_refunds()
                self.check()
                theirs = self.world.simulators.captured()
                assert self.received == theirs, self.received.items() ^ theirs.items()
                self._check_refunds()
                oracle.check_nothing_is_missed(self.world.system, self.log, self.world.clock.now)
                oracle.check_rows(self.world.system, self.log)
                oracle.check_audit(self.world.system)
                self._tell()
        finally:
            self._capture.__exit__(None, None, None)
            self.world.close()
            self._books.__exit__(None, None, None)
            self.runner.close()
            if not self.server.throw_away:
                drop_books(self.server.conninfo, self.schema)

    def _look_at_late_refunds(self) -> None:
        """The audit lists them until somebody has."""
        for state in self.states():
            for late in state.unresolved_refunds:
                self.commands.resolve_discrepancy(
                    state.subscription_id, late.refund_id, Resolution.ACCEPTED, reason="seen"
                )
        self.world.project()

    def _check_refunds(self) -> None:
        """Every refund that a provider made is ours, or in a person's hands: it was for another
        amount than was asked for."""
        doubtful = {
            refund.reference
            for state in self.states()
            for refund in state.refunds
            if refund.awaits_person
        }
        gone = self.world.simulators.refunded()
        theirs = {name: minor for name, minor in gone.items() if name not in doubtful}
        assert self.refunded == theirs, self.refunded.items() ^ theirs.items()

    def _tell(self) -> None:
        kinds = Counter(type(each.event).__name__ for each in self.log)
        if currently_in_test_context():
            event(f"charges: {min(kinds['ChargeSucceeded'], 5)}")
        for line in self.lines:
            if line["event"] in ("lease lost", "stream moved", "callback refused"):
                REACHED[line["event"]] += 1
