"""What a worker does about accounts that are out of order: it begins nothing new there.

While an account's circuit is open no attempt is recorded for it: what is due waits, and nothing of
it has to be looked up afterwards. Invoices are issued all the same; they are owed.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.processes.agenda import ItemKind
from domain.processes.steps import Record
from domain.subscription.events import ChargeAttempted, SubscriptionEvent, TokenRequested
from domain.subscription.refund_events import RefundAttempted
from domain.subscription.state import Subscription
from infrastructure.gateways.guarded import GuardedGateway

Guards = Mapping[tuple[str, str], GuardedGateway]


def account_of(state: Subscription, step: Record) -> tuple[tuple[str, str], str] | None:
    """Which account a step would begin something new at, and under which key; None: at none.

    A request for a token that nobody answered is given up and made anew: not while nobody can.
    """
    for event in step.events:
        if isinstance(event, ChargeAttempted):
            return (event.provider.value, event.account), str(event.attempt_id)
        if isinstance(event, RefundAttempted):
            return (event.provider.value, event.account), str(event.refund_id)
        if isinstance(event, TokenRequested) and step.cause == ItemKind.TOKEN.value:
            provider, account = event.provider or state.provider, event.account or state.account
            return (provider.value, account), str(event.request_id)
    return None


def without_new(step: Record) -> Record:
    """The same step with nothing in it that begins something at the provider."""
    if step.cause == ItemKind.TOKEN.value:
        return Record((), step.cause)
    kept: tuple[SubscriptionEvent, ...] = tuple(
        each for each in step.events if not isinstance(each, ChargeAttempted | RefundAttempted)
    )
    return Record(kept, step.cause)


async def hold_back_s(guards: Guards, state: Subscription, step: Record) -> float | None:
    """Seconds for which a step has to wait because an account is out of order, or None."""
    found = account_of(state, step)
    guard = None if found is None else guards.get(found[0])
    if found is None or guard is None:
        return None
    return await guard.hold_back_s(found[1])
