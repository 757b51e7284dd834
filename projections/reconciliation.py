"""Our movements, their settlements and what people said of both: the log, read once.

    known = Reconciliation()
    for recorded in log: known.see(recorded)
    known.compare(as_of=...)

Memory grows with charges and lines. Nothing is stored, so it is right at any position.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import attrs

from domain.identity import SETTLEMENT_STREAMS, subscription_of
from domain.money import Money
from domain.recorded import Recorded
from domain.settlement_ports import SettledKind
from domain.settlements.accounts import Code, Comparison, Listed, Movement, Standing, Tariff
from domain.settlements.events import (
    ExceptionAssigned,
    ExceptionDecided,
    MatchConfirmed,
    SettlementLinesRead,
    SettlementRead,
)
from domain.settlements.matching import STALE_AFTER_DAYS, compare
from domain.settlements.state import Said, SettlementState, Statement
from domain.subscription.dispute_events import ChargeReversed
from domain.subscription.events import (
    ChargeAttempted,
    ChargeDeclined,
    ChargeFoundLate,
    ChargeNotMade,
    ChargeSucceeded,
)
from domain.subscription.refund_events import (
    RefundFailed,
    RefundFoundLate,
    RefundRequested,
    RefundSucceeded,
)
from domain.subscription.void_events import AuthorizationVoided


@attrs.define(kw_only=True)
class _Row:
    """A charge or refund as far as it is known; see Movement."""

    key: str
    kind: SettledKind
    place: str
    reference: str
    amount: Money
    on: datetime
    subscription_id: str
    provider_ref: str = ""
    charge_ref: str = ""
    standing: Standing = Standing.OPEN


@attrs.frozen(kw_only=True)
class Reported:
    """A comparison with what people said of it. owners, decisions: by exception."""

    as_of: date
    position: int
    comparison: Comparison
    owners: Mapping[str, str]
    decisions: Mapping[str, ExceptionDecided]

    @property
    def unexplained(self) -> tuple[Listed, ...]:
        """What is listed, is not just waited for, and nobody has decided about."""
        return tuple(
            each
            for each in self.comparison.listed
            if each.code is not Code.TIMING and each.exception_id not in self.decisions
        )


class Reconciliation:
    """A running reading of the log; see the module."""

    def __init__(self) -> None:
        self.said = Said()
        self.position = 0
        self._settlements: dict[str, SettlementState] = {}
        self._rows: dict[Any, _Row] = {}
        self._reversals: list[_Row] = []
        self._reversed: Counter[Any] = Counter()

    def see(self, recorded: Recorded[Any]) -> None:
        """The next fact of the log."""
        self.position = recorded.position
        handle = _HANDLERS.get(type(recorded.event))
        if handle is not None:
            handle(self, recorded)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Every settlement's latest version, in the order of the first ones."""
        states = (each.statement for each in self._settlements.values())
        return tuple(each for each in states if each is not None)

    @property
    def movements(self) -> list[Movement]:
        """Every charge, refund and reversal."""
        return [_movement(row) for row in (*self._rows.values(), *self._reversals)]

    def compare(
        self,
        *,
        as_of: date,
        tariffs: Mapping[str, Tariff] | None = None,
        stale_after_days: int = STALE_AFTER_DAYS,
        place: str | None = None,
    ) -> Reported:
        """What is matched, listed and proposed on a day. place: of that account only."""
        comparison = compare(
            (each for each in self.statements if place in (None, each.place)),
            (each for each in self.movements if place in (None, each.place)),
            as_of=as_of,
            confirmed=self.said.confirmed,
            tariffs=tariffs,
            stale_after_days=stale_after_days,
        )
        return Reported(
            as_of=as_of,
            position=self.position,
            comparison=comparison,
            owners=self.said.owners,
            decisions=self.said.decisions,
        )

    # --- their side -----------------------------------------------------------------------------

    def _settled(self, recorded: Recorded[Any]) -> None:
        if not recorded.stream.startswith(SETTLEMENT_STREAMS):
            return  # the audit names it
        state = self._settlements.setdefault(recorded.stream, SettlementState())
        state.take(recorded.event, recorded.recorded_at.astimezone(UTC).date())

    def _said(self, recorded: Recorded[Any]) -> None:
        self.said.take(recorded.event)

    # --- our side -------------------------------------------------------------------------------

    def _attempted(self, recorded: Recorded[ChargeAttempted]) -> None:
        event = recorded.event
        self._rows[event.attempt_id] = _Row(
            key=f"charge {event.attempt_id}",
            kind=SettledKind.CAPTURE,
            place=f"{event.provider.value}/{event.account}",
            reference=event.reference,
            amount=event.amount,
            on=event.effective_at,
            subscription_id=subscription_of(recorded.stream),
        )

    def _requested(self, recorded: Recorded[RefundRequested]) -> None:
        event = recorded.event
        charge = self._rows.get(event.attempt_id)
        if charge is None:
            return
        self._rows[event.refund_id] = _Row(
            key=f"refund {event.refund_id}",
            kind=SettledKind.REFUND,
            place=charge.place,
            reference=event.reference,
            amount=event.amount,
            on=event.effective_at,
            subscription_id=charge.subscription_id,
            charge_ref=charge.provider_ref,
        )

    def _moved(self, recorded: Recorded[Any]) -> None:
        event = recorded.event
        refunds = isinstance(event, RefundSucceeded | RefundFoundLate)
        row = self._rows.get(event.refund_id if refunds else event.attempt_id)
        if row is None:
            return
        row.amount, row.provider_ref = event.amount, event.provider_ref
        row.on, row.standing = event.effective_at, Standing.MOVED
        if event.amount.minor == 0:  # a person may say that nothing went back
            row.standing = Standing.FAILED

    def _failed(self, recorded: Recorded[Any]) -> None:
        event = recorded.event
        row = self._rows.get(
            event.refund_id if isinstance(event, RefundFailed) else event.attempt_id
        )
        if row is not None:
            row.standing = Standing.FAILED

    def _reversal(self, recorded: Recorded[ChargeReversed]) -> None:
        event = recorded.event
        charge = self._rows.get(event.attempt_id)
        if charge is None:
            return
        self._reversed[event.attempt_id] += 1
        self._reversals.append(
            _Row(
                key=f"reversal {event.attempt_id}/{self._reversed[event.attempt_id]}",
                kind=SettledKind.CHARGEBACK,
                place=charge.place,
                reference=charge.reference,
                amount=event.amount,
                on=event.effective_at,
                subscription_id=charge.subscription_id,
                provider_ref=event.provider_ref,
                charge_ref=charge.provider_ref,
                standing=Standing.MOVED,
            )
        )


_HANDLERS: dict[type, Callable[[Reconciliation, Recorded[Any]], None]] = {
    SettlementLinesRead: Reconciliation._settled,
    SettlementRead: Reconciliation._settled,
    ExceptionAssigned: Reconciliation._said,
    ExceptionDecided: Reconciliation._said,
    MatchConfirmed: Reconciliation._said,
    ChargeAttempted: Reconciliation._attempted,
    ChargeSucceeded: Reconciliation._moved,
    ChargeFoundLate: Reconciliation._moved,
    ChargeDeclined: Reconciliation._failed,
    ChargeNotMade: Reconciliation._failed,
    AuthorizationVoided: Reconciliation._failed,
    RefundRequested: Reconciliation._requested,
    RefundSucceeded: Reconciliation._moved,
    RefundFoundLate: Reconciliation._moved,
    RefundFailed: Reconciliation._failed,
    ChargeReversed: Reconciliation._reversal,
}


def _movement(row: _Row) -> Movement:
    return Movement(
        key=row.key,
        kind=row.kind,
        place=row.place,
        reference=row.reference,
        provider_ref=row.provider_ref,
        charge_ref=row.charge_ref,
        amount=row.amount,
        on=row.on.astimezone(UTC).date(),
        standing=row.standing,
        subscription_id=row.subscription_id,
    )


def reconciled(log: Iterable[Recorded[Any]], *, as_of: date) -> Reported:
    """A log that is at hand as a whole, on a day."""
    known = Reconciliation()
    for recorded in log:
        known.see(recorded)
    return known.compare(as_of=as_of)
