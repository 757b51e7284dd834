"""What finance asks about customers and money: a statement, what is overdue, what came and went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date

import attrs

from domain.books.accounts import Account, Entry, Role
from domain.recorded import stored_name
from domain.subscription.events import InvoiceIssued
from projections.account_sums import Known

# Whose balance together is what a customer owes; negative where the customer is owed.
OWED = (Role.RECEIVABLE, Role.CREDIT, Role.REFUNDING)
# The first day of each age, in days since the invoice fell due.
AGES = (0, 31, 61, 91)
ISSUED = stored_name(InvoiceIssued)


@attrs.frozen(kw_only=True)
class StatementLine:
    """One entry of a customer's account. minor: positive is owed; balance: afterwards."""

    day: date
    voucher: str
    document: str
    stream: str
    fact: str
    about: str
    currency: str
    minor: int
    balance: int


@attrs.frozen(kw_only=True)
class Statement:
    """A customer's account from one day to another. opening: by currency, before the first day;
    the closing of one statement is the opening of the next. Minor units."""

    opening: dict[str, int]
    lines: tuple[StatementLine, ...]
    closing: dict[str, int]


def statement(
    entries: Iterable[Entry], customer_id: str, known: Known, *, since: date | None = None
) -> Statement:
    """The account of a customer up to a day; by day, and on each in the order of the log."""
    accounts = {Account(role, customer_id) for role in OWED}
    found: list[tuple[date, Entry, str, int]] = []
    for entry in entries:
        day = entry.day(known.cut_off)
        moved: Counter[str] = Counter()
        for line in entry.lines:
            if line.account in accounts:
                moved[line.currency] += line.minor
        found += [(day, entry, code, minor) for code, minor in moved.items() if minor]
    found.sort(key=lambda each: (each[0], each[1].position))
    opening: Counter[str] = Counter()
    lines: list[StatementLine] = []
    balances: Counter[str] = Counter()
    for day, entry, currency, minor in found:
        if day > known.as_of:
            break
        balances[currency] += minor
        if since is not None and day < since:
            opening[currency] += minor
            continue
        lines.append(
            StatementLine(
                day=day,
                voucher=entry.voucher,
                document=entry.document,
                stream=entry.stream,
                fact=entry.fact,
                about=entry.about,
                currency=currency,
                minor=minor,
                balance=balances[currency],
            )
        )
    return Statement(opening=dict(opening), lines=tuple(lines), closing=dict(balances))


@attrs.frozen
class OpenItem:
    """What is left to pay on an invoice, minor units. due: None where it does not count yet."""

    customer_id: str
    currency: str
    minor: int
    due: date | None


@attrs.frozen(kw_only=True)
class Overdue:
    """What a customer owes on invoices that have been due for so long.

    age: the first of its days, one of AGES. minor: minor units.
    """

    customer_id: str
    age: int
    currency: str
    minor: int


def ageing(entries: Iterable[Entry], known: Known) -> tuple[Overdue, ...]:
    """Receivables by customer and age; they add up to the receivables of the trial balance.

    What pays a receivable without naming its invoice lowers the oldest.
    """
    due: dict[tuple[str, str], date] = {}
    open_of: Counter[tuple[str, str, str, str]] = Counter()
    for entry in entries:
        day = entry.day(known.cut_off)
        if day > known.as_of:
            continue
        if entry.fact == ISSUED:
            due[entry.stream, entry.about] = day
        for line in entry.lines:
            if line.account.role is Role.RECEIVABLE:
                open_of[line.account.of, entry.stream, entry.about, line.currency] += line.minor
    items = (
        OpenItem(customer_id, currency, minor, due.get((stream, about)))
        for (customer_id, stream, about, currency), minor in open_of.items()
    )
    return by_age(items, known.as_of)


def by_age(items: Iterable[OpenItem], as_of: date) -> tuple[Overdue, ...]:
    """What is open by customer and age; see ageing."""
    found: Counter[tuple[str, int, str]] = Counter()
    for each in items:
        # Money may count from an earlier day than the invoice that it is for.
        days = 0 if each.due is None else (as_of - each.due).days
        age = max(age for age in AGES if age <= days)
        found[each.customer_id, age, each.currency] += each.minor
    return tuple(
        Overdue(customer_id=customer_id, age=age, currency=currency, minor=minor)
        for (customer_id, age, currency), minor in sorted(_netted(found).items())
        if minor
    )


def _netted(found: Counter[tuple[str, int, str]]) -> Counter[tuple[str, int, str]]:
    """The same sums by customer and currency, no age below nothing unless all of it is."""
    netted = Counter(found)
    for (customer_id, age, currency), minor in found.items():
        for older in sorted(AGES, reverse=True):
            taken = min(-minor, netted[customer_id, older, currency])
            if taken > 0:
                netted[customer_id, older, currency] -= taken
                netted[customer_id, age, currency] += taken
                minor += taken
    return netted


@attrs.frozen(kw_only=True)
class Cash:
    """What came (positive) or went at a provider's account in a month, by fact. Minor units.

    fact: the stored name; of settlements with what it was, e.g. "settlement-read.v1: fees".
    """

    first: date
    account: str
    fact: str
    currency: str
    minor: int


# Where money goes from a provider's account, and its name in the report.
_ONWARD = {Role.FEES: "fees", Role.BANK: "payout"}
AT_PROVIDERS = (Role.CLEARING, *_ONWARD)
# By first day of a month, account, fact and currency: minor units.
CashSums = Counter[tuple[date, str, str, str]]


def cash(entries: Iterable[Entry], known: Known) -> tuple[Cash, ...]:
    """Money at providers, by month; it adds up to the clearing accounts of the trial balance."""
    found: CashSums = Counter()
    for entry in entries:
        day = entry.day(known.cut_off)
        if day > known.as_of:
            continue
        for line in entry.lines:
            for fact, minor in at_provider(line.account.role, entry.fact, line.minor):
                found[day.replace(day=1), line.account.of, fact, line.currency] += minor
    return cash_lines(found)


def at_provider(role: Role, fact: str, minor: int) -> Iterator[tuple[str, int]]:
    """(fact, minor units) of what a line moves there, lines of other roles nothing.

    What goes on from there to fees and to the bank is told apart, by a name of its own.
    """
    if role in _ONWARD:
        yield f"{fact}: {_ONWARD[role]}", -minor
    if role in AT_PROVIDERS:
        yield fact, minor


def cash_lines(found: CashSums) -> tuple[Cash, ...]:
    """In order of time, without what comes to nothing."""
    return tuple(
        Cash(first=first, account=account, fact=fact, currency=currency, minor=minor)
        for (first, account, fact, currency), minor in sorted(found.items())
        if minor
    )
