"""The merchant's own chart of accounts: which number and name each account of the books has.

A chart only names; it changes no amount. Each of its accounts has the grouping code under which
the Norwegian SAF-T file files it. An account that no line of the chart takes up is an error: what
is left out of a report is how books come to lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

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


class Chart:
    """A whole chart. Refused: "chart-malformed"."""

    def __init__(self, accounts: Sequence[ChartAccount]) -> None:
        self.accounts = tuple(accounts)
        self._found: dict[Account, ChartAccount] = {}
        for each in self.accounts:
            filed = (each.grouping_category, each.grouping_code)
            if not all(1 <= len(text) <= 70 for text in (each.number, each.name, each.of, *filed)):
                raise Refused("chart-malformed", f"account {each.number!r} has a part missing")
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
