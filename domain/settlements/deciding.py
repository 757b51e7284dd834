"""What people say about exceptions: who looks after one, what it is, which line is which charge."""

from __future__ import annotations

import re
from datetime import datetime

from domain.identity import checked_id
from domain.money import Money
from domain.providers import Provider
from domain.refusals import Refused
from domain.settlement_ports import SettledKind
from domain.settlements.accounts import MOVING, Code, Listed, Movement, Theirs
from domain.settlements.events import (
    Decision,
    ExceptionAssigned,
    ExceptionDecided,
    MatchConfirmed,
    ReconciliationEvent,
)
from domain.settlements.state import Said
from domain.subscription.wording import checked_reason

_EVIDENCE = re.compile(r"[ -~]{1,200}")
# What is ours and theirs at once has no one difference that could be posted.
_NOT_A_COST = frozenset({Code.CURRENCY, Code.TIMING})


def assign(
    said: Said, one: Listed, *, owner: str, reason: str, now: datetime
) -> tuple[ReconciliationEvent, ...]:
    """Have somebody look after an exception. Quiet where it is theirs already.

    Refused: "id-malformed", "reason-malformed".
    """
    checked_id("owner", owner)
    if said.owners.get(one.exception_id) == owner:
        return ()
    return (
        ExceptionAssigned(
            exception_id=one.exception_id,
            owner=owner,
            reason=checked_reason(reason),
            effective_at=now,
        ),
    )


def decide(
    said: Said,
    one: Listed,
    decision: Decision,
    *,
    evidence: str,
    reason: str,
    now: datetime,
) -> tuple[ReconciliationEvent, ...]:
    """Say what an exception is. Quiet where that was said of it.

    Refused: "exception-decided" where something else was said; "exception-not-a-cost" where no
        one amount can be posted; "evidence-malformed", "reason-malformed".
    """
    before = said.decisions.get(one.exception_id)
    if before is not None:
        if before.decision is decision:
            return ()
        words = f"{one.exception_id} was decided as {before.decision.value.lower()}"
        raise Refused("exception-decided", words)
    if decision is Decision.COST and (one.code in _NOT_A_COST or not one.difference.minor):
        raise Refused("exception-not-a-cost", f"{one.code.value} is no amount that was lost")
    kinds = {each.line.kind for each in one.lines}
    if decision is Decision.COST and kinds & {SettledKind.FEE, SettledKind.PAYOUT}:
        raise Refused("exception-not-a-cost", "fees and payouts are posted when they are read")
    if not _EVIDENCE.fullmatch(evidence):
        raise Refused("evidence-malformed", "evidence is 1-200 printable characters of ASCII")
    provider, _, account = one.place.partition("/")
    posts = decision is Decision.COST
    return (
        ExceptionDecided(
            exception_id=one.exception_id,
            decision=decision,
            evidence=evidence,
            reason=checked_reason(reason),
            provider=Provider(provider),
            account=account,
            difference=one.difference if posts else Money(0, one.difference.currency),
            effective_at=now,
        ),
    )


def confirm(
    said: Said, line: Theirs, movement: Movement, *, reason: str, now: datetime
) -> tuple[ReconciliationEvent, ...]:
    """Say that a line is about a movement. Quiet where that was said of it.

    Refused: "line-confirmed" where it was said to be about another; "match-wrong" where they
        cannot be one: another account or kind; "reason-malformed".
    """
    before = said.confirmed.get(line.line_id)
    if before == movement.key:
        return ()
    if before is not None:
        raise Refused("line-confirmed", f"{line.line_id} was said to be {before}")
    if line.line.kind not in MOVING or (line.place, line.line.kind) != (
        movement.place,
        movement.kind,
    ):
        words = f"a {line.line.kind.value.lower()} of {line.place} is no {movement.key}"
        raise Refused("match-wrong", words)
    return (
        MatchConfirmed(
            line_id=line.line_id,
            movement=movement.key,
            reason=checked_reason(reason),
            effective_at=now,
        ),
    )
