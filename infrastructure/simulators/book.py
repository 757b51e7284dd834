"""What a simulator really did with money: the oracle for "nothing moved twice, nothing lost".

The book is the provider's own. Whatever the answer on the wire was, an entry is written when the
money moved, and only then. Entries are never changed. They are kept in columns, so that 250,000
of them take some 50 MB.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from sys import intern
from typing import IO, Any

import attrs

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Movement(Enum):
    """What happened to the payer's money. CAPTURED takes it, REFUNDED gives it back, REVERSED gives
    it back against the merchant's will."""

    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    DECLINED = "declined"
    VOIDED = "voided"
    REFUNDED = "refunded"
    REVERSED = "reversed"


_MOVEMENTS = tuple(Movement)
# Looked up by reference; captures have an index of their own, the rest is not asked for.
_BY_REFERENCE = frozenset({Movement.VOIDED, Movement.REFUNDED, Movement.REVERSED})


@attrs.frozen(kw_only=True)
class Entry:
    """One line of the book.

    number: from 1, without gaps. reference: the merchant's (invoice_id, merchant_reference); of a
        refund its own. minor: minor units that moved or were let go, which a fault may have made
        differ from what was asked.
    provider_id: of the capture, authorisation, refund or transaction. at: UTC, the simulator's
        clock.
    """

    number: int
    movement: Movement
    reference: str
    minor: int
    currency: str
    provider_id: str
    at: datetime

    def as_json(self) -> dict[str, Any]:
        """The entry as `GET /_book` and the JSONL file show it."""
        return {
            "number": self.number,
            "movement": self.movement.value,
            "reference": self.reference,
            "minor": self.minor,
            "currency": self.currency,
            "provider_id": self.provider_id,
            "at": self.at.isoformat(),
        }


class Book:
    """An append-only book in memory, and as JSON lines in a file if a path is given."""

    def __init__(self, path: Path | None = None) -> None:
        self._movements = array("B")
        self._references: list[str] = []
        self._minors = array("q")
        self._currencies: list[str] = []
        self._provider_ids: list[str] = []
        self._times = array("q")  # microseconds since 1970
        self._totals: dict[tuple[Movement, str], list[int]] = {}
        self._captured_at: dict[str, int] = {}  # reference -> number of its first capture
        self._repeats: dict[str, list[int]] = {}  # reference -> numbers of all, when several
        self._parts: dict[str, str] = {}  # reference -> authorisation that is captured in parts
        self._twice: set[str] = set()  # references captured again, and not as a part
        self._lines: dict[tuple[Movement, str], list[int]] = {}  # of what is rare
        self._file: IO[str] | None = (
            path.open("a", encoding="utf-8", buffering=1) if path else None  # a line is not lost
        )

    def __len__(self) -> int:
        return len(self._references)

    def write(
        self,
        movement: Movement,
        *,
        reference: str,
        minor: int,
        currency: str,
        provider_id: str,
        at: datetime,
        part_of: str = "",
    ) -> None:
        """Add a line. Fields: see Entry.

        part_of: the authorisation of which this is one of several captures; the simulator sees to
            it that they stay within it. Any other second capture was one too many.
        """
        self._movements.append(_MOVEMENTS.index(movement))
        self._references.append(reference)
        self._minors.append(minor)
        self._currencies.append(intern(currency))
        self._provider_ids.append(provider_id)
        self._times.append((at - _EPOCH) // _MICROSECOND)
        number = len(self._references)
        total = self._totals.setdefault((movement, currency), [0, 0])
        total[0] += 1
        total[1] += minor
        if movement is Movement.CAPTURED:
            self._note_capture(reference, number, part_of)
        if movement in _BY_REFERENCE:
            self._lines.setdefault((movement, reference), []).append(number)
        if self._file is not None:
            self._file.write(json.dumps(self.entry(number).as_json()) + "\n")

    def _note_capture(self, reference: str, number: int, part_of: str) -> None:
        first = self._captured_at.setdefault(reference, number)
        if first == number:
            if part_of:
                self._parts[reference] = part_of
            return
        self._repeats.setdefault(reference, [first]).append(number)
        if not part_of or self._parts.get(reference) != part_of:
            self._twice.add(reference)

    def entry(self, number: int) -> Entry:
        """The line of that number (from 1)."""
        place = number - 1
        return Entry(
            number=number,
            movement=_MOVEMENTS[self._movements[place]],
            reference=self._references[place],
            minor=self._minors[place],
            currency=self._currencies[place],
            provider_id=self._provider_ids[place],
            at=_EPOCH + self._times[place] * _MICROSECOND,
        )

    def entries(self, after: int = 0, limit: int | None = None) -> Iterator[Entry]:
        """Lines with numbers above `after`, in order, at most `limit` of them."""
        stop = len(self) if limit is None else min(len(self), after + limit)
        return (self.entry(number) for number in range(after + 1, stop + 1))

    def captures(self, reference: str) -> tuple[Entry, ...]:
        """Every capture under a reference: one, or the parts of one authorisation."""
        if reference in self._repeats:
            return tuple(self.entry(number) for number in self._repeats[reference])
        number = self._captured_at.get(reference)
        return () if number is None else (self.entry(number),)

    def refunds(self, reference: str) -> tuple[Entry, ...]:
        """Every refund under a refund's own reference: one at most."""
        return self._of(Movement.REFUNDED, reference)

    def reversals(self, reference: str) -> tuple[Entry, ...]:
        """Every reversal under a charge's reference."""
        return self._of(Movement.REVERSED, reference)

    def voids(self, reference: str) -> tuple[Entry, ...]:
        """Every void under a charge's reference: one at most."""
        return self._of(Movement.VOIDED, reference)

    def _of(self, movement: Movement, reference: str) -> tuple[Entry, ...]:
        return tuple(self.entry(number) for number in self._lines.get((movement, reference), ()))

    def captured_more_than_once(self) -> Mapping[str, list[int]]:
        """References that were charged several times, with the numbers of the lines."""
        return {reference: self._repeats[reference] for reference in self._twice}

    def refunded_more_than_once(self) -> Mapping[str, list[int]]:
        """References of refunds that were made several times, with the numbers of the lines."""
        return {
            reference: numbers
            for (movement, reference), numbers in self._lines.items()
            if movement is Movement.REFUNDED and len(numbers) > 1
        }

    def total(self, movement: Movement, currency: str) -> tuple[int, int]:
        """How many lines, and their sum in minor units."""
        count, minor = self._totals.get((movement, currency), (0, 0))
        return count, minor

    def summary(self) -> dict[str, Any]:
        """Totals by movement and currency, as `GET /_book/summary` shows them."""
        totals: dict[str, dict[str, dict[str, int]]] = {}
        for (movement, currency), (count, minor) in sorted(
            self._totals.items(), key=lambda item: (item[0][0].value, item[0][1])
        ):
            totals.setdefault(movement.value, {})[currency] = {"count": count, "minor": minor}
        return {
            "entries": len(self),
            "totals": totals,
            "captured_more_than_once": sorted(self._twice)[:100],
            "refunded_more_than_once": sorted(self.refunded_more_than_once())[:100],
        }

    def close(self) -> None:
        """Flush and close the file, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None
