"""What another retry schedule makes of a history; how it is found: what_if_retries.py."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

import attrs

from domain.money import Money
from domain.plan import DunningEnd


class Outcome(Enum):
    """What became of a try: NOT_KNOWN where none was made on that day; OPEN: no outcome yet;
    AHEAD: it lies behind the last fact."""

    PAID = "PAID"
    DECLINED = "DECLINED"
    OPEN = "OPEN"
    NOT_KNOWN = "NOT_KNOWN"
    AHEAD = "AHEAD"


class Standing(Enum):
    """An invoice under the other schedule.

    SAME: collected, or not, as it was. AT_THE_LATEST: collected for certain, when it was or
    earlier. LATER: not when it was, but perhaps later. NOT_KNOWN: perhaps earlier, later, or not
    at all. PERHAPS: it was not collected, and perhaps would be. NEVER: it was, and would not be.
    """

    SAME = "SAME"
    AT_THE_LATEST = "AT_THE_LATEST"
    LATER = "LATER"
    NOT_KNOWN = "NOT_KNOWN"
    PERHAPS = "PERHAPS"
    NEVER = "NEVER"


@attrs.frozen(kw_only=True)
class Try:
    """A charge under the other schedule. on: local day. code: of a decline, or "".

    backup: by the second method.
    """

    on: date
    at: datetime
    outcome: Outcome
    code: str = ""
    backup: bool = False


@attrs.frozen(kw_only=True)
class Stop:
    """What follows when the retries of an invoice are used up, and did not follow then in reality.

    at: UTC. certain: whether it follows even if every charge that is not known is paid.
    until: when what was owed was paid all the same; None: it was not.
    """

    invoice_number: int
    end: DunningEnd
    at: datetime
    certain: bool
    until: datetime | None


@attrs.frozen(kw_only=True)
class InvoiceRetried:
    """One invoice. was: what charges collected of it; paid_on: the local days of that.

    certain, later, unknown, lost: parts of `was`, minor units; perhaps: what was not collected and
    may be. stop: see Stop; stopped_by: the invoice whose stop takes its money, or None.
    """

    invoice_number: int
    due_on: date
    was: Money
    paid_on: tuple[date, ...]
    tries: tuple[Try, ...]
    standing: Standing
    certain: int
    later: int
    unknown: int
    lost: int
    perhaps: int
    stop: Stop | None
    stopped_by: int | None

    @property
    def least(self) -> int:
        """What is collected at least, minor units."""
        return self.certain

    @property
    def most(self) -> int:
        """What is collected at most, minor units."""
        return self.certain + self.later + self.unknown + self.perhaps


@attrs.frozen(kw_only=True)
class Retried:
    """A subscription under another retry schedule, minor units of `currency`."""

    currency: str
    invoices: tuple[InvoiceRetried, ...]

    def total(self, name: str) -> int:
        """The sum of a figure over all invoices: "certain", "least", ..."""
        return sum(getattr(each, name) for each in self.invoices)

    @property
    def was(self) -> int:
        """What charges collected."""
        return sum(each.was.minor for each in self.invoices)

    @property
    def differs(self) -> bool:
        """Whether any charge would have been another one."""
        return any(each.standing is not Standing.SAME for each in self.invoices)
