"""Books in memory: what commands need of a ledger, with writers that come between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import attrs

from domain.identity import event_id, stream_of
from domain.money import Money
from domain.plan import Kind, Meter
from domain.prices import Tier
from domain.recorded import Stamp
from domain.subscription.events import SubscriptionEvent, UsageReported
from domain.subscription.folding import evolve_all
from domain.subscription.metering import Report
from infrastructure.bootstrap import System
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.commands.wishes import UsageWish
from infrastructure.store.ledger import Append, Appended, Conflict
from tests.specimens import NAMESPACE, signed_up, terms

NOW = datetime(2024, 2, 10, 12, tzinfo=UTC)
AT = datetime(2024, 2, 9, 12, tzinfo=UTC)
METER = Meter(
    code="data",
    description="Data",
    unit="GB",
    tiers=(Tier(up_to=None, unit_price=Money(40, "NOK")),),
)
METERED = terms(kind=Kind.RECURRING, meters=(METER,))


@attrs.define
class MemoryLedger:
    """As the ledger: versions, event ids, positions. between: called before each append."""

    streams: dict[str, list[tuple[Any, SubscriptionEvent, int]]] = attrs.field(factory=dict)
    position: int = 0
    loads: list[int] = attrs.field(factory=list)
    appends: list[int] = attrs.field(factory=list)
    between: Callable[[], None] | None = None

    def load(self, streams: Sequence[str]) -> dict[str, Any]:
        """States and versions."""
        self.loads.append(len(streams))
        return {
            stream: SimpleNamespace(
                state=evolve_all(None, tuple(event for _, event, _ in facts)) if facts else None,
                version=len(facts),
            )
            for stream in streams
            for facts in [self.streams.get(stream, [])]
        }

    def append(self, appends: Sequence[Append], *, now: datetime) -> list[Appended | Conflict]:
        """A stale stream is reported, its neighbours are written, a repeat is known by its id."""
        if appends:
            self.appends.append(len(appends))
        between, self.between = self.between, None
        if between is not None:
            between()
        return [self._append(each) for each in appends]

    def _append(self, append: Append) -> Appended | Conflict:
        facts = self.streams.setdefault(append.stream, [])
        ids = [
            event_id(append.stamp.command_id, append.stream, append.expected_version + number)
            for number in range(1, len(append.events) + 1)
        ]
        known = {identity: position for identity, _, position in facts}
        if all(each in known for each in ids):
            return Appended(append.stream, len(facts), known[ids[-1]])
        if len(facts) != append.expected_version:
            return Conflict(append.stream, append.expected_version, len(facts))
        for identity, event in zip(ids, append.events, strict=True):
            self.position += 1
            facts.append((identity, event, self.position))
        return Appended(append.stream, len(facts), self.position)

    def head(self) -> int:
        """The last position."""
        return self.position

    def counted(self, subscription_id: str) -> list[tuple[str, int]]:
        """(usage id, quantity) of what counts."""
        facts = self.streams[stream_of(subscription_id)]
        return [
            (event.usage_id, event.quantity)
            for _, event, _ in facts
            if isinstance(event, UsageReported)
        ]


def books(
    *subscriptions: str, begun: Sequence[SubscriptionEvent] = (), now: datetime = NOW
) -> tuple[MemoryLedger, Subscriptions]:
    """Books where these run with a meter, and commands on them.

    begun: instead, the facts of s-1.
    """
    ledger = MemoryLedger()
    system = SimpleNamespace(
        ledger=ledger,
        clock=lambda: now,
        zone_version="2025b",
        settings=SimpleNamespace(accounts=()),
        plans=SimpleNamespace(recent=lambda code: None),
    )
    given = {each: signed_up(METERED, subscription_id=each) for each in subscriptions}
    for each, facts in (given | ({"s-1": tuple(begun)} if begun else {})).items():
        stamp = Stamp(actor="test", cause="given", command_id=NAMESPACE)
        ledger.append([Append(stream_of(each), 0, facts, stamp)], now=now)
    ledger.appends.clear()
    return ledger, Subscriptions(cast(System, system), actor="test")


def wish(subscription_id: str = "s-1", usage_id: str = "u-1", **changes: Any) -> UsageWish:
    """25 GB on 9 February."""
    report = Report(usage_id=usage_id, meter="data", quantity=25, at=AT)
    return UsageWish(subscription_id=subscription_id, report=attrs.evolve(report, **changes))
