"""What the books come to by the end of a period: what a seal is made of, and is checked by."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256

from domain.books.accounts import Account, Entry, Line, Role
from domain.calendar import zone_named
from domain.periods.closing import Sealed
from domain.periods.events import PeriodTotal
from domain.periods.months import period_of
from projections.account_sums import Sums
from projections.waterfall import by_month


class PeriodSums:
    """Adds entries up by the period in which they count.

    zone: IANA name of the time zone in which days end. Memory grows with the accounts that move in
    each period that was not settled.
    """

    def __init__(self, zone: str) -> None:
        self._zone = zone_named(zone)
        self._settled: Sums = Counter()
        self._moved: dict[str, Sums] = defaultdict(Counter)
        self._debits: dict[str, Counter[tuple[Role, str]]] = defaultdict(Counter)
        self._credits: dict[str, Counter[tuple[Role, str]]] = defaultdict(Counter)
        self._entries: Counter[str] = Counter()

    def take(self, entry: Entry) -> None:
        """One more entry of the journal."""
        period = period_of(entry.day(self._zone))
        self._entries[period] += 1
        self._move(period, entry.lines)
        for each in entry.recognitions:
            for (first, revenue, currency), minor in by_month(each).items():
                lines = (
                    Line(Account(Role.DEFERRED, revenue), minor, currency),
                    Line(Account(Role.REVENUE, revenue), -minor, currency),
                )
                self._move(period_of(first), lines)

    def _move(self, period: str, lines: Iterable[Line]) -> None:
        for line in lines:
            key = line.account.role, line.currency
            self._moved[period][line.account, line.currency] += line.minor
            if line.minor > 0:
                self._debits[period][key] += line.minor
            else:
                self._credits[period][key] -= line.minor

    def settle_before(self, period: str) -> None:
        """No period before this one will be sealed any more: their movements are kept as one."""
        for each in [each for each in self._moved if each < period]:
            self._settled.update(self._moved.pop(each))

    def seal(self, period: str) -> Sealed:
        """What a period comes to, of the entries so far."""
        opening: Counter[tuple[Role, str]] = Counter()
        for each in self._debits.keys() | self._credits.keys():
            if each < period:
                opening.update(self._debits[each])
                opening.subtract(self._credits[each])
        debits, credits = self._debits[period], self._credits[period]
        keys = opening.keys() | debits.keys() | credits.keys()
        totals = tuple(
            PeriodTotal(
                role=role.value,
                currency=currency,
                opening=opening[role, currency],
                debits=debits[role, currency],
                credits=credits[role, currency],
                closing=opening[role, currency] + debits[role, currency] - credits[role, currency],
            )
            for role, currency in sorted(keys, key=lambda key: (key[0].value, key[1]))
            if opening[role, currency] or debits[role, currency] or credits[role, currency]
        )
        balances: Sums = Counter(self._settled)
        for each, moved in self._moved.items():
            if each <= period:
                balances.update(moved)
        return Sealed(totals=totals, entries=self._entries[period], digest=digest_of(balances))


def canonical(balances: Mapping[tuple[Account, str], int]) -> str:
    """Every account that has a balance, as lines of "role:of currency minor", sorted."""
    lines = sorted(
        f"{account} {currency} {minor}\n"
        for (account, currency), minor in balances.items()
        if minor
    )
    return "".join(lines)


def digest_of(balances: Mapping[tuple[Account, str], int]) -> str:
    """SHA-256 of that text in UTF-8, hex."""
    return sha256(canonical(balances).encode()).hexdigest()
