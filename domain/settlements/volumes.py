"""How much money was compared: what went in, and what came out, counted by different means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from domain.settlements.accounts import (
    How,
    Listed,
    Match,
    Movement,
    Standing,
    Theirs,
    Volume,
)


def volumes(
    theirs: Iterable[Theirs],
    ours: Iterable[Movement],
    matches: Iterable[Match],
    listed: Iterable[Listed],
) -> dict[str, Volume]:
    """Each currency's volume. A line or movement about which several things are said counts once;
    one of ours that is matched and listed besides counts as matched."""
    found: dict[str, Volume] = defaultdict(Volume)
    for each in theirs:
        found[each.line.amount.currency].theirs += abs(each.line.amount.minor)
    for movement in ours:
        if movement.standing is Standing.MOVED:
            found[movement.amount.currency].ours += abs(movement.amount.minor)
    told: set[str] = set()
    for match in matches:
        for each in match.lines:
            found[each.line.amount.currency].theirs_matched += abs(each.line.amount.minor)
        if match.how is not How.WITH_ITS_MOVEMENT and _new(match.movement, told):
            assert match.movement is not None
            amount = match.movement.amount
            found[amount.currency].ours_matched += abs(amount.minor)
    for one in listed:
        for each in one.lines:
            found[each.line.amount.currency].theirs_listed += abs(each.line.amount.minor)
        if _new(one.movement, told):
            assert one.movement is not None
            amount = one.movement.amount
            found[amount.currency].ours_listed += abs(amount.minor)
    return dict(sorted(found.items()))


def _new(movement: Movement | None, told: set[str]) -> bool:
    """Whether it has moved money of ours that is not counted yet."""
    if movement is None or movement.standing is not Standing.MOVED or movement.key in told:
        return False
    told.add(movement.key)
    return True
