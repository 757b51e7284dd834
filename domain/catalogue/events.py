"""The facts of a plan: a stream of its own for each. Stored names and fields are for ever.

Every fact has `effective_at`: the UTC instant at which it was decided.
"""

from __future__ import annotations

from datetime import date, datetime

import attrs

from domain.plan import Terms
from domain.recorded import stored_as


@stored_as("plan-version-published.v1")
@attrs.frozen(kw_only=True)
class PlanVersionPublished:
    """A version that subscriptions may start on from `available_from` on, until a later one is.

    plan: the plan's code. version: counts the plan's versions from 1; a version never changes.
    terms: what a subscription agrees to; another quantity may be asked for.
    available_from: UTC instant. reason: the caller's words.
    """

    plan: str
    version: int
    terms: Terms
    available_from: datetime
    reason: str
    effective_at: datetime


@stored_as("plan-retired.v1")
@attrs.frozen(kw_only=True)
class PlanRetired:
    """No subscription starts on this plan from `retired_at` (UTC) on; those on it go on."""

    plan: str
    retired_at: datetime
    reason: str
    effective_at: datetime


@stored_as("plan-move-announced.v1")
@attrs.frozen(kw_only=True)
class PlanMoveAnnounced:
    """Subscribers on one version move to another where the first period begins on or after a day.

    on: local day of each subscriber's own time zone.
    """

    plan: str
    from_version: int
    to_version: int
    on: date
    reason: str
    effective_at: datetime


@stored_as("plan-move-withdrawn.v1")
@attrs.frozen(kw_only=True)
class PlanMoveWithdrawn:
    """An announced move takes nobody further: who has been moved stays moved."""

    plan: str
    from_version: int
    to_version: int
    reason: str
    effective_at: datetime


PlanEvent = PlanVersionPublished | PlanRetired | PlanMoveAnnounced | PlanMoveWithdrawn
