"""What a number of units costs: one price, or tiers.

A tier prices the units that fall into it. GRADUATED: each unit at the price of its own tier.
VOLUME: all units at the price of the tier that the last one falls into. A tier may have a flat
fee, charged once when it is reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import attrs

from domain.money import Money
from domain.refusals import Refused

LARGEST_TIERS = 20
LARGEST_PER = 1_000_000_000


class Tiering(Enum):
    """See the module."""

    GRADUATED = "GRADUATED"
    VOLUME = "VOLUME"


@attrs.frozen(kw_only=True)
class Tier:
    """One step of a price list.

    up_to: the last unit that falls into it, or None for the last tier.
    unit_price: of `per` units, so that a fraction of a cent a unit can be agreed to.
    flat: once, when a unit falls into it; or None.
    """

    up_to: int | None
    unit_price: Money
    per: int = 1
    flat: Money | None = None


@attrs.frozen(kw_only=True)
class Part:
    """A part of a price: quantity x unit_price x times / per. words: which one it is, or ""."""

    quantity: int
    unit_price: Money
    times: int = 1
    per: int = 1
    words: str = ""


def priced(quantity: int, tiers: tuple[Tier, ...], tiering: Tiering) -> tuple[Part, ...]:
    """What a quantity costs by a list of tiers; nothing for no units."""
    if quantity <= 0:
        return ()
    if tiering is Tiering.VOLUME:
        return tuple(_parts(_tier_of(quantity, tiers), 1, quantity))
    return tuple(part for tier, first in _firsts(tiers) for part in _parts(tier, first, quantity))


def _tier_of(unit: int, tiers: tuple[Tier, ...]) -> Tier:
    return next(tier for tier in tiers if tier.up_to is None or unit <= tier.up_to)


def _firsts(tiers: tuple[Tier, ...]) -> Iterator[tuple[Tier, int]]:
    """Each tier with the first unit that falls into it."""
    first = 1
    for tier in tiers:
        yield tier, first
        first = 0 if tier.up_to is None else tier.up_to + 1


def _parts(tier: Tier, first: int, quantity: int) -> Iterator[Part]:
    """What the units from `first` on cost in a tier, and its flat fee."""
    last = quantity if tier.up_to is None else min(quantity, tier.up_to)
    if last < first:
        return
    words = f"units {first} to {last}"
    yield Part(quantity=last - first + 1, unit_price=tier.unit_price, per=tier.per, words=words)
    if tier.flat is not None:
        yield Part(quantity=1, unit_price=tier.flat, words=f"flat fee of {words}")


def check_tiers(tiers: tuple[Tier, ...], currency: str) -> None:
    """A list that prices every quantity, once.

    Raises: Refused("tiers-malformed"), Refused("currency-mixed").
    """
    if not 1 <= len(tiers) <= LARGEST_TIERS:
        raise Refused("tiers-malformed", f"a price list has 1 to {LARGEST_TIERS} tiers")
    reached = 0
    for tier in tiers[:-1]:
        if type(tier.up_to) is not int or tier.up_to <= reached:
            raise Refused("tiers-malformed", "each tier ends above the one before it")
        reached = tier.up_to
    if tiers[-1].up_to is not None:
        raise Refused("tiers-malformed", "the last tier has no end")
    for tier in tiers:
        _check_tier(tier, currency)


def _check_tier(tier: Tier, currency: str) -> None:
    flat = tier.flat
    if tier.unit_price.currency != currency or (flat is not None and flat.currency != currency):
        raise Refused("currency-mixed", f"a tier is not in {currency}")
    if tier.unit_price.minor < 0 or (flat is not None and flat.minor <= 0):
        raise Refused("tiers-malformed", "a tier costs something, or nothing, a unit")
    if type(tier.per) is not int or not 1 <= tier.per <= LARGEST_PER:
        raise Refused("tiers-malformed", f"a price is of 1 to {LARGEST_PER} units")
