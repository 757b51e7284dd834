"""Fold a plan's facts into what it is. Folding judges nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from attrs import evolve as with_

from domain.catalogue.events import (
    PlanEvent,
    PlanMoveAnnounced,
    PlanMoveWithdrawn,
    PlanRetired,
    PlanVersionPublished,
)
from domain.catalogue.state import Move, Plan, Version


def evolve_plan(plan: Plan | None, event: PlanEvent) -> Plan:
    """The plan after one more fact."""
    plan = plan or Plan(code=event.plan)
    match event:
        case PlanVersionPublished():
            version = Version(
                number=event.version, terms=event.terms, available_from=event.available_from
            )
            return with_(plan, versions=(*plan.versions, version))
        case PlanRetired(retired_at=retired_at):
            return with_(plan, retired_at=retired_at)
        case PlanMoveAnnounced():
            move = Move(from_version=event.from_version, to_version=event.to_version, on=event.on)
            return with_(plan, moves=(*plan.moves, move))
        case PlanMoveWithdrawn():
            moves = tuple(_withdrawn(each, event) for each in plan.moves)
            return with_(plan, moves=moves)
        case _:
            assert_never(event)


def plan_of_facts(events: Iterable[PlanEvent]) -> Plan | None:
    """The plan that facts make; None when there are none."""
    plan: Plan | None = None
    for event in events:
        plan = evolve_plan(plan, event)
    return plan


def _withdrawn(move: Move, event: PlanMoveWithdrawn) -> Move:
    named = (move.from_version, move.to_version) == (event.from_version, event.to_version)
    if not named or move.withdrawn_at is not None:
        return move
    return with_(move, withdrawn_at=event.effective_at)
