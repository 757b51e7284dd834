"""What late usage and corrections settle: the whole invoice of their time, worked out anew.

What it comes to with them, less what it came to without, by the discounts that it was issued under:
in money, in tax, and in what each discount takes off. How the rules get there is not followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from domain.subscription.events import InvoiceIssued, InvoiceLine, LineKind
from domain.taxes import TaxRate
from projections.auditing.book import Book, Coupon, Issued, Stretch
from projections.auditing.codes import Say
from projections.auditing.discounts import never_reduced, taken_off, takes_off
from projections.auditing.prices import (
    Expected,
    check_tax,
    check_worked_out,
    stated,
    sum_stated,
    tax_in,
    with_tax,
)

OF_USAGE = (LineKind.USAGE, LineKind.MINIMUM, LineKind.CAP)
_OWN = (
    LineKind.PERIOD,
    LineKind.TRIAL,
    LineKind.SETUP_FEE,
    LineKind.PRODUCT,
    LineKind.SHIPPING,
)
_SETTLED = "settled"


@attrs.frozen
class Sum:
    """What an invoice comes to, minor units.

    off: what each discount takes off, by its number. rates: of its lines. below: whether it came
        to less than nothing after one of its discounts.
    """

    to_pay: int = 0
    tax: int = 0
    off: Mapping[int, int] = attrs.field(factory=dict)
    rates: frozenset[TaxRate | None] = frozenset()
    below: bool = False


def issued_under(book: Book, event: InvoiceIssued) -> Issued:
    """An invoice as it is remembered; before its discounts count as used.

    A discount for a number of invoices is one of it where it took something off.
    """
    used = {int(each.item) for each in event.lines if takes_off(each) and each.item.isdigit()}
    lines = [each for each in event.lines if not takes_off(each)]
    of_its_time = [each.kind in OF_USAGE and each.working.policy != _SETTLED for each in lines]
    beside = [each for each, used in zip(lines, of_its_time, strict=True) if not used]
    return Issued(
        own=tuple(each for each in beside if each.kind in _OWN),
        others=tuple(each for each in beside if each.kind not in _OWN),
        coupons={
            number: Coupon(each.name, each.ppm, each.minor, None, each.spares)
            for number, each in book.coupons.items()
            if each.left is None or (each.left > 0 and number in used)
        },
    )


def comes_to(issued: Issued, usage: Iterable[Expected]) -> Sum:
    """What an invoice comes to with this usage on it."""
    prices = [_of_line(each) for each in issued.own]
    for line in usage:
        price = sum_stated((line,))
        prices.append((price, price, line.tax))
    prices += [_of_line(each) for each in issued.others]
    reducible = [minor for _, minor, _ in prices]
    taken = taken_off(reducible, issued.coupons, len(issued.others))
    off: dict[int, int] = {}
    for each in taken:
        for number, minor in each.items():
            off[number] = off.get(number, 0) + minor
    left = [
        (price - sum(each.values()), rate)
        for (price, _, rate), each in zip(prices, taken, strict=True)
    ]
    return Sum(
        to_pay=sum(with_tax(minor, rate) for minor, rate in left),
        tax=sum(tax_in(minor, rate) for minor, rate in left),
        off=off,
        rates=frozenset(rate for _, rate in left),
        below=any(_after(prices, taken, number) < 0 for number in off),
    )


def _of_line(line: InvoiceLine) -> tuple[int, int, TaxRate | None]:
    """Its price, what of it can be reduced, and its rate."""
    price = stated(line)
    return price, 0 if never_reduced(line) else price, line.tax.rate if line.tax else None


def _after(
    prices: list[tuple[int, int, TaxRate | None]], taken: list[dict[int, int]], last: int
) -> int:
    """What is to pay after the discounts up to one."""
    return sum(
        with_tax(price - sum(minor for n, minor in off.items() if n <= last), rate)
        for (price, _, rate), off in zip(prices, taken, strict=True)
    )


def check_nothing_late(book: Book, lines: tuple[InvoiceLine, ...], say: Say) -> None:
    """Usage that no invoice has billed adds nothing by itself."""
    if lines or book.unused is not None:
        say("usage-late-wrong", f"{len(lines)} lines, or a credit, for what is not billed yet")


def check_late(
    book: Book,
    lines: tuple[InvoiceLine, ...],
    stretch: Stretch,
    more: Mapping[str, int],
    sums: tuple[Sum, Sum],
    say: Say,
) -> None:
    """Lines, or a credit in front of them, that add up to what an invoice costs more or less.

    more: by meter, minor units before tax on top and before discounts. sums: before and after.
    """
    credit, (before, after) = book.unused, sums
    back = () if credit is None else credit.lines
    to_pay = after.to_pay - before.to_pay
    if credit is not None and lines:
        say("usage-late-wrong", "both a credit and lines")
    if not lines and credit is None and to_pay == 0 and _none_to_come(book):
        return  # no invoice has to say that nothing is owed
    signed = [*((1, each) for each in lines), *((-1, each) for each in back)]
    for _, line in signed:
        check_worked_out(line, say, what="late usage")
        if line.working.policy != _SETTLED:
            say("usage-late-wrong", f"{line.description!r} would be reduced once more")
    _check_units(signed, stretch, more, say)
    if sum(line.amount.minor for line in lines) < 0:
        say("usage-late-wrong", "less was billed than before, and no credit says so")
    # Where roundings would make the invoice less than nothing, less was taken off.
    if not before.below and not after.below:
        _check_sums(signed, before, after, say)


def _none_to_come(book: Book) -> bool:
    return book.announced is None and book.pause is None


def _check_units(
    signed: list[tuple[int, InvoiceLine]], stretch: Stretch, more: Mapping[str, int], say: Say
) -> None:
    """By meter, before discounts."""
    taxes = {each.code: each.tax for each in stretch.meters}
    added = dict.fromkeys(taxes, 0)
    for sign, line in signed:
        if line.kind in OF_USAGE and line.item in taxes:
            # The tax of what is taken back is that of what was charged.
            check_tax(line, taxes[line.item], say, what="late usage")
            added[line.item] += sign * stated(line)
        elif line.kind is not LineKind.DISCOUNT:
            say("usage-late-wrong", f"{line.description!r} is for {line.item!r}")
    for code, minor in added.items():
        if minor != more.get(code, 0):
            say("usage-late-wrong", f"{minor} minor units more for {code}, not {more.get(code, 0)}")


def _check_sums(signed: list[tuple[int, InvoiceLine]], before: Sum, after: Sum, say: Say) -> None:
    """Each discount, the tax, and the money."""
    off: dict[int, int] = {}
    for sign, line in signed:
        if line.kind is LineKind.DISCOUNT:
            number = int(line.item) if line.item.isdigit() else 0
            off[number] = off.get(number, 0) - sign * stated(line)
            if (None if line.tax is None else line.tax.rate) not in before.rates | after.rates:
                say("tax-wrong", f"late usage: {line.description!r} is taxed as nothing else")
    for number in {*off, *before.off, *after.off}:
        due = after.off.get(number, 0) - before.off.get(number, 0)
        if off.get(number, 0) != due:
            taken = off.get(number, 0)
            say("discount-wrong", f"late usage: discount {number} takes {taken} off, not {due}")
    amount = sum(sign * line.amount.minor for sign, line in signed)
    tax = sum(sign * line.tax.tax.minor for sign, line in signed if line.tax is not None)
    due = after.to_pay - before.to_pay
    if amount != due:
        say("usage-late-wrong", f"{amount} minor units for what its invoice costs {due} more")
    if tax != after.tax - before.tax:
        say("tax-wrong", f"late usage: {tax} minor units of tax, not {after.tax - before.tax}")
