"""What a SAF-T file tells before its first transaction: balances, customers, totals.

One reading of the journal. Memory grows with accounts and customers, not with transactions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta

import attrs

from domain.books.accounts import Entry
from domain.books.chart import Chart, ChartAccount
from domain.currencies import minor_digits
from domain.refusals import Refused
from infrastructure.exports.short_ids import shortened
from infrastructure.exports.source import Tally, Wanted, chosen, of_currency
from projections.account_sums import Known, Sums, sums
from projections.statements import OWED

# What the schema's SAFmonetaryType has room for, and the years of its PeriodYear.
MOST_DECIMALS = 2
YEARS = range(1970, 2101)
# Of a file of nothing.
DEFAULT_CURRENCY = "NOK"


@attrs.define
class Balance:
    """What an account stood at before the first day, and at the end of the last. Minor units."""

    opening: int = 0
    closing: int = 0


@attrs.define
class Survey:
    """One currency's file. accounts: by number. customers: by id, then by account number.

    tally: of its transactions. short: the ids that had to be shortened, by what they became.
    others: the currencies that are in the books and not in this file.
    """

    currency: str
    accounts: defaultdict[str, Balance] = attrs.field(factory=lambda: defaultdict(Balance))
    customers: defaultdict[str, defaultdict[str, Balance]] = attrs.field(
        factory=lambda: defaultdict(lambda: defaultdict(Balance))
    )
    tally: Tally = attrs.field(factory=Tally)
    short: dict[str, str] = attrs.field(factory=dict)
    others: tuple[str, ...] = ()

    def add(self, account: ChartAccount, of: str, minor: int, *, before: bool) -> None:
        """One more amount. before: it counts from before the first day."""
        found = [self.accounts[account.number]]
        if account.role in OWED:
            found.append(self.customers[of][account.number])
        for each in found:
            each.opening += minor if before else 0
            each.closing += minor


def survey(entries: Iterable[Entry], wanted: Wanted, chart: Chart) -> Survey:
    """Read the journal once. wanted.since: the first day.

    Refused: "currencies-several" where none is wanted and there are; "period-malformed";
        "money-needs-decimals"; "account-unmapped"; "ids-collide".
    """
    first, last = wanted.since, wanted.known.as_of
    if first is None or not (first <= last and first.year in YEARS and last.year in YEARS):
        raise Refused("period-malformed", f"{first} to {last} is no period from 1970 to 2100")
    surveys: dict[str, Survey] = {}

    def of(currency: str) -> Survey:
        if currency not in surveys:
            surveys[currency] = Survey(currency)
        return surveys[currency]

    before = Known(as_of=first - timedelta(days=1), zone=wanted.known.zone)
    openings: Sums = Counter()
    for each in chosen(
        _noted(entries, openings, before), attrs.evolve(wanted, currency=None), chart
    ):
        for currency in {line.currency for line in each.lines}:
            part = of_currency(each, currency)
            of(currency).tally.take(part)
            for line in part.lines:
                of(currency).add(line.account, line.of, line.minor, before=False)
    for (account, currency), minor in openings.items():
        if minor:
            of(currency).add(chart.account(account), account.of, minor, before=True)
    found = of(_currency(wanted.currency, surveys))
    found.others = tuple(sorted(surveys.keys() - {found.currency}))
    found.short = shortened(list(found.customers))
    return found


def _noted(entries: Iterable[Entry], openings: Sums, before: Known) -> Iterator[Entry]:
    """The entries, as they are added to what stood on a day before."""
    for entry in entries:
        openings.update(sums((entry,), before))
        yield entry


def _currency(wanted: str | None, found: Collection[str]) -> str:
    if wanted is None and len(found) > 1:
        raise Refused(
            "currencies-several",
            f"a file is in one currency, and these books are in {', '.join(sorted(found))}: "
            "make one of each, with --currency",
        )
    chosen_one = wanted or next(iter(found), DEFAULT_CURRENCY)
    if minor_digits(chosen_one) > MOST_DECIMALS:
        raise Refused("money-needs-decimals", f"the file has two decimals, {chosen_one} has more")
    return chosen_one
