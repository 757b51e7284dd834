"""The plans of a rehearsal: published before anybody signs up, its moves announced with them.

A file of plans is a CSV with the columns of a customer file that say terms, and three of its own:
plan_version, from 1; available_from, an ISO date (UTC; empty: at once); moved_on, the local day on
which those on the version before move to this one (empty: they stay).
"""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import attrs

from domain.catalogue.publishing import Publish
from domain.plan import Terms
from domain.refusals import Refused
from infrastructure.commands.customer_line import read_terms
from infrastructure.commands.customer_terms import PlanFiles
from infrastructure.commands.plans import Plans

REASON = "as the file of plans has it"


@attrs.frozen(kw_only=True)
class PlanLine:
    """One version. moved_on: see the module."""

    terms: Terms
    available_from: datetime | None
    moved_on: date | None


def read_plans(path: Path) -> list[PlanLine]:
    """The versions of a file. Raises: OSError; Refused for the first line that is wrong."""
    with path.open(encoding="utf-8-sig", newline="") as text:
        files = PlanFiles(path.parent)
        return [_line(values, files) for values in csv.DictReader(text)]


def _line(values: dict[str, str], files: PlanFiles) -> PlanLine:
    terms, problems = read_terms(values, files)
    for code, reason in problems:
        raise Refused(code, f"{values.get('plan')}: {reason}")
    assert terms is not None, "without a problem there are terms"
    available_from, moved_on = (_day(values.get(name)) for name in ("available_from", "moved_on"))
    instant = None
    if available_from is not None:
        instant = datetime(
            available_from.year, available_from.month, available_from.day, tzinfo=UTC
        )
    return PlanLine(terms=terms, available_from=instant, moved_on=moved_on)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused("date-malformed", f"{text!r} is not an ISO date") from None


def publish_all(plans: Plans, lines: list[PlanLine], *, now: datetime) -> Counter[str]:
    """Publish every version and announce every move; how many. Raises: Refused.

    now: the beginning of the part that is played, UTC. A version from before that is available at
    once, and a move of before is left out: the new version is the one that is sold.
    """
    done: Counter[str] = Counter()
    for line in lines:
        code, number = line.terms.plan, line.terms.plan_version
        later = line.available_from is not None and line.available_from > now
        plans.publish(
            Publish(
                plan=code,
                version=number,
                terms=line.terms,
                reason=REASON,
                available_from=line.available_from if later else None,
            )
        )
        done["versions"] += 1
    for line in lines:
        if line.moved_on is None:
            continue
        number = line.terms.plan_version
        try:
            plans.announce_move(
                line.terms.plan,
                from_version=number - 1,
                to_version=number,
                on=line.moved_on,
                reason=REASON,
            )
        except Refused as refused:
            if refused.code != "move-too-soon":
                raise
        else:
            done["moves"] += 1
    return done
