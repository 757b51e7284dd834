"""What settlements post, and what people decide about them.

fact                    debit                          credit
SettlementRead          fees: its fees                 clearing
                        bank: its payouts, once paid   clearing
  a later version       the difference to the one before
SettlementLinesRead     nothing: its head posts
ExceptionDecided COST   fees: what our books have      clearing
                        above the provider's
                EXPLAINED  nothing

Captures, refunds and chargebacks of a settlement post nothing: charges, refunds and reversals did,
and what of them the provider has otherwise is an exception of the reconciliation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from domain.books.accounts import Account, Line, Posting, Role, posted
from domain.settlements.events import (
    ExceptionAssigned,
    ExceptionDecided,
    MatchConfirmed,
    ReconciliationEvent,
    SettlementEvent,
    SettlementLinesRead,
    SettlementRead,
)


@attrs.define
class SettlementStanding:
    """One settlement as its books see it: what its versions posted, minor units by role and
    currency. Changed in place by `take`."""

    posted: Counter[tuple[Role, str]] = attrs.field(factory=Counter)

    @classmethod
    def begun(cls, _: SettlementEvent) -> SettlementStanding:
        """Before anything was posted."""
        return cls()

    def take(self, event: SettlementEvent) -> None:
        """One more fact."""
        if isinstance(event, SettlementRead):
            self.posted = moved(event)


class Undecided:
    """The stream of an account's exceptions: what it posts does not depend on what it did."""

    @classmethod
    def begun(cls, _: ReconciliationEvent) -> Undecided:
        """The same before and after."""
        return cls()

    def take(self, event: ReconciliationEvent) -> None:
        """Nothing is kept."""


def moved(event: SettlementRead) -> Counter[tuple[Role, str]]:
    """What a version takes from clearing, minor units by where it goes and currency."""
    found: Counter[tuple[Role, str]] = Counter()
    for total in event.totals:
        found[Role.FEES, total.fees.currency] += total.fees.minor
        if event.paid:
            found[Role.BANK, total.payout.currency] += total.payout.minor
    return found


def _read(standing: SettlementStanding, event: SettlementRead) -> Posting:
    now, before = moved(event), standing.posted
    place = f"{event.provider.value}/{event.account}"
    lines: list[Line] = []
    for role, currency in sorted({*now, *before}, key=lambda each: (each[0].value, each[1])):
        lines += _from_clearing(role, place, now[role, currency] - before[role, currency], currency)
    return posted(lines)


def _decided(_: Undecided, event: ExceptionDecided) -> Posting:
    place, money = f"{event.provider.value}/{event.account}", event.difference
    return posted(_from_clearing(Role.FEES, place, money.minor, money.currency))


def _from_clearing(role: Role, place: str, minor: int, currency: str) -> Iterator[Line]:
    yield Line(Account(role, place), minor, currency)
    yield Line(Account(Role.CLEARING, place), -minor, currency)


SETTLED: Mapping[type, Callable[[Any, Any], Posting]] = {
    SettlementRead: _read,
    ExceptionDecided: _decided,
}
NOTHING_SETTLED: Mapping[type, str] = {
    SettlementLinesRead: "its head posts what its totals say",
}
# The facts that such streams begin with, and how.
BEGINNINGS: Mapping[type, Callable[[Any], Any]] = {
    SettlementLinesRead: SettlementStanding.begun,
    SettlementRead: SettlementStanding.begun,
    ExceptionAssigned: Undecided.begun,
    ExceptionDecided: Undecided.begun,
    MatchConfirmed: Undecided.begun,
}
