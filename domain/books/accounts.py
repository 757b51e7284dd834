"""Accounts and entries: debits are positive, credits negative, and every entry comes to nothing.

An account here is a role and what it is about; which number it has in the merchant's own chart is
chart.py's concern, so that no posting ever depends on a setting.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from enum import Enum
from zoneinfo import ZoneInfo

import attrs

from domain.books.recognition import Recognition


class Role(Enum):
    """What an account is for, and what Account.of names.

    role              of                     holds
    RECEIVABLE        customer               what is owed on invoices
    CLEARING          provider/account       captured and not paid out yet
    BANK              provider/account       paid out by the provider
    CREDIT            customer               what the customer has in hand
    REFUNDING         customer               taken of credit, on its way back
    DEFERRED          product|tax class      billed and not served; negative of that: served first
    REVENUE           product|tax class      served
    GOODWILL          product|tax class      given away; lowers revenue
    VAT               tax class              owed to the state
    BAD_DEBT          customer               given up
    FEES              provider/account       what providers keep
    DISPUTED          provider/account       taken back by a provider, not decided
    ROUNDING          currency               less than a minor unit, where sums must meet
    """

    RECEIVABLE = "receivable"
    CLEARING = "clearing"
    BANK = "bank"
    CREDIT = "credit"
    REFUNDING = "refunding"
    DEFERRED = "deferred"
    REVENUE = "revenue"
    GOODWILL = "goodwill"
    VAT = "vat"
    BAD_DEBT = "bad-debt"
    FEES = "fees"
    DISPUTED = "disputed"
    ROUNDING = "rounding"

    # By identity: accounts are hashed for every line, and Enum's own takes a Python call.
    __hash__ = object.__hash__


# The roles whose accounts are customers.
CUSTOMERS = (Role.RECEIVABLE, Role.CREDIT, Role.REFUNDING, Role.BAD_DEBT)


class AccountKind(Enum):
    """On which side of the books an account stands."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"


KIND_OF = {
    Role.RECEIVABLE: AccountKind.ASSET,
    Role.CLEARING: AccountKind.ASSET,
    Role.BANK: AccountKind.ASSET,
    Role.DISPUTED: AccountKind.ASSET,
    Role.CREDIT: AccountKind.LIABILITY,
    Role.REFUNDING: AccountKind.LIABILITY,
    Role.DEFERRED: AccountKind.LIABILITY,
    Role.VAT: AccountKind.LIABILITY,
    Role.REVENUE: AccountKind.INCOME,
    Role.GOODWILL: AccountKind.INCOME,
    Role.BAD_DEBT: AccountKind.EXPENSE,
    Role.FEES: AccountKind.EXPENSE,
    Role.ROUNDING: AccountKind.EXPENSE,
}


@attrs.frozen(order=False)
class Account:
    """See Role."""

    role: Role
    of: str

    def __str__(self) -> str:
        return f"{self.role.value}:{self.of}"


@attrs.frozen
class Line:
    """One side of an entry. minor: minor units; positive is a debit."""

    account: Account
    minor: int
    currency: str


@attrs.frozen(kw_only=True)
class Posting:
    """What a fact does to the books; recognitions: when what it billed is earned."""

    lines: tuple[Line, ...] = ()
    recognitions: tuple[Recognition, ...] = ()


@attrs.frozen(kw_only=True)
class Entry:
    """A fact's posting, with where it stands in the log.

    voucher: its number, e.g. "2025-000001"; counts the entries of a year, in the order of the log,
        without gaps. document: "I-2025-000001" of an invoice, "C-2025-000001" of a credit note,
        each a series of its own; "" of anything else. Years are those of recorded_at, UTC.
    position, stream, recorded_at: as in Recorded. fact: its stored name. about: the invoice or
        credit that it is about. effective_at: UTC.
    belongs_to: the accounting period of effective_at, e.g. "2025-01", where that was closed when
        the fact was recorded; else "". not_before: then the first local day of the open period
        that took it up; nothing of the entry counts earlier.
    """

    voucher: str
    document: str
    position: int
    stream: str
    fact: str
    about: str
    effective_at: datetime
    recorded_at: datetime
    lines: tuple[Line, ...]
    recognitions: tuple[Recognition, ...]
    belongs_to: str = ""
    not_before: date | None = None

    def day(self, zone: ZoneInfo) -> date:
        """The local day from which its lines count."""
        day = self.effective_at.astimezone(zone).date()
        return day if self.not_before is None else max(day, self.not_before)


class Unbalanced(Exception):
    """A posting rule made lines that do not come to nothing; no books may be made from it."""


def posted(lines: Iterable[Line], recognitions: Iterable[Recognition] = ()) -> Posting:
    """Lines of the same account taken together, those of nothing left out.

    Raises: Unbalanced.
    """
    sums: dict[tuple[Account, str], int] = {}
    left: dict[str, int] = {}
    for line in lines:
        key = line.account, line.currency
        sums[key] = sums.get(key, 0) + line.minor
        left[line.currency] = left.get(line.currency, 0) + line.minor
    if any(left.values()):
        raise Unbalanced(", ".join(f"{minor} {code} too much" for code, minor in left.items()))
    kept = tuple(Line(account, minor, code) for (account, code), minor in sums.items() if minor)
    return Posting(lines=kept, recognitions=tuple(each for each in recognitions if each.minor))
