"""A subscription that is billed behind the API, by the steps of a worker and a willing provider.

The plan costs 31.00 USD a month, prepaid, from 1 January 2025 in Oslo: 1.00 a day in January.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from litestar import Litestar
from litestar.testing import TestClient

from domain.identity import stream_of
from domain.money import Money
from domain.plan import Terms, Timing
from domain.processes.answers import follow
from domain.processes.next_step import next_step
from domain.processes.places import place_for, without_place
from domain.processes.steps import Nothing, Record
from domain.recorded import Stamp
from domain.refund_ports import Refunded
from domain.subscription.charging import CALLBACK
from domain.subscription.events import ChargeSucceeded, InvoiceIssued
from domain.subscription.settling_refunds import refund_looked_up
from domain.subscription.state import Subscription
from infrastructure.bootstrap import System
from infrastructure.store.ledger import Append, Appended
from tests.replies import Reply, reply_to
from tests.specimens import signed_up, terms
from tests.systems import write

S1 = "/v1/subscriptions/s-1"
JAN_1 = date(2025, 1, 1)
# 13:00 in Oslo; 21 of January's 31 days are left.
JAN_11 = datetime(2025, 1, 11, 12, tzinfo=UTC)
FEB_1 = datetime(2025, 1, 31, 23, tzinfo=UTC)  # local midnight in Oslo
FEB_15 = datetime(2025, 2, 15, 12, tzinfo=UTC)
MAR_1 = datetime(2025, 2, 28, 23, tzinfo=UTC)


def usd(minor: int) -> dict[str, Any]:
    """An amount as messages have it."""
    return {"minor": minor, "currency": "USD"}


DEARER = {"terms": {"price": usd(6200)}, "reason": "upgrade"}
ROUTES: dict[str, dict[str, Any]] = {
    "changes": DEARER,
    "pause": {"reason": "travelling"},
    "resumption": {"reason": "back"},
    "credits": {"amount": usd(500), "reason": "sorry"},
    "discounts": {"coupon": "spring", "percent": "12.5", "reason": "spring"},
    "cancellation": {"reason": "moved"},
    "reactivation": {"reason": "stays"},
    "reinstatement": {"reason": "trusted"},
}


def music(**changes: Any) -> Terms:
    """31.00 USD a month."""
    return terms(**{"price": Money(3100, "USD"), "description": "Music", **changes})


def postpaid(**changes: Any) -> Terms:
    """The same, billed at the end of each period."""
    return music(timing=Timing.POSTPAID, **changes)


def running(system: System, agreed: Terms | None = None) -> None:
    """The subscription s-1 on 11 January, with January billed and paid where it is prepaid."""
    write(system, signed_up(agreed or music(), start=JAN_1))
    at(system, JAN_11)


def at(system: System, now: datetime, reply: Reply = Reply.YES) -> None:
    """Move the clock there, and work whatever is due by then."""
    system.clock.now = now  # type: ignore[attr-defined]
    work(system, reply)


def work(system: System, reply: Reply = Reply.YES) -> None:
    """Do what is due by the system's clock; a provider takes every charge, or answers so."""
    for _ in range(100):
        if not _step(system, reply):
            return
    raise AssertionError("it never comes to rest")


def find_late(system: System) -> None:
    """A callback tells that the latest refund that had failed was made after all."""
    state = state_of(system)
    stream, failed = stream_of("s-1"), state.failed_refunds[-1]
    answer = Refunded(amount=failed.amount, provider_ref="R-9", at=system.clock())
    facts = refund_looked_up(state, failed.refund_id, answer, evidence=CALLBACK, now=system.clock())
    version = system.ledger.load([stream])[stream].version
    stamp = Stamp(actor="worker", cause="answer:callback", command_id=uuid4())
    system.ledger.append([Append(stream, version, facts, stamp)], now=system.clock())


def state_of(system: System) -> Subscription:
    """The subscription now."""
    state = system.ledger.load([stream_of("s-1")])[stream_of("s-1")].state
    assert state is not None
    return state


def facts_of(system: System, kind: type) -> list[Any]:
    """Its facts of one kind, oldest first."""
    facts = system.ledger.read_stream(stream_of("s-1"))
    return [each.event for each in facts if isinstance(each.event, kind)]


def totals(system: System) -> list[int]:
    """What its invoices come to, in cents."""
    return [each.total.minor for each in facts_of(system, InvoiceIssued)]


def taken(system: System) -> list[int]:
    """What was charged, in cents."""
    return [each.amount.minor for each in facts_of(system, ChargeSucceeded)]


def _step(system: System, reply: Reply) -> bool:
    stream, now = stream_of("s-1"), system.clock()
    loaded = system.ledger.load([stream])[stream]
    assert loaded.state is not None
    step = next_step(
        loaded.state,
        now=now,
        taken_before=False,
        zone_version=system.zone_version,
        plan=system.plans.recent(loaded.state.terms.plan),
    )
    match step:
        case Nothing():
            return False
        case Record():
            facts = _with_place(system, loaded.state, step).events
        case _:
            facts = follow(loaded.state, step, reply_to(step, reply, now), now=now)
    stamp = Stamp(actor="worker", cause="test", command_id=uuid4())
    (result,) = system.ledger.append([Append(stream, loaded.version, facts, stamp)], now=now)
    assert isinstance(result, Appended)
    return True


def _with_place(system: System, state: Subscription, step: Record) -> Record:
    """As a worker does: a place in the card's budgets first, and no attempt without one."""
    place = place_for(state, step.events)
    if place is None:
        return step
    (wait,) = system.attempts.reserve([place])
    return step if wait is None else without_place(state, step, wait, now=place.attempted_at)


def read(client: TestClient[Litestar]) -> dict[str, Any]:
    """The subscription as the API shows it."""
    answer: dict[str, Any] = client.get(S1).json()
    return answer
