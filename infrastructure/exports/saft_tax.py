"""Which lines of an entry carry tax, and how much: by tax class, on the lines that it is of.

A posting has one line of VAT a tax class. The file wants it with the net that it was reckoned
from: each such line gets its rate's share, the largest whatever is left by rounding. They add up
to the line of VAT. Where every net is gone (a discount of all of it), VAT tells of itself.
"""

from __future__ import annotations

from collections import defaultdict

import attrs

from domain.books.accounts import Role
from domain.books.chart import Chart, TaxCode
from domain.money import rounded
from infrastructure.exports.transactions import Posted, Transaction

UNTAXED = "untaxed"
_NET = (Role.DEFERRED, Role.GOODWILL)


@attrs.frozen
class Taxed:
    """A line's tax. base: the net; tax: of it. Minor units; debits are positive."""

    code: TaxCode
    base: int
    tax: int


def taxes_of(each: Transaction, chart: Chart) -> dict[int, Taxed]:
    """By the line's place in the transaction. Refused: "tax-unmapped".

    What is earned moves what was billed, and carries no tax a second time.
    """
    if each.position is None:
        return {}
    nets: defaultdict[str, list[int]] = defaultdict(list)
    vats: dict[str, int] = {}
    for place, line in enumerate(each.lines):
        if line.account.role is Role.VAT:
            vats[line.of] = place
        elif line.account.role in _NET:
            nets[line.of.rpartition("|")[2]].append(place)
    found: dict[int, Taxed] = {}
    for rate in dict.fromkeys((*nets, *vats)):
        if rate == UNTAXED and rate not in vats and rate not in chart.tax_codes:
            continue
        code, vat = chart.tax_code(rate), vats.get(rate)
        tax = 0 if vat is None else each.lines[vat].minor
        if rate in nets:
            found.update(_shared(code, tax, nets[rate], each.lines))
        elif vat is not None:
            found[vat] = Taxed(code, 0, tax)
    return found


def _shared(
    code: TaxCode, tax: int, places: list[int], lines: tuple[Posted, ...]
) -> dict[int, Taxed]:
    largest = max(places, key=lambda place: abs(lines[place].minor))
    found = {
        place: Taxed(code, net.minor, rounded(net.minor * code.share, net.currency).minor)
        for place in places
        for net in (lines[place],)
    }
    left = tax - sum(each.tax for each in found.values())
    found[largest] = attrs.evolve(found[largest], tax=found[largest].tax + left)
    return found
