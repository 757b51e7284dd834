"""What a subscription that names a plan agrees to."""

from __future__ import annotations

from datetime import date, datetime

import attrs

from domain.calendar import start_of_day
from domain.catalogue.state import Plan, Version
from domain.plan import Terms
from domain.refusals import Refused

# What facts name as their cause where terms were taken from the catalogue, none being given: the
# audit holds such terms against the published version.
BY_PLAN = "-by-plan"


@attrs.frozen(kw_only=True)
class Choice:
    """The plan that a caller names. version: None: the one available. quantity: None: as
    published."""

    plan: str
    version: int | None = None
    quantity: int | None = None


def version_at(plan: Plan, moment: datetime) -> Version | None:
    """The version that is available at an instant (UTC): the latest of those that are."""
    available = [each for each in plan.versions if each.available_from <= moment]
    return available[-1] if available else None


def destination(plan: Plan, version: int, day: date, instant: datetime) -> int:
    """The version that subscribers on a version are moved to by the time a period begins.

    day, instant: when it begins: local day, and UTC. Moves lead on from one to the next.
    """
    for _ in plan.moves:
        onward = [
            each for each in plan.moves if each.from_version == version and each.holds(day, instant)
        ]
        if not onward:
            break
        version = onward[-1].to_version
    return version


def offered(plan: Plan | None, choice: Choice, *, start: date, zone: str, now: datetime) -> Terms:
    """The terms that a subscription agrees to which names a plan and starts on a local day.

    Where everybody is moved away from the available version by that day, it is the version that
    they are moved to.
    Refused: "plan-unknown", "plan-retired", "plan-not-available", "plan-version-unknown",
        "plan-version-not-available", "plan-version-moved".
    """
    if plan is None:
        raise Refused("plan-unknown", f"no version of {choice.plan[:64]} is published")
    if plan.retired_at is not None and plan.retired_at <= now:
        raise Refused("plan-retired", f"{plan.code} is retired from {plan.retired_at} on")
    version = _chosen(plan, choice, now)
    number = destination(plan, version.number, start, start_of_day(start, zone))
    if number != version.number and choice.version is not None:
        words = f"subscribers on version {version.number} of {plan.code} have moved to {number}"
        raise Refused("plan-version-moved", words)
    terms = plan.versions[number - 1].terms
    if choice.quantity is None:
        return terms
    return attrs.evolve(terms, quantity=choice.quantity)


def version_named(plan: Plan | None, choice: Choice, *, now: datetime) -> Version:
    """The published version that is named, or that the plan's name means; nobody starts on it,
    so it may be one that is still to come, and the plan may be retired.

    Refused: "plan-unknown", "plan-not-available", "plan-version-unknown".
    """
    if plan is None:
        raise Refused("plan-unknown", f"no version of {choice.plan[:64]} is published")
    if choice.version is None:
        current = version_at(plan, now)
        if current is None:
            raise Refused("plan-not-available", f"no version of {plan.code} is available yet")
        return current
    named = plan.version(choice.version)
    if named is None:
        raise Refused("plan-version-unknown", f"{plan.code} has no version {choice.version}")
    return named


def _chosen(plan: Plan, choice: Choice, now: datetime) -> Version:
    named = version_named(plan, choice, now=now)
    if named.available_from > now:
        words = f"version {named.number} of {plan.code} is from {named.available_from} on"
        raise Refused("plan-version-not-available", words)
    return named


def is_on(terms: Terms, version: Version) -> bool:
    """Whether terms are those of a version, in whatever quantity.

    The trial is left out: it stays a subscription's own when terms change. Who agreed to a price
    or a rule of their own is on no version, whatever plan their terms name.
    """
    return terms == attrs.evolve(version.terms, quantity=terms.quantity, trial=terms.trial)
