"""The merchant's own chart of accounts: which number and name each account of the books has.

A chart only names; it changes no amount. Each of its accounts has the grouping code under which
the Norwegian SAF-T file files it. An account that no line of the chart takes up is an error: what
is left out of a report is how books come to lie.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from fractions import Fraction

import attrs

from domain.books.accounts import Account, Role
from domain.refusals import Refused


@attrs.frozen(kw_only=True)
class ChartAccount:
    """One line of a chart.

    number: e.g. "1500". of: which accounts of the role it takes up; "*" is anything, as in
    "paypal/*" or "*|NO-25".
    grouping_category, grouping_code: SAF-T Financial NO 1.30, `naeringsspesifikasjon`.
    """

    number: str
    name: str
    role: Role
    grouping_category: str
    grouping_code: str
    of: str = "*"


_STANDARD = re.compile(r"[0-9]{1,2}|NA")
_PERCENT = re.compile(r"(100|[0-9]{1,2})(\.[0-9]{1,4})?")


@attrs.frozen(kw_only=True)
class TaxCode:
    """How a tax class of the books is filed.

    rate: our rate code, e.g. "NO-25"; "untaxed" for what has no tax.
    standard: Norwegian standard tax code, e.g. "3"; "NA" where there is none.
    percent: of the net, as a decimal text, e.g. "11.11". name: for people.
    """

    rate: str
    standard: str
    percent: str
    name: str

    @property
    def share(self) -> Fraction:
        """The tax, as a part of the net."""
        return Fraction(self.percent) / 100


class Chart:
    """A whole chart. Refused: "chart-malformed"."""

    def __init__(self, accounts: Sequence[ChartAccount], tax_codes: Sequence[TaxCode] = ()) -> None:
        self.accounts = tuple(accounts)
        self.tax_codes = {each.rate: each for each in tax_codes}
        for code in tax_codes:
            _check_tax_code(code)
        self._found: dict[Account, ChartAccount] = {}
        for each in self.accounts:
            filed = (each.grouping_category, each.grouping_code)
            if not all(1 <= len(text) <= 70 for text in (each.number, each.name, each.of, *filed)):
                raise Refused("chart-malformed", f"account {each.number!r} has a part missing")
            if len(each.grouping_code) > 35:
                raise Refused("chart-malformed", f"account {each.number!r} has too long a code")
            if not all(text.isprintable() for text in (each.number, each.name, *filed)):
                raise Refused("chart-malformed", f"account {each.number!r} has signs not to print")
        named: dict[str, ChartAccount] = {}
        for each in self.accounts:
            other = named.setdefault(each.number, each)
            if (other.name, other.role, other.grouping_code) != (
                each.name,
                each.role,
                each.grouping_code,
            ):
                raise Refused("chart-malformed", f"two accounts have the number {each.number}")

    def account(self, account: Account) -> ChartAccount:
        """The line that takes an account up: the first in the chart's order.

        Refused: "account-unmapped".
        """
        found = self._found.get(account)
        if found is None:
            for each in self.accounts:
                if each.role is account.role and fnmatchcase(account.of, each.of):
                    self._found[account] = found = each
                    break
            else:
                raise Refused(
                    "account-unmapped", f"the chart of accounts has no place for {account}"
                )
        return found

    def tax_code(self, rate: str) -> TaxCode:
        """How a tax class is filed. Refused: "tax-unmapped"."""
        try:
            return self.tax_codes[rate]
        except KeyError:
            raise Refused("tax-unmapped", f"the chart's tax_codes have no {rate!r}") from None


def _check_tax_code(each: TaxCode) -> None:
    if not _STANDARD.fullmatch(each.standard) or not _PERCENT.fullmatch(each.percent):
        raise Refused("chart-malformed", f"tax code {each.rate!r} is not a code and a percentage")
    if each.share > 1:
        raise Refused("chart-malformed", f"tax code {each.rate!r} is more than 100 %")
    if not all(1 <= len(text) <= 70 and text.isprintable() for text in (each.rate, each.name)):
        raise Refused("chart-malformed", f"tax code {each.rate!r} is not 1-70 signs to print")
