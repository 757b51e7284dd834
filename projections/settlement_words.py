"""Facts of settlements and of their exceptions in plain sentences."""

from __future__ import annotations

from typing import assert_never

from domain.money import Money
from domain.settlements.events import (
    Decision,
    ExceptionAssigned,
    ExceptionDecided,
    MatchConfirmed,
    ReconciliationEvent,
    SettlementEvent,
    SettlementLinesRead,
    SettlementRead,
)


def words_of_settlement(event: SettlementEvent | ReconciliationEvent) -> str:
    """What happened, for people."""
    match event:
        case SettlementLinesRead(first=first, lines=lines, version=version):
            last = first + len(lines) - 1
            return f"Lines {first} to {last} of version {version} were read."
        case SettlementRead():
            return _read(event)
        case ExceptionAssigned(exception_id=exception_id, owner=owner, reason=reason):
            return f"{owner} looks after {exception_id}: {reason}."
        case ExceptionDecided():
            return _decided(event)
        case MatchConfirmed(line_id=line_id, movement=movement, reason=reason):
            return f"Line {line_id} is {movement}: {reason}."
        case _:
            assert_never(event)


def _read(event: SettlementRead) -> str:
    sums = "; ".join(
        f"{total.captured} came, {total.refunded} went back, {total.fees} was kept,"
        f" {total.payout} {'was paid out' if event.paid else 'is to be paid out'}"
        + (
            f", {_more(total.balance_change, total.payout.currency)}"
            if total.balance_change
            else ""
        )
        for total in event.totals
    )
    how = "over the API" if event.source == "api" else f"from {event.source.partition(':')[2]}"
    lines = f"{event.lines} lines" if event.lines != 1 else "1 line"
    return f"Version {event.version} was read {how}, {lines}: {sums or 'nothing moved'}."


def _more(minor: int, currency: str) -> str:
    more = Money(abs(minor), currency)
    return f"{more} {'more' if minor > 0 else 'less'} lies there"


def _decided(event: ExceptionDecided) -> str:
    what = (
        f"cost the merchant {event.difference}"
        if event.decision is Decision.COST
        else "is explained"
    )
    return f"{event.exception_id} {what}, by {event.evidence}: {event.reason}."
