"""For lines about nothing of ours: movements that may be it. A person confirms one, or none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from datetime import timedelta

from domain.money import Money
from domain.settlement_ports import SettledKind
from domain.settlements.accounts import MOVING, Code, Listed, Movement, Proposal, Standing

PROPOSED_WITHIN = timedelta(days=5)
MOST_PROPOSED = 3


def proposals(
    listed: Iterable[Listed], ours: Iterable[Movement], taken: Container[str]
) -> Iterator[Proposal]:
    """Movements of the same account, kind and amount on days nearby, the nearest first.

    taken: movements that lines are about already.
    """
    free: dict[tuple[str, SettledKind, Money], list[Movement]] = defaultdict(list)
    for movement in ours:
        if movement.key not in taken and movement.standing is not Standing.FAILED:
            free[movement.place, movement.kind, movement.amount].append(movement)
    for one in listed:
        if one.code is not Code.MISSING_OURS or one.lines[0].line.kind not in MOVING:
            continue
        (each,) = one.lines
        line = each.line
        near = sorted(
            (abs(line.on - movement.on), movement.key, movement)
            for movement in free.get((each.place, line.kind, line.amount), ())
            if abs(line.on - movement.on) <= PROPOSED_WITHIN
        )
        if near:
            best = tuple(movement for _, _, movement in near[:MOST_PROPOSED])
            yield Proposal(exception_id=one.exception_id, line=each, movements=best)
