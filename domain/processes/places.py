"""A place in an instrument's budgets: wanted before an attempt is recorded, and what follows
where there is none. Pure: who keeps count is the ledger of attempts, outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import attrs

from domain.budgets import BUDGETS, Budget, Wait, budgets_of, instrument_key, network_of
from domain.processes.steps import Record
from domain.providers import Provider
from domain.subscription.events import ChargeAttempted, SubscriptionEvent
from domain.subscription.postponing import postpone
from domain.subscription.state import Subscription


@attrs.frozen(kw_only=True)
class Place:
    """What has to be reserved for one attempt, by its key.

    instrument: as budgets.instrument_key gives it. budgets: all that it has to keep; never empty.
    attempted_at: UTC.
    """

    attempt_id: UUID
    instrument: str
    network: str
    provider: Provider
    attempted_at: datetime
    budgets: tuple[Budget, ...]


def place_for(
    state: Subscription, events: Sequence[SubscriptionEvent], budgets: Iterable[Budget] = BUDGETS
) -> Place | None:
    """The place that facts about to be recorded need; None where they attempt nothing, or on an
    instrument that has no budget (a wallet, a brand we know no budget of).

    state: before these facts.
    """
    attempted = next((each for each in events if isinstance(each, ChargeAttempted)), None)
    if attempted is None:
        return None
    token = state.token_of(attempted.token_ref)
    network = "" if token is None else network_of(token.instrument)
    keeping = budgets_of(network, attempted.provider, budgets)
    if token is None or not keeping:
        return None
    return Place(
        attempt_id=attempted.attempt_id,
        instrument=instrument_key(
            attempted.provider,
            attempted.account,
            state.customer_id,
            token.instrument,
            attempted.token_ref,
        ),
        network=network,
        provider=attempted.provider,
        attempted_at=attempted.effective_at,
        budgets=keeping,
    )


def without_place(state: Subscription, step: Record, wait: Wait, *, now: datetime) -> Record:
    """The same step where there is no place: what it bills is billed, nothing is attempted, and
    the invoice is not charged before the budget has a place again.

    state: before the step.
    """
    attempted = [each for each in step.events if isinstance(each, ChargeAttempted)]
    others = tuple(each for each in step.events if not isinstance(each, ChargeAttempted))
    postponed = tuple(
        fact
        for each in attempted
        for fact in postpone(
            state, others, each.invoice_number, until=wait.until, reason=wait.budget.name, now=now
        )
    )
    return Record((*others, *postponed), step.cause)
