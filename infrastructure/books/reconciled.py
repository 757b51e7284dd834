"""A reconciliation as it is answered to programs: the same by the API and the command line."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs

from domain.settlements.accounts import Listed
from domain.settlements.state import Statement
from projections.reconciliation import Reported


def answer_of(found: Reported) -> dict[str, Any]:
    """For programs: volumes, exceptions, proposals. Matches are counted."""
    comparison = found.comparison
    return {
        "as_of": found.as_of,
        "position": found.position,
        "complete": comparison.complete,
        "unexplained": len(found.unexplained),
        "matches": dict(Counter(each.how.value for each in comparison.matches)),
        "volumes": {code: attrs.asdict(each) for code, each in comparison.volumes.items()},
        "exceptions": [row_of(found, each) for each in comparison.listed],
        "proposals": [
            {
                "exception_id": each.exception_id,
                "line_id": each.line.line_id,
                "movements": [movement.key for movement in each.movements],
            }
            for each in comparison.proposals
        ],
    }


def row_of(found: Reported, each: Listed) -> dict[str, Any]:
    """One exception with owner, age, decision and evidence."""
    decided = found.decisions.get(each.exception_id)
    movement = each.movement
    return {
        "exception_id": each.exception_id,
        "code": each.code.value,
        "account": each.place,
        "difference_minor": each.difference.minor,
        "currency": each.difference.currency,
        "since": each.since,
        "age_days": each.age_days,
        "owner": found.owners.get(each.exception_id, ""),
        "decision": "" if decided is None else decided.decision.value,
        "evidence": "" if decided is None else decided.evidence,
        "ours": "" if movement is None else movement.key,
        "subscription": "" if movement is None else movement.subscription_id,
        "reference": reference_of(each),
        "lines": " ".join(line.line_id for line in each.lines),
        "settlements": " ".join(sorted({line.settlement_id for line in each.lines})),
        "words": each.words,
    }


def reference_of(each: Listed) -> str:
    """Under which name to look for it."""
    if each.movement is not None:
        return each.movement.reference
    line = each.lines[0].line
    return line.reference or line.provider_ref or line.charge_ref


def settlement_of(each: Statement) -> dict[str, Any]:
    """A settlement's latest version for programs, without its lines and whose it is."""
    return {
        "settlement_id": each.settlement_id,
        "version": each.version,
        "settled_on": each.settled_on,
        "paid": each.paid,
        "lines": len(each.lines),
        "source": each.source,
        "sha256": each.sha256,
        "totals": each.totals,
    }
