"""The facts of settlements. Stored names and fields are for ever.

A settlement has a stream of its own: its lines, then the head that says they are all there. Lines
that no head follows count for nothing, so a settlement that was half written does not exist. What
people say about an account's exceptions is in a stream of the account.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

import attrs

from domain.money import Money
from domain.providers import Provider
from domain.recorded import stored_as
from domain.settlement_ports import SettledTotal, SettlementLine


@stored_as("settlement-lines-read.v1")
@attrs.frozen(kw_only=True)
class SettlementLinesRead:
    """Some of the lines of a version of a settlement, at most 500.

    version: that they are of. first: the place of the first of them, from 1; 1 begins anew.
    """

    settlement_id: str
    version: int
    first: int
    lines: tuple[SettlementLine, ...]
    effective_at: datetime


@stored_as("settlement-read.v1")
@attrs.frozen(kw_only=True)
class SettlementRead:
    """A version of a settlement was read; the lines of it are those before this fact.

    settlement_id: the provider's; of PayPal a day, e.g. "2025-01-31".
    version: from 1; a later one replaces those before.
    source: "api", or "file:NAME". sha256: hex, of lines and totals, whatever their order.
    settled_on: the provider's day of it. paid: False while the payout is postponed.
    totals: one a currency; the lines come to them. lines: how many there are.
    effective_at: noon UTC of settled_on, or when it was read if that was before.
    """

    provider: Provider
    account: str
    settlement_id: str
    version: int
    source: str
    sha256: str
    settled_on: date
    paid: bool
    totals: tuple[SettledTotal, ...]
    lines: int
    effective_at: datetime


@stored_as("exception-assigned.v1")
@attrs.frozen(kw_only=True)
class ExceptionAssigned:
    """Somebody is to look after an exception; a later one takes it over.

    exception_id: derives from what it is about. owner: a name of the merchant's own.
    """

    exception_id: str
    owner: str
    reason: str
    effective_at: datetime


class Decision(Enum):
    """What a person makes of an exception.

    EXPLAINED: nothing is to be posted; the evidence says why. COST: the difference is the
    merchant's, and is posted to the provider's fees.
    """

    EXPLAINED = "EXPLAINED"
    COST = "COST"


@stored_as("exception-decided.v1")
@attrs.frozen(kw_only=True)
class ExceptionDecided:
    """A person decided about an exception, once.

    evidence: what it rests on, e.g. a ticket of the provider's.
    provider, account: whose money. difference: what our books have there above the provider's
        lines; zero where nothing is posted.
    """

    exception_id: str
    decision: Decision
    evidence: str
    reason: str
    provider: Provider
    account: str
    difference: Money
    effective_at: datetime


@stored_as("match-confirmed.v1")
@attrs.frozen(kw_only=True)
class MatchConfirmed:
    """A person says that a line is about a charge, a refund or a reversal of ours.

    line_id: derives from what the line says. movement: "charge <id>", "refund <id>", "reversal
        <charge's id>/<number>".
    """

    line_id: str
    movement: str
    reason: str
    effective_at: datetime


SettlementEvent = SettlementLinesRead | SettlementRead
ReconciliationEvent = ExceptionAssigned | ExceptionDecided | MatchConfirmed
