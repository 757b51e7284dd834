"""What PayPal keeps of captures, and what it moves to the merchant's bank at the end of each day.

The balance is taken from the book, which knows when money moved. Transfers are made when somebody
looks: for every day (UTC) that is over by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import attrs

from domain.currencies import minor_digits
from infrastructure.simulators.book import Book, Movement

WITHOUT_DECIMALS = frozenset({"HUF", "JPY", "TWD"})
_DAY = timedelta(days=1)
_LAST_SECOND = timedelta(seconds=1)


@attrs.frozen
class Transfer:
    """One transfer to the bank. minor: minor units, more than zero. number: from 1."""

    number: int
    minor: int
    currency: str
    at: datetime


class Sweeps:
    """The transfers of one account. permille: the fee of a capture."""

    def __init__(self, permille: int) -> None:
        self._permille = permille
        self._balance: Counter[str] = Counter()
        self._covered = 0
        self._swept_to: datetime | None = None
        self.made: list[Transfer] = []

    def fee(self, minor: int, currency: str) -> int:
        """The fee of a capture, rounded half up to what PayPal can write of the currency."""
        step = 10 ** minor_digits(currency) if currency in WITHOUT_DECIMALS else 1
        thousandths = minor * self._permille
        return (thousandths + 500 * step) // (1000 * step) * step

    def take(self, book: Book, now: datetime) -> None:
        """Make the transfers of all days that are over; in the last second of each."""
        today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
        for entry in list(book.entries(self._covered)):
            if entry.at >= today:
                break
            self._end(entry.at)
            self._covered = entry.number
            match entry.movement:
                case Movement.CAPTURED:
                    kept = self.fee(entry.minor, entry.currency)
                    self._balance[entry.currency] += entry.minor - kept
                case Movement.REFUNDED | Movement.REVERSED:
                    self._balance[entry.currency] -= entry.minor
        self._end(today)

    def between(self, start: datetime, end: datetime) -> Iterator[Transfer]:
        """Those made from `start` to `end`, both included."""
        return (each for each in self.made if start <= each.at <= end)

    def _end(self, now: datetime) -> None:
        """What was left when the last day before this instant was over."""
        day = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
        before, self._swept_to = self._swept_to, max(day, self._swept_to or day)
        if before is None or day <= before:
            return
        for currency, minor in sorted(self._balance.items()):
            if minor > 0:
                self._balance[currency] = 0
                at = before + _DAY - _LAST_SECOND
                self.made.append(Transfer(len(self.made) + 1, minor, currency, at))
