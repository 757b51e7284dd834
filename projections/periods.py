"""Accounting periods: how each stands, with its last seal."""

from __future__ import annotations

from typing import Any, assert_never

from domain.identity import PERIOD_STREAMS, period_named
from domain.periods.events import (
    PeriodClosed,
    PeriodEvent,
    PeriodLocked,
    PeriodReopened,
    PeriodReopeningAsked,
)
from domain.periods.state import AccountingPeriod, evolve_period
from domain.recorded import Recorded
from projections.table import Column, ColumnType, TableProjection


def _keys(recorded: Recorded[Any]) -> tuple[str, ...]:
    if not recorded.stream.startswith(PERIOD_STREAMS):
        return ()
    return (period_named(recorded.stream),)


def _apply(row: AccountingPeriod | None, _: str, recorded: Recorded[Any]) -> AccountingPeriod:
    """A period after one more fact."""
    return evolve_period(row, recorded.event)


PERIODS: TableProjection[AccountingPeriod] = TableProjection(
    name="periods",
    version=1,
    row_type=AccountingPeriod,
    keys_of=_keys,
    apply=_apply,
    columns={
        "standing": Column(ColumnType.TEXT, lambda row: row.standing),
        "seals": Column(ColumnType.INTEGER, lambda row: row.seals),
    },
    by_family=True,
)


def words_of_period(event: PeriodEvent) -> str:
    """A period's fact in one plain sentence."""
    match event:
        case PeriodClosed():
            words = (
                f"Closed by {event.closed_by} at position {event.position}, "
                f"{event.entries} entries, days end in {event.zone}"
            )
        case PeriodLocked():
            words = f"Locked for good by {event.locked_by}"
        case PeriodReopeningAsked():
            words = f"{event.asked_by} asks for it to be opened again"
        case PeriodReopened():
            words = f"Opened again by {event.approved_by}, as {event.asked_by} had asked"
        case _:
            assert_never(event)
    return f"{words} ({event.reason})."
