"""What stated terms come to: the price that tiers or instalments say, the kind, the total.

Shared by messages, customer files and the command line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from domain.money import Money, parse_money
from domain.plan import Kind, Terms, one_time_total, split_total
from domain.prices import Tier
from domain.refusals import Refused

MOST_PAYMENTS = 999
_TIER = re.compile(
    r"(?P<up_to>\d{1,12}|\*):(?P<price>[0-9.]+)(?:/(?P<per>\d{1,10}))?(?:\+(?P<flat>[0-9.]+))?"
)


def kind_of(
    stated: Kind | None,
    *,
    variable: bool,
    metered: bool,
    cycles: int | None,
    instalments: bool,
    threshold: bool = False,
    reload: bool = False,
) -> Kind:
    """As it is stated; else as the rest of the terms says."""
    if stated is not None:
        return stated
    if threshold or reload:
        return Kind.THRESHOLD if threshold else Kind.UNSCHEDULED
    if variable or metered:
        return Kind.RECURRING
    return Kind.SUBSCRIPTION if cycles is None and not instalments else Kind.INSTALLMENT


def price_of(stated: Money | None, tiers: Sequence[Tier], instalments: Sequence[Money]) -> Money:
    """The price of terms: as it is stated, a unit's in the first tier, or the largest instalment.

    Raises: Refused("price-missing"), Refused("price-ambiguous").
    """
    if tiers and instalments:
        raise Refused("price-ambiguous", "instalments are not priced by tiers")
    said = tiers[0].unit_price if tiers else None
    if instalments:
        said = max(instalments, key=lambda each: each.minor)
    price = said if stated is None else stated
    if price is None:
        raise Refused("price-missing", "give the price of a unit and period")
    if said is not None and price != said:
        what = "a unit's in the first tier" if tiers else "the largest instalment"
        raise Refused("price-ambiguous", f"the price is {what}, {said}, not {price}")
    return price


def instalments_of(total: Money, cycles: int | None) -> tuple[Money, ...]:
    """A total in payments that add up to it.

    Raises: Refused("cycles-missing"); Refused("instalments-malformed") for less than a minor unit
        a payment.
    """
    if cycles is None or not 1 <= cycles <= MOST_PAYMENTS:
        raise Refused("cycles-missing", f"an instalment plan has 1 to {MOST_PAYMENTS} payments")
    if total.minor < cycles:
        raise Refused("instalments-malformed", f"{total} is less than a minor unit a payment")
    return split_total(total, cycles)


def check_one_time_total(terms: Terms, stated: Money | None) -> None:
    """What is charged once, with tax, as it is stated.

    Raises: Refused("one-time-total-wrong").
    """
    if stated is not None and stated != (due := one_time_total(terms)):
        raise Refused(
            "one-time-total-wrong", f"what is charged once comes to {due} with tax, not {stated}"
        )


def parse_tiers(text: str, currency: str) -> tuple[Tier, ...]:
    """A price list such as "10:5.00 100:4.00+20.00 *:0.50/1000".

    Each step is LAST_UNIT:PRICE[/UNITS][+FLAT]; the last unit of the last step is *.
    Raises: Refused("tiers-malformed"), and the codes of parse_money.
    """
    tiers = []
    for part in text.split():
        match = _TIER.fullmatch(part)
        if match is None:
            words = f'{part[:40]!r} is not like "10:5.00", "*:0.50/1000", "*:4.00+20.00"'
            raise Refused("tiers-malformed", words)
        up_to, per, flat = match["up_to"], match["per"], match["flat"]
        tiers.append(
            Tier(
                up_to=None if up_to == "*" else int(up_to),
                unit_price=parse_money(match["price"], currency),
                per=1 if per is None else int(per),
                flat=None if flat is None else parse_money(flat, currency),
            )
        )
    return tuple(tiers)
