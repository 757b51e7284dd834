"""What all requests are made of: strict messages, amounts, intervals."""

from __future__ import annotations

import msgspec

from domain.calendar import Interval, Unit
from domain.money import Money
from infrastructure.digests import digest_of


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of requests."""

    def digest(self, *where: str) -> bytes:
        """SHA-256 of what is asked, whatever the order and spacing of the JSON was."""
        return digest_of(*where, msgspec.json.encode(self, order="sorted"))


class Amount(Asked):
    """Minor units (cents, øre, whole yen) of a currency."""

    minor: int
    currency: str

    def money(self) -> Money:
        """As the domain has it. Raises: Refused."""
        return Money(self.minor, self.currency)


class Every(Asked):
    """An interval: every `count` units."""

    unit: Unit
    count: int = 1

    def interval(self) -> Interval:
        """As the domain has it."""
        return Interval(self.unit, self.count)


def money_of(amount: Amount | None) -> Money | None:
    """An amount that may be left out. Raises: Refused."""
    return None if amount is None else amount.money()
