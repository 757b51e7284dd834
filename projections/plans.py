"""The catalogue: each plan with its dated versions and the moves that were announced."""

from __future__ import annotations

from typing import Any, assert_never

from domain.catalogue.events import (
    PlanEvent,
    PlanMoveAnnounced,
    PlanMoveWithdrawn,
    PlanRetired,
    PlanVersionPublished,
)
from domain.catalogue.folding import evolve_plan
from domain.catalogue.state import Plan
from domain.identity import PLAN_STREAMS, plan_of
from domain.recorded import Recorded
from projections.table import Column, ColumnType, TableProjection
from projections.timeline_changes import utc


def _keys(recorded: Recorded[Any]) -> tuple[str, ...]:
    if not recorded.stream.startswith(PLAN_STREAMS):
        return ()
    return (plan_of(recorded.stream),)


def _apply(row: Plan | None, _: str, recorded: Recorded[Any]) -> Plan | None:
    """A plan after one more fact."""
    return evolve_plan(row, recorded.event)


PLANS: TableProjection[Plan] = TableProjection(
    name="plans",
    version=1,
    row_type=Plan,
    keys_of=_keys,
    apply=_apply,
    columns={
        "latest_version": Column(ColumnType.INTEGER, lambda row: len(row.versions)),
        "retired_at": Column(ColumnType.INSTANT, lambda row: row.retired_at),
    },
    by_family=True,
)


def words_of_plan(event: PlanEvent) -> str:
    """A plan's fact in one plain sentence. Instants are UTC."""
    match event:
        case PlanVersionPublished():
            since = utc(event.available_from)
            words = f"Version {event.version} published, available from {since} on"
        case PlanRetired():
            words = f"Retired: nobody starts on it from {utc(event.retired_at)} on"
        case PlanMoveAnnounced():
            words = (
                f"Subscribers on version {event.from_version} move to version {event.to_version} "
                f"with the first period that begins on or after {event.on}"
            )
        case PlanMoveWithdrawn():
            words = f"The move from version {event.from_version} to {event.to_version} is withdrawn"
        case _:
            assert_never(event)
    return f"{words} ({event.reason})."
