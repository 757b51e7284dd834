"""What a plan is at one moment. How facts make it: folding.py."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import attrs

from domain.plan import Terms

# A withdrawal holds for periods that begin so long after it: a worker knows of it by then.
WITHDRAWAL_TAKES = timedelta(minutes=1)


@attrs.frozen(kw_only=True)
class Version:
    """A published version. available_from: UTC."""

    number: int
    terms: Terms
    available_from: datetime


@attrs.frozen(kw_only=True)
class Move:
    """An announced move. on: local day. withdrawn_at: UTC, or None while it stands."""

    from_version: int
    to_version: int
    on: date
    withdrawn_at: datetime | None = None

    def holds(self, day: date, instant: datetime) -> bool:
        """Whether it takes along a period that begins on this local day, at this UTC instant."""
        if day < self.on:
            return False
        return self.withdrawn_at is None or instant < self.withdrawn_at + WITHDRAWAL_TAKES


@attrs.frozen(kw_only=True)
class Plan:
    """One plan now. versions: in order, from 1. moves: in the order announced.

    retired_at: UTC instant from which on nobody starts on it, or None.
    """

    code: str
    versions: tuple[Version, ...] = ()
    retired_at: datetime | None = None
    moves: tuple[Move, ...] = ()

    def version(self, number: int) -> Version | None:
        """The version of that number."""
        return self.versions[number - 1] if 1 <= number <= len(self.versions) else None

    def standing(self, from_version: int) -> Move | None:
        """The move away from a version that is announced and not withdrawn; one at most."""
        return next((each for each in self.moves if _stands(each, from_version)), None)


def _stands(move: Move, from_version: int) -> bool:
    return move.from_version == from_version and move.withdrawn_at is None
