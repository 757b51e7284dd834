"""What a reconciliation compares and what it finds: their lines, our movements, and the list.

    lines + movements -> matches, listed, proposals (matching.py)

Nothing of it is stored: it follows from the facts, at any position, as of any day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import Enum
from fractions import Fraction
from hashlib import sha256

import attrs

from domain.money import Money
from domain.settlement_ports import SettledKind, SettlementLine

# What a line can be that has a movement of ours beside it.
MOVING = (SettledKind.CAPTURE, SettledKind.REFUND, SettledKind.CHARGEBACK)


class Standing(Enum):
    """MOVED: our books have the money moved. OPEN: they do not know yet. FAILED: they say it has
    not moved."""

    MOVED = "moved"
    OPEN = "open"
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class Movement:
    """One movement of money as our books have it.

    key: "charge <id>", "refund <id>" or "reversal <charge's id>/<number>".
    place: "provider/account". reference: ours, which both books use; of a reversal the charge's.
    provider_ref: the provider's id, or "". charge_ref: the provider's id of the charge behind it.
    amount: what moved; where nothing is known to have, what was asked for.
    on: UTC day of the provider's time. subscription_id: whose it is.
    """

    key: str
    kind: SettledKind
    place: str
    reference: str
    provider_ref: str
    charge_ref: str
    amount: Money
    on: date
    standing: Standing
    subscription_id: str


@attrs.frozen(kw_only=True, eq=False)
class Theirs:
    """One line of a settlement's latest version. nth: of those in it that say the same, from 1.

    paid: whether the settlement is. settled_on: its day. seen_on: when it was first read.
    """

    place: str
    settlement_id: str
    settled_on: date
    paid: bool
    seen_on: date
    nth: int
    line: SettlementLine

    @property
    def line_id(self) -> str:
        """Stable however often it is read, in whatever row; other words are another line."""
        line = self.line
        parts = (line.kind.value, line.reference, line.charge_ref, line.provider_ref)
        return short_id("line", self.place, self.settlement_id, *parts, str(self.nth))


class Code(Enum):
    """Why money is listed and not matched.

    MISSING_OURS: they have it, our books have nothing of it.
    MISSING_THEIRS: our books have it, and what they report has passed its day without it.
    AMOUNT: both have it, with different amounts. CURRENCY: in different currencies.
    DUPLICATE: they have it again, and it happened once.
    STATUS: they moved money of which our books say that it has not moved, or do not know yet.
    FEE: a fee of nothing that is matched, or another one than agreed.
    TIMING: our books have it, their report of that day is not here yet; or a payout is postponed.
    STALE: the same for longer than it should take.
    """

    MISSING_OURS = "MISSING_OURS"
    MISSING_THEIRS = "MISSING_THEIRS"
    AMOUNT = "AMOUNT"
    CURRENCY = "CURRENCY"
    DUPLICATE = "DUPLICATE"
    STATUS = "STATUS"
    FEE = "FEE"
    TIMING = "TIMING"
    STALE = "STALE"


class How(Enum):
    """By what a match was made. WITH_ITS_MOVEMENT: the fee of what is matched. TOTAL: a payout,
    which is exactly what its settlement's lines come to. PERSON: somebody confirmed it."""

    REFERENCE = "reference"
    PROVIDER_ID = "provider-id"
    PERSON = "person"
    WITH_ITS_MOVEMENT = "with-its-movement"
    TOTAL = "total"


@attrs.frozen(kw_only=True)
class Match:
    """Lines that come to a movement of ours, to the minor unit. movement: None for a payout."""

    how: How
    lines: tuple[Theirs, ...]
    movement: Movement | None


@attrs.frozen(kw_only=True)
class Listed:
    """Money that is not matched, and why.

    exception_id: derives from what it is about, also from both amounts: where one of them changes
        it is another exception. TIMING and STALE are one, which grows older.
    lines: theirs, or none. movement: ours, or None.
    difference: by how much our books have more than their lines come to, for the merchant's money:
        what a decision posts. since: when it became visible; age_days: from then on.
    """

    exception_id: str
    code: Code
    place: str
    lines: tuple[Theirs, ...]
    movement: Movement | None
    difference: Money
    words: str
    since: date
    age_days: int


@attrs.frozen(kw_only=True)
class Proposal:
    """A line and movements that may be it, the likeliest first. For a person: nothing is matched.

    exception_id: under which the line is listed.
    """

    exception_id: str
    line: Theirs
    movements: tuple[Movement, ...]


@attrs.define
class Volume:
    """Money of one currency, absolute amounts in minor units, each line and movement once."""

    theirs_matched: int = 0
    theirs_listed: int = 0
    ours_matched: int = 0
    ours_listed: int = 0
    theirs: int = 0
    ours: int = 0

    @property
    def complete(self) -> bool:
        """Whether all that went in came out, matched or listed."""
        return (
            self.theirs == self.theirs_matched + self.theirs_listed
            and self.ours == self.ours_matched + self.ours_listed
        )


@attrs.frozen(kw_only=True)
class Comparison:
    """All of it. volumes: by currency."""

    matches: tuple[Match, ...]
    listed: tuple[Listed, ...]
    proposals: tuple[Proposal, ...]
    volumes: Mapping[str, Volume]

    @property
    def complete(self) -> bool:
        """Whether the whole volume is matched or listed."""
        return all(each.complete for each in self.volumes.values())


@attrs.frozen(kw_only=True)
class Tariff:
    """What a provider takes of a capture, as agreed. percent: 3.49 is 349/100. fixed: minor units
    by currency."""

    percent: Fraction
    fixed: Mapping[str, int]


def short_id(*parts: str) -> str:
    """Sixteen hex digits that derive from words; the same words, the same id."""
    return sha256("\x1f".join(parts).encode()).hexdigest()[:16]
