"""Publish versions of a plan, retire it, announce moves and withdraw them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import attrs

from domain.catalogue.events import (
    PlanEvent,
    PlanMoveAnnounced,
    PlanMoveWithdrawn,
    PlanRetired,
    PlanVersionPublished,
)
from domain.catalogue.state import Plan, Version
from domain.identity import checked_id
from domain.plan import Terms
from domain.plan_rules import check_not_in_instalments, check_same_arrangement, check_terms
from domain.refusals import Refused
from domain.subscription.wording import checked_reason

# Days begin first in the zone that is furthest ahead of UTC.
_FURTHEST_AHEAD = timedelta(hours=14)


@attrs.frozen(kw_only=True)
class Publish:
    """The wish to publish a version. available_from: UTC instant; None: at once."""

    plan: str
    version: int
    terms: Terms
    reason: str
    available_from: datetime | None = None


def publish(plan: Plan | None, wish: Publish, *, now: datetime) -> tuple[PlanEvent, ...]:
    """Publish a version. Quiet when it exists with the same terms.

    A retired plan may have further versions: those on it can be moved to them.
    Refused: "id-malformed", "reason-malformed", the codes of `check_terms`; "plan-mixed" where
        the terms name another plan or version; "plan-version-fixed" where the version exists with
        other terms or from another instant on; "plan-version-gap"; "plan-available-too-early"
        before the version in front.
    """
    checked_id("plan", wish.plan)
    checked_reason(wish.reason)
    check_terms(wish.terms)
    if (wish.terms.plan, wish.terms.plan_version) != (wish.plan, wish.version):
        named = f"{wish.terms.plan} {wish.terms.plan_version}"
        raise Refused("plan-mixed", f"terms of {named} for version {wish.version} of {wish.plan}")
    versions = () if plan is None else plan.versions
    known = None if plan is None else plan.version(wish.version)
    if known is not None:
        same_time = wish.available_from in (None, known.available_from)
        if known.terms == wish.terms and same_time:
            return ()
        raise Refused("plan-version-fixed", f"version {wish.version} of {wish.plan} is published")
    if wish.version != len(versions) + 1:
        words = f"the next version of {wish.plan} is {len(versions) + 1}, not {wish.version}"
        raise Refused("plan-version-gap", words)
    available_from = wish.available_from or now
    if versions and available_from < versions[-1].available_from:
        words = f"version {wish.version - 1} is available from {versions[-1].available_from} on"
        raise Refused("plan-available-too-early", words)
    return (
        PlanVersionPublished(
            plan=wish.plan,
            version=wish.version,
            terms=wish.terms,
            available_from=available_from,
            reason=wish.reason,
            effective_at=now,
        ),
    )


def retire(
    plan: Plan | None, *, retired_at: datetime | None, reason: str, now: datetime
) -> tuple[PlanEvent, ...]:
    """Let nobody start on a plan from an instant on (None: now). Quiet when that is so already.

    Refused: "plan-unknown", "reason-malformed"; "retirement-in-the-past"; "plan-retired" where it
        is retired from another instant on.
    """
    known = _known(plan)
    checked_reason(reason)
    if known.retired_at is not None:
        if retired_at == known.retired_at or (retired_at is None and known.retired_at <= now):
            return ()
        raise Refused("plan-retired", f"{known.code} is retired from {known.retired_at} on")
    if retired_at is not None and retired_at < now:
        raise Refused("retirement-in-the-past", f"{retired_at} is over")
    return (
        PlanRetired(plan=known.code, retired_at=retired_at or now, reason=reason, effective_at=now),
    )


def announce_move(
    plan: Plan | None,
    *,
    from_version: int,
    to_version: int,
    on: date,
    reason: str,
    now: datetime,
) -> tuple[PlanEvent, ...]:
    """Say that subscribers move to another version. Quiet when this very move stands.

    on: local day; it must not have begun in any time zone, so that no period that the move
        concerns has begun, or is billed, when it is announced.
    Refused: "plan-unknown", "plan-version-unknown", "reason-malformed", "move-too-soon";
        "move-nowhere"; "move-announced" where another move from there stands; "move-in-a-circle";
        "currency-fixed", "kind-fixed", "timing-fixed", "instalments-fixed": see change_terms.
    """
    known = _known(plan)
    checked_reason(reason)
    old, new = _version(known, from_version), _version(known, to_version)
    if from_version == to_version:
        raise Refused("move-nowhere", f"they are on version {to_version}")
    standing = known.standing(from_version)
    if standing is not None:
        if (standing.to_version, standing.on) == (to_version, on):
            return ()
        words = f"they move to {standing.to_version} on {standing.on}; withdraw that first"
        raise Refused("move-announced", words)
    if on <= (now + _FURTHEST_AHEAD).date():
        raise Refused("move-too-soon", f"{on} has begun somewhere, or is about to")
    # What no subscription could be changed to is not announced.
    check_same_arrangement(old.terms, new.terms)
    check_not_in_instalments(old.terms)
    _check_no_circle(known, from_version, to_version)
    return (
        PlanMoveAnnounced(
            plan=known.code,
            from_version=from_version,
            to_version=to_version,
            on=on,
            reason=reason,
            effective_at=now,
        ),
    )


def withdraw_move(
    plan: Plan | None, *, from_version: int, to_version: int, reason: str, now: datetime
) -> tuple[PlanEvent, ...]:
    """Take an announced move back. Quiet when it was taken back before.

    Whose period has begun since the announced day stays moved.
    Refused: "plan-unknown", "move-unknown", "reason-malformed".
    """
    known = _known(plan)
    checked_reason(reason)
    named = [
        each
        for each in known.moves
        if (each.from_version, each.to_version) == (from_version, to_version)
    ]
    if not named:
        raise Refused("move-unknown", f"nobody moves from {from_version} to {to_version}")
    if named[-1].withdrawn_at is not None:
        return ()
    return (
        PlanMoveWithdrawn(
            plan=known.code,
            from_version=from_version,
            to_version=to_version,
            reason=reason,
            effective_at=now,
        ),
    )


def _known(plan: Plan | None) -> Plan:
    if plan is None:
        raise Refused("plan-unknown", "no version of such a plan is published")
    return plan


def _version(plan: Plan, number: int) -> Version:
    version = plan.version(number)
    if version is None:
        raise Refused("plan-version-unknown", f"{plan.code} has no version {number}")
    return version


def _check_no_circle(plan: Plan, from_version: int, to_version: int) -> None:
    """Moves lead on from one to the next; they must come to an end."""
    reached = to_version
    while (onward := plan.standing(reached)) is not None:
        reached = onward.to_version
        if reached == from_version:
            words = f"{to_version} leads back to {from_version}; withdraw that move first"
            raise Refused("move-in-a-circle", words)
