"""What is answered about the catalogue."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.catalogue.offering import version_at
from domain.catalogue.state import Move, Plan
from domain.plan import Terms
from infrastructure.bootstrap import System
from projections.table import ColumnValue


class VersionView(msgspec.Struct, kw_only=True):
    """A version. available_from: from then until the next one is, a plan's name means this one.

    subscribers: subscriptions that have not ended and whose terms name it, at whatever price.
    """

    version: int
    terms: Terms
    available_from: datetime
    subscribers: int


class PlanView(msgspec.Struct, kw_only=True):
    """A plan. available: the version that its name means now; null: nobody starts on it now."""

    plan: str
    available: int | None
    retired_at: datetime | None
    versions: tuple[VersionView, ...]
    moves: tuple[Move, ...]

    @classmethod
    def of(cls, system: System, plan: Plan, now: datetime) -> PlanView:
        """A plan with the number of its subscribers."""
        current = version_at(plan, now)
        retired = plan.retired_at is not None and plan.retired_at <= now
        return cls(
            plan=plan.code,
            available=None if retired or current is None else current.number,
            retired_at=plan.retired_at,
            versions=tuple(
                VersionView(
                    version=each.number,
                    terms=each.terms,
                    available_from=each.available_from,
                    subscribers=_subscribers(system, plan.code, each.number),
                )
                for each in plan.versions
            ),
            moves=plan.moves,
        )


class PlansAnswer(msgspec.Struct, kw_only=True):
    """Plans, by their codes."""

    position: int
    items: tuple[PlanView, ...]


class PlanAnswer(msgspec.Struct, kw_only=True):
    """One plan."""

    position: int
    plan: PlanView


def _subscribers(system: System, code: str, version: int) -> int:
    where: dict[str, ColumnValue] = {"plan": code, "plan_version": version, "ended": False}
    return system.views.count("due_dates", where)
