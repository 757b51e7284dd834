"""How each invoice of a history was collected, read from its facts: cycles of tries.

A cycle begins when an invoice falls due and, anew, with a new token, with a person's wish to
collect it again, or when a discrepancy is resolved: retries are then counted from the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import attrs

from domain.money import Money
from domain.plan import RetryPolicy
from domain.recorded import Recorded
from domain.subscription.events import (
    ChargeAttempted,
    ChargeDeclined,
    ChargeFoundLate,
    ChargeSucceeded,
    CollectionEnded,
    CollectionResumed,
    DeclineClass,
    DiscrepancyResolved,
    InvoiceIssued,
    InvoiceWrittenOff,
    RetryScheduled,
    SubscriptionCancelled,
    SubscriptionEvent,
    SubscriptionReinstated,
    TokenVaulted,
)
from domain.subscription.folding import evolve
from domain.subscription.owed import RETRIES_USED_UP
from domain.subscription.state import Subscription


@attrs.define(kw_only=True)
class Tried:
    """One attempt. planned_at: when it was to be made; at: when it was. Both UTC.

    asked: what was open. policy: the schedule in force. backup: by the second method.
    instead: by the second method on a retry's day, because the first could not be charged then.
    paid, paid_at: what it brought, if anything. decline: why not, if it was declined.
    decided_at: when the schedule decided what follows from the decline; None: it did not.
    used_up: whether that was the end of the retries. to_backup: whether the second method was next,
        because they were. backup_follows: whether it would be, when they are.
    late: whether the money turned up after the try had been settled without it.
    """

    attempt_id: UUID
    planned_at: datetime
    at: datetime
    asked: Money
    policy: RetryPolicy
    backup: bool
    instead: bool = False
    paid: Money | None = None
    paid_at: datetime | None = None
    decline: ChargeDeclined | None = None
    decided_at: datetime | None = None
    used_up: bool = False
    to_backup: bool = False
    backup_follows: bool = False
    late: bool = False


@attrs.define(kw_only=True)
class Cycle:
    """begins: UTC. until: from then on it was collected otherwise, or no more; None: it was not.

    waits_for: the retry that was planned and never made, or None.
    """

    begins: datetime
    tried: list[Tried] = attrs.field(factory=list)
    until: datetime | None = None
    waits_for: datetime | None = None


@attrs.define(kw_only=True)
class CollectedInvoice:
    """One invoice that had something to pay. open: what is left of it, or was given up."""

    number: int
    due_at: datetime
    total: Money
    cycles: list[Cycle]
    open: Money

    @property
    def paid(self) -> tuple[Tried, ...]:
        """The tries that brought money which the invoice can take."""
        return tuple(each for cycle in self.cycles for each in cycle.tried if self.takes(each))

    def takes(self, tried: Tried) -> bool:
        """Whether a try brought money in the invoice's currency."""
        return tried.paid is not None and tried.paid.currency == self.total.currency


@attrs.define(kw_only=True)
class Collection:
    """All invoices of a subscription. horizon: when its last fact was recorded.

    zone: whose local days count. reinstated: when a person or a payment ended a suspension.
    """

    zone: str
    currency: str
    horizon: datetime
    invoices: dict[int, CollectedInvoice] = attrs.field(factory=dict)
    reinstated: list[datetime] = attrs.field(factory=list)


def collection_of(log: Sequence[Recorded[SubscriptionEvent]]) -> Collection:
    """The collection of every invoice. log: a subscription's facts from the first, not empty."""
    state = evolve(None, log[0].event)
    found = Collection(zone=state.zone, currency=state.currency, horizon=log[-1].recorded_at)
    for recorded in log[1:]:
        before, state = state, evolve(state, recorded.event)
        _read(found, before, recorded)
        _begin_anew(found, before, state, recorded)
        _close(found, before, state, recorded)
    for each in state.open_invoices:
        found.invoices[each.number].open = each.open
    return found


def _read(found: Collection, before: Subscription, recorded: Recorded[SubscriptionEvent]) -> None:
    """What a fact says of a try."""
    event = recorded.event
    match event:
        case InvoiceIssued() if event.total.minor > 0:
            found.invoices[event.invoice_number] = CollectedInvoice(
                number=event.invoice_number,
                due_at=event.effective_at,
                total=event.total,
                cycles=[Cycle(begins=event.effective_at)],
                open=Money(0, event.total.currency),
            )
        case ChargeAttempted():
            cycle = found.invoices[event.invoice_number].cycles[-1]
            second = before.backup
            backup = second is not None and second.token_ref == event.token_ref
            tried = Tried(
                attempt_id=event.attempt_id,
                planned_at=cycle.waits_for or event.effective_at,
                at=event.effective_at,
                asked=event.amount,
                policy=before.terms.retry,
                backup=backup,
                instead=backup and cycle.waits_for is not None,
            )
            cycle.tried.append(tried)
            cycle.waits_for = None
        case ChargeSucceeded() | ChargeFoundLate():
            for tried in _of(found, event.attempt_id):
                tried.paid, tried.paid_at = event.amount, recorded.recorded_at
                tried.late = isinstance(event, ChargeFoundLate)
        case ChargeDeclined():
            for tried in _of(found, event.attempt_id):
                tried.decline, tried.policy = event, before.terms.retry
                tried.backup_follows = _backup_follows(before, event.invoice_number)
                soft = event.decline is DeclineClass.SOFT and not tried.backup
                if soft and tried.backup_follows and _used_up(before, event.invoice_number):
                    tried.decided_at, tried.to_backup = recorded.recorded_at, True
        case RetryScheduled():
            for tried in _of(found, event.attempt_id):
                tried.decided_at = event.effective_at
            found.invoices[event.invoice_number].cycles[-1].waits_for = event.retry_at
        case CollectionEnded(reason=reason) if reason == RETRIES_USED_UP:
            for tried in _of(found, event.attempt_id):
                tried.decided_at, tried.used_up = event.effective_at, True
        case InvoiceWrittenOff():
            found.invoices[event.invoice_number].open = event.amount
        case SubscriptionReinstated():
            found.reinstated.append(recorded.recorded_at)


def _of(found: Collection, attempt_id: UUID) -> list[Tried]:
    return [
        tried
        for invoice in found.invoices.values()
        for cycle in invoice.cycles
        for tried in cycle.tried
        if tried.attempt_id == attempt_id
    ]


def _backup_follows(state: Subscription, number: int) -> bool:
    invoice, backup = state.invoice(number), state.backup
    usable = backup is not None and backup.usable and state.terms.backup
    return usable and invoice is not None and not invoice.backup_tried


def _used_up(state: Subscription, number: int) -> bool:
    invoice = state.invoice(number)
    return invoice is not None and invoice.retries >= len(state.terms.retry.wait_days)


def _begin_anew(
    found: Collection,
    before: Subscription,
    state: Subscription,
    recorded: Recorded[SubscriptionEvent],
) -> None:
    """Whether the invoices that are open are collected from the beginning again."""
    event = recorded.event
    numbers: list[int] = []
    match event:
        case TokenVaulted() if state.token != before.token:
            numbers = [each.number for each in state.open_invoices if not each.ended]
        case CollectionResumed() | DiscrepancyResolved():
            was, now = (each.invoice(event.invoice_number) for each in (before, state))
            if was is not None and was.ended and now is not None and not now.ended:
                numbers = [event.invoice_number]
    for number in numbers:
        cycles = found.invoices[number].cycles
        if cycles[-1].tried:
            cycles[-1].until = recorded.recorded_at
            cycles.append(Cycle(begins=recorded.recorded_at))


def _close(
    found: Collection,
    before: Subscription,
    state: Subscription,
    recorded: Recorded[SubscriptionEvent],
) -> None:
    """Paid by credit, given up or cancelled: from then on it is not collected. An end that the
    schedule itself had led to would be another one under another schedule."""
    event, numbers = recorded.event, {each.number for each in state.open_invoices}
    closed = [each.number for each in before.open_invoices if each.number not in numbers]
    dunned = getattr(event, "reason", "") == RETRIES_USED_UP
    if isinstance(event, SubscriptionCancelled):
        closed = [each.number for each in before.open_invoices]
    if isinstance(event, ChargeSucceeded | ChargeFoundLate) or dunned:
        return
    for number in closed:
        found.invoices[number].cycles[-1].until = recorded.recorded_at
