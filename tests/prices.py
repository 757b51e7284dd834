"""Strategies for what terms charge: tiers, tax, meters, charges on the first invoice."""

from __future__ import annotations

from random import Random
from typing import Any

import attrs

from domain.money import Money
from domain.plan import Kind, Meter, OneTime, OneTimeKind, Terms, split_total
from domain.prices import Tier, Tiering
from domain.taxes import TaxRate

RATES = (
    TaxRate(code="NO-25", ppm=250_000, included=False),
    TaxRate(code="NO-15", ppm=150_000, included=True),
    TaxRate(code="TX-0825", ppm=82_500, included=False),
    TaxRate(code="ZERO", ppm=0, included=False),
)


def priced(terms: Terms, seed: int) -> Terms:
    """The same terms with other things to charge for, drawn by a number; 0: as they are."""
    if seed == 0:
        return terms
    draw = Random(seed)
    changes: dict[str, Any] = {"tax": draw.choice([None, *RATES])}
    if terms.kind is Kind.INSTALLMENT:
        if draw.random() < 0.5:
            assert terms.cycles is not None
            stated = split_total(terms.price, terms.cycles)
            if all(each.minor > 0 for each in stated):
                changes |= {"instalments": stated, "price": stated[0], "quantity": 1}
    elif draw.random() < 0.4:
        tiers = _tiers(draw, terms.currency, per=1)
        changes |= {
            "tiers": tiers,
            "tiering": draw.choice(list(Tiering)),
            "price": tiers[0].unit_price,
            "quantity": draw.choice([1, 3, 5, 12]),
        }
    if terms.kind is Kind.RECURRING:
        changes["variable"] = draw.random() < 0.5
        count = draw.choice([0, 1, 1, 1, 2])
        changes["meters"] = tuple(_meter(draw, terms.currency, n) for n in range(count))
    if draw.random() < 0.3:
        changes["one_time"] = tuple(
            OneTime(
                kind=kind,
                description=kind.value.lower(),
                amount=Money(draw.randint(1, 9999), terms.currency),
                tax=draw.choice([None, *RATES]),
            )
            for kind in OneTimeKind
        )
    return attrs.evolve(terms, **_charging(terms, changes))


def with_threshold(terms: Terms, seed: int) -> Terms:
    """The same terms with meters of one price each, billed at a threshold."""
    draw = Random(seed)
    agreed = priced(terms, seed)
    meters = tuple(
        Meter(
            code=code,
            description=code,
            unit="unit",
            tiers=(Tier(up_to=None, unit_price=_cents(draw, terms), per=draw.choice([1, 1, 7])),),
            tax=draw.choice([None, *RATES]),
        )
        for code in ("data", "calls")[: draw.choice([1, 1, 2])]
    )
    most = Money(draw.choice([1, 500, 4000, 50_000]), terms.currency)
    return attrs.evolve(agreed, meters=meters, threshold=most)


def _cents(draw: Random, terms: Terms) -> Money:
    return Money(draw.choice([1, 15, 40, 999]), terms.currency)


def _charging(terms: Terms, changes: dict[str, Any]) -> dict[str, Any]:
    """Without what `check_terms` refuses: a price of nothing that nothing makes vary."""
    price = changes.get("price", terms.price)
    if price.minor == 0 and not changes.get("variable") and not changes.get("meters"):
        return {name: each for name, each in changes.items() if name not in ("tiers", "price")}
    return changes


def _tiers(draw: Random, currency: str, per: int) -> tuple[Tier, ...]:
    ends = [*sorted(draw.sample(range(1, 200), draw.choice([0, 1, 2]))), None]
    return tuple(
        Tier(
            up_to=end,
            unit_price=Money(draw.choice([1, 15, 25, 40, 999]), currency),
            per=per,
            flat=draw.choice([None, None, Money(500, currency)]),
        )
        for end in ends
    )


def _meter(draw: Random, currency: str, number: int) -> Meter:
    least, most = draw.choice([(None, None), (None, None), (700, None), (None, 2500), (300, 4000)])
    return Meter(
        code=("data", "calls")[number],
        description=("Data", "Calls")[number],
        unit=("GB", "call")[number],
        tiers=_tiers(draw, currency, per=draw.choice([1, 1, 7, 1000])),
        tiering=draw.choice(list(Tiering)),
        minimum=None if least is None else Money(least, currency),
        cap=None if most is None else Money(most, currency),
        tax=draw.choice([None, *RATES]),
    )


def dearer_meters(terms: Terms) -> Terms:
    """The same meters at twice the price; without bounds."""
    meters = tuple(
        attrs.evolve(
            meter,
            minimum=None,
            cap=None,
            tiers=tuple(
                attrs.evolve(
                    tier, unit_price=Money(tier.unit_price.minor * 2, tier.unit_price.currency)
                )
                for tier in meter.tiers
            ),
        )
        for meter in terms.meters
    )
    return attrs.evolve(terms, meters=meters)
