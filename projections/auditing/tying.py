"""Whether the double entry ties to what the audit itself has added up, currency by currency.

The books are derived from the facts by rules of their own (domain/books), the audit's totals by
others. Where the facts are sound and both come to different sums, one of the rules is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from domain.books.accounts import Role, Unbalanced
from domain.recorded import Recorded
from domain.refusals import Refused
from projections.auditing.book import Totals
from projections.journal import Journal


class Tying:
    """A running comparison: `see` every fact, then ask for `differences`."""

    def __init__(self) -> None:
        self._journal = Journal()
        self._sums: Counter[tuple[Role, str]] = Counter()
        self._impossible: list[str] = []

    def see(self, recorded: Recorded[Any]) -> None:
        """Post the next fact of the log."""
        try:
            entry = self._journal.post(recorded)
        # Facts that contradict each other cannot be posted; the audit names them by itself.
        except (Unbalanced, KeyError, Refused) as error:
            words = f"position {recorded.position} cannot be posted: {error}"
            self._impossible.append(words)
            return
        for line in () if entry is None else entry.lines:
            self._sums[line.account.role, line.currency] += line.minor

    def differences(self, totals: Mapping[str, Totals]) -> tuple[str, ...]:
        """In words; none where all is well. totals: the audit's own, by currency."""
        found = list(self._impossible)
        for currency, sums in totals.items():
            taken = sums.kept + sums.paid_out
            expected = {
                Role.RECEIVABLE: sums.open,
                Role.CREDIT: -sums.credit,
                Role.REFUNDING: -sums.refunding,
                Role.CLEARING: sums.paid - sums.refunded - sums.reversed - taken,
                Role.FEES: sums.kept,
                Role.BANK: sums.paid_out,
                Role.BAD_DEBT: sums.written_off,
            }
            for role, minor in expected.items():
                if (posted := self._sums[role, currency]) != minor:
                    words = f"{posted} posted, {minor} by the facts"
                    found.append(f"{role.value} in {currency}: {words}")
        return tuple(found)
