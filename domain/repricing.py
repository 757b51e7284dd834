"""The same terms at other prices: every one of them changed by the same factor.

Each price is rounded half up to the minor unit by itself, as prices are agreed to. What is no
price stays: quantities, tax, the balance or the usage at which something is billed.
"""

from __future__ import annotations

from fractions import Fraction

import attrs

from domain.money import Money, rounded
from domain.plan import Meter, Terms
from domain.prices import Tier


def repriced(terms: Terms, factor: Fraction) -> Terms:
    """Terms with every price times a factor: of periods, tiers, instalments and meters with their
    bounds, of what is charged once, and of a reload."""

    def of(price: Money) -> Money:
        return rounded(price.minor * factor, price.currency)

    def maybe(price: Money | None) -> Money | None:
        return None if price is None else of(price)

    def tiers_of(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
        return tuple(
            attrs.evolve(each, unit_price=of(each.unit_price), flat=maybe(each.flat))
            for each in tiers
        )

    def meter_of(meter: Meter) -> Meter:
        least, most = maybe(meter.minimum), maybe(meter.cap)
        return attrs.evolve(meter, tiers=tiers_of(meter.tiers), minimum=least, cap=most)

    once = (attrs.evolve(each, amount=of(each.amount)) for each in terms.one_time)
    reload = terms.reload
    return attrs.evolve(
        terms,
        price=of(terms.price),
        tiers=tiers_of(terms.tiers),
        meters=tuple(meter_of(each) for each in terms.meters),
        instalments=tuple(of(each) for each in terms.instalments),
        setup_fee=maybe(terms.setup_fee),
        one_time=tuple(once),
        reload=None if reload is None else attrs.evolve(reload, amount=of(reload.amount)),
    )
